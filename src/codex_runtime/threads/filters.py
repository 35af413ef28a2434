"""Which threads are listed, and in which order."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final, Literal, TypeAlias, TypedDict

from codex_runtime._option_checks import list_options

__all__ = ["SearchFilters", "ThreadFilters"]

_Direction: TypeAlias = Literal["asc", "desc"]


class SearchFilters(TypedDict, total=False):
    """Filters of `Runtime.thread_search`. What is left out, or None, does not filter."""

    archived: bool
    """True for archived threads only. By default those that are not archived."""
    source_kinds: Sequence[str]
    """Where the threads came from: `"vscode"`, which app-server threads count as, `"cli"`,
    `"exec"`, `"subAgent"`, …; an open set. By default the interactive ones."""
    sort_key: str
    """`"created_at"` (default), `"updated_at"`, `"recency_at"`; an open set."""
    sort_direction: _Direction
    """`"desc"` (default, newest first) or `"asc"`."""


class ThreadFilters(SearchFilters, total=False):
    """Filters of `Runtime.thread_list` and `Runtime.iter_threads`.

    What is left out, or None, does not filter, but for `project_id` and `section_id`, where None
    has a meaning. `sort_key` may also be `"section_position"`, which needs a `section_id`.
    """

    cwd: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
    """Working directory, or several; only threads that began in exactly one of them. Relative
    ones are made absolute against this process."""
    model_providers: Sequence[str]
    """Only threads of these providers; an empty list stands for all."""
    search_term: str
    """Only threads with this text in their name or preview; capitals count (fact 25)."""
    parent_thread_id: str
    """Only threads that were spawned by this one."""
    ancestor_thread_id: str
    """Only threads that were spawned by this one or its descendants. Not with
    `parent_thread_id`."""
    excluded_thread_ids: Sequence[str]
    """Threads to leave out, 100 at the most for one page. A server older than 0.163 ignores them,
    and 0.163 itself then gives pages that are too short and ends too early (fact 231);
    `iter_threads` leaves them out by itself, any number of them, on every version."""
    project_id: str | None
    """Only threads of this project; None for those without one."""
    section_id: str | None
    """Only threads of this section; None for those without one."""
    use_state_db_only: bool
    """Trust the server's database, and do not look for records of threads that it has not seen
    yet."""


_IN_ONE_LINE: Final = {
    "ancestor_thread_id": "Only threads spawned by this one or its descendants.",
    "archived": "Archived threads only; by default those that are not.",
    "cwd": "Only threads that began in this folder, or one of these.",
    "excluded_thread_ids": "Threads to leave out.",
    "model_providers": "Only threads of these providers.",
    "parent_thread_id": "Only threads spawned by this one.",
    "project_id": "Only threads of this project; None for those without one.",
    "search_term": "Only threads with this text in their name or preview.",
    "section_id": "Only threads of this section; None for those without one.",
    "sort_direction": "`desc` (default) or `asc`.",
    "sort_key": "`created_at` (default), `updated_at`, `recency_at`.",
    "source_kinds": "Where the threads came from, say `cli`.",
    "use_state_db_only": "Trust the server's database.",
}
"""Each filter in one line, for `help()`."""

list_options([SearchFilters, ThreadFilters], _IN_ONE_LINE)
