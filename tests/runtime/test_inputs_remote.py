"""Input for a server that sees another file system: what is read here, and what is left to it."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
from runtime.test_inputs_files import HEADS, PNG

from codex_runtime import AttachmentMissing, protocol
from codex_runtime.inputs import Attachment
from codex_runtime.protocol import LocalAudioInput, LocalImageInput, MentionInput, SkillInput
from codex_runtime.testing import FakeAppServer, assistant_message

CWD = "/only/there"


async def test_images_and_sounds_are_read_here_and_sent_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "a.mp3").write_bytes(HEADS["audio/mpeg"])
    monkeypatch.chdir(tmp_path)
    fake = FakeAppServer(assistant_message("Fine."))
    async with fake.runtime(remote=True) as runtime:
        thread = await runtime.thread_start(cwd=CWD)
        await thread.run(["Look.", LocalImageInput(path="a.png"), LocalAudioInput(path="a.mp3")])

    _, image, sound = fake.requests("turn/start")[-1]["input"]
    assert image == {
        "type": "image",
        "url": f"data:image/png;base64,{base64.b64encode(PNG).decode()}",
    }
    assert sound["type"] == "audio"
    assert sound["url"].startswith("data:audio/mpeg;base64,")


async def test_other_files_are_left_to_the_server() -> None:
    fake = FakeAppServer(assistant_message("Fine."))
    async with fake.runtime(remote=True) as runtime:
        thread = await runtime.thread_start(cwd=CWD)
        await thread.run(
            [
                "Do.",
                Attachment("notes.txt"),
                SkillInput(name="s", path=".agents/skills/s/SKILL.md"),
                MentionInput(name="m", path="app://calendar"),
            ]
        )

    text, skill, mention = fake.requests("turn/start")[-1]["input"]
    assert text["text"] == "Do.\n@notes.txt"
    assert skill["path"] == f"{CWD}/.agents/skills/s/SKILL.md"
    assert mention["path"] == "app://calendar"


async def test_what_is_to_be_read_here_and_is_not_there_is_refused(tmp_path: Path) -> None:
    fake = FakeAppServer()
    os.mkfifo(tmp_path / "pipe")
    async with fake.runtime(remote=True) as runtime:
        thread = await runtime.thread_start(cwd=CWD)
        for name in ("pipe", "nothing.png"):
            with pytest.raises(AttachmentMissing) as refusal:
                await thread.turn_start(protocol.LocalImageInput(path=str(tmp_path / name)))
            assert refusal.value.path == str(tmp_path / name)
    assert not fake.requests("turn/start")
