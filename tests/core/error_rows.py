"""One of each error, with what it holds and says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from codex_runtime.errors import (
    AccountNeeded,
    AttachmentMissing,
    AttachmentTooLarge,
    BlockedByHook,
    CodexNotFound,
    CodexRuntimeError,
    CommandEnded,
    CommandNotStarted,
    ConfigurationRefused,
    ConnectionLost,
    EmptyInput,
    EventsLost,
    ExperimentalApiNeeded,
    HandshakeTimeout,
    IncompatibleCodexVersion,
    IncompatibleHook,
    InputTooLarge,
    InvalidAnswer,
    InvalidArgument,
    InvalidCursor,
    InvalidParams,
    InvalidRequest,
    InvalidRules,
    InvalidThreadId,
    InvalidTool,
    LocalProtocolError,
    LoginFailed,
    LoginTimedOut,
    NoActiveTurn,
    NotSupportedByThread,
    PolicyMismatch,
    RemoteProtocolError,
    RequestNotFound,
    RequestRefused,
    RequestSettled,
    RequestTimeout,
    RuntimeClosed,
    SandboxNotAllowed,
    ServerDraining,
    ServerFileError,
    ServerFileMissing,
    ServerOverloaded,
    StartupFailed,
    ThreadArchived,
    ThreadBusyElsewhere,
    ThreadHasActiveWriter,
    ThreadHasForks,
    ThreadIdMismatch,
    ThreadNotFound,
    ThreadNotLoaded,
    TurnFailed,
    TurnInProgress,
    TurnNotFound,
    TurnNotSteerable,
    TurnTimedOut,
    UnexpectedTurn,
    UnsendableValue,
    UnsupportedByServer,
    WorkingDirectoryMissing,
)
from codex_runtime.protocol import AgentMessageItem, TurnError
from codex_runtime.state import TurnResult
from codex_runtime.usage import TokenUsage

__all__ = ["CANARY", "ROWS", "Row"]

CANARY = "canary-payload"
"""Stands in what an error holds for programs and must not show to people."""


def result(status: Any, error: TurnError | None = None) -> TurnResult:
    return TurnResult(
        status=status,
        text=CANARY,
        items=(AgentMessageItem(id="i", text=CANARY),),
        abandoned=(),
        usage=TokenUsage(total_tokens=5),
        diff=CANARY,
        error=error,
        thread_id="t1",
        turn_id="u1",
        duration=1.5,
    )


RETRIED = TurnError(message="Reconnecting... 2/5", additional_details="Name does not resolve")


class Row(NamedTuple):
    make: Callable[[], CodexRuntimeError]
    attributes: dict[str, Any]
    text: str


ROWS = [
    Row(lambda: CodexRuntimeError("anything"), {"args": ("anything",)}, "anything"),
    Row(
        lambda: InvalidArgument("effort", "is 5", "use text"),
        {"field": "effort", "problem": "is 5", "fix": "use text"},
        "effort is 5; use text",
    ),
    Row(lambda: InvalidArgument("effort", "is 5"), {"fix": ""}, "effort is 5"),
    Row(EmptyInput, {"field": "input"}, "input is empty; say what the turn should do"),
    Row(
        lambda: WorkingDirectoryMissing(path="/no/such"),
        {"field": "cwd", "path": "/no/such"},
        "cwd /no/such is not a folder; create it, or name another",
    ),
    Row(
        lambda: SandboxNotAllowed(problem="needs a word", fix="say it"),
        {"field": "sandbox", "problem": "needs a word", "fix": "say it"},
        "sandbox needs a word; say it",
    ),
    Row(
        lambda: UnsendableValue("params.input[0].text", "is nan", "JSON has no such number"),
        {"field": "params.input[0].text", "problem": "is nan"},
        "params.input[0].text is nan; JSON has no such number",
    ),
    Row(
        lambda: TurnInProgress("t1", "u1"),
        {"thread_id": "t1", "turn_id": "u1"},
        "thread t1 is busy with turn u1; wait for its end, interrupt it, or use another thread",
    ),
    Row(
        lambda: TurnInProgress("t1"),
        {"turn_id": None},
        "thread t1 is busy with a turn; wait for its end, interrupt it, or use another thread",
    ),
    Row(RuntimeClosed, {"reason": "the runtime is closed"}, "the runtime is closed"),
    Row(lambda: RuntimeClosed("not open"), {"reason": "not open"}, "not open"),
    Row(
        lambda: CodexNotFound(tried=("PATH: nothing", "wheel: none")),
        {"tried": ("PATH: nothing", "wheel: none")},
        "no codex binary found; looked at:\n  - PATH: nothing\n  - wheel: none\n"
        'install one with: pip install "codex-runtime[codex]"',
    ),
    Row(
        lambda: IncompatibleCodexVersion("0.99.0", "0.154.0"),
        {"detected": "0.99.0", "required": "0.154.0"},
        "codex 0.99.0 is not supported, 0.154.0 or newer is required; upgrade with: "
        'pip install -U "codex-runtime[codex]" (version_guard=False turns this check off)',
    ),
    Row(
        lambda: IncompatibleCodexVersion(None, "0.154.0"),
        {"detected": None},
        "a codex of unknown version is not supported, 0.154.0 or newer is required; upgrade "
        'with: pip install -U "codex-runtime[codex]" (version_guard=False turns this check off)',
    ),
    Row(
        lambda: StartupFailed(exit_code=2, stderr_tail="bad config"),
        {"exit_code": 2, "signal": None, "stderr_tail": "bad config", "reason": ""},
        "codex app-server ended while it started (exit status 2); its last words were:\nbad config",
    ),
    Row(
        lambda: StartupFailed(reason="Permission denied"),
        {"exit_code": None, "reason": "Permission denied"},
        "codex app-server could not be started: Permission denied",
    ),
    Row(
        lambda: HandshakeTimeout(30.0, "slow disk"),
        {"seconds": 30.0, "stderr_tail": "slow disk"},
        "codex app-server did not answer initialize in 30 s; its last words were:\nslow disk",
    ),
    Row(
        lambda: HandshakeTimeout(0.5),
        {"stderr_tail": ""},
        "codex app-server did not answer initialize in 0.5 s",
    ),
    Row(
        lambda: ConnectionLost(signal=9, stderr_tail="oom"),
        {"exit_code": None, "signal": 9, "stderr_tail": "oom"},
        "codex app-server ended the connection (killed by signal 9); its last words were:\noom",
    ),
    Row(
        lambda: ConnectionLost(exit_code=0),
        {"exit_code": 0},
        "codex app-server ended the connection (exit status 0)",
    ),
    Row(ConnectionLost, {"exit_code": None}, "codex app-server ended the connection"),
    Row(
        lambda: RequestTimeout("thread/list", 1.5),
        {"method": "thread/list", "seconds": 1.5},
        "codex app-server gave no answer to thread/list in 1.5 s",
    ),
    Row(
        lambda: LoginTimedOut("account/login/completed", 5.0, "l1"),
        {"method": "account/login/completed", "seconds": 5.0, "login_id": "l1"},
        "nobody has finished the sign-in in 5 s; it is still open",
    ),
    Row(
        lambda: LoginFailed("no way", "l1"),
        {"message": "no way", "login_id": "l1", "server": ""},
        "the sign-in failed: no way",
    ),
    Row(
        lambda: LoginFailed("", server="docs"),
        {"message": "", "login_id": None, "server": "docs"},
        "the sign-in to MCP server 'docs' failed: codex gave no reason",
    ),
    Row(
        lambda: RequestRefused("thread/read", -32600, "no such thread", {"secret": CANARY}),
        {"method": "thread/read", "code": -32600, "message": "no such thread"},
        "codex app-server refused thread/read: no such thread (-32600)",
    ),
    Row(
        lambda: InvalidAnswer("answer to a/b", "is late", "be in time", "req-1"),
        {"field": "answer to a/b", "problem": "is late", "request_id": "req-1"},
        "answer to a/b is late; be in time",
    ),
    Row(
        lambda: RequestSettled("req-1", "a/b", "expired"),
        {"request_id": "req-1", "method": "a/b", "state": "expired"},
        "a/b (req-1) needs no answer any more: it is expired",
    ),
    Row(
        lambda: RequestNotFound("req-1"),
        {"request_id": "req-1"},
        "no request 'req-1' is open; see pending_requests()",
    ),
    Row(
        lambda: InvalidParams("$.input[0]", "is null", method="turn/start", summary="{input:[1]}"),
        {"field": "$.input[0]", "method": "turn/start", "summary": "{input:[1]}"},
        "turn/start: $.input[0] is null; params={input:[1]}",
    ),
    Row(
        lambda: InvalidRules("command", "is empty", "name a program", "a.toml", rule=2, line=7),
        {
            "field": "command",
            "problem": "is empty",
            "fix": "name a program",
            "path": "a.toml",
            "rule": 2,
            "line": 7,
        },
        "a.toml, line 7, rule 2: command is empty; name a program",
    ),
    Row(
        lambda: InvalidRules("rules", "is no TOML"),
        {
            "field": "rules",
            "problem": "is no TOML",
            "fix": "",
            "path": "",
            "rule": None,
            "line": None,
        },
        "rules: rules is no TOML",
    ),
    Row(
        lambda: InvalidTool("query", "has no type", "annotate it", "search"),
        {"field": "query", "problem": "has no type", "fix": "annotate it", "tool": "search"},
        "tool 'search': query has no type; annotate it",
    ),
    Row(
        lambda: InputTooLarge(max_chars=1_048_576, actual_chars=1_048_577),
        {"field": "input", "max_chars": 1_048_576, "actual_chars": 1_048_577},
        "input holds 1,048,577 characters, 1,048,576 at the most are taken; "
        "shorten it, or put it in a file that the agent can read",
    ),
    Row(
        lambda: AttachmentMissing(path="/no/such"),
        {"path": "/no/such"},
        "input: /no/such is no file that can be read; name one that is there",
    ),
    Row(
        lambda: AttachmentTooLarge(path="/big", size=2000, limit=1000),
        {"path": "/big", "size": 2000, "limit": 1000},
        "input: /big has 2,000 bytes, 1,000 at the most are taken; name a smaller one",
    ),
    Row(
        lambda: BlockedByHook("guard", "pre_turn", "not on a Friday"),
        {"hook": "guard", "phase": "pre_turn", "reason": "not on a Friday", "report": None},
        "blocked by hook 'guard' at pre_turn: not on a Friday",
    ),
    Row(
        lambda: IncompatibleHook("guard", (2, 0), (1, 0)),
        {"hook": "guard", "version": (2, 0), "supported": (1, 0)},
        "hook 'guard' is made for version 2.0 of the hook contract; this package has 1.0",
    ),
    Row(
        lambda: PolicyMismatch("t1", ("sandbox: asked a, in force b",)),
        {"thread_id": "t1", "differences": ("sandbox: asked a, in force b",)},
        "what is in force in thread t1 is not what was asked for: sandbox: asked a, in force b. "
        "A thread that is loaded keeps its settings: ask for what is in force, or change it with "
        "update_settings()",
    ),
    Row(
        lambda: ThreadIdMismatch("thread/resume", requested="t1", actual="t2"),
        {"method": "thread/resume", "requested": "t1", "actual": "t2"},
        "codex app-server answered thread/resume for thread t1 with thread t2",
    ),
    *(
        Row(
            lambda kind=kind: kind("a/b", -32600, "no", thread_id="t1"),
            {"method": "a/b", "code": -32600, "message": "no", "data": None, "thread_id": "t1"},
            f"codex app-server refused a/b: no (-32600){fix}",
        )
        for kind, fix in [
            (InvalidThreadId, ""),
            (
                ThreadNotFound,
                (
                    "; a thread is on record from its first turn on, "
                    "or from its start with durable=True"
                ),
            ),
            (
                ThreadNotLoaded,
                "; resume the thread first; an archived one has to be unarchived before",
            ),
            (ThreadArchived, "; unarchive it first, with thread_unarchive(), and resume it then"),
            (ThreadHasActiveWriter, ""),
            (
                ThreadBusyElsewhere,
                "; another process has the thread loaded; try again when it has let go",
            ),
            (ThreadHasForks, "; resume the thread to go on with it, or archive it instead"),
            (NotSupportedByThread, ""),
            (TurnNotFound, ""),
            (NoActiveTurn, ""),
            (UnexpectedTurn, ""),
            (TurnNotSteerable, ""),
        ]
    ),
    Row(
        lambda: NotSupportedByThread("a/b", -32600, "no", thread_kind="ephemeral"),
        {"thread_id": "", "thread_kind": "ephemeral"},
        "codex app-server refused a/b: no (-32600)",
    ),
    Row(
        lambda: TurnNotFound("a/b", -32600, "no", turn_id="u1"),
        {"turn_id": "u1"},
        "codex app-server refused a/b: no (-32600)",
    ),
    Row(
        lambda: UnexpectedTurn("a/b", -32600, "no", expected="u1", found="u2"),
        {"expected": "u1", "found": "u2"},
        "codex app-server refused a/b: no (-32600)",
    ),
    Row(
        lambda: TurnNotSteerable("a/b", -32600, "no", turn_kind="review"),
        {"turn_kind": "review"},
        "codex app-server refused a/b: no (-32600)",
    ),
    *(
        Row(
            lambda kind=kind: kind("a/b", -32600, "no"),
            {"method": "a/b", "code": -32600, "message": "no", "data": None},
            f"codex app-server refused a/b: no (-32600){fix}",
        )
        for kind, fix in [
            (InvalidRequest, ""),
            (InvalidCursor, ""),
            (AccountNeeded, "; sign in: codex login"),
            (ServerDraining, "; try again on a new connection"),
            (ServerOverloaded, "; try again a little later"),
        ]
    ),
    *(
        Row(
            lambda kind=kind: kind("a/b", -32600, "no", errno=2),
            {"errno": 2},
            "codex app-server refused a/b: no (-32600)",
        )
        for kind in (CommandNotStarted, ServerFileError, ServerFileMissing)
    ),
    Row(
        lambda: CommandEnded("a/b", -32600, "no"),
        {"message": "no"},
        "codex app-server refused a/b: no (-32600)",
    ),
    Row(
        lambda: ConfigurationRefused("a/b", -32600, "no", reason="configVersionConflict"),
        {"reason": "configVersionConflict"},
        "codex app-server refused a/b: no (-32600)",
    ),
    Row(
        lambda: ExperimentalApiNeeded("a/b", -32600, "no", feature="a/b.c"),
        {"feature": "a/b.c"},
        "codex app-server refused a/b: no (-32600); open the runtime with experimental_api=True",
    ),
    Row(
        lambda: UnsupportedByServer("a/b", -32600, CANARY, codex_version="0.154.0"),
        {"codex_version": "0.154.0", "message": CANARY},
        "codex app-server refused a/b: codex 0.154.0 has no such method (-32600)",
    ),
    Row(
        lambda: RemoteProtocolError("thread/read", "Expected `object` - at `$`"),
        {"method": "thread/read", "problem": "Expected `object` - at `$`"},
        "codex app-server answered thread/read with something else: Expected `object` - at `$`",
    ),
    Row(
        lambda: LocalProtocolError("cannot send x while the connection is new"),
        {"problem": "cannot send x while the connection is new"},
        "cannot send x while the connection is new",
    ),
    Row(
        lambda: TurnFailed(
            TurnError(message="usage limit", additional_details=CANARY), result("failed")
        ),
        {"result": result("failed")},
        "turn u1 failed: usage limit",
    ),
    Row(
        lambda: TurnFailed(None, result("failed")),
        {"error": None},
        "turn u1 failed: codex gave no reason",
    ),
    Row(
        lambda: TurnFailed(TurnError(), result("failed")),
        {"error": TurnError()},
        "turn u1 failed: codex gave no reason",
    ),
    Row(
        lambda: TurnTimedOut(60.0, result("interrupted")),
        {"seconds": 60.0, "result": result("interrupted")},
        "turn u1 was stopped after 60 s of active time (interrupted)",
    ),
    Row(
        lambda: TurnTimedOut(15.0, result("interrupted", RETRIED)),
        {"seconds": 15.0},
        "turn u1 was stopped after 15 s of active time (interrupted); "
        "codex was still trying: Reconnecting... 2/5: Name does not resolve",
    ),
    Row(
        lambda: EventsLost(7),
        {"count": 7},
        "7 events were dropped before their consumer came to read them",
    ),
]
