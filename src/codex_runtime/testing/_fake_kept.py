"""What a fake thread keeps besides its turns: goal, queue, attachments, notes about it."""

from __future__ import annotations

from dataclasses import dataclass, field

from codex_runtime.testing._json import Json

__all__ = ["Kept"]


@dataclass(eq=False)
class Kept:
    """What is on record of a thread besides its turns.

    Attributes:
        durable: Whether something was kept that makes a thread without a turn durable (fact 17).
        goal: What it works towards, as the protocol's ThreadGoal.
        goal_rests: Whether a turn has to complete before the goal is pursued again.
        queue: Messages that wait, each as the protocol's QueuedSubmission.
        queue_rests: Whether they wait for `thread/queue/start`, as after an interrupt (fact 55).
        attachments: By type and key.
        git: What is known of its repository.
        daybreak: The choice of that name.
        unread: Where it was marked as unread; None where it is read, or nobody has said so.
        revision: Of its read state; empty before it has one.
    """

    durable: bool = False
    goal: Json | None = None
    goal_rests: bool = False
    queue: list[Json] = field(default_factory=list[Json])
    queue_rests: bool = False
    attachments: dict[tuple[str, str], Json] = field(default_factory=dict[tuple[str, str], Json])
    git: Json | None = None
    daybreak: bool | None = None
    unread: Json | None = None
    revision: str = ""

    def as_json(self) -> Json:
        """Return what the protocol's Thread shows of it."""
        return {"gitInfo": self.git, "daybreakEnabled": self.daybreak}

    def read_state(self) -> Json | None:
        """Return the protocol's ThreadReadState; None before there is one."""
        if not self.revision:
            return None
        return {"firstUnread": self.unread, "revision": self.revision}
