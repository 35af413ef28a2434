"""Lists in pages, and what the other services ask and give back."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import pytest
from runtime.support import PATIENCE, Message, Server

from codex_runtime import (
    InvalidArgument,
    InvalidCursor,
    RemoteProtocolError,
    Runtime,
    SandboxNotAllowed,
)
from codex_runtime.protocol import ThreadSectionAppearance

THREAD = "0199a213-81c0-7800-8aa1-bbab2a035a53"

Iterate: TypeAlias = Callable[[Runtime], AsyncIterator[Any]]

LISTS: list[tuple[str, Iterate, str]] = [
    ("model/list", lambda runtime: runtime.catalog.iter_models(page_size=2), "id"),
    (
        "experimentalFeature/list",
        lambda runtime: runtime.catalog.iter_experimental_features(page_size=2),
        "name",
    ),
    (
        "permissionProfile/list",
        lambda runtime: runtime.catalog.iter_permission_profiles(page_size=2),
        "id",
    ),
    ("app/list", lambda runtime: runtime.catalog.iter_apps(page_size=2), "id"),
    ("mcpServerStatus/list", lambda runtime: runtime.mcp.iter_status(page_size=2), "name"),
    ("project/list", lambda runtime: runtime.projects.iter_projects(page_size=2), "id"),
    ("threadSection/list", lambda runtime: runtime.sections.iter_sections(page_size=2), "id"),
]

ALL = pytest.mark.parametrize(("method", "iterate", "key"), LISTS, ids=[each[0] for each in LISTS])


def paging(server: Server, method: str, key: str, *names: str) -> None:
    """Have the server list these, two a page."""

    def answer(request: Message) -> None:
        params: Message = request["params"]
        at, end = int(params.get("cursor", 0)), int(params.get("cursor", 0)) + params["limit"]
        data = [{key: name} for name in names[at:end]]
        server.answer(request, {"data": data, "nextCursor": str(end) if end < len(names) else None})

    server.on[method] = answer


@ALL
async def test_everything_is_listed_page_after_page(
    server: Server, method: str, iterate: Iterate, key: str
) -> None:
    paging(server, method, key, "a", "b", "c", "d", "e")
    async with server.runtime() as runtime:
        found = [getattr(each, key) async for each in iterate(runtime)]
    assert found == ["a", "b", "c", "d", "e"]
    asked = [each["params"].get("cursor") for each in server.sent(method)]
    assert asked == [None, "2", "4"]


@ALL
async def test_a_server_whose_pages_go_round_is_not_asked_for_ever(
    server: Server, method: str, iterate: Iterate, key: str
) -> None:
    server.on[method] = lambda request: server.answer(
        request, {"data": [{key: "a"}], "nextCursor": "1"}
    )
    async with server.runtime() as runtime:
        with anyio.fail_after(PATIENCE), pytest.raises(RemoteProtocolError):
            _ = [each async for each in iterate(runtime)]
    assert len(server.sent(method)) < 4


async def test_an_error_while_listing_ends_nothing(server: Server) -> None:
    paging(server, "model/list", "id", "a", "b", "c")
    answer = server.on["model/list"]
    async with server.runtime() as runtime:
        models = runtime.catalog.iter_models(page_size=2)
        assert [(await anext(models)).id for _ in range(2)] == ["a", "b"]
        server.on["model/list"] = lambda request: server.refuse(request, "invalid cursor: 2")
        with pytest.raises(InvalidCursor):
            await anext(models)
        server.on["model/list"] = answer
        assert (await anext(models)).id == "c"
        with pytest.raises(StopAsyncIteration):
            await anext(models)


async def test_a_server_that_lists_all_mcp_servers_all_the_same_is_helped(server: Server) -> None:
    paging(server, "mcpServerStatus/list", "name", "other", "docs", "third")
    async with server.runtime() as runtime:
        page = await runtime.mcp.status(server="docs", thread_id=THREAD, detail="full", limit=3)
        iterated = [each.name async for each in runtime.mcp.iter_status(server="docs", page_size=1)]
    assert [each.name for each in page.data] == ["docs"]
    assert iterated == ["docs"]
    assert server.sent("mcpServerStatus/list")[0]["params"] == {
        "serverName": "docs",
        "threadId": THREAD,
        "detail": "full",
        "limit": 3,
    }


async def test_a_list_of_one_mcp_server_that_is_left_out_is_no_empty_list(server: Server) -> None:
    async with server.runtime() as runtime:
        with pytest.raises(RemoteProtocolError):
            await anext(runtime.mcp.iter_status(server="docs"))


async def test_apps_are_asked_for_anew_once_and_not_for_each_page(server: Server) -> None:
    paging(server, "app/list", "id", "a", "b", "c", "d", "e")
    async with server.runtime() as runtime:
        for anew in (True, False):
            apps = runtime.catalog.iter_apps(force_refetch=anew, page_size=2)
            assert [each.id async for each in apps] == ["a", "b", "c", "d", "e"]
    asked = [each["params"].get("forceRefetch") for each in server.sent("app/list")]
    assert asked == [True, None, None, None, None, None]


async def test_a_tool_that_fails_is_a_result(server: Server) -> None:
    result = {"content": [{"type": "text", "text": "no"}], "isError": True}
    server.on["mcpServer/tool/call"] = lambda request: server.answer(request, result)
    async with server.runtime() as runtime:
        called = await runtime.mcp.call_tool(
            THREAD.upper(), "docs", "search", {"for": [1]}, meta={"trace": "x"}
        )
        await runtime.mcp.call_tool(THREAD, "docs", "search")
        await runtime.mcp.reload()
    assert called.is_error is True
    assert called.content == result["content"]
    names = {"threadId": THREAD, "server": "docs", "tool": "search"}
    assert [each["params"] for each in server.sent("mcpServer/tool/call")] == [
        {**names, "arguments": {"for": [1]}, "_meta": {"trace": "x"}},
        names,
    ]


async def test_projects_are_made_and_changed_as_asked(server: Server, tmp_path: Path) -> None:
    project = {"id": "project-1", "name": "One"}
    for verb in ("create", "import", "read", "update"):
        server.on[f"project/{verb}"] = lambda request: server.answer(request, {"project": project})
    async with server.runtime() as runtime:
        projects = runtime.projects
        made = await projects.create("One", [tmp_path], metadata={"a": "b"})
        await projects.create("One", idempotency_key="mine")
        await projects.import_threads("Two", [THREAD], idempotency_key="mine")
        assert (await projects.read("project-1")).name == "One"
        await projects.update("project-1", roots=[])
        await projects.move("project-1", before="project-2")
        await projects.move("project-1")
        await projects.delete("project-1")
    assert made.id == "project-1"
    first, second = (each["params"] for each in server.sent("project/create"))
    assert first["roots"] == [{"path": str(tmp_path)}]
    assert len(first.pop("idempotencyKey")) == 32
    assert second == {"name": "One", "roots": [], "idempotencyKey": "mine"}
    assert server.sent("project/import")[0]["params"]["threads"] == [THREAD]
    assert server.sent("project/update")[0]["params"] == {"projectId": "project-1", "roots": []}
    assert [each["params"] for each in server.sent("project/move")] == [
        {"projectId": "project-1", "beforeProjectId": "project-2"},
        {"projectId": "project-1"},
    ]


async def test_a_section_keeps_its_looks_unless_they_are_named(server: Server) -> None:
    for verb in ("create", "update"):
        server.on[f"threadSection/{verb}"] = lambda request: server.answer(
            request, {"section": {"id": "section-1", "name": "A"}}
        )
    async with server.runtime() as runtime:
        sections = runtime.sections
        made = await sections.create("A", appearance=ThreadSectionAppearance(color="red"))
        await sections.update("section-1", "B")
        await sections.update("section-1", "B", appearance=None)
        await sections.delete("section-1")
    assert made.id == "section-1"
    created = server.sent("threadSection/create")[0]["params"]
    assert created == {"name": "A", "appearance": {"color": "red"}}
    kept, cleared = (each["params"] for each in server.sent("threadSection/update"))
    assert "appearance" not in kept
    assert cleared["appearance"] is None


ONE_THING: list[Callable[[Runtime], Any]] = [
    lambda runtime: runtime.projects.create("x"),
    lambda runtime: runtime.projects.import_threads("x", []),
    lambda runtime: runtime.projects.read("x"),
    lambda runtime: runtime.projects.update("x", name="y"),
    lambda runtime: runtime.sections.create("x"),
    lambda runtime: runtime.sections.update("x", "y"),
]


@pytest.mark.parametrize("call", ONE_THING, ids=range(len(ONE_THING)))
async def test_an_answer_without_what_it_is_about_is_an_error(
    server: Server, call: Callable[[Runtime], Any]
) -> None:
    async with server.runtime() as runtime:
        with pytest.raises(RemoteProtocolError):
            await call(runtime)


async def test_folders_are_made_absolute(server: Server, tmp_path: Path) -> None:
    async with server.runtime() as runtime:
        catalog = runtime.catalog
        await runtime.skills_list()
        await runtime.skills_list([tmp_path, "."], force_reload=True)
        await catalog.hooks([tmp_path])
        await catalog.plugins([str(tmp_path)], force_refetch=True)
        await catalog.installed_plugins()
        await catalog.permission_profiles(tmp_path)
        await catalog.set_extra_skill_roots([tmp_path / "missing"])
        await catalog.set_skill(enabled=False, path=tmp_path / "SKILL.md")
        await catalog.set_skill(enabled=True, name="tidy")
    nowhere, somewhere = (each["params"] for each in server.sent("skills/list"))
    assert nowhere == {"cwds": [], "forceReload": False}
    assert somewhere == {"cwds": [str(tmp_path), str(Path.cwd())], "forceReload": True}
    assert server.sent("hooks/list")[0]["params"] == {"cwds": [str(tmp_path)]}
    roots = server.sent("skills/extraRoots/set")[0]["params"]["extraRoots"]
    assert roots == [str(tmp_path / "missing")]
    assert [each["params"] for each in server.sent("skills/config/write")] == [
        {"enabled": False, "path": str(tmp_path / "SKILL.md")},
        {"enabled": True, "name": "tidy"},
    ]


REMOTE: list[tuple[str, Callable[[Runtime], Any]]] = [
    ("cwd", lambda runtime: runtime.thread_start(cwd="repo")),
    ("cwd", lambda runtime: runtime.skills_list(["repo"])),
    ("cwd", lambda runtime: runtime.configuration.read("~")),
    ("file_path", lambda runtime: runtime.configuration.write("model", "x", file_path="~/c.toml")),
    ("path", lambda runtime: runtime.catalog.set_skill(enabled=True, path="SKILL.md")),
    ("roots[1]", lambda runtime: runtime.catalog.set_extra_skill_roots(["/there", "skills"])),
    ("roots[0]", lambda runtime: runtime.projects.create("x", ["repo"])),
    ("roots[0]", lambda runtime: runtime.projects.update("project-1", roots=["~/repo"])),
    ("roots[0]", lambda runtime: runtime.files.search("x", ["repo"])),
    ("path", lambda runtime: runtime.files.read("file")),
    ("cwd", lambda runtime: runtime.commands.run(["ls"], cwd=".")),
]


@pytest.mark.parametrize(("field", "call"), REMOTE, ids=range(len(REMOTE)))
async def test_on_another_machine_a_relative_path_means_nothing(
    server: Server, field: str, call: Callable[[Runtime], Any]
) -> None:
    async with server.runtime(remote=True) as runtime:
        before = len(server.received)
        with pytest.raises(InvalidArgument, match="is the relative path") as caught:
            await call(runtime)
        assert caught.value.field == field
        assert len(server.received) == before


async def test_features_are_turned_on_and_off_by_name(server: Server) -> None:
    method = "experimentalFeature/enablement/set"
    server.on[method] = lambda request: server.answer(request, {"enablement": {"a": True}})
    async with server.runtime() as runtime:
        catalog = runtime.catalog
        for feature in ("a", "memories", "remote_control"):
            with pytest.raises(SandboxNotAllowed) as caught:
                await catalog.set_experimental_features({"tool_suggest": True, feature: True})
            assert caught.value.field == f"enablement[{feature!r}]"
        assert not server.sent(method)
        await catalog.set_experimental_features({"tool_suggest": True, "remote_control": False})
        answer = await catalog.set_experimental_features(
            {"a": True, "unknown": False}, privileged_escalation_approved=True
        )
        await catalog.collaboration_modes()
        await catalog.model_provider_capabilities()
        await catalog.installed_apps(force_refresh=True)
    assert answer.enablement == {"a": True}
    assert server.sent(method)[1]["params"] == {"enablement": {"a": True, "unknown": False}}
