"""Files of the server's machine, watches on them, and searches for them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import anyio
import pytest
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import ServerFileError, ServerFileMissing
from codex_runtime.services.files import FileWatch

NOT_FAKED = "files are real, and the fake app-server touches none"


@pytest.fixture
def folder(server: Server) -> Path:
    return server.workspace


@requirement("files:round-trip")
@pytest.mark.parametrize("size", [0, 1, 256, 3_000_001])
async def test_what_is_written_is_read(server: Server, folder: Path, size: int) -> None:
    data = (bytes(range(256)) * (size // 256 + 1))[:size]
    files = server.runtime.files

    await files.write(folder / "file", b"longer than what follows it")
    await files.write(folder / "file", data)

    assert await files.read(folder / "file") == data
    assert (folder / "file").read_bytes() == data


@requirement("files:round-trip")
async def test_text_is_written_and_read_with_its_line_ends(server: Server, folder: Path) -> None:
    text = "one\r\nzwö\n"

    await server.runtime.files.write_text(folder / "file", text)

    assert await server.runtime.files.read_text(folder / "file") == text


@requirement("files:operations")
async def test_folders_and_files_come_and_go(server: Server, folder: Path) -> None:
    files = server.runtime.files

    await files.create_directory(folder / "a" / "b")
    await files.create_directory(folder / "a" / "b")
    await files.write(folder / "a" / "file", b"12345")
    (folder / "a" / "link").symlink_to("file")
    (folder / "a" / "dangling").symlink_to("nowhere")
    listed = {
        each.file_name: each.is_directory for each in await files.read_directory(folder / "a")
    }
    file, link = [await files.metadata(folder / "a" / name) for name in ("file", "link")]
    await files.copy(folder / "a", folder / "copy", recursive=True)
    await files.copy(folder / "a" / "file", folder / "copy" / "b" / "file")
    await files.remove(folder / "a", recursive=True)
    await files.remove(folder / "copy" / "file")
    await files.remove(folder / "no-such-thing", missing_ok=True)

    assert listed == {"b": True, "file": False, "link": False}
    assert (file.is_file, file.is_directory, file.is_symlink) == (True, False, False)
    assert (link.is_file, link.is_symlink) == (True, True)
    assert file.modified_at_ms > 10**12
    assert not (folder / "a").exists()
    assert (folder / "copy" / "b" / "file").read_bytes() == b"12345"
    assert not (folder / "copy" / "file").exists()


@requirement("files:refusals")
async def test_a_file_that_is_missing_is_missing_whatever_is_done_with_it(
    server: Server, folder: Path
) -> None:
    files, nothing = server.runtime.files, folder / "no" / "thing"
    (folder / "dangling").symlink_to("nowhere")

    for attempt in (
        files.read(nothing),
        files.write(nothing, b""),
        files.metadata(nothing),
        files.metadata(folder / "dangling"),
        files.read_directory(nothing),
        files.remove(nothing),
        files.copy(nothing, folder / "x"),
        files.create_directory(nothing, parents=False),
    ):
        with pytest.raises(ServerFileMissing) as refused:
            await attempt
        assert refused.value.errno == errno.ENOENT


@requirement("files:refusals")
async def test_other_failures_have_their_number_too(server: Server, folder: Path) -> None:
    files = server.runtime.files
    (folder / "full").mkdir()
    (folder / "full" / "file").touch()
    os.mkfifo(folder / "pipe")

    for attempt, number in [
        (files.write(folder, b""), errno.EISDIR),
        (files.read(folder / "full" / "file" / "below"), errno.ENOTDIR),
        (files.read_directory(folder / "full" / "file"), errno.ENOTDIR),
        (files.create_directory(folder / "full", parents=False), errno.EEXIST),
        (files.create_directory(folder / "full" / "file"), errno.EEXIST),
        (files.remove(folder / "full"), errno.ENOTEMPTY),
        (files.copy(folder / "full" / "file", folder), errno.EISDIR),
        # These the server itself refuses.
        (files.read(folder), 0),
        (files.read(folder / "pipe"), 0),
        (files.copy(folder / "full", folder / "copy"), 0),
        (files.copy(folder / "full", folder / "full" / "in", recursive=True), 0),
    ]:
        with pytest.raises(ServerFileError) as refused:
            await attempt
        assert refused.value.errno == number
    assert (folder / "full" / "file").exists()


async def next_paths(changes: FileWatch) -> set[str]:
    with anyio.fail_after(10):
        return set((await anext(changes)).changed_paths)


@requirement("files:watch")
async def test_a_watch_sees_changes_of_its_folder_and_not_of_those_below(
    server: Server, folder: Path
) -> None:
    (folder / "sub").mkdir()
    async with server.runtime.files.watch(folder) as changes:
        (folder / "sub" / "deep").touch()
        (folder / "seen").touch()
        assert await next_paths(changes) == {str(folder / "seen")}


@requirement("files:watch")
async def test_a_file_may_be_watched_before_there_is_one(server: Server, folder: Path) -> None:
    async with server.runtime.files.watch(folder / "later") as changes:
        (folder / "other").touch()
        (folder / "later").touch()
        assert await next_paths(changes) == {str(folder / "later")}


@requirement("files:watch-several")
async def test_each_of_several_watches_tells_of_a_change(server: Server, folder: Path) -> None:
    files = server.runtime.files
    async with files.watch(folder) as one:
        async with files.watch(folder) as two:
            (folder / "first").touch()
            for changes in (one, two):
                assert str(folder / "first") in await next_paths(changes)
        (folder / "second").touch()
        while str(folder / "second") not in await next_paths(one):
            pass
        assert [change async for change in two] == []


@requirement("files:search")
async def test_a_search_finds_files_and_folders_best_first(server: Server, folder: Path) -> None:
    for name in ("alpha.txt", "alpaca.md", "ignored-alpha.txt"):
        (folder / name).touch()
    (folder / "alphabet").mkdir()
    (folder / ".gitignore").write_text("ignored*\n")

    found = await server.runtime.files.search("alpha", [folder])
    none = await server.runtime.files.search("nothing-like-it", [folder, folder / "missing"])

    kinds = {each.path: each.match_type for each in found}
    assert kinds == {"alpha.txt": "file", "alphabet": "directory"}
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    assert {each.root for each in found} == {str(folder)}
    assert none == []


@requirement("files:search")
async def test_a_search_finds_fifty_at_the_most(server: Server, folder: Path) -> None:
    for number in range(60):
        (folder / f"file-{number}").touch()

    assert len(await server.runtime.files.search("file", [folder])) == 50
    assert len(await server.runtime.files.search("file", [folder], limit=3)) == 3


@requirement("files:search-session")
async def test_a_session_follows_what_is_typed(server: Server, folder: Path) -> None:
    for name in ("alpha", "beta"):
        (folder / name).touch()
    async with server.runtime.files.search_session([folder]) as session:
        for query, expected in (("al", ["alpha"]), ("be", ["beta"]), ("zz", [])):
            await session.update(query)
            with anyio.fail_after(10):
                async for update in session:
                    paths = [each.path for each in update.files]
                    if update.query == query and paths == expected:
                        break
