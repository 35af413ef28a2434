"""Sections, which threads are sorted into."""

from __future__ import annotations

from collections.abc import AsyncIterator

from codex_runtime._arguments import without_none
from codex_runtime.protocol import (
    UNSET,
    ThreadSection,
    ThreadSectionAppearance,
    ThreadSectionCreateParams,
    ThreadSectionDeleteParams,
    ThreadSectionListParams,
    ThreadSectionListResponse,
    ThreadSectionUpdateParams,
    UnsetType,
    methods,
)
from codex_runtime.services._answers import present
from codex_runtime.services._calls import Service
from codex_runtime.services._listing import first_page, one_page, pages
from codex_runtime.threads._checks import checked_text

__all__ = ["Sections"]


class Sections(Service):
    """Sections of a CODEX_HOME, the one called Pinned among them. From `Runtime.sections`.

    A thread is put into one by its own handle or reference.

    Every call takes `timeout=` in seconds for its answer, by default the runtime's
    `request_timeout`.

    Cancelling a call stops the wait for its answer; the server may act on it all the same. Each
    raises, besides what it names, `RequestTimeout`, `ConnectionLost` and `RuntimeClosed`. A section
    that is not there is a `RequestRefused`.
    """

    async def list(
        self, *, limit: int | None = None, cursor: str | None = None, timeout: float | None = None
    ) -> ThreadSectionListResponse:
        """A page of sections (`threadSection/list`).

        Args:
            limit: Entries a page at the most.
            cursor: `next_cursor` of the page before. One that the server did not give means an
                empty page (fact 219).
            timeout: Seconds.

        Raises:
            InvalidArgument: An argument cannot be used.
        """
        params = ThreadSectionListParams(**one_page(limit, cursor))
        return await self._ask(methods.THREAD_SECTION_LIST, params, timeout)

    def iter_sections(
        self, *, page_size: int | None = None, timeout: float | None = None
    ) -> AsyncIterator[ThreadSection]:
        """All sections, page after page (`threadSection/list`).

        For one task. Cancelling the wait for the next one loses nothing, and after an error
        iterating on asks for the same page again.

        Args:
            page_size: Entries to ask for at once.
            timeout: Seconds a page.

        Raises:
            InvalidArgument: An argument cannot be used. At once.
            RemoteProtocolError: While iterating: the pages do not come to an end.
        """
        params = ThreadSectionListParams(**first_page(page_size))
        return pages(
            self._client, methods.THREAD_SECTION_LIST, params, timeout=self._seconds(timeout)
        )

    async def create(
        self,
        name: str,
        *,
        appearance: ThreadSectionAppearance | None = None,
        timeout: float | None = None,
    ) -> ThreadSection:
        """Make a section (`threadSection/create`). Two may have the same name.

        Args:
            name: What to call it.
            appearance: `color` and `icon`, for programs that show it.
            timeout: Seconds.

        Raises:
            InvalidArgument: `name` is blank.
        """
        params = ThreadSectionCreateParams(
            name=checked_text(name, "name"), **without_none(appearance=appearance)
        )
        answer = await self._ask(methods.THREAD_SECTION_CREATE, params, timeout)
        return present(answer.section, methods.THREAD_SECTION_CREATE)

    async def update(
        self,
        section_id: str,
        name: str,
        *,
        appearance: ThreadSectionAppearance | UnsetType | None = UNSET,
        timeout: float | None = None,
    ) -> ThreadSection:
        """Change a section (`threadSection/update`).

        Args:
            section_id: The section.
            name: What to call it; the server wants it said also where it stays.
            appearance: Its color and icon; None takes them away. By default they stay.
            timeout: Seconds.

        Raises:
            RequestRefused: There is no such section.
            InvalidArgument: `section_id` or `name` is blank.
        """
        params = ThreadSectionUpdateParams(
            section_id=checked_text(section_id, "section_id"),
            name=checked_text(name, "name"),
            appearance=appearance,
        )
        answer = await self._ask(methods.THREAD_SECTION_UPDATE, params, timeout)
        return present(answer.section, methods.THREAD_SECTION_UPDATE)

    async def delete(self, section_id: str, *, timeout: float | None = None) -> None:
        """Delete a section (`threadSection/delete`). Its threads stay.

        Args:
            section_id: The section.
            timeout: Seconds.

        Raises:
            RequestRefused: There is no such section.
            InvalidArgument: `section_id` is blank.
        """
        params = ThreadSectionDeleteParams(section_id=checked_text(section_id, "section_id"))
        await self._ask(methods.THREAD_SECTION_DELETE, params, timeout)
