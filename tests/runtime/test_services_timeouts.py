"""How long the services wait: every method that asks the server takes `timeout=`."""

from __future__ import annotations

import inspect
from contextlib import AbstractAsyncContextManager
from operator import attrgetter
from typing import Any, Final, NamedTuple

import pytest
from runtime.support import Server

from codex_runtime import InvalidArgument, RequestTimeout, Runtime
from codex_runtime._service_access import ServiceAccess

THREAD: Final = "0199a213-81c0-7800-8aa1-bbab2a035a53"

REQUEST_TIMEOUT: Final = 5.0
"""Seconds, less than any method has of its own."""


class Asked(NamedTuple):
    """A method of a service."""

    what: str
    method: str
    seconds: float
    args: tuple[Any, ...]
    options: dict[str, Any]


def asked(
    what: str, method: str, *args: Any, seconds: float = REQUEST_TIMEOUT, **options: Any
) -> Asked:
    """One row: how it is called, what it sends, and how long it waits by default."""
    return Asked(what, method, seconds, args, options)


ALL: Final = [
    asked("account.read", "account/read", seconds=60),
    asked("account.login_with_api_key", "account/login/start", "sk-a-key-of-nobody"),
    asked("account.login_with_chatgpt", "account/login/start", seconds=60),
    asked("account.login_with_device_code", "account/login/start", seconds=60),
    asked("account.logout", "account/logout", seconds=60),
    asked("account.rate_limits", "account/rateLimits/read", seconds=60),
    asked("account.usage", "account/usage/read", seconds=60),
    asked("catalog.models", "model/list", seconds=60),
    asked("catalog.iter_models", "model/list", seconds=60),
    asked("catalog.experimental_features", "experimentalFeature/list"),
    asked("catalog.iter_experimental_features", "experimentalFeature/list"),
    asked("catalog.set_experimental_features", "experimentalFeature/enablement/set", {}),
    asked("catalog.permission_profiles", "permissionProfile/list"),
    asked("catalog.iter_permission_profiles", "permissionProfile/list"),
    asked("catalog.collaboration_modes", "collaborationMode/list"),
    asked("catalog.model_provider_capabilities", "modelProvider/capabilities/read"),
    asked("catalog.hooks", "hooks/list"),
    asked("catalog.apps", "app/list", seconds=60),
    asked("catalog.iter_apps", "app/list", seconds=60),
    asked("catalog.installed_apps", "app/installed", seconds=60),
    asked("catalog.plugins", "plugin/list", seconds=60),
    asked("catalog.installed_plugins", "plugin/installed"),
    asked("catalog.set_skill", "skills/config/write", enabled=True, name="tidy"),
    asked("catalog.set_extra_skill_roots", "skills/extraRoots/set", []),
    asked("configuration.read", "config/read"),
    asked("configuration.read_values", "config/read"),
    asked("configuration.requirements", "configRequirements/read"),
    asked("configuration.write", "config/value/write", "model", "x"),
    asked("configuration.write_many", "config/batchWrite", {"model": "x"}),
    asked("files.read", "fs/readFile", "/x"),
    asked("files.read_text", "fs/readFile", "/x"),
    asked("files.write", "fs/writeFile", "/x", b""),
    asked("files.write_text", "fs/writeFile", "/x", ""),
    asked("files.create_directory", "fs/createDirectory", "/x"),
    asked("files.metadata", "fs/getMetadata", "/x"),
    asked("files.read_directory", "fs/readDirectory", "/x"),
    asked("files.remove", "fs/remove", "/x"),
    asked("files.copy", "fs/copy", "/x", "/y"),
    asked("files.watch", "fs/watch", "/x"),
    asked("files.search", "fuzzyFileSearch", "x", ["/x"]),
    asked("files.search_session", "fuzzyFileSearch/sessionStart", ["/x"]),
    asked("mcp.status", "mcpServerStatus/list", seconds=120),
    asked("mcp.iter_status", "mcpServerStatus/list", seconds=120),
    asked("mcp.reload", "config/mcpServer/reload"),
    asked("mcp.login", "mcpServer/oauth/login", "docs", seconds=60),
    asked("mcp.read_resource", "mcpServer/resource/read", "docs", "docs://a", seconds=300),
    asked("mcp.call_tool", "mcpServer/tool/call", THREAD, "docs", "search", seconds=300),
    asked("projects.list", "project/list"),
    asked("projects.iter_projects", "project/list"),
    asked("projects.read", "project/read", "project-1"),
    asked("projects.create", "project/create", "x"),
    asked("projects.import_threads", "project/import", "x", [THREAD]),
    asked("projects.update", "project/update", "project-1", name="x"),
    asked("projects.move", "project/move", "project-1"),
    asked("projects.delete", "project/delete", "project-1"),
    asked("sections.list", "threadSection/list"),
    asked("sections.iter_sections", "threadSection/list"),
    asked("sections.create", "threadSection/create", "x"),
    asked("sections.update", "threadSection/update", "section-1", "x"),
    asked("sections.delete", "threadSection/delete", "section-1"),
]


async def ask(runtime: Runtime, each: Asked, **more: Any) -> None:
    """Do it, whatever kind of method it is."""
    found = attrgetter(each.what)(runtime)(*each.args, **each.options, **more)
    if isinstance(found, AbstractAsyncContextManager):
        await found.__aenter__()
    elif hasattr(found, "__anext__"):
        await anext(found)
    else:
        await found


async def test_no_method_of_a_service_is_missing_here(server: Server) -> None:
    members = vars(ServiceAccess).items()
    # The time of a command is its own: it is ended then.
    names = {name for name, each in members if isinstance(each, property)} - {"commands"}
    async with server.runtime() as runtime:
        found = {
            f"{name}.{method}"
            for name in names
            for method, _ in inspect.getmembers(getattr(runtime, name), inspect.ismethod)
            if not method.startswith("_")
        }
    assert found == {each.what for each in ALL}


@pytest.mark.virtual_time
async def test_every_method_waits_as_long_as_it_says(server: Server) -> None:
    server.on |= {each.method: server.nothing for each in ALL}
    async with server.runtime(request_timeout=REQUEST_TIMEOUT) as runtime:
        for each in ALL:
            for given, seconds in (
                ({}, each.seconds),
                ({"timeout": None}, each.seconds),
                ({"timeout": 2}, 2),
            ):
                with pytest.raises(RequestTimeout) as caught:
                    await ask(runtime, each, **given)
                assert (each.what, caught.value.seconds) == (each.what, seconds)
                assert caught.value.method == each.method


@pytest.mark.virtual_time
async def test_a_runtime_that_is_more_patient_waits_longer_everywhere(server: Server) -> None:
    server.on |= {each.method: server.nothing for each in ALL}
    async with server.runtime(request_timeout=1_000) as runtime:
        for each in ALL:
            with pytest.raises(RequestTimeout) as caught:
                await ask(runtime, each)
            assert (each.what, caught.value.seconds) == (each.what, 1_000)


async def test_a_time_that_is_none_is_refused_by_every_method(server: Server) -> None:
    async with server.runtime() as runtime:
        for each in ALL:
            before = len(server.received)
            for wrong in (0, -1, "5", True, float("nan")):
                with pytest.raises(InvalidArgument) as caught:
                    await ask(runtime, each, timeout=wrong)
                assert (each.what, caught.value.field) == (each.what, "timeout")
            assert len(server.received) == before
