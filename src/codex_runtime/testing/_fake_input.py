"""What the fake app-server hears, and what it makes of it for the model, in the words of codex 0.163."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from codex_runtime._media import image_type
from codex_runtime.testing._fake_items import told_message
from codex_runtime.testing._fake_params import need_user_input, variant
from codex_runtime.testing._fake_wire import Refused
from codex_runtime.testing._json import Json, is_object, member

if TYPE_CHECKING:
    from codex_runtime.testing._fake_process import FakeProcess
    from codex_runtime.testing._fake_state import FakeThread

__all__ = ["hear", "hear_context", "need_context", "need_items"]

_DETAILS = ("auto", "low", "high", "original")
_KINDS = ("untrusted", "application")
_AUDIO = (".wav", ".mp3", ".m4a", ".webm", ".ogg")

_MAX_CONTEXT: Final = 4_000
"""Bytes of one entry of the additional context; of a longer one the middle is dropped (fact 191)."""

_UNREADABLE = "image content omitted because it could not be processed"
_LOW = (
    "image content omitted because detail 'low' is not supported; use 'high', 'original', or 'auto'"
)
_DEAF = "audio content omitted because you do not support audio input"
_NO_AUDIO = (
    "Codex cannot attach audio at `{}`: unsupported audio format; use wav, mp3, m4a, webm, or ogg."
)

_SKILL_PLACES = (".agents/skills", ".codex/skills")
"""Where the fake looks for skills: in the thread's folder alone."""


def need_items(params: Json) -> list[Json]:
    """Return the `input` of a turn, of which each item is one."""
    parts = need_user_input(params)
    for part in parts:
        if part["type"] in {"image", "localImage"}:
            variant(part.get("detail") or "auto", _DETAILS)
        if part["type"] == "image":
            _need_image(part)
    return parts


def _need_image(part: Json) -> None:
    url = part.get("url")
    if url is None and part.get("fileId") is None:
        raise Refused(
            "Invalid request: data did not match any variant of untagged enum ImageReference"
        )
    if str(url).lower().startswith(("http:", "https:")):
        raise Refused("remote image URLs are not supported; use an inline data URL instead")


def need_context(process: FakeProcess, params: Json, method: str) -> dict[str, Json]:
    """Return the `additionalContext` of a request."""
    context = params.get("additionalContext")
    if not is_object(context):
        return {}
    for entry in context.values():
        variant(member(entry).get("kind"), _KINDS)
    if not process.experimental:
        raise Refused(f"{method}.additionalContext requires experimentalApi capability")
    return {key: member(entry) for key, entry in context.items()}


def hear_context(thread: FakeThread, context: dict[str, Json]) -> None:
    """Have the model told, before what it is told next, what was not in the last context."""
    for key, entry in sorted(context.items()):
        if thread.context.get(key) != entry:
            thread.untold.append(_context_message(key, entry))
    thread.context = context


def hear(thread: FakeThread, content: list[Json]) -> None:
    """Tell the model what waits to be told, and then the content of a user message, if any."""
    thread.conversation += thread.untold
    thread.untold.clear()
    if not content:
        return
    parts = [each for part in _numbered(content) for each in _model_parts(*part)]
    thread.conversation.append({"type": "message", "role": "user", "content": parts})
    thread.conversation += [
        told_message("user", text)
        for part in content
        if part["type"] == "skill"
        for text in _skill(thread.settings.cwd, str(part.get("path")))
    ]


def _context_message(key: str, entry: Json) -> Json:
    value = _shortened(str(entry.get("value")))
    if entry["kind"] == "application":
        return told_message("developer", f"<{key}>{value}</{key}>")
    return told_message("user", f"<external_{key}>{value}</external_{key}>")


def _shortened(text: str) -> str:
    data = text.encode()
    if len(data) <= _MAX_CONTEXT:
        return text
    half, left_out = _MAX_CONTEXT // 2, len(data) - _MAX_CONTEXT
    start, end = data[:half].decode(errors="ignore"), data[-half:].decode(errors="ignore")
    return f"{start}…{-(-left_out // 4)} tokens truncated…{end}"


def _text(text: str) -> Json:
    return {"type": "input_text", "text": text}


def _numbered(content: list[Json]) -> Iterator[tuple[Json, int]]:
    """Count images and sounds, each for themselves, as codex names them to the model."""
    seen = {"image": 0, "audio": 0}
    for part in content:
        kind = str(part["type"]).removeprefix("local").lower()
        if kind in seen:
            seen[kind] += 1
        yield part, seen.get(kind, 0)


def _model_parts(part: Json, number: int) -> list[Json]:
    shown: list[Json] = []
    match part["type"]:
        case "text":
            shown = [_text(part["text"])]
        case "image":
            shown = [_image(part)]
        case "localImage":
            shown = _local_image(part, number)
        case "audio":
            shown = [_text(_DEAF)]
        case "localAudio":
            shown = _local_audio(str(part.get("path")), number)
        case _:
            pass
    return shown


def _image(part: Json) -> Json:
    detail = part.get("detail") or "high"
    url = part.get("url")
    if detail == "low":
        return _text(_LOW)
    if url is None:
        return {"type": "input_image", "file_id": part["fileId"], "detail": detail}
    if str(url).lower().startswith("data:") and not _is_image(str(url)):
        return _text(_UNREADABLE)
    return {"type": "input_image", "image_url": url, "detail": detail}


def _is_image(url: str) -> bool:
    head, _, payload = url.partition(",")
    if not head.lower().endswith(";base64"):
        return False
    try:
        return image_type(base64.b64decode(payload)) is not None
    except ValueError:
        return False


def _local_image(part: Json, number: int) -> list[Json]:
    path = str(part.get("path"))
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        why = f"{error.strerror} (os error {error.errno})"
        return [_text(f"Codex could not read the local image at `{path}`: {why}")]
    url = f"data:{image_type(data)};base64,{base64.b64encode(data).decode()}"
    shown = _image({"url": url, "detail": part.get("detail")})
    return [_text(f'<image name=[Image #{number}] path="{path}">'), shown, _text("</image>")]


def _local_audio(path: str, number: int) -> list[Json]:
    if not path.lower().endswith(_AUDIO):
        return [_text(_NO_AUDIO.format(path))]
    return [
        _text(f'<audio name=[Audio #{number}] path="{path}">'),
        _text(_DEAF),
        _text("</audio>"),
    ]


def _skill(cwd: str, path: str) -> Iterator[str]:
    """Yield what the model is told of a skill; nothing of one that codex does not know (fact 192)."""
    file = Path(path)
    known = [Path(cwd, place) for place in _SKILL_PLACES]
    if file.name != "SKILL.md" or file.parent.parent not in known or not file.is_file():
        return
    body = file.read_text()
    name = re.search(r"^name: *(.*)$", body, re.MULTILINE)
    called = name[1] if name else file.parent.name
    yield f"<skill>\n<name>{called}</name>\n<path>{path}</path>\n{body}\n</skill>"
