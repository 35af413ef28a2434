"""Ready-made approvers: who decides when the server asks.

    from codex_runtime import approvers

    async with Runtime(approve=approvers.allow_listed(["git status **", "cargo test"])) as runtime: ...

An approver is any function of a request that returns an answer, or None where it has no opinion. The
next one is asked then, and in the end the request is refused.

**Beware**: yes to a command means that it may run with no sandbox around it, now or, if it fails
inside, a second time (facts 301 and 302). Nothing in the request says which of the two it will be.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, MutableSequence, Sequence
from typing import Any, Final, TypeAlias, TypeVar, overload

from codex_runtime._arguments import positive_seconds
from codex_runtime._changed_paths import all_within
from codex_runtime._patterns import Pattern, host_pattern, pattern_of
from codex_runtime._recording import DecisionRecord, Recorded, RecordSink
from codex_runtime._rule import Rule
from codex_runtime._rule_book import RuleBook, subject_of
from codex_runtime._user_calls import call_user, in_thread
from codex_runtime.answers import Allow, Answer, Deny, Later
from codex_runtime.errors import InvalidArgument
from codex_runtime.requests import (
    Approver,
    FileChangeApproval,
    ServerRequest,
    UserInputRequest,
)

__all__ = [
    "DecisionRecord",
    "RecordSink",
    "allow_listed",
    "answered_later",
    "deny_all",
    "edits_within",
    "first_of",
    "recorded",
    "when",
]

R = TypeVar("R", bound=ServerRequest)

Folders: TypeAlias = "str | os.PathLike[str] | Iterable[str | os.PathLike[str]]"
"""One folder, or several. Relative ones are taken from the working directory of this process, once."""


async def deny_all(request: ServerRequest) -> Deny:  # noqa: ARG001 — an approver
    """Say no to everything.

    That happens anyway where nobody decides. With this one, nobody further away is asked.
    """
    return Deny("everything is denied here")


def allow_listed(
    argv_patterns: Iterable[str | Sequence[str]] = (),
    *,
    within: Folders | None = None,
    network: bool | Iterable[str] = False,
    file_changes: bool = False,
) -> Approver:
    """An approver that says yes to what is listed, and nothing about anything else.

    Args:
        argv_patterns: Commands, each as its words, or as a text that is split at blanks. `*` stands for
            any one word, `**` or `...` at the end for any number of words; everything else stands for
            itself. A path is another program than its last part. Only a line that is one plain
            command is held against them: no operators, redirections, expansions, assignments. A pattern
            that leaves words open is about no shell, interpreter, wrapper (`env`, `sudo`, `xargs`) or
            fetcher (`curl`), and no option that is known to run others (`find -exec`).
        within: Commands have to run in these folders, symbolic links followed. That says nothing about
            the files that their words name. Needed for `file_changes`.
        network: Hosts that may be reached, where that is what is asked: `"example.org"`,
            `"*.example.org"`, or True for any. The command has to be listed too where the server
            says it and commands are listed.
        file_changes: Also allow changes of files that are all in `within`, and there in no `.git`,
            `.codex`, `.agents` or `.aws`.

    Raises:
        InvalidArgument: A pattern cannot be used, nothing is listed, or files may be changed anywhere,
            or in a folder that is not there.
    """
    _check_called("allow_listed", argv_patterns)
    patterns = _patterns(argv_patterns)
    hosts = _hosts(network)
    folders = _folders("within", within) if within is not None else ()
    if file_changes and not folders:
        raise InvalidArgument(
            "within", "is not given, but files may be changed", "name the folders that they are in"
        )
    missing = next((each for each in folders if file_changes and not os.path.isdir(each)), None)  # noqa: PTH112 — texts
    if missing is not None:
        raise InvalidArgument(
            "within", f"names {missing}, which is not a folder", "name one that is there"
        )
    rules = [
        Rule("allow", command=patterns, within=folders) if patterns else None,
        Rule("allow", command=patterns, network=hosts, within=folders) if hosts else None,
        Rule("allow", file_changes=True, within=folders) if file_changes else None,
    ]
    listed = [rule for rule in rules if rule is not None]
    if not listed:
        raise InvalidArgument(
            "argv_patterns", "lists nothing", 'list commands, say "git status **"'
        )
    return RuleBook(listed, "allow_listed")


def _patterns(given: Any) -> tuple[Pattern, ...]:
    listed: Any = given
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InvalidArgument(
            "argv_patterns", "is not a list of patterns", 'write ["git status **", …]'
        )
    return tuple(
        pattern_of(each, f"argv_patterns[{place}]", for_yes=True)
        for place, each in enumerate(listed)
    )


def _hosts(given: Any) -> bool | tuple[str, ...]:
    hosts: Any = given
    if isinstance(given, bool):
        return given
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InvalidArgument(
            "network", "is not True, False, or a list of hosts", 'write ["example.org", …]'
        )
    return tuple(host_pattern(each, f"network[{place}]") for place, each in enumerate(hosts))


def _folders(field: str, given: Any) -> tuple[str, ...]:
    one: Any = given
    single = isinstance(given, str | os.PathLike)
    listed: Any = [one] if single else one
    try:
        found = tuple(map(os.fsdecode, listed))
    except TypeError:
        raise InvalidArgument(
            field, f"is of type {type(given).__name__}", "name a folder, or a list of folders"
        ) from None
    if not found or not all(found) or any("\0" in each for each in found):
        raise InvalidArgument(field, "names no folder", "name at least one")
    return tuple(map(os.path.abspath, found))


def edits_within(*folders: str | os.PathLike[str]) -> Approver:
    """An approver that says yes to changes of files that are all in these folders.

    Symbolic links are followed; what is in a `.git`, `.codex`, `.agents` or `.aws` of a folder is not
    in it. It looks at the file system of this process, and is of no use for a server with another one.

    Args:
        folders: Where; with none, the workspace of the thread: its working directory and the writable
            roots of its sandbox.

    Raises:
        InvalidArgument: That is no folder's name.
    """
    if folders:
        _check_called("edits_within", folders[0])
        within = _folders("folders", folders)
        return RuleBook([Rule("allow", file_changes=True, within=within)], "edits_within")
    return _edits_in_workspace


async def _edits_in_workspace(request: ServerRequest) -> Allow | None:
    subject = subject_of(request)
    if not isinstance(request, FileChangeApproval) or subject is None or subject.beyond:
        return None
    inside = await in_thread(lambda: all_within(subject.paths, request.workspace))
    return Allow() if inside else None


_edits_in_workspace.__name__ = "edits_within"


def answered_later(timeout: float | None = None) -> Approver:
    """An approver that leaves everything open for somebody to call `respond` on it.

    Args:
        timeout: Seconds until a request is refused all the same; None for what it has left.

    Raises:
        InvalidArgument: That is no time.
    """
    _check_called("answered_later", timeout)
    seconds = None if timeout is None else positive_seconds("timeout", timeout, timeout)

    async def answered_later(request: ServerRequest) -> Later:  # noqa: ARG001 — an approver
        return Later(seconds)

    return answered_later


def first_of(*approvers: Approver) -> Approver:
    """An approver that asks these in order, and takes the first opinion.

    One that raises ends that: the request is refused.

    Raises:
        InvalidArgument: One of them cannot be called.
    """
    for place, each in enumerate(approvers):
        _check_called("first_of", each)
        _check_callable(f"approvers[{place}]", each)
    return _FirstOf(approvers)


class _FirstOf:
    def __init__(self, approvers: tuple[Approver, ...]) -> None:
        self._approvers = approvers
        self.__name__ = f"first_of({', '.join(map(_name_of, approvers))})"

    def __repr__(self) -> str:
        return f"<{self.__name__}>"

    async def __call__(self, request: ServerRequest) -> Answer | None:
        for approver in self._approvers:
            answer: Answer | None = await call_user(approver, request)
            if answer is not None:
                return answer
        return None


@overload
def when(
    kinds: type[R], approver: Callable[[R], Answer | Awaitable[Answer | None] | None]
) -> Approver: ...


@overload
def when(kinds: tuple[type[ServerRequest], ...], approver: Approver) -> Approver: ...


def when(kinds: Any, approver: Any) -> Approver:
    """An approver for requests of one kind, or some; it has no opinion about others.

    `when(UserInputRequest, ask_me)` is how the questions of the model get to whoever answers them.

    Args:
        kinds: The kind, a class of `codex_runtime.requests`, or a tuple of them.
        approver: Who decides about those.

    Raises:
        InvalidArgument: That is no kind of request, or cannot be called.
    """
    listed: Any = kinds if kinds.__class__ is tuple else (kinds,)
    if not listed or not all(
        isinstance(each, type) and issubclass(each, ServerRequest) for each in listed
    ):
        raise InvalidArgument(
            "kinds", "is no kind of request", f"use a class, as in when({_EXAMPLE}, …)"
        )
    _check_callable("approver", approver)
    return _When(listed, approver)


_EXAMPLE: Final = UserInputRequest.__name__


class _When:
    def __init__(self, kinds: tuple[type[ServerRequest], ...], approver: Approver) -> None:
        self._kinds, self._approver = kinds, approver
        named = "|".join(kind.__name__ for kind in kinds)
        self.__name__ = f"when({named}, {_name_of(approver)})"

    def __repr__(self) -> str:
        return f"<{self.__name__}>"

    async def __call__(self, request: ServerRequest) -> Answer | None:
        if not isinstance(request, self._kinds):
            return None
        answer: Answer | None = await call_user(self._approver, request)
        return answer


def recorded(approver: Approver, into: RecordSink) -> Approver:
    """An approver that decides as another, and keeps a `DecisionRecord` of each time.

    What cannot be kept does not count: if that raises, the request is refused.

    Args:
        approver: Who decides.
        into: Where records go. A file is made with the rights 0600 and grows.

    Raises:
        InvalidArgument: One of them cannot be used.
    """
    _check_callable("approver", approver)
    if not isinstance(into, MutableSequence | str | os.PathLike) and not callable(into):
        raise InvalidArgument(
            "into", f"is of type {type(into).__name__}", "use a list, a path, or a function"
        )
    return Recorded(approver, into, _name_of(approver))


def _check_called(name: str, given: Any) -> None:
    """See whether what makes an approver is not used as one itself."""
    if isinstance(given, ServerRequest):
        raise InvalidArgument(
            "approve", f"holds {name} itself, which makes an approver", f"call it: {name}(…)"
        )


def _check_callable(field: str, given: Any) -> None:
    if not callable(given):
        raise InvalidArgument(
            field, f"is of type {type(given).__name__}", "use a function of a request"
        )


def _name_of(approver: Any) -> str:
    return str(getattr(approver, "__name__", type(approver).__name__))
