"""Drive the real codex app-server from Python.

    import codex_runtime as cr

    result = cr.run_sync("Explain this repo in three bullets", cwd=".")
    print(result.text)

Names are loaded when they are first used, so importing this package costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from codex_runtime._version import __version__

if TYPE_CHECKING:
    from codex_runtime._handshake import ServerInfo
    from codex_runtime._statistics import Statistics
    from codex_runtime._subscription import Subscription
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
        InvalidArgument,
        InvalidCursor,
        InvalidParams,
        InvalidRequest,
        InvalidThreadId,
        LocalProtocolError,
        LoginFailed,
        LoginTimedOut,
        NoActiveTurn,
        NotSupportedByThread,
        PolicyMismatch,
        RemoteProtocolError,
        RequestRefused,
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
    from codex_runtime.hooks import Block, Hook, HookContext, HookMatcher, HookReport, Mutate, hook
    from codex_runtime.inputs import Attachment, ExternalMessage, TurnInput
    from codex_runtime.oneshot import run, run_sync, stream
    from codex_runtime.options import (
        ForkOptions,
        ResumeOptions,
        RunOptions,
        SettingsOptions,
        ThreadOptions,
        TurnOptions,
    )
    from codex_runtime.policy import GranularApproval
    from codex_runtime.runtime import Runtime
    from codex_runtime.services.commands import (
        CommandHandle,
        CommandResult,
        OutputChunk,
        ProcessHandle,
    )
    from codex_runtime.services.logins import (
        ChatgptLogin,
        DeviceCodeLogin,
        LoginHandle,
        McpLogin,
    )
    from codex_runtime.shell_hooks import ShellHook
    from codex_runtime.state import ItemAbandoned, TurnResult, TurnStatus
    from codex_runtime.thread import ThreadHandle
    from codex_runtime.threads.filters import SearchFilters, ThreadFilters
    from codex_runtime.threads.reference import ThreadReference
    from codex_runtime.threads.rollback import ThreadRollback
    from codex_runtime.turn import TurnHandle
    from codex_runtime.usage import TokenUsage

_HOMES = {
    "_handshake": ("ServerInfo",),
    "_statistics": ("Statistics",),
    "_subscription": ("Subscription",),
    "errors": (
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
        "InvalidArgument",
        "InvalidCursor",
        "InvalidParams",
        "InvalidRequest",
        "InvalidThreadId",
        "LocalProtocolError",
        "LoginFailed",
        "LoginTimedOut",
        "NoActiveTurn",
        "NotSupportedByThread",
        "PolicyMismatch",
        "RemoteProtocolError",
        "RequestRefused",
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
    ),
    "hooks": ("Block", "Hook", "HookContext", "HookMatcher", "HookReport", "Mutate", "hook"),
    "inputs": ("Attachment", "ExternalMessage", "TurnInput"),
    "oneshot": ("run", "run_sync", "stream"),
    "options": (
        "ForkOptions",
        "ResumeOptions",
        "RunOptions",
        "SettingsOptions",
        "ThreadOptions",
        "TurnOptions",
    ),
    "policy": ("GranularApproval",),
    "runtime": ("Runtime",),
    "services.commands": ("CommandHandle", "CommandResult", "OutputChunk", "ProcessHandle"),
    "services.logins": ("ChatgptLogin", "DeviceCodeLogin", "LoginHandle", "McpLogin"),
    "shell_hooks": ("ShellHook",),
    "state": ("ItemAbandoned", "TurnResult", "TurnStatus"),
    "thread": ("ThreadHandle",),
    "threads.filters": ("SearchFilters", "ThreadFilters"),
    "threads.reference": ("ThreadReference",),
    "threads.rollback": ("ThreadRollback",),
    "turn": ("TurnHandle",),
    "usage": ("TokenUsage",),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "AccountNeeded",
    "Attachment",
    "AttachmentMissing",
    "AttachmentTooLarge",
    "Block",
    "BlockedByHook",
    "ChatgptLogin",
    "CodexNotFound",
    "CodexRuntimeError",
    "CommandEnded",
    "CommandHandle",
    "CommandNotStarted",
    "CommandResult",
    "ConfigurationRefused",
    "ConnectionLost",
    "DeviceCodeLogin",
    "EmptyInput",
    "EventsLost",
    "ExperimentalApiNeeded",
    "ExternalMessage",
    "ForkOptions",
    "GranularApproval",
    "HandshakeTimeout",
    "Hook",
    "HookContext",
    "HookMatcher",
    "HookReport",
    "IncompatibleCodexVersion",
    "IncompatibleHook",
    "InputTooLarge",
    "InvalidArgument",
    "InvalidCursor",
    "InvalidParams",
    "InvalidRequest",
    "InvalidThreadId",
    "ItemAbandoned",
    "LocalProtocolError",
    "LoginFailed",
    "LoginHandle",
    "LoginTimedOut",
    "McpLogin",
    "Mutate",
    "NoActiveTurn",
    "NotSupportedByThread",
    "OutputChunk",
    "PolicyMismatch",
    "ProcessHandle",
    "RemoteProtocolError",
    "RequestRefused",
    "RequestTimeout",
    "ResumeOptions",
    "RunOptions",
    "Runtime",
    "RuntimeClosed",
    "SandboxNotAllowed",
    "SearchFilters",
    "ServerDraining",
    "ServerFileError",
    "ServerFileMissing",
    "ServerInfo",
    "ServerOverloaded",
    "SettingsOptions",
    "ShellHook",
    "StartupFailed",
    "Statistics",
    "Subscription",
    "ThreadArchived",
    "ThreadBusyElsewhere",
    "ThreadFilters",
    "ThreadHandle",
    "ThreadHasActiveWriter",
    "ThreadHasForks",
    "ThreadIdMismatch",
    "ThreadNotFound",
    "ThreadNotLoaded",
    "ThreadOptions",
    "ThreadReference",
    "ThreadRollback",
    "TokenUsage",
    "TurnFailed",
    "TurnHandle",
    "TurnInProgress",
    "TurnInput",
    "TurnNotFound",
    "TurnNotSteerable",
    "TurnOptions",
    "TurnResult",
    "TurnStatus",
    "TurnTimedOut",
    "UnexpectedTurn",
    "UnsendableValue",
    "UnsupportedByServer",
    "WorkingDirectoryMissing",
    "__version__",
    "hook",
    "run",
    "run_sync",
    "stream",
]


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'codex_runtime' has no attribute {name!r}")
    value = getattr(import_module(f"codex_runtime.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
