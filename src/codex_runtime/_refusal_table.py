"""What a refusal of the server means: its words, and what they say of the thread and the turn.

Nearly all refusals have one code (fact 11), so the words decide. They were the same from codex
0.154 to 0.169, where the rows do not say otherwise; what no row knows stays a `RequestRefused`.
"""

import re
from typing import Any, Final, NamedTuple, cast

import msgspec

from codex_runtime._connection import UNREADABLE, RpcError
from codex_runtime.errors import (
    AccountNeeded,
    CodexRuntimeError,
    CommandEnded,
    CommandNotStarted,
    ConfigurationRefused,
    ExperimentalApiNeeded,
    InputTooLarge,
    InvalidCursor,
    InvalidRequest,
    InvalidThreadId,
    NoActiveTurn,
    NotSupportedByThread,
    RequestRefused,
    ServerDraining,
    ServerFileError,
    ServerFileMissing,
    ServerOverloaded,
    ThreadArchived,
    ThreadBusyElsewhere,
    ThreadHasActiveWriter,
    ThreadHasForks,
    ThreadNotFound,
    ThreadNotLoaded,
    TurnNotFound,
    TurnNotSteerable,
    UnexpectedTurn,
    UnsupportedByServer,
)

__all__ = ["ROWS", "Row", "refusal_error"]


class Row(NamedTuple):
    """One kind of refusal.

    Attributes:
        kind: What it becomes.
        words: What its message begins with. Named groups are attributes of `kind`.
        methods: The methods that it is told apart for, as a pattern; empty for all.
        code: Its code, where that tells; 0 for any.
        facts: Further attributes of `kind`.
    """

    kind: type[RequestRefused]
    words: str
    methods: str = ""
    code: int = 0
    facts: tuple[tuple[str, Any], ...] = ()


_ID: Final = r"(?P<thread_id>[^\s:'`]+)"
_TURN: Final = r"['`]?(?P<turn_id>[^\s:'`]+)['`]?"

_EPHEMERAL: Final = (("thread_kind", "ephemeral"),)
_LEGACY: Final = (("thread_kind", "legacy"),)
_PAGINATED: Final = (("thread_kind", "paginated"),)
_EMPTY: Final = (("thread_kind", "empty"),)

_OS_ERROR: Final = r"(?s:.*)\(os error (?P<errno>\d+)\)"

_METHOD: Final = "%METHOD%"
"""In the words of a row: the method of the request."""

_OVERLOADED: Final = -32001

ROWS: Final = (
    Row(ServerOverloaded, "", code=_OVERLOADED),
    Row(ServerDraining, "Server is draining"),
    Row(UnsupportedByServer, f"Invalid request: unknown variant `{_METHOD}`, expected one of"),
    Row(InvalidRequest, "Invalid request: "),
    Row(ExperimentalApiNeeded, r"(?P<feature>\S+) requires experimentalApi capability"),
    Row(InvalidThreadId, r"invalid (?:thread|session) id: "),
    # The queue reads the thread's record on its way, and wraps what that says.
    Row(
        ThreadNotFound,
        rf"(?:failed to read thread: .*)?no (?:archived )?rollout found for thread id {_ID}",
    ),
    # Threads that are on record can be read without being loaded.
    Row(ThreadNotFound, rf"thread not loaded: {_ID}"),
    Row(
        ThreadNotFound,
        rf"thread not found: {_ID}",
        methods="thread/(goal|section|metadata|attachment)/.*",
    ),
    Row(ThreadNotLoaded, rf"thread not found: {_ID}"),
    Row(ThreadNotLoaded, "resume the thread before "),
    Row(ThreadArchived, rf"(?:session|thread) {_ID} is archived"),
    Row(
        ThreadBusyElsewhere,
        rf"thread {_ID} already has an active writer",
        # A process may do these to a thread of its own; only `thread/unarchive` it may not.
        methods="thread/(resume|archive|delete)",
    ),
    Row(ThreadHasActiveWriter, rf"thread {_ID} already has an active writer"),
    Row(ThreadHasForks, rf"cannot delete thread {_ID}: forked history still references it"),
    Row(
        NotSupportedByThread,
        rf"ephemeral threads? do(?:es)? not support [^:]+(?:: {_ID})?",
        facts=_EPHEMERAL,
    ),
    Row(
        NotSupportedByThread,
        rf"thread is not persisted and cannot be deleted: {_ID}",
        facts=_EPHEMERAL,
    ),
    # These three are about `thread/rollback`, which 0.163 has no more, or of 0.154.
    Row(
        NotSupportedByThread,
        "thread rollback requires persisted thread history",
        facts=_EPHEMERAL,
    ),
    Row(NotSupportedByThread, "paginated threads do not support ", facts=_PAGINATED),
    Row(NotSupportedByThread, r"\S+ only supports paginated threads", facts=_LEGACY),
    Row(NotSupportedByThread, rf"thread {_ID} is not materialized yet", facts=_EMPTY),
    Row(NotSupportedByThread, r"(?:list_turns|thread/\S+) is not supported yet", code=-32601),
    Row(TurnNotFound, rf"turn not found: {_TURN}"),
    Row(TurnNotFound, rf"(?:last|before)TurnId {_TURN} was not found in the source thread"),
    Row(NoActiveTurn, "no active turn to "),
    Row(
        UnexpectedTurn,
        r"expected active turn id `?(?P<expected>[^\s`]*)`? but found `?(?P<found>[^\s`]+)`?",
    ),
    Row(TurnNotSteerable, r"cannot steer a (?P<turn_kind>\w+) turn"),
    Row(
        TurnNotSteerable,
        r"failed to submit turn input: ActiveTurnNotSteerable \{ turn_kind: (?P<turn_kind>\w+) \}",
    ),
    Row(InvalidCursor, r"invalid (?:[\w ]+ )?cursor\b"),
    Row(InvalidCursor, r"cursor \d+ exceeds total "),
    Row(
        ConfigurationRefused,
        "failed to (?:load configuration|reload config|read configuration layers): ",
    ),
    Row(ConfigurationRefused, "[Ii]nvalid configuration: "),
    Row(ConfigurationRefused, "Configuration was modified since last read"),
    Row(AccountNeeded, r"(?:codex account|chatgpt) authentication required\b"),
    Row(AccountNeeded, "remote control requires ChatGPT authentication"),
    Row(CommandNotStarted, f"failed to spawn (?:command|process): {_OS_ERROR}"),
    Row(CommandNotStarted, "failed to spawn (?:command|process): "),
    Row(CommandEnded, "no active (?:command/exec for process id|process for process handle) "),
    Row(CommandEnded, "(?:command/exec|process) .* is no longer running"),
    Row(ServerFileMissing, r".*\(os error (?P<errno>2)\)", methods="fs/.*"),
    Row(ServerFileError, _OS_ERROR, methods="fs/.*"),
    # Whatever else is said of one: that a path is not a file, that a copy would have no end.
    Row(ServerFileError, "", methods="fs/(?!watch|unwatch).*"),
)
"""In order: the first that fits."""


class _Addressed(msgspec.Struct, rename="camel"):
    """Parameters, as far as they name a thread."""

    thread_id: str = ""


_addressed = msgspec.json.Decoder(_Addressed).decode


def refusal_error(
    method: str, refusal: RpcError, params: bytes, codex_version: str | None
) -> CodexRuntimeError:
    """Tell what a refusal means.

    Args:
        method: The wire name of the request.
        refusal: What the server answered.
        params: What was asked, as it was sent: it names the thread where the answer does not.
        codex_version: Who answered.
    """
    data = _members(refusal.data)
    if data.get("input_error_code") == "input_too_large":
        return InputTooLarge(
            max_chars=_number(data.get("max_chars")), actual_chars=_number(data.get("actual_chars"))
        )
    kind, facts = _meaning(method, refusal, data)
    if hasattr(kind, "thread_id") and not facts.get("thread_id"):
        facts["thread_id"] = _thread_in(params)
    if hasattr(kind, "codex_version"):
        facts["codex_version"] = codex_version
    return kind(method, refusal.code, refusal.message, refusal.data, **facts)


def _meaning(
    method: str, refusal: RpcError, data: dict[str, Any]
) -> tuple[type[RequestRefused], dict[str, Any]]:
    # What is said in data does not depend on anybody's wording.
    if reason := data.get("config_write_error_code"):
        return ConfigurationRefused, {"reason": str(reason)}
    if data.get("reason") == "serverShuttingDown":
        return ServerDraining, {}
    for row in ROWS:
        found = _fits(row, method, refusal)
        if found:
            return row.kind, {**_spoken(found), **dict(row.facts)}
    return RequestRefused, {}


def _fits(row: Row, method: str, refusal: RpcError) -> re.Match[str] | None:
    if row.code not in {0, refusal.code} or not re.fullmatch(row.methods or ".*", method):
        return None
    return re.match(row.words.replace(_METHOD, re.escape(method)), refusal.message)


def _spoken(found: re.Match[str]) -> dict[str, Any]:
    said: dict[str, Any] = {
        name: text for name, text in found.groupdict().items() if text is not None
    }
    if "errno" in said:
        said["errno"] = int(said["errno"])
    if "turn_kind" in said:
        # The words of `turn/start` spell it as Rust does.
        said["turn_kind"] = said["turn_kind"].lower()
    return said


def _members(data: object) -> dict[str, Any]:
    return cast("dict[str, Any]", data) if isinstance(data, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _thread_in(params: bytes) -> str:
    try:
        return _addressed(params).thread_id
    except UNREADABLE:
        return ""
