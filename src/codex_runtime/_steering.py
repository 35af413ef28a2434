"""Adding to a turn while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from codex_runtime import protocol
from codex_runtime._arguments import without_none
from codex_runtime._client import Client
from codex_runtime._feed import TurnFeed
from codex_runtime._outgoing import encode
from codex_runtime._prepared_input import prepared_input
from codex_runtime.errors import InvalidArgument, RemoteProtocolError, RequestTimeout
from codex_runtime.inputs import TurnInput
from codex_runtime.protocol import methods

if TYPE_CHECKING:
    from codex_runtime.protocol.types import TurnSteerParams

__all__ = ["Steering"]

_METHOD = methods.TURN_STEER.method


class Steering:
    """Something that a turn is told while it runs.

    Args:
        thread_id: The thread.
        turn_id: The turn that has to be the active one.
        input: As given by the caller.
        client_id: Likewise.
    """

    def __init__(
        self, thread_id: str, turn_id: str, input: TurnInput, client_id: str | None
    ) -> None:
        self._thread_id = thread_id
        self._turn_id = turn_id
        self._input = input
        self._client_id = client_id

    async def send(self, client: Client, feed: TurnFeed | None, seconds: float) -> str:
        """Send it, once the turn has started; return the id of the turn that has taken it.

        Args:
            client: Of the runtime.
            feed: Of the turn, if it is followed here: it tells when the turn has started.
            seconds: For all of it.
        """
        params = await self._params(client)
        encode(params)
        client.peer  # noqa: B018 — raises where there is no connection
        with anyio.move_on_after(seconds):
            if feed is not None:
                await feed.started.wait()
            answer = await client.request(methods.TURN_STEER, params, timeout=seconds)
            if not answer.turn_id:
                raise RemoteProtocolError(_METHOD, "it names no turn")
            if answer.turn_id != self._turn_id:
                raise RemoteProtocolError(_METHOD, "it names another turn than the one steered")
            return answer.turn_id
        raise RequestTimeout(_METHOD, seconds)

    async def _params(self, client: Client) -> TurnSteerParams:
        cwd = client.live(self._thread_id).scope.cwd
        prepared = await prepared_input(self._input, cwd=cwd, remote=client.remote)
        if not prepared.items:
            raise InvalidArgument(
                "input", "holds nothing but messages from outside", "say what they are for"
            )
        return protocol.TurnSteerParams(
            thread_id=self._thread_id,
            expected_turn_id=self._turn_id,
            input=prepared.items,
            **without_none(
                additional_context=dict(prepared.additional_context) or None,
                client_user_message_id=self._client_id,
            ),
        )
