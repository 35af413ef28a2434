"""Lists that come in pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from msgspec.structs import replace

from codex_runtime._arguments import checked_thread_id, without_none
from codex_runtime._client import Client
from codex_runtime.protocol import Method, Wire
from codex_runtime.threads._checks import checked_cursor, checked_limit
from codex_runtime.threads._pages import Page, Pages

__all__ = ["first_page", "on_thread", "one_page", "pages"]

P = TypeVar("P", bound=Wire)
R = TypeVar("R")


def one_page(limit: int | None, cursor: str | None) -> dict[str, Any]:
    """The fields that ask for one page.

    Raises:
        InvalidArgument: `limit` is no positive number, or `cursor` no text or blank.
    """
    return {"limit": checked_limit(limit), "cursor": checked_cursor(cursor)}


def first_page(page_size: int | None) -> dict[str, Any]:
    """The fields that ask for the first of all pages.

    Raises:
        InvalidArgument: `page_size` is no positive number.
    """
    return {"limit": checked_limit(page_size, "page_size")}


def on_thread(thread_id: str | None) -> dict[str, Any]:
    """The field that names a thread, if one is named.

    Raises:
        InvalidArgument: It is no thread id.
    """
    return without_none(thread_id=None if thread_id is None else checked_thread_id(thread_id))


def pages(
    client: Client,
    method: Method[P, R],
    params: P,
    *,
    following: P | None = None,
    timeout: float | None = None,
    keep: Callable[[R], R] = lambda page: page,
) -> Pages[Any]:
    """Iterate over all that a method lists.

    Args:
        client: Where.
        method: The method.
        params: For its first page.
        following: For the others, where it is not the same.
        timeout: Seconds a page, where it is not that of the runtime.
        keep: What to make of a page, to leave some of it out.
    """
    others = params if following is None else following

    async def fetch(cursor: str | None) -> Page[Any]:
        asked = params if cursor is None else replace(others, cursor=cursor)
        page: Any = keep(await client.request(method, asked, timeout=timeout))
        listed: Page[Any] = page
        return listed

    return Pages(method.method, fetch)
