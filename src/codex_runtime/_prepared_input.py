"""From what callers tell a turn to what is sent: checked as a whole, files looked at."""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from anyio import to_thread
from msgspec.structs import replace

from codex_runtime import protocol
from codex_runtime._arguments import path_text
from codex_runtime._input_items import OF_FILES, Files, check_text, checked_item
from codex_runtime.errors import EmptyInput, InputTooLarge, InvalidArgument
from codex_runtime.inputs import (
    MAX_INPUT_CHARACTERS,
    MAX_MESSAGE_BYTES,
    Attachment,
    ExternalMessage,
    TurnInput,
)

if TYPE_CHECKING:
    from codex_runtime.protocol.types import AdditionalContextEntry, UserInput

__all__ = ["PreparedInput", "check_input", "prepared_input", "snapshot"]

_SOURCE: Final = re.compile(r"[A-Za-z0-9_-]{1,48}")
"""What can be the source of an `ExternalMessage`: it becomes part of a mark, which the server does
not escape, and since 0.169 of the name of a tool, which has 64 characters at the most (fact 190)."""


@dataclass(frozen=True)
class PreparedInput:
    """Input as it is sent.

    Attributes:
        items: For `input`. Empty where there are only messages from outside, which `turn/start`
            takes and `turn/steer` does not (fact 191).
        additional_context: For `additionalContext`; empty where there is nothing from outside.
    """

    items: list[UserInput]
    additional_context: Mapping[str, AdditionalContextEntry]

    def only_items(self, what: str) -> list[UserInput]:
        """The items, where there is no place for anything else.

        Args:
            what: What has no such place, say `"a queued message"`.

        Raises:
            InvalidArgument: There is an `ExternalMessage` among the input.
        """
        if self.additional_context:
            raise InvalidArgument(
                "input", "holds an ExternalMessage", f"{what} cannot carry one; start a turn"
            )
        return self.items


def snapshot(input: TurnInput) -> TurnInput:
    """The input as it is now. A caller's list may change meanwhile; items cannot."""
    if isinstance(input, Sequence) and not isinstance(input, str | bytes | bytearray):
        return tuple(input)
    return input


def check_input(input: TurnInput) -> None:
    """Find out what can be found out without looking at files.

    Raises:
        EmptyInput: There is nothing in `input`.
        InvalidArgument: An item cannot be used; `InputTooLarge` is of this kind.
    """
    _Draft.of(input)


async def prepared_input(input: TurnInput, *, cwd: str | None, remote: bool) -> PreparedInput:
    """Check input and give it the form in which it is sent. Nothing is sent here.

    Files are looked at in another thread. Cancelling leaves it to itself.

    Args:
        input: As given by the caller.
        cwd: The thread's working directory, which relative paths are taken from; where it is
            None, and for images and audio of a remote server, this process's own.
        remote: The server sees another file system. Images and audio are then read here and sent
            along; of other files nobody knows here whether they are there.

    Raises:
        EmptyInput: There is nothing in `input`.
        InvalidArgument: An item cannot be used; `InputTooLarge`, `AttachmentMissing` and
            `AttachmentTooLarge` are of this kind.
    """
    draft = _Draft.of(input)
    items = draft.items
    if draft.names_files(remote=remote):
        files = Files(cwd, remote=remote)
        items = await to_thread.run_sync(
            files.settled, draft.items, draft.attachments, abandon_on_cancel=True
        )
    return PreparedInput([item for _, item in items], _marked(draft.messages))


class _Mention(NamedTuple):
    path: str
    placeholder: str | None


@dataclass
class _Draft:
    """Input whose items are sound, as far as can be told without looking at files.

    Attributes:
        items: What will be sent, each with its place in the call.
        attachments: The paths of the attachments in their texts, likewise.
        messages: From outside.
    """

    items: list[tuple[str, UserInput]] = field(default_factory=list[tuple[str, "UserInput"]])
    attachments: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    messages: list[ExternalMessage] = field(default_factory=list[ExternalMessage])
    _attached: dict[int, list[_Mention]] = field(default_factory=dict[int, "list[_Mention]"])
    _last_text: int | None = None

    @classmethod
    def of(cls, input: TurnInput) -> _Draft:
        """Check the items one by one, then all of them together."""
        draft = cls()
        if isinstance(input, Sequence) and not isinstance(input, str | bytes | bytearray):
            for index, item in enumerate(input):
                draft._add(f"input[{index}]", item)
        else:
            draft._add("input", input)
        draft._join()
        draft._check_whole()
        return draft

    def names_files(self, *, remote: bool) -> bool:
        """Whether there is any path to be looked into."""
        attached = bool(self.attachments) and not remote
        return attached or any(isinstance(item, OF_FILES) for _, item in self.items)

    def _add(self, place: str, item: object) -> None:
        match item:
            case str():
                self._put(place, protocol.TextInput(text=item))
            case Attachment():
                self._attach(place, item)
            case ExternalMessage():
                _check_message(place, item)
                self.messages.append(item)
            case _:
                self._put(place, checked_item(place, item))

    def _put(self, place: str, item: UserInput) -> None:
        if isinstance(item, protocol.TextInput):
            self._last_text = len(self.items)
        self.items.append((place, item))

    def _attach(self, place: str, attachment: Attachment) -> None:
        path = path_text(f"{place}.path", attachment.path)
        if attachment.placeholder is not None:
            check_text(f"{place}.placeholder", attachment.placeholder)
        self.attachments.append((f"{place}.path", path))
        if self._last_text is None:
            self._put(place, protocol.TextInput(text=""))
            assert self._last_text is not None  # noqa: S101 — that was a text
        mention = _Mention(path, attachment.placeholder)
        self._attached.setdefault(self._last_text, []).append(mention)

    def _join(self) -> None:
        # All of a text at once: one by one, each would cost the length of the text so far.
        for index, mentions in self._attached.items():
            place, item = self.items[index]
            assert isinstance(item, protocol.TextInput)  # noqa: S101 — by `_attach`
            self.items[index] = (place, _with_attachments(item, mentions))

    def _check_whole(self) -> None:
        texts = [item.text for _, item in self.items if isinstance(item, protocol.TextInput)]
        others = len(self.items) - len(texts) + len(self.messages)
        if not others and not any(text.strip() for text in texts):
            raise EmptyInput
        size = sum(map(len, texts))
        if size > MAX_INPUT_CHARACTERS:
            raise InputTooLarge(max_chars=MAX_INPUT_CHARACTERS, actual_chars=size)


def _check_message(place: str, message: ExternalMessage) -> None:
    check_text(f"{place}.source", message.source)
    check_text(f"{place}.text", message.text)
    if _SOURCE.fullmatch(message.source) is None:
        raise InvalidArgument(
            f"{place}.source",
            "cannot be made a mark",
            "use letters, digits, _ and -, 48 at the most",
        )
    size = _bytes(message.text)
    if not message.text.strip():
        raise InvalidArgument(f"{place}.text", "is blank", "leave it out")
    if size > MAX_MESSAGE_BYTES:
        raise InvalidArgument(
            f"{place}.text",
            f"has {size:,} bytes of UTF-8, of which codex hands on {MAX_MESSAGE_BYTES:,}",
            "put it in a file, and attach that",
        )


def _with_attachments(item: protocol.TextInput, mentions: Sequence[_Mention]) -> protocol.TextInput:
    pieces, elements, size = [item.text], [*item.text_elements], _bytes(item.text)
    for path, placeholder in mentions:
        if pieces[-1] and not pieces[-1].endswith("\n"):
            pieces.append("\n")
            size += 1
        pieces.append(f"@{path}")
        span = protocol.ByteRange(start=size, end=size + _bytes(pieces[-1]))
        elements.append(protocol.TextElement(byte_range=span, placeholder=placeholder))
        size = span.end
    return replace(item, text="".join(pieces), text_elements=elements)


def _bytes(text: str) -> int:
    # Lone surrogates, which have no UTF-8, are refused with their place when all is encoded.
    return len(text.encode(errors="surrogatepass"))


def _marked(messages: Sequence[ExternalMessage]) -> dict[str, AdditionalContextEntry]:
    """Give each message a key that no text can know, and that sorts as they were given."""
    if not messages:
        return {}
    mark = secrets.token_hex(4)
    seen = Counter[str]()
    entries: dict[str, AdditionalContextEntry] = {}
    for message in messages:
        seen[message.source] += 1
        number = f"_{seen[message.source]:03}" if seen[message.source] > 1 else ""
        entry = protocol.AdditionalContextEntry(kind="untrusted", value=message.text)
        entries[f"{message.source}_{mark}{number}"] = entry
    return entries
