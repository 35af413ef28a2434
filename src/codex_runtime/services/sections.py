"""Sections, which threads are sorted into."""

from __future__ import annotations

from collections.abc import AsyncIterator

from codex_runtime._arguments import without_none
from codex_runtime._client import Client
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
from codex_runtime.threads._checks import checked_limit, checked_text
from codex_runtime.threads._pages import Pages

__all__ = ["Sections"]


class Sections:
    """Sections of a CODEX_HOME, the one called Pinned among them. From `Runtime.sections`.

    A thread is put into one by its own handle or reference.

    Cancelling a call stops the wait for its answer; the server may act on it all the same. Each
    raises, besides what it names, `RequestTimeout`, `ConnectionLost` and `RuntimeClosed`. A section
    that is not there is a `RequestRefused`.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def list(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> ThreadSectionListResponse:
        """A page of sections (`threadSection/list`).

        Args:
            limit: Entries a page at the most.
            cursor: `next_cursor` of the page before. One that the server did not give means an
                empty page (fact 189).

        Raises:
            InvalidArgument: `limit` is no positive number.
        """
        fields = without_none(limit=checked_limit(limit), cursor=cursor)
        params = ThreadSectionListParams(**fields)
        return await self._client.request(methods.THREAD_SECTION_LIST, params)

    def iter_sections(self, *, limit: int | None = None) -> AsyncIterator[ThreadSection]:
        """All sections, page after page (`threadSection/list`).

        For one task. Cancelling the wait for the next one loses nothing.

        Args:
            limit: Entries a page at the most.

        Raises:
            RemoteProtocolError: The pages do not come to an end.
        """

        async def fetch(cursor: str | None) -> ThreadSectionListResponse:
            return await self.list(limit=limit, cursor=cursor)

        return Pages(methods.THREAD_SECTION_LIST.method, fetch)

    async def create(
        self, name: str, *, appearance: ThreadSectionAppearance | None = None
    ) -> ThreadSection:
        """Make a section (`threadSection/create`). Two may have the same name.

        Args:
            name: What to call it.
            appearance: `color` and `icon`, for programs that show it.

        Raises:
            InvalidArgument: `name` is blank.
        """
        params = ThreadSectionCreateParams(
            name=checked_text(name, "name"), **without_none(appearance=appearance)
        )
        return (await self._client.request(methods.THREAD_SECTION_CREATE, params)).section

    async def update(
        self,
        section_id: str,
        name: str,
        *,
        appearance: ThreadSectionAppearance | None | UnsetType = UNSET,
    ) -> ThreadSection:
        """Change a section (`threadSection/update`).

        Args:
            section_id: The section.
            name: What to call it; the server wants it said also where it stays.
            appearance: Its color and icon; None takes them away. By default they stay.

        Raises:
            RequestRefused: There is no such section.
            InvalidArgument: `section_id` or `name` is blank.
        """
        params = ThreadSectionUpdateParams(
            section_id=checked_text(section_id, "section_id"),
            name=checked_text(name, "name"),
            appearance=appearance,
        )
        return (await self._client.request(methods.THREAD_SECTION_UPDATE, params)).section

    async def delete(self, section_id: str) -> None:
        """Delete a section (`threadSection/delete`). Its threads stay.

        Raises:
            RequestRefused: There is no such section.
            InvalidArgument: `section_id` is blank.
        """
        params = ThreadSectionDeleteParams(section_id=checked_text(section_id, "section_id"))
        await self._client.request(methods.THREAD_SECTION_DELETE, params)
