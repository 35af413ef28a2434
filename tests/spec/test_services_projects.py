"""Projects and sections of a real codex."""

from __future__ import annotations

from pathlib import Path

import pytest
from spec.conftest import Stage
from spec.private import Private, private
from spec.requirements import requirement

from codex_runtime import InvalidCursor, RequestRefused
from codex_runtime.protocol import ThreadSectionAppearance

NOT_FAKED = "the fake app-server knows neither projects nor sections"

NOBODY = "0199a213-81c0-7800-8aa1-bbab2a035a53"
"""A thread id in the right form that no thread has."""


async def listed(server: Private) -> list[str]:
    """The names of the projects, in their order."""
    return [each.name async for each in server.runtime.projects.iter_projects(page_size=1)]


@requirement("project:life")
async def test_a_project_is_made_changed_moved_and_deleted(stage: Stage, tmp_path: Path) -> None:
    async with private(tmp_path) as server:
        projects = server.runtime.projects
        one = await projects.create("One", [server.workspace])
        two = await projects.create("Two", metadata={"a": "b"})
        assert [each.path for each in one.roots] == [str(server.workspace)]
        assert await listed(server) == ["One", "Two"]

        await projects.move(two.id, before=one.id)
        assert await listed(server) == ["Two", "One"]
        await projects.move(two.id)
        changed = await projects.update(one.id, name="Uno", roots=[])
        assert (changed.name, changed.roots) == ("Uno", [])
        assert (await projects.read(two.id)).metadata == {"a": "b"}

        down = await projects.list(sort_key="position", sort_direction="desc", limit=1)
        assert [each.name for each in down.data] == ["Two"]
        with pytest.raises(InvalidCursor):
            await projects.list(cursor="nonsense")
        await projects.delete(one.id)
        for call in (projects.read, projects.delete):
            with pytest.raises(RequestRefused, match="project not found"):
                await call(one.id)
        with pytest.raises(RequestRefused, match="cannot be moved before itself"):
            await projects.move(two.id, before=two.id)
        assert await listed(server) == ["Two"]


@requirement("project:idempotent")
async def test_the_same_key_gives_the_same_project(stage: Stage, tmp_path: Path) -> None:
    async with private(tmp_path) as server:
        projects = server.runtime.projects
        one = await projects.create("One", idempotency_key="k")
        again = await projects.create("Another", idempotency_key="k")
        other = await projects.create("One")
        assert (again.id, again.name) == (one.id, "One")
        assert other.id != one.id


@requirement("project:import")
async def test_a_project_is_made_of_threads_or_not_at_all(stage: Stage, tmp_path: Path) -> None:
    async with private(tmp_path) as server:
        thread = await server.runtime.thread_start(cwd=server.workspace)
        # A name gives the thread a record.
        named = {"threadId": thread.thread_id, "name": "of the project"}
        await server.runtime.call_raw("thread/name/set", named)
        projects = server.runtime.projects
        with pytest.raises(RequestRefused, match="thread not found"):
            await projects.import_threads("No", [thread.thread_id, NOBODY])
        assert await listed(server) == []

        made = await projects.import_threads("Yes", [thread.thread_id], [server.workspace])
        read = await server.runtime.thread_read(thread.thread_id)
        assert read.thread.project_id == made.id
        await projects.delete(made.id)
        read = await server.runtime.thread_read(thread.thread_id)
        assert read.thread.id == thread.thread_id
        assert not read.thread.project_id


@requirement("section:life")
async def test_a_section_is_made_changed_and_deleted(stage: Stage, tmp_path: Path) -> None:
    async with private(tmp_path) as server:
        sections = server.runtime.sections
        looks = ThreadSectionAppearance(color="red", icon="star")
        made = await sections.create("Later", appearance=looks)
        plain = await sections.create("Later")
        assert made.appearance == looks
        kept = await sections.update(made.id, "Soon")
        assert (kept.name, kept.appearance) == ("Soon", looks)
        assert (await sections.update(made.id, "Soon", appearance=None)).appearance is None

        names = [each.name async for each in sections.iter_sections(page_size=1)]
        assert names == ["Pinned", "Soon", "Later"]
        first = await sections.list(limit=1)
        assert [each.name for each in first.data] == ["Pinned"]
        assert (await sections.list(cursor="nonsense")).data == []
        await sections.delete(plain.id)
        with pytest.raises(RequestRefused, match="section not found"):
            await sections.delete(plain.id)
        with pytest.raises(RequestRefused, match="section not found"):
            await sections.update(plain.id, "x")
