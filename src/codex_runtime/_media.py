"""Files that an input names: whether they are there, what they hold, and their form in a message."""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from codex_runtime.errors import AttachmentMissing, AttachmentTooLarge, InvalidArgument

__all__ = [
    "MAX_FILE_BYTES",
    "MAX_INLINE_BYTES",
    "MediaKind",
    "check_data_url",
    "check_file",
    "check_media",
    "data_url",
    "image_type",
]

MediaKind: TypeAlias = Literal["image", "audio"]
"""What a file is wanted as."""

MAX_INLINE_BYTES: Final = 11 * 1024**2
"""Bytes of all files together that one message carries.

A message over 16 MiB ends a WebSocket connection without a word (fact 113). Base64 makes four
bytes of three, which leaves 1.3 MiB for everything else.
"""

MAX_FILE_BYTES: Final = 400_000_000
"""Bytes of a file that the server reads: the largest that was seen to be taken (fact 193)."""

_HEAD: Final = 64
"""Bytes that tell what a file is."""

_WANTED: Final[dict[MediaKind, str]] = {
    "image": "png, jpeg, gif or webp",
    "audio": "wav, mp3, m4a, webm or ogg",
}
"""What the server hands on. Of anything else the model is told that it was left out (facts 193
and 194)."""

_LONGEST_START: Final = 256
"""Characters within which a data URL has to come to its comma; the longest in use has some 50."""


def check_file(field: str, path: str, *, folder: bool = False) -> None:
    """Refuse a file that is not there, or may not be read.

    Args:
        field: How the call spells the argument.
        path: Absolute.
        folder: Whether a folder will do.

    Raises:
        AttachmentMissing: It is no file that can be read.
    """
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        raise AttachmentMissing(field, path=path) from None
    wanted = stat.S_ISREG(mode) or (folder and stat.S_ISDIR(mode))
    if not wanted or not os.access(path, os.R_OK):
        raise AttachmentMissing(field, path=path)


def check_media(field: str, path: str, kind: MediaKind) -> None:
    """Refuse a file that the server would not hand on to the model.

    Args:
        field: How the call spells the argument.
        path: Absolute.
        kind: What it is wanted as.

    Raises:
        AttachmentMissing: It is no file that can be read.
        AttachmentTooLarge: It is larger than any that is known to be taken.
        InvalidArgument: It holds something else.
    """
    with _opened(field, path) as (file, size):
        if size > MAX_FILE_BYTES:
            raise AttachmentTooLarge(field, path=path, size=size, limit=MAX_FILE_BYTES)
        _checked_type(field, os.read(file, _HEAD), kind)


def data_url(field: str, path: str, kind: MediaKind, *, room: int) -> tuple[str, int]:
    """Read a file into a data URL; return that and how many bytes the file has.

    What the file grows by meanwhile is left out.

    Args:
        field: How the call spells the argument.
        path: Absolute.
        kind: What it is wanted as.
        room: Bytes that it may have.

    Raises:
        AttachmentMissing: It is no file that can be read.
        AttachmentTooLarge: It does not fit.
        InvalidArgument: It holds something else.
    """
    with _opened(field, path) as (file, size):
        if size > room:
            raise AttachmentTooLarge(field, path=path, size=size, limit=room)
        with os.fdopen(file, "rb", closefd=False) as reader:
            # None of one that has nothing to read at the moment.
            given: Any = reader.read(size)
    if given is None:
        raise AttachmentMissing(field, path=path)
    data: bytes = given
    media_type = _checked_type(field, data[:_HEAD], kind)
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}", size


def check_data_url(field: str, url: str, kind: MediaKind) -> None:
    """Refuse a URL that the server would not hand on to the model.

    Args:
        field: How the call spells the argument.
        url: As given by the caller. It is not shown: it may be what grants access.
        kind: What it is wanted as.

    Raises:
        InvalidArgument: It is no data URL, or holds something else.
    """
    instead = f"use Local{kind.title()}Input for a file, or a base64 data URL"
    if url[:_HEAD].lower().startswith(("http:", "https:")):
        raise InvalidArgument(field, "is a remote URL, which codex does not fetch", instead)
    # Only the start is looked at: the rest may have millions of characters.
    start, comma, _ = url[:_LONGEST_START].partition(",")
    media_type, *parameters = start.lower().split(";")
    if not comma or not media_type.startswith("data:") or parameters[-1:] != ["base64"]:
        raise InvalidArgument(field, "is no base64 data URL", instead)
    if kind == "audio" and not media_type.startswith("data:audio/"):
        raise InvalidArgument(field, "names no audio type", "begin it with, say, data:audio/wav")
    begin = len(start) + 1
    _checked_type(field, _decoded(url[begin : begin + _HEAD]), kind)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text[: len(text) // 4 * 4])
    except ValueError:
        return b""


@contextmanager
def _opened(field: str, path: str) -> Generator[tuple[int, int]]:
    """Open a regular file; give its descriptor and its size in bytes.

    Raises:
        AttachmentMissing: It is none, or cannot be opened, or not be read while it is open: some
            in `/proc` cannot.
    """
    try:
        # Opening a named pipe would wait for a writer.
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):
        raise AttachmentMissing(field, path=path) from None
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise AttachmentMissing(field, path=path)
        yield file, found.st_size
    except OSError:
        raise AttachmentMissing(field, path=path) from None
    finally:
        os.close(file)


def _checked_type(field: str, head: bytes, kind: MediaKind) -> str:
    media_type = image_type(head) if kind == "image" else _audio_type(head)
    if media_type is None:
        wanted = _WANTED[kind]
        raise InvalidArgument(field, f"holds no {wanted} that codex would hand on", "convert it")
    return media_type


def image_type(head: bytes) -> str | None:
    """The media type of an image that the server hands on; None of anything else."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if _is_riff(head, b"WEBP") else None


def _audio_type(head: bytes) -> str | None:
    if _is_riff(head, b"WAVE"):
        return "audio/wav"
    if head.startswith(b"ID3") or _is_mp3_frame(head):
        return "audio/mpeg"
    if head[4:8] == b"ftyp":
        return "audio/mp4"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "audio/webm"
    return "audio/ogg" if head.startswith(b"OggS") else None


def _is_riff(head: bytes, form: bytes) -> bool:
    return head.startswith(b"RIFF") and head[8:12] == form


def _is_mp3_frame(head: bytes) -> bool:
    """Eleven set bits, then a version and a layer that exist; AAC, which has layer 0, is none."""
    if len(head) < 2 or head[0] != 0xFF:  # noqa: PLR2004 — a frame begins with two bytes
        return False
    marks, version, layer = head[1] >> 5, head[1] >> 3 & 0b11, head[1] >> 1 & 0b11
    return marks == 0b111 and version != 1 and layer != 0  # noqa: PLR2004 — the other three bits
