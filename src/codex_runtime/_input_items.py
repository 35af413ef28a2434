"""The items of an input, one by one: checked, and made what the server can use."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from codex_runtime import protocol
from codex_runtime._arguments import path_text
from codex_runtime._media import (
    MAX_INLINE_BYTES,
    MediaKind,
    check_data_url,
    check_file,
    check_media,
    data_url,
)
from codex_runtime.errors import InvalidArgument

if TYPE_CHECKING:
    from codex_runtime.protocol.types import UserInput

__all__ = ["OF_FILES", "Files", "check_text", "checked_item"]

OF_FILES: Final = (
    protocol.LocalImageInput,
    protocol.LocalAudioInput,
    protocol.SkillInput,
    protocol.MentionInput,
)
"""The items that name a file."""

_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
"""How the path of a skill or a mention begins that is none, say `app://…`."""

_AUDIO_NAMES: Final = (".wav", ".mp3", ".m4a", ".webm", ".ogg")
"""What the name of a sound has to end in for the server to hand it on (fact 194)."""


class Files:
    """Looks at the files of one input. Blocks while it does."""

    def __init__(self, cwd: str | None, *, remote: bool) -> None:
        self._cwd = cwd
        self._remote = remote
        self._room = MAX_INLINE_BYTES

    def settled(
        self, items: Sequence[tuple[str, UserInput]], attachments: Sequence[tuple[str, str]]
    ) -> list[tuple[str, UserInput]]:
        """The items as they are sent, once every file is seen to be there.

        Args:
            items: Each with its place in the call.
            attachments: Paths in their texts, likewise.

        Raises:
            AttachmentMissing: A file is not there.
            AttachmentTooLarge: One cannot be sent.
            InvalidArgument: One is of no use to the server.
        """
        if not self._remote:
            for place, path in attachments:
                check_file(place, self._here(place, path), folder=True)
        return [(place, self._settled(f"{place}.path", item)) for place, item in items]

    def _settled(self, place: str, item: UserInput) -> UserInput:
        match item:
            case protocol.LocalImageInput():
                return self._image(place, item)
            case protocol.LocalAudioInput():
                return self._audio(place, item)
            case protocol.SkillInput():
                return replace(item, path=self._for_server(place, item.path, folder=False))
            case protocol.MentionInput():
                return replace(item, path=self._for_server(place, item.path, folder=True))
            case _:
                return item

    def _image(self, place: str, item: protocol.LocalImageInput) -> UserInput:
        path = self._here(place, item.path)
        if self._remote:
            return protocol.ImageInput(url=self._inline(place, path, "image"), detail=item.detail)
        check_media(place, path, "image")
        return replace(item, path=path)

    def _audio(self, place: str, item: protocol.LocalAudioInput) -> UserInput:
        path = self._here(place, item.path)
        if self._remote or not path.lower().endswith(_AUDIO_NAMES):
            return protocol.AudioInput(url=self._inline(place, path, "audio"))
        check_media(place, path, "audio")
        return replace(item, path=path)

    def _inline(self, place: str, path: str, kind: MediaKind) -> str:
        url, size = data_url(place, path, kind, room=self._room)
        self._room -= size
        return url

    def _for_server(self, place: str, path: str | os.PathLike[str], *, folder: bool) -> str:
        text = os.fspath(path)
        if _ADDRESS.match(text):
            return text
        if self._remote:
            return posixpath.join(self._cwd or "", text)
        found = self._here(place, text)
        check_file(place, found, folder=folder)
        return found

    def _here(self, place: str, path: str | os.PathLike[str]) -> str:
        # Unlike that of `Path`, it does not raise for a home that nobody has.
        text = os.path.expanduser(path)  # noqa: PTH111 — see above
        if not text.startswith("/"):
            text = posixpath.join(self._base(place), text)
        return text

    def _base(self, place: str) -> str:
        if self._cwd is not None and not self._remote:
            return self._cwd
        try:
            return os.getcwd()  # noqa: PTH109 — a text is wanted
        except FileNotFoundError:
            raise InvalidArgument(
                place,
                "is relative, and this process's working directory is gone",
                "use an absolute path",
            ) from None


def checked_item(place: str, item: object) -> UserInput:
    """An item that is sound, as far as can be told without looking at files.

    Args:
        place: How the call spells it.
        item: As given by the caller.

    Raises:
        InvalidArgument: It cannot be used.
    """
    match item:
        case protocol.TextInput():
            check_text(f"{place}.text", item.text)
            _check_elements(place, item.text_elements)
        case protocol.ImageInput():
            _check_image(place, item)
        case protocol.AudioInput():
            check_text(f"{place}.url", item.url)
            check_data_url(f"{place}.url", item.url, "audio")
        case protocol.LocalImageInput():
            path_text(f"{place}.path", item.path)
            _check_detail(place, item.detail)
        case protocol.LocalAudioInput() | protocol.SkillInput() | protocol.MentionInput():
            path_text(f"{place}.path", item.path)
        case protocol.Unknown():
            pass
        case _:
            raise InvalidArgument(
                place,
                f"is of type {type(item).__name__}",
                "use text, an item such as codex_runtime.protocol.ImageInput, or a list of them",
            )
    return item


def _check_image(place: str, item: protocol.ImageInput) -> None:
    _check_detail(place, item.detail)
    if item.url is not None:
        check_text(f"{place}.url", item.url)
        check_data_url(f"{place}.url", item.url, "image")
    elif item.file_id is None:
        raise InvalidArgument(f"{place}.url", "is missing", "use a data URL, or LocalImageInput")


def _check_elements(place: str, elements: object) -> None:
    if not isinstance(elements, list | tuple):
        raise InvalidArgument(
            f"{place}.text_elements", f"is of type {type(elements).__name__}", "use a list"
        )


def _check_detail(place: str, detail: str | None) -> None:
    if detail == "low":
        # The model would be told that the image was left out (fact 193).
        raise InvalidArgument(
            f"{place}.detail", "is 'low', which codex does not support", "use 'high', or none"
        )


def check_text(place: str, text: object) -> None:
    """Refuse what is no text.

    Raises:
        InvalidArgument: It is of another type.
    """
    if not isinstance(text, str):
        raise InvalidArgument(place, f"is of type {type(text).__name__}", "use text")
