"""Files that an input names: looked at before anything is sent."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from typing import Any

import anyio
import pytest
from runtime.support import PATIENCE

from codex_runtime import AttachmentMissing, AttachmentTooLarge, InvalidArgument, _media
from codex_runtime._arguments import absolute_path
from codex_runtime._prepared_input import prepared_input
from codex_runtime.inputs import Attachment
from codex_runtime.protocol import (
    AudioInput,
    ImageInput,
    LocalAudioInput,
    LocalImageInput,
    MentionInput,
    SkillInput,
)

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
)
HEADS: dict[str, bytes] = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF",
    "image/gif": b"GIF89a\x01\0\x01\0",
    "image/webp": b"RIFF\x10\0\0\0WEBPVP8 ",
    "audio/wav": b"RIFF\x10\0\0\0WAVEfmt ",
    "audio/mpeg": b"\xff\xfb\x90\x64\0\0",
    "audio/mp4": b"\0\0\0\x18ftypM4A ",
    "audio/webm": b"\x1aE\xdf\xa3\x01\0",
    "audio/ogg": b"OggS\0\x02",
}
OTHERS = [b"", b"\xff", b"hello", b"BM\x10\0", b"fLaC", b"\xff\xf1\x50\x80", b"\xff\xe8\x90"]
"""Nothing, half a mark, text, bmp, flac, aac, and a frame of a version that does not exist."""


async def one(item: Any, cwd: Path, *, remote: bool = False) -> Any:
    prepared = await prepared_input(item, cwd=str(cwd), remote=remote)
    (only,) = prepared.items
    return only


async def test_relative_paths_are_taken_from_the_working_directory(tmp_path: Path) -> None:
    for name in ("a.png", "a.wav", "SKILL.md"):
        (tmp_path / name).write_bytes(PNG if name == "a.png" else HEADS["audio/wav"])
    image = LocalImageInput(path="a.png", detail="high")
    assert await one(image, tmp_path) == LocalImageInput(path=f"{tmp_path}/a.png", detail="high")
    sound = await one(LocalAudioInput(path="a.wav"), tmp_path)
    assert sound == LocalAudioInput(path=f"{tmp_path}/a.wav")
    skill = await one(SkillInput(name="s", path="SKILL.md"), tmp_path)
    assert skill == SkillInput(name="s", path=f"{tmp_path}/SKILL.md")
    folder = await one(MentionInput(name="m", path="."), tmp_path)
    assert folder.path.startswith(str(tmp_path))


async def test_without_a_working_directory_paths_are_taken_from_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    monkeypatch.chdir(tmp_path)
    prepared = await prepared_input(LocalImageInput(path="a.png"), cwd=None, remote=False)
    assert prepared.items == [LocalImageInput(path=f"{tmp_path}/a.png")]


async def test_a_path_may_be_a_path_object_or_start_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    monkeypatch.setenv("HOME", str(tmp_path))
    expected = LocalImageInput(path=f"{tmp_path}/a.png")
    as_object: Any = tmp_path / "a.png"
    assert await one(LocalImageInput(path=as_object), Path("/")) == expected
    assert await one(LocalImageInput(path="~/a.png"), Path("/")) == expected


async def test_an_attachment_is_sent_as_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    assert (await one(Attachment(Path("src")), tmp_path)).text == "@src"


MISSING = [
    Attachment("nothing"),
    LocalImageInput(path="nothing"),
    LocalAudioInput(path="nothing.wav"),
    SkillInput(name="s", path="nothing"),
    MentionInput(name="m", path="nothing"),
    LocalImageInput(path="folder"),
    LocalAudioInput(path="folder"),
    SkillInput(name="s", path="folder"),
    LocalImageInput(path="pipe"),
    LocalAudioInput(path="pipe"),
    Attachment("pipe"),
    LocalImageInput(path="file/inside"),
    LocalImageInput(path="x" * 300),
    LocalImageInput(path="~nobody-of-that-name/a.png"),
]


@pytest.mark.parametrize("item", MISSING)
async def test_a_file_that_is_not_there_is_refused_with_its_path(item: Any, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    with anyio.fail_after(PATIENCE), pytest.raises(AttachmentMissing) as refusal:
        await prepared_input(["x", item], cwd=str(tmp_path), remote=False)
    assert refusal.value.field == "input[1].path"
    assert refusal.value.path == f"{tmp_path}/{item.path}"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize(
    "item", [LocalImageInput(path="a"), SkillInput(name="s", path="a"), Attachment("a")]
)
async def test_a_file_that_may_not_be_read_counts_as_missing(item: Any, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(PNG)
    (tmp_path / "a").chmod(0)
    with pytest.raises(AttachmentMissing):
        await one(item, tmp_path)


@pytest.mark.parametrize("where", ["here", "elsewhere"])
@pytest.mark.parametrize("data", OTHERS)
async def test_a_file_that_is_no_image_or_sound_is_refused(
    data: bytes, where: str, tmp_path: Path
) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(data)
    for item in (LocalImageInput(path=str(file)), LocalAudioInput(path=str(file))):
        with pytest.raises(InvalidArgument, match="codex would hand on"):
            await one(item, tmp_path, remote=where == "elsewhere")


@pytest.mark.parametrize("media_type", HEADS)
async def test_the_type_is_told_from_the_content(media_type: str, tmp_path: Path) -> None:
    file = tmp_path / "unnamed"
    file.write_bytes(HEADS[media_type])
    url = f"data:{media_type};base64,{base64.b64encode(HEADS[media_type]).decode()}"
    if media_type.startswith("image"):
        assert await one(LocalImageInput(path=str(file)), tmp_path) == LocalImageInput(
            path=str(file)
        )
        image = LocalImageInput(path=str(file), detail="high")
        assert await one(image, tmp_path, remote=True) == ImageInput(url=url, detail="high")
    else:
        # The server goes by the name, which this one does not have.
        assert await one(LocalAudioInput(path=str(file)), tmp_path) == AudioInput(url=url)
        assert await one(LocalAudioInput(path=str(file)), tmp_path, remote=True) == AudioInput(
            url=url
        )


async def test_what_is_sent_along_has_to_fit_into_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(PNG)
    size = len(PNG)
    monkeypatch.setattr("codex_runtime._input_items.MAX_INLINE_BYTES", 2 * size)
    item = LocalImageInput(path=str(file))
    both = await prepared_input([item, item], cwd=None, remote=True)
    assert len(both.items) == 2
    with pytest.raises(AttachmentTooLarge) as refusal:
        await prepared_input([item, item, item], cwd=None, remote=True)
    assert refusal.value.field == "input[2].path"
    assert (refusal.value.size, refusal.value.limit) == (size, 0)


async def test_a_file_that_is_larger_than_any_that_was_seen_to_work_is_refused(
    tmp_path: Path,
) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(PNG)
    os.truncate(file, _media.MAX_FILE_BYTES)
    await one(LocalImageInput(path=str(file)), tmp_path)
    os.truncate(file, _media.MAX_FILE_BYTES + 1)
    with pytest.raises(AttachmentTooLarge) as refusal:
        await one(LocalImageInput(path=str(file)), tmp_path)
    assert refusal.value.limit == _media.MAX_FILE_BYTES


def test_the_largest_files_leave_room_for_the_rest_of_a_message() -> None:
    in_base64 = -(-_media.MAX_INLINE_BYTES // 3) * 4
    assert in_base64 < 15 * 1024**2


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="Linux has files of this kind")
async def test_a_file_that_opens_and_cannot_be_read_counts_as_missing() -> None:
    with pytest.raises(AttachmentMissing) as refusal:
        await one(LocalImageInput(path="/proc/self/mem"), Path("/"))
    assert refusal.value.field == "input.path"


@pytest.mark.parametrize("given", [OSError(5, "I/O error"), BlockingIOError(), None])
async def test_what_is_sent_along_may_turn_out_to_be_unreadable(
    given: OSError | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Reader(io.BytesIO):
        def read(self, size: int | None = -1, /) -> Any:
            if given is not None:
                raise given
            return None

    (tmp_path / "a.png").write_bytes(PNG)

    def fdopen(*_args: Any, **_options: Any) -> Reader:
        return Reader()

    monkeypatch.setattr(_media.os, "fdopen", fdopen)
    with pytest.raises(AttachmentMissing):
        await one(LocalImageInput(path=str(tmp_path / "a.png")), tmp_path, remote=True)


async def test_only_relative_paths_need_the_working_directory_of_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for remote in (False, True):
        image = LocalImageInput(path=str(tmp_path / "a.png"))
        assert (await prepared_input(image, cwd=None, remote=remote)).items
        with pytest.raises(InvalidArgument, match="working directory is gone"):
            await prepared_input(LocalImageInput(path="a.png"), cwd=None, remote=remote)
    with pytest.raises(InvalidArgument, match="working directory is gone"):
        absolute_path("cwd", "here")
    assert absolute_path("cwd", str(tmp_path)) == str(tmp_path)
