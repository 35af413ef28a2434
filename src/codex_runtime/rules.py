"""A file of rules as an approver: who wrote it decides, not who is asked.

    async with Runtime(approve=[Rules.load("rules.toml"), ask_in_terminal()]) as runtime: ...

The file is TOML, a table for each rule:

    [[rule]]
    decision = "allow"                       # or "deny", or "ask"
    command = ["git", "status", "**"]        # or "git status **"; several: [["ls"], ["git", "log"]]
    within = "."                             # from the folder of this file; one or several

    [[rule]]
    decision = "deny"
    command = "git push **"
    reason = "a person pushes"

Keys besides `decision`, of which a rule has to have the first or one of the next four:

| key | what the rule is about |
|---|---|
| `command` | commands, as in `allow_listed`: `*` is any word, `**` at the end any number of words |
| `network` | reaching hosts: `"example.org"`, `"*.example.org"`, a list, or true for any; with `command`, for these commands only |
| `file_changes` | true: changes of files; to allow them needs `within` |
| `tool` | tools of yours that need approval: `"tool"`, `"namespace/tool"`, a list |
| `mcp` | tools of MCP servers: `"server/tool"`, `"server/*"`, a list |
| `within` | folders: commands that run there, files that are there |
| `reason` | why, for the audit |

**All that a rule names has to hold, and the strictest rule that matches decides**: deny before ask
before allow, wherever they stand. `ask` and no match at all are no opinion: the next approver is
asked, and if there is none, the answer is no.

A file is no way to change itself: a change of it, or of a link or folder that leads to it, is
denied. Commands can still write it, so keep it where the agent cannot.

A line that is not one plain command (`a && b`, `a > f`, `$(a)`) is never allowed. It is denied, or
asked about, if anything in it would be. But a command can be written so that no rule sees what it
does: rules that deny are a convenience, and the sandbox is the fence.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeAlias, TypeVar

from codex_runtime._changed_paths import replaces
from codex_runtime._command_lines import plain_argv, unwrapped
from codex_runtime._patterns import Pattern, host_pattern, name_pattern, pattern_of
from codex_runtime._rule import Rule, RuleDecision, Subject
from codex_runtime._rule_book import RuleBook, RuleResult, strictest, subject_of
from codex_runtime.answers import Allow, Deny
from codex_runtime.errors import InvalidArgument, InvalidRules

__all__ = ["Explanation", "Outcome", "Rule", "RuleDecision", "RuleResult", "Rules"]

Outcome: TypeAlias = Literal["allow", "deny", "ask", "no match"]
"""What rules say of a command."""

_DECISIONS: Final[tuple[RuleDecision, ...]] = ("allow", "deny", "ask")

_ABOUT: Final = ("command", "network", "file_changes", "tool", "mcp")
"""Keys that say what a rule is about."""

_KEYS: Final = ("decision", *_ABOUT, "within", "reason")

_HEADER: Final = re.compile(r"\s*\[\[\s*[\"']?rule[\"']?\s*\]\]")

_MAX_FILE: Final = 1_000_000
"""Bytes. A file of rules is written by hand."""

E = TypeVar("E")


@dataclass(frozen=True)
class Explanation:
    """What rules make of a command line. `str()` gives it for people.

    Attributes:
        command: The line, without the shell that codex puts around it.
        argv: Its words; empty if it is not one plain command.
        cwd: Where it would run.
        outcome: What comes out.
        rule: The rule that decides; None if none matches.
        results: What came of each rule, with the reason where it does not match.
    """

    command: str
    argv: tuple[str, ...]
    cwd: str
    outcome: Outcome
    rule: Rule | None
    results: tuple[RuleResult, ...]

    @property
    def reason(self) -> str:
        """Why that comes out, in a sentence."""
        if self.rule is None:
            return "no rule matches; the next approver is asked, and if there is none it is refused"
        said = f" ({self.rule.reason})" if self.rule.reason else ""
        return f"{self.rule}{said}"

    def __str__(self) -> str:
        words = " ".join(map(repr, self.argv)) if self.argv else "not one plain command"
        lines = [
            f"command: {self.command}",
            f"words:   {words}",
            f"cwd:     {self.cwd}",
            *(f"  {each.rule}: {each.mismatch or 'matches'}" for each in self.results),
            f"result:  {self.outcome}: {self.reason}",
        ]
        return "\n".join(lines)


class Rules(RuleBook):
    """Rules of a file; an approver.

    Attributes:
        rules: The rules, in the order of the file.
        source: The file.
    """

    def __init__(self, rules: tuple[Rule, ...], source: str, file: str = "") -> None:
        """Made by `load` and `parse`."""
        name = f"rules of {os.path.basename(source)}"  # noqa: PTH119 — a text
        super().__init__(rules, name, looks_at_disk=bool(file))
        self.source = source
        self._file = file

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a file.

        Args:
            path: The file. Folders that it names are taken from its own.

        Raises:
            InvalidRules: It cannot be read, or used. None of its rules counts then.
        """
        file = Path(path)
        try:
            text = _read(file)
        except (OSError, ValueError) as error:
            problem = getattr(error, "strerror", None) or str(error)
            raise InvalidRules("rules", f"cannot be read: {problem}", path=str(file)) from None
        folder = file.absolute().parent
        rules = cls.parse(text, folder=folder, source=str(file)).rules
        return cls(rules, str(file), str(file.absolute()))

    @classmethod
    def parse(
        cls, text: str, *, folder: str | os.PathLike[str] | None = None, source: str = "rules"
    ) -> Self:
        """Read a text.

        Args:
            text: As in a file.
            folder: What folders that it names are taken from; None for the working directory of this
                process.
            source: What errors and the audit call it.

        Raises:
            InvalidRules: It cannot be used. None of its rules counts then.
        """
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            # The place is said by its attributes.
            said, place, after = str(error).partition(" (at line ")
            found = re.match(r"\d+", after)
            line = int(found[0]) if found else None
            problem = said if place else str(error)
            raise InvalidRules("rules", f"is no TOML: {problem}", path=source, line=line) from None
        except RecursionError:
            raise InvalidRules("rules", "is nested too deeply", path=source) from None
        base = Path(folder if folder is not None else "").absolute()
        return cls(_Reader(text, base, source).rules(document), source)

    def decide(self, request: Any) -> Allow | Deny | None:
        """What they say of a request. A change of their own file is denied, whatever they say."""
        subject = subject_of(request) if self._file else None
        if subject is not None and replaces(subject.paths, self._file):
            return Deny("it changes the file of these rules")
        return super().decide(request)

    def explain(self, command: str, *, cwd: str | os.PathLike[str] | None = None) -> Explanation:
        """What these rules make of a command line, and why.

        Args:
            command: The line, for a shell; codex's own shell around it is taken off.
            cwd: Where it would run; None for the working directory of this process.
        """
        line, folder = unwrapped(command), str(Path(cwd if cwd is not None else "").absolute())
        argv = plain_argv(line)
        results = self.results(Subject("command", line=line, argv=argv, folder=folder))
        rule = strictest(results)
        outcome: Outcome = "no match" if rule is None else rule.decision
        return Explanation(line, argv, folder, outcome, rule, results)


def _read(file: Path) -> str:
    with file.open("rb") as opened:
        found = opened.read(_MAX_FILE + 1)
    if len(found) > _MAX_FILE:
        raise ValueError(f"it has more than {_MAX_FILE:,} bytes")
    return found.decode()


class _Reader:
    """Makes rules of a document, and errors that say where they are."""

    def __init__(self, text: str, base: Path, source: str) -> None:
        self._lines = text.splitlines()
        self._base = base
        self._source = source
        self._headers = [
            number for number, line in enumerate(self._lines, 1) if _HEADER.match(line)
        ]
        self._rule: int | None = None

    def rules(self, document: Mapping[str, Any]) -> tuple[Rule, ...]:
        for key in document:
            if key != "rule":
                raise self._error(key, "is no part of a file of rules", "every rule is a [[rule]]")
        tables = document.get("rule", [])
        listed: Any = tables
        if not isinstance(tables, list) or not all(isinstance(each, dict) for each in listed):
            raise self._error("rule", "is not a list of tables", "begin each rule with [[rule]]")
        if len(listed) != len(self._headers):
            # Written in another way: better no line than a wrong one.
            self._headers = []
        return tuple(self._read(number, table) for number, table in enumerate(listed, 1))

    def _read(self, number: int, table: dict[str, Any]) -> Rule:
        self._rule = number
        for key in table:
            if key not in _KEYS:
                raise self._error(key, "is no key of a rule", f"there are: {', '.join(_KEYS)}")
        decision = table.get("decision")
        if decision not in _DECISIONS:
            raise self._error("decision", f"is {decision!r}", 'use "allow", "deny" or "ask"')
        found = Rule(
            decision,
            command=self._commands(table, for_yes=decision == "allow"),
            network=self._network(table),
            file_changes=self._true(table, "file_changes"),
            tool=self._each(table, "tool", lambda one, at: name_pattern(one, at, in_server=False)),
            mcp=self._each(table, "mcp", lambda one, at: name_pattern(one, at, in_server=True)),
            within=self._each(table, "within", self._folder),
            reason=self._text(table, "reason"),
            number=number,
            line=self._headers[number - 1] if self._headers else None,
        )
        self._check(found, table)
        return found

    def _check(self, rule: Rule, table: dict[str, Any]) -> None:
        named = {key for key in _ABOUT if key in table}
        if not named:
            raise self._error("rule", "is about nothing", f"name one of: {', '.join(_ABOUT)}")
        if len(named) > 1 and named != {"command", "network"}:
            first, second, *_ = [key for key in _ABOUT if key in named]
            raise self._error(second, f"stands beside {first}", "make two rules of it")
        if rule.within and named & {"tool", "mcp"}:
            raise self._error("within", "has no meaning for tools", "leave it out")
        if rule.decision == "allow" and rule.file_changes and not rule.within:
            raise self._error("within", "is missing", "name the folders whose files may be changed")

    def _commands(self, table: dict[str, Any], *, for_yes: bool) -> tuple[Pattern, ...]:
        given: Any = table.get("command")
        if given is None:
            return ()
        several = given.__class__ is list and any(each.__class__ is list for each in given)
        if not several:
            self._check_words(given)
        listed: list[Any] = given if several else [given]
        places = [f"command[{place}]" if several else "command" for place in range(len(listed))]
        return tuple(
            self._one(lambda one, at: pattern_of(one, at, for_yes=for_yes), each, place)
            for each, place in zip(listed, places, strict=True)
        )

    def _check_words(self, given: Any) -> None:
        if given.__class__ is list and any(" " in str(each) for each in given[:1]):
            raise self._error(
                "command",
                "is one pattern in words, and its program has a blank in it",
                'for several patterns use a list of lists: [["git", "status"], ["ls", "**"]]',
            )

    def _network(self, table: dict[str, Any]) -> bool | tuple[str, ...]:
        if isinstance(table.get("network"), bool):
            return self._true(table, "network")
        return self._each(table, "network", host_pattern) or False

    def _true(self, table: dict[str, Any], key: str) -> bool:
        if table.get(key, True) is not True:
            raise self._error(key, f"is {table[key]!r}", "use true, or leave it out")
        return key in table

    def _text(self, table: dict[str, Any], key: str) -> str:
        found = table.get(key, "")
        if not isinstance(found, str):
            raise self._error(key, f"is of type {type(found).__name__}", "use a text")
        return found

    def _folder(self, given: Any, place: str) -> str:
        if not isinstance(given, str) or not given or "\0" in given or given.startswith("~"):
            raise InvalidArgument(place, f"{given!r} is no folder", "write its path in full")
        return os.path.normpath(self._base / given)

    def _each(
        self, table: dict[str, Any], key: str, read: Callable[[Any, str], E]
    ) -> tuple[E, ...]:
        """One value of a key, or several."""
        if key not in table:
            return ()
        given = table[key]
        listed: Any = given
        if not isinstance(given, list):
            return (self._one(read, given, key),)
        if not listed:
            raise self._error(key, "is empty", "name at least one, or leave it out")
        return tuple(self._one(read, each, f"{key}[{place}]") for place, each in enumerate(listed))

    def _one(self, read: Callable[[Any, str], E], given: Any, place: str) -> E:
        try:
            return read(given, place)
        except InvalidArgument as error:
            raise self._error(error.field, error.problem, error.fix) from None

    def _error(self, field: str, problem: str, fix: str) -> InvalidRules:
        line = self._line_of(field.partition("[")[0])
        return InvalidRules(field, problem, fix, self._source, self._rule, line)

    def _line_of(self, key: str) -> int | None:
        """The line of a key of the rule, or the one that the rule begins in."""
        if self._rule is None or not self._headers:
            return None
        start = self._headers[self._rule - 1]
        end = next((line for line in self._headers if line > start), len(self._lines) + 1)
        written = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=")
        found = (n for n in range(start, end) if written.match(self._lines[n - 1]))
        return next(found, start)
