"""What a runtime offers about the requests of its server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from codex_runtime._runtime_base import RuntimeBase
from codex_runtime.errors import RequestNotFound

if TYPE_CHECKING:
    from codex_runtime._deciders import RequestStream
    from codex_runtime._server_request import ServerRequest
    from codex_runtime.answers import Answer

__all__ = ["RequestAccess"]


class RequestAccess(RuntimeBase):
    """The part of `Runtime` that is about what the server asks."""

    def pending_requests(self) -> tuple[ServerRequest, ...]:
        """The requests of the server that are open, in the order in which they came.

        Those are among them that an approver is deciding about right now: whoever answers first
        counts.

        Raises:
            RuntimeClosed: The runtime has not been opened.
        """
        broker = self._client.broker
        return broker.pending if broker else ()

    def requests(self) -> RequestStream:
        """The requests that no approver has decided, as they are left open.

        While somebody listens they stay open until their deadline, instead of being refused at
        once. `async for request in runtime.requests(): …`; where listening has to end at a certain
        point, use it as `async with`.

        Raises:
            RuntimeClosed: The runtime is not open.
        """
        from codex_runtime._deciders import RequestStream  # noqa: PLC0415 — see runtime.py

        client = self._client
        client.peer  # noqa: B018 — raises where there is no connection
        return RequestStream(client.deciders)

    def respond(
        self, request_id: str, answer: Answer | Mapping[str, Any], *, by: str = "caller"
    ) -> None:
        """Answer a request by its name, for those who have no more than that; see `ServerRequest.respond`.

        Args:
            request_id: As in `ServerRequest.request_id`.
            answer: One that fits this kind of request.
            by: Who decides, for the audit.

        Raises:
            RequestNotFound: No such request is open here, nor was settled a short while ago.
            RequestSettled: It needs no answer any more.
            InvalidAnswer: The answer does not fit. Nothing was sent; the request is open still.
            RuntimeClosed: The runtime has not been opened.
        """
        broker = self._client.broker
        if broker is None:
            raise RequestNotFound(request_id)
        broker.find(request_id).respond(answer, by=by)
