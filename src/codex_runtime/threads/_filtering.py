"""From filters as callers say them to what is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, TypeAlias, cast

from codex_runtime import protocol
from codex_runtime._arguments import checked_thread_id, server_path
from codex_runtime._option_checks import check_names
from codex_runtime.errors import InvalidArgument
from codex_runtime.threads._checks import (
    checked_direction,
    checked_flag,
    checked_text,
    checked_texts,
    checked_thread_ids,
)
from codex_runtime.threads.filters import SearchFilters, ThreadFilters

__all__ = ["list_filters", "search_filters"]

_Check: TypeAlias = Callable[[Any, str], Any]
"""Checks the value of a filter, given its name too; returns what is sent."""

_MAX_EXCLUDED: Final = 100
"""Thread ids that one request can leave out: more are refused by the server."""


def list_filters(filters: ThreadFilters, *, remote: bool) -> protocol.ThreadListParams:
    """Check filters and give them the form in which they are sent.

    Args:
        filters: As given by the caller.
        remote: The server sees another file system, so paths have to be absolute.

    Raises:
        InvalidArgument: There is no such filter, or it cannot be used.
    """
    check_names(filters, ThreadFilters, "thread_list")
    given: Any = filters
    if given.get("parent_thread_id") and given.get("ancestor_thread_id"):
        raise InvalidArgument(
            "ancestor_thread_id", "is given together with parent_thread_id", "use one of them"
        )
    if given.get("sort_key") == "section_position" and "section_id" not in given:
        raise InvalidArgument(
            "sort_key", 'is "section_position" without a section', "name a section_id"
        )
    folders: _Check = partial(_folders, remote=remote)
    checks = {**_CHECKS, "cwd": folders}
    return protocol.ThreadListParams(**_checked(given, checks))


def search_filters(filters: SearchFilters) -> dict[str, Any]:
    """Check the filters of a search; see `list_filters`.

    Raises:
        InvalidArgument: There is no such filter, or it cannot be used.
    """
    check_names(filters, SearchFilters, "thread_search")
    return _checked(filters, _CHECKS)


def _checked(given: Mapping[str, Any], checks: Mapping[str, _Check]) -> dict[str, Any]:
    return {
        name: None if value is None else checks[name](value, name)
        for name, value in given.items()
        if value is not None or name in _NULLABLE
    }


def _folders(value: Any, field: str, *, remote: bool) -> str | list[str]:
    if not isinstance(value, list | tuple):
        return server_path(field, value, remote=remote)
    folders = cast("list[Any]", value)
    return [
        server_path(f"{field}[{index}]", each, remote=remote) for index, each in enumerate(folders)
    ]


def _excluded(value: Any, field: str) -> list[str]:
    ids = checked_thread_ids(value, field)
    if len(ids) > _MAX_EXCLUDED:
        raise InvalidArgument(
            field, f"names {len(ids)} threads", f"name {_MAX_EXCLUDED} at the most"
        )
    return ids


_NULLABLE: Final = frozenset({"project_id", "section_id"})
"""Filters for which None means something, and is sent."""

_CHECKS: Final[Mapping[str, _Check]] = {
    "ancestor_thread_id": checked_thread_id,
    "archived": checked_flag,
    "excluded_thread_ids": _excluded,
    "model_providers": checked_texts,
    "parent_thread_id": checked_thread_id,
    "project_id": checked_text,
    "search_term": checked_text,
    "section_id": checked_text,
    "sort_direction": checked_direction,
    "sort_key": checked_text,
    "source_kinds": checked_texts,
    "use_state_db_only": checked_flag,
}
"""What each filter has to be."""
