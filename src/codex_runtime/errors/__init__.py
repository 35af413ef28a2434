"""Every exception of codex-runtime.

Programs read attributes; people read the text. Nothing in this package, and nothing in
yours, should compare texts.

    CodexRuntimeError
    ├── InvalidArgument              the caller: nothing was sent
    │   ├── EmptyInput
    │   ├── InputTooLarge
    │   ├── AttachmentMissing
    │   ├── AttachmentTooLarge
    │   ├── InvalidAnswer            to a request of the server
    │   ├── InvalidParams            of a raw call
    │   ├── InvalidRules             a file of rules for approvals
    │   ├── InvalidTool              a function cannot be a tool
    │   ├── WorkingDirectoryMissing
    │   ├── SandboxNotAllowed
    │   └── UnsendableValue
    ├── TurnInProgress               the caller: the thread has an active turn
    ├── RequestSettled               the caller: a request of the server needs no answer any more
    ├── RequestNotFound              the caller: no request of the server has this name
    ├── RuntimeClosed                the caller: the runtime was closed, or never opened
    ├── BlockedByHook                a hook: nothing was done
    ├── IncompatibleHook             a hook is made for another contract
    ├── PolicyMismatch               what is in force is not what was asked for
    ├── CodexNotFound                the machine: no codex binary
    ├── IncompatibleCodexVersion     the machine: codex is too old
    ├── StartupFailed                the server ended, or could not be started, before it was ready
    ├── HandshakeTimeout             the server did not answer `initialize`
    ├── ConnectionLost               the server went away
    ├── RequestTimeout               the server did not answer in time
    │   └── LoginTimedOut            nobody finished a sign-in in time
    ├── LoginFailed                  a sign-in ended without success
    ├── RequestRefused               the server answered with an error
    │   ├── InvalidRequest           it cannot read the parameters
    │   ├── InvalidThreadId
    │   ├── ThreadNotFound
    │   │   └── ThreadNotLoaded
    │   ├── ThreadArchived
    │   ├── ThreadHasActiveWriter
    │   │   └── ThreadBusyElsewhere
    │   ├── ThreadHasForks
    │   ├── NotSupportedByThread     ephemeral, or of legacy history
    │   ├── TurnNotFound
    │   ├── NoActiveTurn
    │   ├── UnexpectedTurn
    │   ├── TurnNotSteerable
    │   ├── InvalidCursor
    │   ├── ConfigurationRefused
    │   ├── AccountNeeded
    │   ├── ExperimentalApiNeeded
    │   ├── UnsupportedByServer      by this version of codex
    │   ├── CommandNotStarted
    │   ├── CommandEnded
    │   ├── ServerFileError          a file operation failed
    │   │   └── ServerFileMissing
    │   ├── ServerDraining
    │   └── ServerOverloaded
    ├── RemoteProtocolError          the server answered something that is not its protocol
    │   └── ThreadIdMismatch         another thread than the one asked for
    ├── LocalProtocolError           this package tried to break the protocol: a bug
    ├── TurnFailed                   the turn ended as failed
    ├── TurnTimedOut                 the turn was stopped by its timeout
    └── EventsLost                   a consumer lagged beyond every bound
"""

from codex_runtime.errors._base import CodexRuntimeError
from codex_runtime.errors._caller import (
    AttachmentMissing,
    AttachmentTooLarge,
    BlockedByHook,
    EmptyInput,
    IncompatibleHook,
    InputTooLarge,
    InvalidAnswer,
    InvalidArgument,
    InvalidParams,
    InvalidRules,
    InvalidTool,
    RequestNotFound,
    RequestSettled,
    RuntimeClosed,
    SandboxNotAllowed,
    TurnInProgress,
    UnsendableValue,
    WorkingDirectoryMissing,
)
from codex_runtime.errors._logins import LoginFailed, LoginTimedOut
from codex_runtime.errors._refusals import (
    AccountNeeded,
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
from codex_runtime.errors._server import (
    CodexNotFound,
    ConnectionLost,
    EventsLost,
    HandshakeTimeout,
    IncompatibleCodexVersion,
    LocalProtocolError,
    PolicyMismatch,
    RemoteProtocolError,
    RequestTimeout,
    StartupFailed,
    ThreadIdMismatch,
)
from codex_runtime.errors._turns import TurnFailed, TurnTimedOut

__all__ = [
    "AccountNeeded",
    "AttachmentMissing",
    "AttachmentTooLarge",
    "BlockedByHook",
    "CodexNotFound",
    "CodexRuntimeError",
    "CommandEnded",
    "CommandNotStarted",
    "ConfigurationRefused",
    "ConnectionLost",
    "EmptyInput",
    "EventsLost",
    "ExperimentalApiNeeded",
    "HandshakeTimeout",
    "IncompatibleCodexVersion",
    "IncompatibleHook",
    "InputTooLarge",
    "InvalidAnswer",
    "InvalidArgument",
    "InvalidCursor",
    "InvalidParams",
    "InvalidRequest",
    "InvalidRules",
    "InvalidThreadId",
    "InvalidTool",
    "LocalProtocolError",
    "LoginFailed",
    "LoginTimedOut",
    "NoActiveTurn",
    "NotSupportedByThread",
    "PolicyMismatch",
    "RemoteProtocolError",
    "RequestNotFound",
    "RequestRefused",
    "RequestSettled",
    "RequestTimeout",
    "RuntimeClosed",
    "SandboxNotAllowed",
    "ServerDraining",
    "ServerFileError",
    "ServerFileMissing",
    "ServerOverloaded",
    "StartupFailed",
    "ThreadArchived",
    "ThreadBusyElsewhere",
    "ThreadHasActiveWriter",
    "ThreadHasForks",
    "ThreadIdMismatch",
    "ThreadNotFound",
    "ThreadNotLoaded",
    "TurnFailed",
    "TurnInProgress",
    "TurnNotFound",
    "TurnNotSteerable",
    "TurnTimedOut",
    "UnexpectedTurn",
    "UnsendableValue",
    "UnsupportedByServer",
    "WorkingDirectoryMissing",
]
