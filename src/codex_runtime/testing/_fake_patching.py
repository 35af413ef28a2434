"""The patches of a fake turn, with their approvals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_runtime.testing._fake_items import file_change, turn_diff
from codex_runtime.testing._fake_questions import APPROVAL, TurnCancelled
from codex_runtime.testing._json import Json, member
from codex_runtime.testing._patches import FileChange, read_patch
from codex_runtime.testing._step_types import ApplyPatch

if TYPE_CHECKING:
    from codex_runtime.testing._fake_calls import CallPlay

__all__ = ["PatchPlay"]

BLOCKED_PATCH = (
    "patch rejected: writing is blocked by {sandbox} sandbox; rejected by user approval settings"
)
"""What codex tells the model of a patch that the sandbox blocks under `never`."""


class PatchPlay:
    """Plays the patches of one turn."""

    def __init__(self, calls: CallPlay) -> None:
        self._calls = calls
        self._play = calls.play

    def start(self, call_id: str, call: ApplyPatch) -> None:
        """Apply a patch, ask about it, or refuse it."""
        thread = self._play.thread
        changes = read_patch(call.patch)
        policy = self._play.approval_policy
        blocked = self._play.process.blocks(thread, [change.path for change in changes])
        if blocked and policy == "never":
            self._calls.report(call_id, BLOCKED_PATCH.format(sandbox=blocked))
            return
        item = file_change(call_id, changes, thread.settings.cwd)
        self._play.item_started(item)
        known = all(f"file:{change.path}" in thread.approved for change in changes)
        if (blocked or policy == "untrusted") and not known:
            self._ask(call_id, changes, item)
        else:
            self._applied(call_id, changes, item)

    def _ask(self, call_id: str, changes: tuple[FileChange, ...], item: Json) -> None:
        process, thread = self._play.process, self._play.thread
        process.flag(thread, APPROVAL)
        params = {
            "threadId": thread.id,
            "turnId": self._play.turn.id,
            "itemId": call_id,
            "startedAtMs": process.ticker.now_ms(),
            "reason": None,
            "grantRoot": None,
        }
        self._calls.questions.ask(
            "item/fileChange/requestApproval",
            params,
            lambda answer: self._decided(call_id, changes, item, member(answer.get("result"))),
        )

    def _decided(
        self, call_id: str, changes: tuple[FileChange, ...], item: Json, result: Json
    ) -> None:
        thread, decision = self._play.thread, result.get("decision")
        self._play.process.unflag(thread)
        if decision == "cancel":
            raise TurnCancelled
        if decision == "acceptForSession":
            thread.approved.update(f"file:{change.path}" for change in changes)
        if decision in ("accept", "acceptForSession"):
            self._applied(call_id, changes, item)
            return
        self._play.item_completed({**item, "status": "declined"})
        refused = decision == "decline"
        told = "patch rejected by user" if refused else "approval request failed"
        self._calls.report(call_id, told)

    def _applied(self, call_id: str, changes: tuple[FileChange, ...], item: Json) -> None:
        self._play.item_completed({**item, "status": "completed"})
        self._play.turn.diff += turn_diff(changes)
        self._play.report_diff()
        marks = {"add": "A", "update": "M", "delete": "D"}
        listed = "".join(f"{marks[each.kind]} {each.move_to or each.path}\n" for each in changes)
        success = f"Success. Updated the following files:\n{listed}"
        self._calls.report(call_id, f"Exit code: 0\nWall time: 0 seconds\nOutput:\n{success}")
