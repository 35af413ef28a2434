"""Projects, which threads belong to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias, get_args
from uuid import uuid4

from codex_runtime._arguments import checked_thread_id, without_none
from codex_runtime.errors import InvalidArgument
from codex_runtime.protocol import (
    Project,
    ProjectCreateParams,
    ProjectDeleteParams,
    ProjectImportParams,
    ProjectListParams,
    ProjectListResponse,
    ProjectMoveParams,
    ProjectReadParams,
    ProjectRoot,
    ProjectUpdateParams,
    SortDirection,
    methods,
)
from codex_runtime.services._answers import present
from codex_runtime.services._calls import Service
from codex_runtime.services._listing import first_page, one_page, pages
from codex_runtime.services._paths import Paths, server_paths
from codex_runtime.threads._checks import (
    checked_choice,
    checked_direction,
    checked_mapping,
    checked_text,
    checked_texts,
)

__all__ = ["ProjectSort", "Projects"]

ProjectSort: TypeAlias = Literal["position", "recencyAt"]
"""How projects are sorted: by hand, or by when something last happened in them."""

_SORTS: Final = get_args(ProjectSort)


class Projects(Service):
    """Projects of a CODEX_HOME, in an order of their own. From `Runtime.projects`.

    Experimental in codex: with `experimental_api=False` all raise `ExperimentalApiNeeded`. Which
    project a thread belongs to is in its record; `project/changed` tells of every change here.

    Every call takes `timeout=` in seconds for its answer, by default the runtime's
    `request_timeout`.

    Cancelling a call stops the wait for its answer; the server may act on it all the same. Each
    raises, besides what it names, `RequestTimeout`, `ConnectionLost` and `RuntimeClosed`. A project
    that is not there is a `RequestRefused`.
    """

    async def list(
        self,
        *,
        sort_key: ProjectSort | None = None,
        sort_direction: SortDirection | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        timeout: float | None = None,
    ) -> ProjectListResponse:
        """A page of projects (`project/list`).

        Args:
            sort_key: `"position"` by default.
            sort_direction: `"asc"` or `"desc"`, together with `sort_key`; by default up by position
                and down by recency. Projects where nothing happened come last.
            limit: Entries a page at the most.
            cursor: `next_cursor` of the page before, of the same order.
            timeout: Seconds.

        Raises:
            InvalidCursor: `cursor` is none that the server gave for this order.
            InvalidArgument: An argument cannot be used.
        """
        params = _list_params(sort_key, sort_direction, one_page(limit, cursor))
        return await self._ask(methods.PROJECT_LIST, params, timeout)

    def iter_projects(
        self,
        *,
        sort_key: ProjectSort | None = None,
        sort_direction: SortDirection | None = None,
        page_size: int | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[Project]:
        """All projects, page after page (`project/list`). See `list`.

        For one task. Cancelling the wait for the next one loses nothing, and after an error
        iterating on asks for the same page again.

        Args:
            sort_key: As for `list`.
            sort_direction: As for `list`.
            page_size: Entries to ask for at once.
            timeout: Seconds a page.

        Raises:
            InvalidArgument: An argument cannot be used. At once.
            RemoteProtocolError: While iterating: the pages do not come to an end.
        """
        params = _list_params(sort_key, sort_direction, first_page(page_size))
        return pages(self._client, methods.PROJECT_LIST, params, timeout=self._seconds(timeout))

    async def read(self, project_id: str, *, timeout: float | None = None) -> Project:
        """One project (`project/read`).

        Args:
            project_id: The project.
            timeout: Seconds.

        Raises:
            RequestRefused: There is no such project.
            InvalidArgument: `project_id` is blank.
        """
        params = ProjectReadParams(project_id=checked_text(project_id, "project_id"))
        answer = await self._ask(methods.PROJECT_READ, params, timeout)
        return present(answer.project, methods.PROJECT_READ)

    async def create(
        self,
        name: str,
        roots: Paths = (),
        *,
        metadata: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Project:
        """Make a project (`project/create`).

        Args:
            name: What to call it. Two may have the same name.
            roots: Its folders.
            metadata: Texts of yours by name.
            idempotency_key: Asking again under the same key gives the project that the first call
                has made, whatever else is asked (fact 218): for trying again after a timeout. A new
                one by default.
            timeout: Seconds.

        Raises:
            InvalidArgument: An argument cannot be used.
        """
        params = ProjectCreateParams(
            name=checked_text(name, "name"),
            roots=_checked_roots(roots, remote=self._client.remote),
            idempotency_key=_checked_key(idempotency_key),
            **without_none(metadata=_checked_metadata(metadata)),
        )
        answer = await self._ask(methods.PROJECT_CREATE, params, timeout)
        return present(answer.project, methods.PROJECT_CREATE)

    async def import_threads(
        self,
        name: str,
        thread_ids: Iterable[str],
        roots: Paths = (),
        *,
        metadata: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Project:
        """Make a project of threads that are there (`project/import`). All of them, or none.

        Args:
            name: What to call it.
            thread_ids: The ids of the threads. They leave the projects that they were in.
            roots: Its folders.
            metadata: Texts of yours by name.
            idempotency_key: As for `create`.
            timeout: Seconds.

        Raises:
            RequestRefused: One of the threads has no record. Nothing was made.
            InvalidArgument: An argument cannot be used.
        """
        ids = enumerate(checked_texts(thread_ids, "thread_ids"))
        params = ProjectImportParams(
            name=checked_text(name, "name"),
            roots=_checked_roots(roots, remote=self._client.remote),
            threads=[checked_thread_id(each, f"thread_ids[{index}]") for index, each in ids],
            idempotency_key=_checked_key(idempotency_key),
            **without_none(metadata=_checked_metadata(metadata)),
        )
        answer = await self._ask(methods.PROJECT_IMPORT, params, timeout)
        return present(answer.project, methods.PROJECT_IMPORT)

    async def update(
        self,
        project_id: str,
        *,
        name: str | None = None,
        roots: Paths | None = None,
        metadata: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Project:
        """Change a project (`project/update`). What is not said stays as it is.

        Args:
            project_id: The project.
            name: What to call it.
            roots: Its folders, in place of those it has.
            metadata: Texts of yours, in place of those it has.
            timeout: Seconds.

        Raises:
            RequestRefused: There is no such project.
            InvalidArgument: An argument cannot be used, or nothing is to be changed.
        """
        fields = without_none(
            name=None if name is None else checked_text(name, "name"),
            roots=None if roots is None else _checked_roots(roots, remote=self._client.remote),
            metadata=_checked_metadata(metadata),
        )
        if not fields:
            raise InvalidArgument("name", "is missing", "say a name, roots or metadata")
        params = ProjectUpdateParams(project_id=checked_text(project_id, "project_id"), **fields)
        answer = await self._ask(methods.PROJECT_UPDATE, params, timeout)
        return present(answer.project, methods.PROJECT_UPDATE)

    async def move(
        self, project_id: str, *, before: str | None = None, timeout: float | None = None
    ) -> None:
        """Give a project another place in the order (`project/move`).

        Args:
            project_id: The project.
            before: The project that it is to stand before; by default it becomes the last.
            timeout: Seconds.

        Raises:
            RequestRefused: One of the two is not there, or they are the same.
            InvalidArgument: An id is blank.
        """
        params = ProjectMoveParams(
            project_id=checked_text(project_id, "project_id"),
            **without_none(
                before_project_id=None if before is None else checked_text(before, "before")
            ),
        )
        await self._ask(methods.PROJECT_MOVE, params, timeout)

    async def delete(self, project_id: str, *, timeout: float | None = None) -> None:
        """Delete a project (`project/delete`). Its threads and folders stay.

        Args:
            project_id: The project.
            timeout: Seconds.

        Raises:
            RequestRefused: There is no such project.
            InvalidArgument: `project_id` is blank.
        """
        params = ProjectDeleteParams(project_id=checked_text(project_id, "project_id"))
        await self._ask(methods.PROJECT_DELETE, params, timeout)


def _list_params(
    sort_key: ProjectSort | None, sort_direction: SortDirection | None, page: dict[str, Any]
) -> ProjectListParams:
    if sort_direction is not None and sort_key is None:
        raise InvalidArgument("sort_direction", "has nothing to sort by", "say sort_key too")
    fields = without_none(
        sort_key=None if sort_key is None else checked_choice(sort_key, "sort_key", _SORTS),
        sort_direction=checked_direction(sort_direction),
    )
    return ProjectListParams(**fields, **page)


def _checked_roots(roots: Paths, *, remote: bool) -> list[ProjectRoot]:
    return [ProjectRoot(path=path) for path in server_paths("roots", roots, remote=remote)]


def _checked_metadata(metadata: Mapping[str, str] | None) -> dict[str, str] | None:
    if metadata is None:
        return None
    given = checked_mapping(metadata, "metadata")
    for name, text in given.items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise InvalidArgument("metadata", "holds what is no text", "use texts by name")
    return dict(given)


def _checked_key(key: str | None) -> str:
    return uuid4().hex if key is None else checked_text(key, "idempotency_key")
