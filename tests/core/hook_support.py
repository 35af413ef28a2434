"""What the tests of hooks share: hooks in one line, and runs of them."""

from __future__ import annotations

from typing import Any

from codex_runtime._hook_book import HookBook
from codex_runtime._hook_changes import Subject
from codex_runtime._hooking import HookRun
from codex_runtime.hooks import Hook, HookContext, HookPhase

__all__ = ["TURN", "a_run", "notes", "says"]

TURN = Subject(thread_id="t", cwd="/srv", model="gpt-x", input="Work.")
"""A turn that is about to be started."""


def a_run(*scoped: Hook, registered: tuple[Hook, ...] = ()) -> HookRun:
    book = HookBook()
    book.register(registered)
    return HookRun(book, scoped, remote=False)


def says(action: Any, name: str = "h", phase: HookPhase = "pre_turn", **options: Any) -> Hook:
    async def call(_: HookContext) -> Any:
        return action

    return Hook(name, call, phase, **options)


def notes(name: str, seen: list[str], phase: HookPhase = "pre_turn") -> Hook:
    async def call(context: HookContext) -> None:
        seen.append(f"{name} at {context.phase}")

    return Hook(name, call, phase)
