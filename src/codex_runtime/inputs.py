"""What a turn is told: text, the protocol's items, and two of ours.

    await thread.run(["What is in this picture?", LocalImageInput(path="shot.png")])
    await thread.run(["Tidy these.", Attachment("src/app.py"), Attachment("src/db.py")])
    await thread.run(["Answer her.", ExternalMessage("mail", "When do we meet?")])

Relative paths are taken from the thread's working directory. What the server would drop in
silence, a file that is not there among it (fact 46), is refused before anything is sent.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from codex_runtime.protocol.types import UserInput

__all__ = [
    "MAX_INPUT_CHARACTERS",
    "MAX_MESSAGE_BYTES",
    "Attachment",
    "ExternalMessage",
    "InputItem",
    "TurnInput",
]

MAX_INPUT_CHARACTERS: Final = 1_048_576
"""Characters of all texts of one input: what the server takes (fact 45)."""

MAX_MESSAGE_BYTES: Final = 4_000
"""Bytes of UTF-8 of an `ExternalMessage`: of a longer one the server drops the middle (fact 191)."""


@dataclass(frozen=True)
class Attachment:
    """A file or folder that the text points at, as `@path`. The agent reads it when it wants to.

    It goes to the end of the nearest text before it, on a line of its own, or is a text of its
    own where there is none. Its path is sent as it is given. It has to be there, unless the
    server is remote.

    Attributes:
        path: As the agent is to see it; a relative one is taken from the thread's working
            directory.
        placeholder: What programs that show the message may show instead of it.
    """

    path: str | os.PathLike[str]
    placeholder: str | None = None


@dataclass(frozen=True)
class ExternalMessage:
    """Text from outside, that the model must not take for its user's words.

    The model gets it in a message of its own before the input, marked as external, with the
    source and some random characters in the mark: a text cannot forge its own end, and one that
    says the same as an earlier one still arrives (facts 190 and 191). It becomes no item of the
    turn. It needs the experimental API, which is on unless `Runtime` was told otherwise.

    Attributes:
        source: Where it comes from, say `"slack"`: letters, digits, `_` and `-`, 48 at the most.
        text: What it says: 4,000 bytes of UTF-8 at the most.
    """

    source: str
    text: str


InputItem: TypeAlias = "str | UserInput | Attachment | ExternalMessage"
"""One thing that a turn is told: text, an item of the protocol, or one of ours."""

TurnInput: TypeAlias = "InputItem | Sequence[InputItem]"
"""What a turn is told: text, an item (`TextInput`, `ImageInput`, `LocalImageInput`, `AudioInput`,
`LocalAudioInput`, `SkillInput`, `MentionInput`, `Attachment`, `ExternalMessage`), or several."""
