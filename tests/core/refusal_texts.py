"""Refusals, as codex 0.154, 0.163 and 0.169 sent them, and what each has to become."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from codex_runtime._connection import RpcError
from codex_runtime._refusal_table import refusal_error
from codex_runtime.errors import (
    AccountNeeded,
    CodexRuntimeError,
    CommandEnded,
    CommandNotStarted,
    ConfigurationRefused,
    ExperimentalApiNeeded,
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

__all__ = ["ALL_METHODS", "SAID", "Said", "V"]

T = "01a20e05-6d15-77c0-8ef3-a054b10d7b74"
U = "0199a213-81c0-7800-8aa1-bbab2a035a54"
V = "01a20e03-cb3b-7773-91d2-7de7dc88eb3d"

BAD_ID = (
    "invalid character: expected an optional prefix of `urn:uuid:` followed by "
    "[0-9a-fA-F-], found `n` at 1"
)
FILE = "/home/config.toml:15:26: invalid type: integer `5`, expected a string"
FIELD = "invalid type: integer `5`, expected a string\nin `model`\n"


class Said(NamedTuple):
    """A refusal as it was sent, and what it has to become."""

    method: str
    message: str
    kind: type[CodexRuntimeError]
    facts: Mapping[str, Any] = MappingProxyType({})
    code: int = -32600
    data: Any = None

    def error(self, **params: Any) -> CodexRuntimeError:
        refusal = RpcError(self.code, self.message, self.data)
        return refusal_error(self.method, refusal, json.dumps(params).encode(), "0.163.0")


def steering(kind: str) -> dict[str, Any]:
    info = {"activeTurnNotSteerable": {"turnKind": kind}}
    return {"message": f"cannot steer a {kind} turn", "codexErrorInfo": info}


ALL_METHODS = "Invalid request: unknown variant `{}`, expected one of `initialize`, `server/diag"
OF_T = {"thread_id": T}
EPHEMERAL = {"thread_kind": "ephemeral"}

SAID = [
    # -- ids and records
    Said("thread/read", f"invalid thread id: {BAD_ID}", InvalidThreadId),
    Said("thread/resume", f"invalid session id: {BAD_ID}", InvalidThreadId),
    Said("thread/read", f"thread not loaded: {T}", ThreadNotFound, OF_T),
    Said("thread/resume", f"no rollout found for thread id {T}", ThreadNotFound, OF_T),
    Said("thread/unarchive", f"no archived rollout found for thread id {T}", ThreadNotFound, OF_T),
    Said(
        "thread/queue/list",
        f"failed to read thread: invalid thread-store request: no rollout found for thread id {T}",
        ThreadNotFound,
        OF_T,
        code=-32603,
    ),
    Said("thread/goal/get", f"thread not found: {T}", ThreadNotFound, OF_T),
    Said("thread/section/move", f"thread not found: {T}", ThreadNotFound, OF_T),
    Said("turn/start", f"thread not found: {T}", ThreadNotLoaded, OF_T),
    Said("thread/settings/update", f"thread not found: {T}", ThreadNotLoaded, OF_T),
    Said(
        "thread/queue/start", "resume the thread before starting a queued message", ThreadNotLoaded
    ),
    # -- what the thread is
    Said(
        "thread/resume",
        f"session {T} is archived. Run `codex unarchive {T}` to unarchive it first.",
        ThreadArchived,
        OF_T,
    ),
    Said("thread/timeline/list", f"thread {T} is archived", ThreadArchived, OF_T),
    Said("thread/resume", f"thread {T} already has an active writer", ThreadBusyElsewhere, OF_T),
    Said("thread/archive", f"thread {T} already has an active writer", ThreadBusyElsewhere, OF_T),
    Said("thread/delete", f"thread {T} already has an active writer", ThreadBusyElsewhere, OF_T),
    Said(
        "thread/unarchive", f"thread {T} already has an active writer", ThreadHasActiveWriter, OF_T
    ),
    Said(
        "thread/delete",
        f"cannot delete thread {T}: forked history still references it",
        ThreadHasForks,
        OF_T,
    ),
    Said(
        "thread/read",
        "ephemeral threads do not support includeTurns",
        NotSupportedByThread,
        EPHEMERAL,
    ),
    Said(
        "thread/turns/list",
        "ephemeral threads do not support thread/turns/list",
        NotSupportedByThread,
        EPHEMERAL,
    ),
    Said(
        "thread/name/set",
        f"ephemeral thread does not support metadata updates: {T}",
        NotSupportedByThread,
        {**EPHEMERAL, **OF_T},
    ),
    Said(
        "thread/delete",
        f"thread is not persisted and cannot be deleted: {T}",
        NotSupportedByThread,
        {**EPHEMERAL, **OF_T},
    ),
    Said(
        "thread/rollback",
        "thread rollback requires persisted thread history",
        NotSupportedByThread,
        EPHEMERAL,
    ),
    Said(
        "thread/rollback",
        "paginated threads do not support thread/rollback",
        NotSupportedByThread,
        {"thread_kind": "paginated"},
    ),
    Said(
        "thread/revert",
        "thread/revert only supports paginated threads",
        NotSupportedByThread,
        {"thread_kind": "legacy"},
    ),
    Said(
        "thread/turns/list",
        f"thread {U} is not materialized yet; "
        "thread/turns/list is unavailable before first user message",
        NotSupportedByThread,
        {"thread_kind": "empty", "thread_id": U},
    ),
    Said(
        "thread/items/list",
        "thread/items/list is not supported yet",
        NotSupportedByThread,
        {"thread_kind": ""},
        code=-32601,
    ),
    Said("thread/read", "list_turns is not supported yet", NotSupportedByThread, code=-32601),
    # -- turns
    Said("thread/revert", f"turn not found: {U}", TurnNotFound, {"turn_id": U}),
    Said(
        "thread/fork",
        f"lastTurnId '{U}' was not found in the source thread",
        TurnNotFound,
        {"turn_id": U},
    ),
    Said(
        "thread/fork",
        f"beforeTurnId '{U}' was not found in the source thread",
        TurnNotFound,
        {"turn_id": U},
    ),
    Said("turn/steer", "no active turn to steer", NoActiveTurn),
    Said("turn/interrupt", "no active turn to interrupt", NoActiveTurn),
    Said(
        "turn/steer",
        f"expected active turn id `{U}` but found `{V}`",
        UnexpectedTurn,
        {"expected": U, "found": V},
    ),
    Said(
        "turn/interrupt",
        f"expected active turn id {U} but found {V}",
        UnexpectedTurn,
        {"expected": U, "found": V},
    ),
    Said(
        "turn/steer",
        "cannot steer a review turn",
        TurnNotSteerable,
        {"turn_kind": "review"},
        data=steering("review"),
    ),
    Said(
        "turn/start",
        "failed to submit turn input: ActiveTurnNotSteerable { turn_kind: Compact }",
        TurnNotSteerable,
        {"turn_kind": "compact"},
        code=-32603,
    ),
    # -- what was asked
    Said("thread/fly", ALL_METHODS.format("thread/fly"), UnsupportedByServer),
    Said("thread/read", "Invalid request: missing field `threadId`", InvalidRequest),
    Said(
        "turn/start",
        "Invalid request: unknown variant `bogus`, expected one of `text`, `image`",
        InvalidRequest,
    ),
    Said("thread/list", "invalid cursor: garbage", InvalidCursor),
    Said("model/list", "cursor 99 exceeds total models 9", InvalidCursor),
    Said("thread/timeline/list", "invalid thread timeline cursor", InvalidCursor),
    Said("thread/queue/list", "invalid queue pagination cursor: invalid digit", InvalidCursor),
    Said("project/list", "invalid project cursor: malformed sort", InvalidCursor, code=-32602),
    Said(
        "thread/queue/list",
        "thread/queue/list requires experimentalApi capability",
        ExperimentalApiNeeded,
        {"feature": "thread/queue/list"},
    ),
    Said(
        "thread/start",
        "askForApproval.granular requires experimentalApi capability",
        ExperimentalApiNeeded,
        {"feature": "askForApproval.granular"},
    ),
    # -- settings and accounts
    Said("thread/start", f"failed to load configuration: {FILE}", ConfigurationRefused),
    Said(
        "thread/start",
        "failed to load configuration: Model provider `nope` not found",
        ConfigurationRefused,
        {"reason": ""},
    ),
    Said("config/read", f"invalid configuration: {FIELD}", ConfigurationRefused, code=-32603),
    Said(
        "config/read",
        f"failed to read configuration layers: {FILE}",
        ConfigurationRefused,
        code=-32603,
    ),
    Said(
        "mcpServerStatus/list",
        f"failed to reload config: {FILE}",
        ConfigurationRefused,
        code=-32603,
    ),
    Said(
        "config/value/write",
        f"Invalid configuration: {FIELD}",
        ConfigurationRefused,
        {"reason": "configValidationError"},
        data={"config_write_error_code": "configValidationError"},
    ),
    Said(
        "config/value/write",
        "Configuration was modified since last read. Fetch latest version and retry.",
        ConfigurationRefused,
        {"reason": "configVersionConflict"},
        data={"config_write_error_code": "configVersionConflict"},
    ),
    Said(
        "account/rateLimits/read",
        "codex account authentication required to read rate limits",
        AccountNeeded,
    ),
    Said("account/usage/read", "chatgpt authentication required to read", AccountNeeded),
    Said("remoteControl/enable", "remote control requires ChatGPT authentication", AccountNeeded),
    # -- commands and files
    Said(
        "command/exec",
        "failed to spawn command: No such file or directory (os error 2)",
        CommandNotStarted,
        {"errno": 2},
        code=-32603,
    ),
    Said("process/spawn", "failed to spawn process: no pty", CommandNotStarted, {"errno": 0}),
    Said("process/kill", 'no active process for process handle "x"', CommandEnded),
    Said("command/exec/write", 'no active command/exec for process id "x"', CommandEnded),
    Said("command/exec/write", 'command/exec "x" is no longer running', CommandEnded),
    Said(
        "fs/readFile",
        "No such file or directory (os error 2)",
        ServerFileMissing,
        {"errno": 2},
        code=-32603,
    ),
    Said(
        "fs/readDirectory",
        "Not a directory (os error 20)",
        ServerFileError,
        {"errno": 20},
        code=-32603,
    ),
    Said("fs/readFile", "path `/tmp` is not a file", ServerFileError, {"errno": 0}),
    # -- the server
    Said(
        "thread/start",
        "Server is draining; retry after reconnecting",
        ServerDraining,
        data={"reason": "serverShuttingDown"},
    ),
    Said("model/list", "Server overloaded; retry later.", ServerOverloaded, code=-32001),
    # -- what has no class of its own
    Said("thread/queue/start", "queue is empty", RequestRefused),
    Said("thread/items/list", "thread/items/list is not supported yet", RequestRefused),
    Said("thread/start", "`permissions` cannot be combined with `sandbox`", RequestRefused),
    Said("turn/start", f"is thread not found: {T}?", RequestRefused),
    Said("thread/fly", ALL_METHODS.format("thread/flee"), InvalidRequest),
]
