"""Files, watches and searches on a server played by hand."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import anyio
import pytest
from runtime.support import Message, Server, cancelled_at_every_wait, settled

from codex_runtime import (
    CodexRuntimeError,
    ConnectionLost,
    InvalidArgument,
    RemoteProtocolError,
    RequestRefused,
    RequestTimeout,
    Runtime,
    ServerFileError,
    ServerFileMissing,
)
from codex_runtime.protocol import FsChangedNotification, FuzzyFileSearchSessionUpdatedNotification


def sent(server: Server, method: str) -> dict[str, Any]:
    [request] = server.sent(method)
    params: dict[str, Any] = request["params"]
    return params


def changed(server: Server, watch_id: object, *paths: str) -> None:
    server.tell("fs/changed", watchId=watch_id, changedPaths=list(paths))


# -- files


async def test_what_is_read_is_the_bytes_of_the_file(server: Server) -> None:
    data = bytes(range(256))
    content = base64.b64encode(data).decode()
    server.on["fs/readFile"] = lambda request: server.answer(request, {"dataBase64": content})
    async with server.runtime() as runtime:
        assert await runtime.files.read("/file") == data
        assert await runtime.files.read_text("/file", encoding="latin-1") == data.decode("latin-1")
        assert "\ufffd" in await runtime.files.read_text("/file", errors="replace")
        with pytest.raises(UnicodeDecodeError):
            await runtime.files.read_text("/file")


@pytest.mark.parametrize("answer", [{}, {"dataBase64": "%%%"}, {"dataBase64": "é"}])
async def test_an_answer_that_holds_no_file_is_no_empty_file(
    server: Server, answer: Message
) -> None:
    server.on["fs/readFile"] = lambda request: server.answer(request, answer)
    async with server.runtime() as runtime:
        with pytest.raises(RemoteProtocolError):
            await runtime.files.read("/file")


async def test_an_answer_without_a_list_is_no_empty_list(server: Server) -> None:
    async with server.runtime() as runtime:
        with pytest.raises(RemoteProtocolError):
            await runtime.files.read_directory("/folder")
        with pytest.raises(RemoteProtocolError):
            await runtime.files.search("x", ["/folder"])


async def test_every_operation_says_what_it_means(server: Server) -> None:
    server.on["fs/readDirectory"] = lambda request: server.answer(request, {"entries": []})
    async with server.runtime() as runtime:
        files = runtime.files
        await files.write("/a", b"\xff")
        await files.create_directory("/d")
        await files.remove("/r")
        await files.copy("/from", "/to")
        await files.metadata("/m")
        assert await files.read_directory("/l") == []

    assert sent(server, "fs/writeFile") == {"path": "/a", "dataBase64": "/w=="}
    assert sent(server, "fs/createDirectory") == {"path": "/d", "recursive": True}
    # The server's own defaults would remove everything, and be content with nothing.
    assert sent(server, "fs/remove") == {"path": "/r", "recursive": False, "force": False}
    copied = sent(server, "fs/copy")
    assert (copied["sourcePath"], copied["destinationPath"]) == ("/from", "/to")
    assert not copied.get("recursive")


async def test_options_are_sent(server: Server) -> None:
    async with server.runtime() as runtime:
        await runtime.files.write_text("/a", "é", encoding="utf-16-le")
        await runtime.files.create_directory("/d", parents=False)
        await runtime.files.remove("/r", recursive=True, missing_ok=True)
        await runtime.files.copy("/from", "/to", recursive=True)
    assert base64.b64decode(sent(server, "fs/writeFile")["dataBase64"]) == b"\xe9\0"
    assert sent(server, "fs/createDirectory")["recursive"] is False
    assert sent(server, "fs/remove") == {"path": "/r", "recursive": True, "force": True}
    assert sent(server, "fs/copy")["recursive"] is True


async def test_a_relative_path_is_taken_from_here(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    async with server.runtime() as runtime:
        await runtime.files.metadata("sub/../file")
        await runtime.files.metadata(Path("~/file"))
    paths = [request["params"]["path"] for request in server.sent("fs/getMetadata")]
    assert paths == [str(tmp_path / "file"), "/home/me/file"]


async def test_on_another_machine_only_absolute_paths_mean_anything(server: Server) -> None:
    async with server.runtime(remote=True) as runtime:
        await runtime.files.metadata("/there/./file")
        for path in ("file", "~/file"):
            with pytest.raises(InvalidArgument, match="another file system"):
                await runtime.files.metadata(path)
    assert sent(server, "fs/getMetadata")["path"] == "/there/./file"


REFUSALS = [
    ("No such file or directory (os error 2)", ServerFileMissing, 2),
    ("Is a directory (os error 21)", ServerFileError, 21),
    ("Directory not empty (os error 39)", ServerFileError, 39),
    ("path `/x` is not a file", ServerFileError, 0),
    ("fs/copy requires recursive: true when sourcePath is a directory", ServerFileError, 0),
]


@pytest.mark.parametrize(("words", "kind", "number"), REFUSALS)
async def test_a_refusal_says_what_went_wrong(
    server: Server, words: str, kind: type[ServerFileError], number: int
) -> None:
    server.on["fs/readFile"] = lambda request: server.refuse(request, words)
    async with server.runtime() as runtime:
        with pytest.raises(ServerFileError) as refused:
            await runtime.files.read("/x")
    assert type(refused.value) is kind
    assert refused.value.errno == number


USELESS: list[tuple[str, str, tuple[Any, ...], dict[str, Any]]] = [
    ("path is blank", "read", (" ",), {}),
    ("path is of type int", "read", (5,), {}),
    ("path is of type bytes", "read", (b"/x",), {}),
    ("path holds a NUL character", "read", ("/a\0",), {}),
    ("timeout is 0", "read", ("/x",), {"timeout": 0}),
    ("data is of type str", "write", ("/x", "text"), {}),
    ("data is of type list", "write", ("/x", [1]), {}),
    ("text is of type bytes", "write_text", ("/x", b"bytes"), {}),
    ("source is blank", "copy", ("", "/x"), {}),
    ("destination is blank", "copy", ("/x", ""), {}),
    ("query is of type int", "search", (5, ["/x"]), {}),
    ("roots is of type str", "search", ("x", "/x"), {}),
    ("roots is of type bytes", "search", ("x", b"/x"), {}),
    ("roots is of type PosixPath", "search", ("x", Path("/x")), {}),
    ("parents is of type int", "create_directory", ("/x",), {"parents": 1}),
    ("recursive is of type str", "remove", ("/x",), {"recursive": "no"}),
    ("missing_ok is of type NoneType", "remove", ("/x",), {"missing_ok": None}),
    ("recursive is of type str", "copy", ("/x", "/y"), {"recursive": "no"}),
    ("roots is empty", "search", ("x", []), {}),
    ("roots[1] is blank", "search", ("x", ["/x", ""]), {}),
    ("limit is 0", "search", ("x", ["/x"]), {"limit": 0}),
    ("limit is 51", "search", ("x", ["/x"]), {"limit": 51}),
    ("limit is of type bool", "search", ("x", ["/x"]), {"limit": True}),
]


@pytest.mark.parametrize(("text", "method", "args", "options"), USELESS)
async def test_what_is_of_no_use_is_refused_before_anything_is_sent(
    server: Server, text: str, method: str, args: tuple[Any, ...], options: dict[str, Any]
) -> None:
    async with server.runtime() as runtime:
        before = len(server.received)
        with pytest.raises(InvalidArgument) as refused:
            await getattr(runtime.files, method)(*args, **options)
        assert text in str(refused.value)
        assert len(server.received) == before


async def test_a_search_gives_what_is_wanted_and_no_more(server: Server) -> None:
    found = [{"root": "/r", "path": f"f{number}", "match_type": "file"} for number in range(50)]
    server.on["fuzzyFileSearch"] = lambda request: server.answer(request, {"files": found})
    async with server.runtime() as runtime:
        first = await runtime.files.search("f", ["/r"], limit=2)
        assert [(each.path, each.match_type) for each in first] == [("f0", "file"), ("f1", "file")]
        assert len(await runtime.files.search("f", iter(["/r", Path("/s")]))) == 50
    assert server.sent("fuzzyFileSearch")[-1]["params"] == {"query": "f", "roots": ["/r", "/s"]}


# -- watches


async def test_a_watch_tells_of_its_own_changes_from_before_it_is_answered(server: Server) -> None:
    def change_first(request: Message) -> None:
        changed(server, request["params"]["watchId"], "/d/early")
        server.answer(request, {"path": "/d"})

    server.on["fs/watch"] = change_first
    async with server.runtime() as runtime, runtime.files.watch("/d") as changes:
        watch_id = sent(server, "fs/watch")["watchId"]
        changed(server, "another", "/other")
        changed(server, None, "/nobody")
        changed(server, watch_id, "/d/late", "/d/later")
        early = await anext(changes)
        late = await anext(changes)
    assert isinstance(early, FsChangedNotification)
    assert [early.changed_paths, late.changed_paths] == [["/d/early"], ["/d/late", "/d/later"]]
    assert sent(server, "fs/unwatch") == {"watchId": watch_id}


async def test_several_watches_on_one_path_have_names_of_their_own(server: Server) -> None:
    async with server.runtime() as runtime:
        async with runtime.files.watch("/d") as one, runtime.files.watch("/d") as two:
            ids = [request["params"]["watchId"] for request in server.sent("fs/watch")]
            assert len(set(ids)) == 2
            changed(server, ids[1], "/two")
            changed(server, ids[0], "/one")
            assert (await anext(one)).changed_paths == ["/one"]
            assert (await anext(two)).changed_paths == ["/two"]
        assert len(server.sent("fs/unwatch")) == 2
        assert not runtime._client.hub._named


async def test_iterating_ends_when_the_block_was_left(server: Server) -> None:
    async with server.runtime() as runtime:
        async with runtime.files.watch("/d") as changes:
            pass
        assert [change async for change in changes] == []
        with pytest.raises(InvalidArgument, match="was used before"):
            await changes.__aenter__()
        with pytest.raises(InvalidArgument, match="was not entered"):
            await anext(runtime.files.watch("/d"))


async def test_a_watch_that_is_refused_leaves_nothing_behind(server: Server) -> None:
    server.on["fs/watch"] = lambda request: server.refuse(request, "watchId already exists: w")
    async with server.runtime() as runtime:
        with pytest.raises(RequestRefused):
            async with runtime.files.watch("/d"):
                raise AssertionError("never entered")
        assert not runtime._client.hub._named
    assert not server.sent("fs/unwatch")


@pytest.mark.parametrize("kind", ["watch", "search"])
async def test_what_may_have_begun_though_the_answer_cannot_be_read_is_given_back(
    server: Server, kind: str
) -> None:
    begin, end = {
        "watch": ("fs/watch", "fs/unwatch"),
        "search": ("fuzzyFileSearch/sessionStart", "fuzzyFileSearch/sessionStop"),
    }[kind]
    server.on[begin] = lambda request: server.answer(request, None)
    async with server.runtime() as runtime:
        files = runtime.files
        feed = files.watch("/d") if kind == "watch" else files.search_session(["/d"])
        with pytest.raises(RemoteProtocolError):
            await feed.__aenter__()
        assert len(server.sent(end)) == 1
        assert not runtime._client.hub._named


@pytest.mark.virtual_time
async def test_a_watch_that_nobody_answers_is_given_back(server: Server) -> None:
    server.on["fs/watch"] = server.on["fs/unwatch"] = server.nothing
    async with server.runtime() as runtime:
        begun = anyio.current_time()
        with pytest.raises(RequestTimeout):
            async with runtime.files.watch("/d"):
                raise AssertionError("never entered")
        assert 30 <= anyio.current_time() - begun <= 36
        assert not runtime._client.hub._named
    assert server.sent("fs/unwatch")


@pytest.mark.parametrize("kind", ["watch", "search"])
async def test_cancelling_at_any_moment_leaves_nothing_behind(server: Server, kind: str) -> None:
    open_here: set[str] = set()
    names = {"watch": ("fs/watch", "fs/unwatch", "watchId")}
    names["search"] = ("fuzzyFileSearch/sessionStart", "fuzzyFileSearch/sessionStop", "sessionId")
    begin, end, field = names[kind]

    def take(request: Message) -> None:
        open_here.add(request["params"][field])
        server.answer(request, {})

    def give_back(request: Message) -> None:
        open_here.discard(request["params"][field])
        server.answer(request, {})

    server.on.update({begin: take, end: give_back})
    async with server.runtime() as runtime:

        async def use() -> bool:
            files = runtime.files
            async with files.watch("/d") if kind == "watch" else files.search_session(["/d"]):
                await settled(3)
            return True

        async def check(result: bool | None) -> None:  # noqa: FBT001 — called by the helper
            assert result in {None, True}
            assert not open_here
            assert not runtime._client.hub._named
            assert runtime.statistics().open_requests == 0

        assert await cancelled_at_every_wait(use, check) > 4


@pytest.mark.parametrize("kind", ["watch", "search"])
async def test_the_end_of_the_connection_reaches_who_waits_and_leaving_is_quiet(
    server: Server, kind: str
) -> None:
    def opened(runtime: Runtime) -> Any:
        if kind == "watch":
            return runtime.files.watch("/d")
        return runtime.files.search_session(["/d"])

    async with server.runtime() as runtime:
        lost: list[CodexRuntimeError] = []
        async with opened(runtime) as feed, anyio.create_task_group() as tasks:

            async def wait() -> None:
                try:
                    await anext(feed)
                except CodexRuntimeError as error:
                    lost.append(error)

            tasks.start_soon(wait)
            await settled()
            server.crash(exit_code=3)
        assert [type(error) for error in lost] == [ConnectionLost]
        with pytest.raises(ConnectionLost):
            await opened(runtime).__aenter__()


# -- searches that follow somebody's typing


async def test_a_session_hands_out_what_is_found_for_each_query(server: Server) -> None:
    def search(request: Message) -> None:
        ids = {"sessionId": request["params"]["sessionId"]}
        query = request["params"]["query"]
        server.tell("fuzzyFileSearch/sessionCompleted", **ids)
        found = [{"path": query, "file_name": query}]
        server.tell("fuzzyFileSearch/sessionUpdated", **ids, query=query, files=found)
        server.tell("fuzzyFileSearch/sessionUpdated", sessionId="other", query="x", files=[])
        server.answer(request, {})

    server.on["fuzzyFileSearch/sessionUpdate"] = search
    async with server.runtime() as runtime, runtime.files.search_session(["/r"]) as session:
        await session.update("a")
        await session.update("ab")
        updates = [await anext(session), await anext(session)]
        assert "/r" in repr(session)
    assert all(isinstance(each, FuzzyFileSearchSessionUpdatedNotification) for each in updates)
    assert [(each.query, each.files[0].file_name) for each in updates] == [
        ("a", "a"),
        ("ab", "ab"),
    ]
    begun = sent(server, "fuzzyFileSearch/sessionStart")
    assert begun["roots"] == ["/r"]
    assert sent(server, "fuzzyFileSearch/sessionStop") == {"sessionId": begun["sessionId"]}


@pytest.mark.parametrize(
    ("field", "query", "options"),
    [("query", 5, {}), ("query", None, {}), ("timeout", "a", {"timeout": 0})],
)
async def test_a_session_refuses_what_is_of_no_use(
    server: Server, field: str, query: Any, options: dict[str, Any]
) -> None:
    async with server.runtime() as runtime, runtime.files.search_session(["/r"]) as session:
        with pytest.raises(InvalidArgument) as refused:
            await session.update(query, **options)
    assert refused.value.field == field
    assert not server.sent("fuzzyFileSearch/sessionUpdate")


async def test_a_watch_shows_its_path(server: Server) -> None:
    async with server.runtime() as runtime:
        watch = runtime.files.watch("/d")
    assert watch.path == "/d"
    assert "/d" in repr(watch)
