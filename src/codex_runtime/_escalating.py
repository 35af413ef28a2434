"""Hooks before the use of tools, and the approval policy that they need.

They are called where codex asks. So where there are any, and the policy would never ask, another one
is sent: `untrusted`, under which codex asks about each command, change of files and tool.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from codex_runtime._hook_book import HookBook, has_phase
from codex_runtime.errors import PolicyMismatch, RequestRefused
from codex_runtime.policy import GATED_POLICY, Approval, approval_of, may_ask

if TYPE_CHECKING:
    from codex_runtime.hooks import Hook

__all__ = ["Escalation", "checked_hooks", "escalation_of", "explained", "with_escalation"]

Options = TypeVar("Options", bound="Mapping[str, Any]")

_FIELD: Final = "approval_policy"


@dataclass(frozen=True)
class Escalation:
    """What is sent in place of what was said, or is in force.

    Attributes:
        approval: The approval policy that is sent.
        replaced: The one that it replaces; None where nobody has said one.
        lasting: Whether it is for hooks that hold for all turns of the thread.
        named: Whether the caller has named the one that is replaced.
    """

    approval: Approval
    replaced: Approval | None
    lasting: bool
    named: bool

    @property
    def raises(self) -> bool:
        """Whether it is another policy than would hold without hooks."""
        return self.approval != self.replaced

    @property
    def text(self) -> str:
        """That in words; empty where it is the same policy."""
        if not self.raises:
            return ""
        before = "none" if self.replaced is None else self.replaced
        return f"{_FIELD}: {self.approval} in place of {before}, for pre_tool_use hooks"


def checked_hooks(options: Options) -> Options:
    """Options whose `hooks` can be read more than once.

    Raises:
        InvalidArgument: One is no hook.
        IncompatibleHook: One is made for another contract.
    """
    given: Any = options.get("hooks")
    if given is None:
        return options
    from codex_runtime.hooks import Hooks  # noqa: PLC0415 — few have hooks

    if isinstance(given, Hooks):
        return options
    return cast("Options", {**options, "hooks": Hooks(given)})


def escalation_of(
    options: Mapping[str, Any],
    book: HookBook,
    *,
    thread_id: str | None = None,
    own: Iterable[Hook] | None = None,
    in_force: Approval | None = None,
    unsure: bool = False,
) -> Escalation | None:
    """The approval policy to send because of hooks; None where there are none, or nothing is wrong.

    Args:
        options: As given by the caller, `hooks` as `checked_hooks` returns them.
        book: The hooks of the runtime and of its threads.
        thread_id: The thread, where there is one yet.
        own: The hooks of its handle.
        in_force: The policy that holds where the caller names none; None where none is known.
        unsure: Whether another one may be in force, so that it is better said again.

    Raises:
        InvalidArgument: The policy that the caller names is none.
    """
    lasting = book.has_tool_hooks(thread_id) or has_phase(own or (), "pre_tool_use")
    if not lasting and not has_phase(options.get("hooks") or (), "pre_tool_use"):
        return None
    said = approval_of(options.get(_FIELD))
    if isinstance(said, str) and not said.strip():
        # Whoever reads the options refuses it.
        return None
    replaced = in_force if said is None else said
    if not may_ask(replaced):
        return Escalation(GATED_POLICY, replaced, lasting, said is not None)
    if replaced is not None and (said is not None or unsure):
        # What was looked at is what is sent, whatever the caller's own would say next.
        return Escalation(replaced, replaced, lasting, said is not None)
    return None


def with_escalation(options: Options, found: Escalation | None) -> Options:
    """Options that say what is sent."""
    if found is None:
        return options
    return cast("Options", {**options, _FIELD: found.approval})


@contextmanager
def explained(found: Escalation | None) -> Generator[None]:
    """Have errors of this block say who has asked for the policy, where it cannot be had."""
    try:
        yield
    except PolicyMismatch as error:
        if found is not None and found.raises:
            error.differences = [
                f"{text} ({GATED_POLICY} is asked for by pre_tool_use hooks, which are called "
                "where codex asks)"
                if text.startswith(f"{_FIELD}:")
                else text
                for text in error.differences
            ]
        raise
    except RequestRefused as error:
        if found is not None and found.raises:
            error.add_note(f"What was sent has {found.text}.")
        raise
