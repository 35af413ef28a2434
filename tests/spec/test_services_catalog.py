"""What a real codex offers to choose from, without a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from spec.conftest import Stage
from spec.private import Private, private
from spec.requirements import requirement

from codex_runtime import InvalidCursor
from codex_runtime.protocol import SkillMetadata

NOT_FAKED = "the fake app-server lists next to nothing"


async def skills(server: Private, **options: bool) -> dict[str, SkillMetadata]:
    """The skills of the workspace, by name."""
    [entry] = (await server.runtime.skills_list([server.workspace], **options)).data
    assert entry.cwd == str(server.workspace)
    return {each.name: each for each in entry.skills}


@requirement("catalog:models")
async def test_all_pages_together_are_the_list(stage: Stage, tmp_path: Path) -> None:
    async with private(tmp_path) as server:
        catalog = server.runtime.catalog
        whole = await catalog.models()
        paged = [each.id async for each in catalog.iter_models(page_size=2)]
        hidden = await catalog.models(include_hidden=True)
        first = await catalog.models(limit=1)
        second = await catalog.models(limit=1, cursor=first.next_cursor)
        for cursor in ("nonsense", "999"):
            with pytest.raises(InvalidCursor):
                await catalog.models(cursor=cursor)

    assert whole.next_cursor is None
    assert [each.id for each in whole.data] == paged
    assert "gpt-5.5" in paged
    assert {each.id for each in hidden.data} > set(paged)
    assert [first.data[0].id, second.data[0].id] == paged[:2]


@requirement("catalog:features")
async def test_a_feature_is_turned_off_where_that_can_be_done(stage: Stage, tmp_path: Path) -> None:
    async with private(tmp_path) as server:
        catalog = server.runtime.catalog

        async def state(name: str) -> bool:
            found = [each async for each in catalog.iter_experimental_features(page_size=50)]
            return next(each.enabled for each in found if each.name == name)

        assert await state("tool_suggest") is True
        changed = await catalog.set_experimental_features(
            {"tool_suggest": False, "shell_tool": False, "no_such_feature": False}
        )
        assert changed.enablement == {"tool_suggest": False}
        assert await state("tool_suggest") is False
        assert await state("shell_tool") is True
        assert (await catalog.set_experimental_features({})).enablement == {}
        assert "tool_suggest" not in server.settings


@requirement("catalog:profiles")
async def test_profiles_and_modes_are_listed(stage: Stage, tmp_path: Path) -> None:
    settings = ['permissions.dev.filesystem.":root" = "read"', 'default_permissions = ":read-only"']
    async with private(tmp_path, *settings) as server:
        catalog = server.runtime.catalog
        whole = await catalog.permission_profiles(server.workspace)
        paged = [each.id async for each in catalog.iter_permission_profiles(page_size=1)]
        modes = await catalog.collaboration_modes()
        able = await catalog.model_provider_capabilities()

    assert [each.id for each in whole.data] == paged
    assert {":read-only", ":workspace", ":danger-full-access", "dev"} <= set(paged)
    assert all(each.allowed for each in whole.data)
    assert {each.mode for each in modes.data} >= {"plan", "default"}
    assert able.web_search in {True, False}


@requirement("catalog:extensions")
async def test_apps_plugins_and_hooks_are_listed(stage: Stage, tmp_path: Path) -> None:
    async with private(tmp_path) as server:
        catalog = server.runtime.catalog
        hooks = await catalog.hooks([server.workspace])
        here = await catalog.hooks()
        assert (await catalog.apps()).data == []
        assert [each async for each in catalog.iter_apps()] == []
        assert (await catalog.installed_apps()).apps == []
        assert (await catalog.plugins([server.workspace])).marketplaces == []
        assert (await catalog.installed_plugins()).marketplaces == []

    assert [(each.cwd, each.hooks) for each in hooks.data] == [(str(server.workspace), [])]
    assert len(here.data) == 1


@requirement("skills:list")
async def test_skills_are_listed_anew_when_asked_to(stage: Stage, tmp_path: Path) -> None:
    async with private(tmp_path) as server:
        server.skill("tidy", "tidies up")
        assert (await skills(server))["tidy"].description == "tidies up"
        server.skill("tidy", "tidies up well")
        server.skill("broken", "").write_text("no front matter")
        assert (await skills(server))["tidy"].description == "tidies up"
        assert (await skills(server, force_reload=True))["tidy"].description == "tidies up well"
        [entry] = (await server.runtime.skills_list([server.workspace])).data
        [error] = entry.errors
        assert error.path.endswith("broken/SKILL.md")
        assert len((await server.runtime.skills_list()).data) == 1


@requirement("skills:on-and-off")
async def test_a_skill_is_turned_off_by_name_and_by_path(stage: Stage, tmp_path: Path) -> None:
    async with private(tmp_path) as server:
        catalog = server.runtime.catalog
        path = server.skill("tidy", "tidies up")
        server.skill("sort", "sorts")
        assert (await catalog.set_skill(enabled=False, name="sort")).effective_enabled is False
        assert (await catalog.set_skill(enabled=False, path=path)).effective_enabled is False
        found = await skills(server)
        assert (found["tidy"].enabled, found["sort"].enabled) == (False, False)
        await catalog.set_skill(enabled=True, path=path)
        assert (await skills(server))["tidy"].enabled is True
        await catalog.set_skill(enabled=False, name="nobody")
        assert "nobody" in server.settings


@requirement("skills:extra-roots")
async def test_skills_of_further_folders_are_found(stage: Stage, tmp_path: Path) -> None:
    async with private(tmp_path) as server:
        server.skill("shared", "of many", under=tmp_path / "more")
        assert "shared" not in await skills(server)
        await server.runtime.catalog.set_extra_skill_roots([tmp_path / "more"])
        assert "shared" in await skills(server)
        await server.runtime.catalog.set_extra_skill_roots([tmp_path / "missing"])
        assert "shared" not in await skills(server)
        await server.runtime.catalog.set_extra_skill_roots([])
