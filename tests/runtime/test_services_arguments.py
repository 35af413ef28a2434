"""What the services are asked and could not do is refused with its field, and never sent."""

from collections.abc import Awaitable, Callable
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from runtime.support import Server

from codex_runtime import InvalidArgument, Runtime, RuntimeClosed, WorkingDirectoryMissing
from codex_runtime._service_access import ServiceAccess

THREAD = "0199a213-81c0-7800-8aa1-bbab2a035a53"


class Bad(NamedTuple):
    """A call that cannot be made, and the argument that is wrong."""

    what: str
    field: str
    args: tuple[Any, ...]
    options: dict[str, Any]


def bad(what: str, field: str, *args: Any, **options: Any) -> Bad:
    """One row."""
    return Bad(what, field, args, options)


def paged(what: str, *args: Any) -> list[Bad]:
    """What every method refuses that gives a page."""
    limits = [bad(what, "limit", *args, limit=limit) for limit in (0, -1, 2**32, True, "7")]
    return limits + [bad(what, "cursor", *args, cursor=cursor) for cursor in ("", 7)]


def iterated(what: str) -> list[Bad]:
    """The same of those that give all pages; they refuse at once."""
    return [bad(what, "page_size", page_size=size) for size in (0, -1, 1.5)]


BAD: list[Bad] = [
    bad("account.read", "refresh", refresh="yes"),
    bad("account.read", "refresh", refresh=1),
    bad("account.usage", "thread_id", "nonsense"),
    bad("account.usage", "thread_id", ""),
    # -- MCP servers
    *paged("mcp.status"),
    *iterated("mcp.iter_status"),
    bad("mcp.status", "server", server=" "),
    bad("mcp.status", "thread_id", thread_id="nonsense"),
    bad("mcp.status", "detail", detail="everything"),
    bad("mcp.login", "server", ""),
    bad("mcp.login", "scopes", "docs", scopes="read"),
    bad("mcp.login", "scopes[1]", "docs", scopes=["a", ""]),
    bad("mcp.login", "thread_id", "docs", thread_id="nonsense"),
    bad("mcp.login", "login_timeout", "docs", login_timeout=float("inf")),
    bad("mcp.login", "login_timeout", "docs", login_timeout=0),
    bad("mcp.read_resource", "server", "", "docs://a"),
    bad("mcp.read_resource", "uri", "docs", ""),
    bad("mcp.read_resource", "thread_id", "docs", "docs://a", thread_id=""),
    bad("mcp.call_tool", "thread_id", "nonsense", "docs", "search"),
    bad("mcp.call_tool", "server", THREAD, "", "search"),
    bad("mcp.call_tool", "tool", THREAD, "docs", " "),
    bad("mcp.call_tool", "arguments", THREAD, "docs", "search", [1]),
    bad("mcp.call_tool", "meta", THREAD, "docs", "search", meta="x"),
    bad("mcp.call_tool", "params.arguments.a", THREAD, "docs", "search", {"a": {1}}),
    # -- the catalog
    *paged("catalog.models"),
    *iterated("catalog.iter_models"),
    bad("catalog.models", "include_hidden", include_hidden="yes"),
    *paged("catalog.experimental_features"),
    *iterated("catalog.iter_experimental_features"),
    bad("catalog.experimental_features", "thread_id", thread_id="nonsense"),
    bad("catalog.set_experimental_features", "enablement", ["apps"]),
    bad("catalog.set_experimental_features", "enablement", {"": True}),
    bad("catalog.set_experimental_features", "enablement['apps']", {"apps": "on"}),
    *paged("catalog.permission_profiles"),
    *iterated("catalog.iter_permission_profiles"),
    *paged("catalog.apps"),
    *iterated("catalog.iter_apps"),
    bad("catalog.apps", "force_refetch", force_refetch=1),
    bad("catalog.iter_apps", "force_refetch", force_refetch="no"),
    bad("catalog.installed_apps", "thread_id", thread_id="nonsense"),
    bad("catalog.hooks", "cwds", "/srv"),
    bad("catalog.hooks", "cwds", 7),
    bad("catalog.hooks", "cwds", Path("/srv")),
    bad("catalog.plugins", "cwd", [""]),
    bad("catalog.plugins", "force_refetch", force_refetch="yes"),
    bad("catalog.set_skill", "name", enabled=True),
    bad("catalog.set_skill", "name", enabled=True, name="a", path="/b"),
    bad("catalog.set_skill", "enabled", enabled="yes", name="a"),
    bad("catalog.set_skill", "name", enabled=True, name=" "),
    bad("catalog.set_skill", "path", enabled=True, path=" "),
    bad("catalog.set_extra_skill_roots", "roots", "/srv"),
    bad("catalog.set_extra_skill_roots", "roots[1]", ["/srv", 7]),
    # -- lists of threads
    *paged("thread_list"),
    *paged("thread_loaded_list"),
    *paged("thread_search", "x"),
    # -- skills
    bad("skills_list", "cwds", "/srv"),
    bad("skills_list", "force_reload", force_reload="yes"),
    # -- projects and sections
    *paged("projects.list"),
    *iterated("projects.iter_projects"),
    bad("projects.list", "sort_key", sort_key="name"),
    bad("projects.list", "sort_direction", sort_direction="asc"),
    bad("projects.list", "sort_direction", sort_key="position", sort_direction="up"),
    bad("projects.create", "name", " "),
    bad("projects.create", "roots", "x", "/srv"),
    bad("projects.create", "roots[1]", "x", ["/srv", ""]),
    bad("projects.create", "metadata", "x", metadata=["a"]),
    bad("projects.create", "metadata", "x", metadata={"a": 1}),
    bad("projects.create", "idempotency_key", "x", idempotency_key=""),
    bad("projects.import_threads", "thread_ids", "x", THREAD),
    bad("projects.import_threads", "thread_ids[1]", "x", [THREAD, "nonsense"]),
    bad("projects.read", "project_id", ""),
    bad("projects.update", "name", "project-1"),
    bad("projects.update", "project_id", "", name="x"),
    bad("projects.update", "name", "project-1", name=""),
    bad("projects.move", "before", "project-1", before=""),
    bad("projects.delete", "project_id", None),
    *paged("sections.list"),
    *iterated("sections.iter_sections"),
    bad("sections.create", "name", ""),
    bad("sections.update", "section_id", "", "x"),
    bad("sections.update", "name", "section-1", " "),
    bad("sections.delete", "section_id", ""),
]


async def test_arguments_that_cannot_be_used_are_refused_by_name(server: Server) -> None:
    async with server.runtime() as runtime:
        for each in BAD:
            before = len(server.received)
            with pytest.raises(InvalidArgument) as caught:
                found = attrgetter(each.what)(runtime)(*each.args, **each.options)
                # Those that give all pages are no coroutines.
                await found if "iter_" not in each.what else None
            assert (each, caught.value.field) == (each, each.field)
            assert len(server.received) == before


async def test_folders_that_are_not_there_are_refused(server: Server, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    async with server.runtime() as runtime:
        catalog = runtime.catalog
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda: runtime.skills_list([missing]),
            lambda: catalog.hooks([tmp_path, missing]),
            lambda: catalog.plugins([missing]),
            lambda: catalog.installed_plugins([missing]),
            lambda: catalog.permission_profiles(missing),
            lambda: runtime.configuration.read_values(missing),
        ]
        for call in calls:
            with pytest.raises(WorkingDirectoryMissing) as caught:
                await call()
            assert caught.value.path == str(missing)


async def test_no_service_answers_where_the_runtime_is_not_open(server: Server) -> None:
    runtime = Runtime(connect=server.connect)
    members = vars(ServiceAccess).items()
    names = [name for name, each in members if isinstance(each, property)]
    assert {"account", "files"} <= {*names}
    for name in names:
        with pytest.raises(RuntimeClosed):
            getattr(runtime, name)
    async with runtime:
        account, catalog, mcp = runtime.account, runtime.catalog, runtime.mcp
        commands, files = runtime.commands, runtime.files
        configuration, projects, sections = (
            runtime.configuration,
            runtime.projects,
            runtime.sections,
        )
    calls: list[Callable[[], Awaitable[Any]]] = [
        account.login_with_chatgpt,
        lambda: account.login_with_api_key("sk-a-key-of-nobody"),
        catalog.models,
        lambda: anext(catalog.iter_models()),
        lambda: commands.run(["ls"]),
        configuration.read,
        lambda: files.read("/x"),
        lambda: files.watch("/x").__aenter__(),
        lambda: mcp.login("docs"),
        projects.list,
        sections.list,
    ]
    for call in calls:
        with pytest.raises(RuntimeClosed):
            await call()
