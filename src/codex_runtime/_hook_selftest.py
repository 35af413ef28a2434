"""Whether hooks before the use of tools hold: a canary that one forbids must not run.

Plays one turn of the real codex on a scripted model, in a CODEX_HOME and a folder of its own: no
account, no network, nothing of the user's.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import anyio
from anyio import to_thread

from codex_runtime.answers import Allow
from codex_runtime.errors import CodexRuntimeError
from codex_runtime.hooks import Block, Hook, HookContext
from codex_runtime.runtime import Runtime
from codex_runtime.testing import ScriptedModel, assistant_message, shell

__all__ = ["HooksHeld", "hooks_hold"]

_REASON: Final = "the canary of the self-test"


@dataclass(frozen=True)
class HooksHeld:
    """What came of the canary.

    Attributes:
        called: Whether the hook was asked before the command.
        ran: Whether the command ran all the same: its file is there.
        codex_version: Of the server that was tried; empty where it did not start.
        problem: Why nothing can be said, or what is wrong, in words for people; empty if all is well.
    """

    called: bool
    ran: bool
    codex_version: str = ""
    problem: str = ""

    @property
    def held(self) -> bool:
        """Whether hooks hold: the hook was asked, and what it forbade did not happen."""
        return self.called and not self.ran and not self.problem


async def hooks_hold(
    *, codex_bin: str | os.PathLike[str] | None = None, timeout: float = 60.0
) -> HooksHeld:
    """Have a `pre_tool_use` hook forbid a command, and see that it does not run.

    The command would write a file in a temporary folder, which the sandbox (`workspace-write`) lets
    it do: nothing but the hook stands in its way. An approver that says yes to everything stands
    behind the hook, so that no other refusal is taken for the hook's, and no approval policy is
    named that asks: that is brought about by the hook.

    Raises nothing but cancellations: what goes wrong is the `problem`.

    Args:
        codex_bin: The binary; by default the one that a `Runtime` would take.
        timeout: Seconds for all of it.
    """
    folder = Path(await to_thread.run_sync(tempfile.mkdtemp, "", "codex-runtime-"))
    canary = _Canary(folder, codex_bin)
    patience = anyio.move_on_after(timeout)
    try:
        with patience:
            await canary.let_loose()
    except (CodexRuntimeError, OSError) as error:
        canary.problem = str(error)
    finally:
        ran = (folder / "work" / _FILE).exists()
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(lambda: shutil.rmtree(folder, ignore_errors=True))
    if patience.cancelled_caught:
        canary.problem = f"it did not come to an end within {timeout:g} s"
    return canary.found(ran=ran)


_FILE: Final = "canary"


class _Canary:
    """One turn with one command, which one hook forbids."""

    def __init__(self, folder: Path, codex_bin: str | os.PathLike[str] | None) -> None:
        self._folder = folder
        self._codex_bin = codex_bin
        self._version = ""
        self._called = False
        self.problem = ""

    async def let_loose(self) -> None:
        """Play it."""
        work = self._folder / "work"
        work.mkdir()
        gate = Hook("self-test", self._forbid, "pre_tool_use", gate=True)
        steps = shell(f"touch {_FILE}"), assistant_message("Done.")
        async with ScriptedModel(*steps) as model:
            home = model.write_home(self._folder / "home")
            async with Runtime(
                codex_bin=self._codex_bin,
                codex_home=home,
                env=model.environment(home),
                approve=lambda _: Allow(),
                hooks=[gate],
            ) as runtime:
                self._version = runtime.server_info.codex_version or ""
                thread = await runtime.thread_start(
                    cwd=work,
                    sandbox="workspace-write",
                    privileged_escalation_approved=True,
                    ephemeral=True,
                )
                await thread.run("Leave a trace.")

    def _forbid(self, context: HookContext) -> Block:
        self._called = self._called or context.tool_name == "command"
        return Block(_REASON)

    def found(self, *, ran: bool) -> HooksHeld:
        """What came of it."""
        found = HooksHeld(self._called, ran, self._version, self.problem)
        if found.problem:
            return found
        if ran:
            what = "although a hook forbade it" if self._called else "and no hook was asked"
            return replace(found, problem=f"the command ran, {what}")
        if not self._called:
            return replace(found, problem="no hook was asked about the command")
        return found
