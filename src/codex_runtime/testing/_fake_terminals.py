"""The `thread/backgroundTerminals/*` requests that the fake app-server plays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_runtime.testing._fake_params import need, need_thread_id, text_or_none
from codex_runtime.testing._fake_threads import Handler, RequestId, loaded_thread
from codex_runtime.testing._fake_wire import Refused
from codex_runtime.testing._json import Json

if TYPE_CHECKING:
    from codex_runtime.testing._fake_process import FakeProcess

__all__ = ["TERMINAL_HANDLERS"]

_LIST = "thread/backgroundTerminals/list"
_TERMINATE = "thread/backgroundTerminals/terminate"
_CLEAN = "thread/backgroundTerminals/clean"


def _list(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    _check(process, _LIST, params)
    cursor, limit = text_or_none(params, "cursor"), params.get("limit")
    thread = loaded_thread(process, params)
    after = 0 if cursor is None else _number(cursor, "cursor")
    # By process id, which is also what the cursor is.
    found = [each for number, each in sorted(thread.terminals.items()) if number > after]
    page = found[: max(1, limit)] if isinstance(limit, int) else found
    process.wire.result(
        request_id,
        {
            "data": [each.as_json() for each in page],
            "nextCursor": str(page[-1].process_id) if len(page) < len(found) else None,
        },
    )


def _terminate(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    need(params, "threadId")
    need(params, "processId")
    wanted = text_or_none(params, "processId") or ""
    _check(process, _TERMINATE, params)
    number = _number(wanted, "background terminal process id")
    terminal = loaded_thread(process, params).terminals.pop(number, None)
    process.wire.result(request_id, {"terminated": terminal is not None})
    if terminal is not None:
        terminal.kill("terminate")


def _clean(process: FakeProcess, request_id: RequestId, params: Json) -> None:
    _check(process, _CLEAN, params)
    thread = loaded_thread(process, params)
    process.wire.result(request_id, {})
    terminals = [*thread.terminals.values()]
    thread.terminals.clear()
    for terminal in terminals:
        terminal.kill("clean")


def _check(process: FakeProcess, method: str, params: Json) -> None:
    need(params, "threadId")
    if not process.experimental:
        raise Refused(f"{method} requires experimentalApi capability")
    need_thread_id(params)


def _number(text: str, what: str) -> int:
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not text:
        raise Refused(f"invalid {what}: cannot parse integer from empty string")
    if not (digits.isascii() and digits.isdigit()):
        raise Refused(f"invalid {what}: invalid digit found in string")
    return int(text)


TERMINAL_HANDLERS: dict[str, Handler] = {
    _CLEAN: _clean,
    _LIST: _list,
    _TERMINATE: _terminate,
}
"""What plays each request."""
