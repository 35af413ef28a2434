"""One rule, and what it is held against."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal, TypeAlias

from codex_runtime._changed_paths import all_within, is_within, touches
from codex_runtime._command_lines import commands_in
from codex_runtime._patterns import Pattern, host_matches, name_matches

__all__ = ["Rule", "RuleDecision", "Subject"]

RuleDecision: TypeAlias = Literal["allow", "deny", "ask"]
"""What a rule says."""


@dataclass(frozen=True)
class Subject:
    """What a request is about, as rules see it.

    Attributes:
        what: What is asked.
        line: The command line, where there is one.
        argv: Its words, if it is one plain command.
        folder: Where it is to run; empty where that is not known.
        paths: The files that are changed; empty where they are not known.
        name: The host, or the tool with its server.
        beyond: What is asked for besides, which no rule allows; empty for nothing.
    """

    what: Literal["command", "network", "file_changes", "tool", "mcp"]
    line: str = ""
    argv: tuple[str, ...] = ()
    folder: str = ""
    paths: tuple[str, ...] = ()
    name: str = ""
    beyond: str = ""


@dataclass(frozen=True)
class Rule:
    """A rule. All that it names has to hold for it to match.

    Of a request to reach a host, the command and the folder count where the server says them.

    Attributes:
        decision: What it says.
        command: Commands that it is about.
        network: Hosts that it is about; True for all of them.
        file_changes: Whether it is about changes of files.
        tool: Tools of ours that it is about.
        mcp: Tools of MCP servers that it is about.
        within: Folders, absolute. What runs has to run there; what is changed has to be there.
        reason: Why, for whoever is told of it.
        number: Which of its rules it is, from 1.
        line: The line of the file that it begins in; None where that is not known.
    """

    decision: RuleDecision
    command: tuple[Pattern, ...] = ()
    network: bool | tuple[str, ...] = False
    file_changes: bool = False
    tool: tuple[str, ...] = ()
    mcp: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    reason: str = ""
    number: int = 1
    line: int | None = None

    def __str__(self) -> str:
        place = f" (line {self.line})" if self.line else ""
        return f"rule {self.number}{place}: {self.decision} {self.about}"

    @property
    def about(self) -> str:
        """What it is about, for people."""
        hosts = self.network if isinstance(self.network, tuple) else ("any host",) * self.network
        named = (
            (" or ".join(map(str, self.command)), ""),
            (" or ".join(hosts), "reaching "),
            ("changes of files" if self.file_changes else "", ""),
            (" or ".join(self.tool), "the tool "),
            (" or ".join(self.mcp), "the MCP tool "),
            (" or ".join(self.within), "within "),
        )
        return ", ".join(before + text for text, before in named if text)

    @property
    def looks_at_disk(self) -> bool:
        """Whether matching it may wait for a file system."""
        return bool(self.within)

    def mismatch(self, subject: Subject) -> str:
        """Why it does not match; empty if it does.

        A rule that allows matches only what is known to be what it names. One that denies or asks
        matches what may be that.
        """
        wide = self.decision != "allow"
        if subject.beyond and not wide:
            return subject.beyond
        return (
            self._other_kind(subject, wide=wide)
            or (self._other_command(subject, wide=wide) if self.command else "")
            or self._other_name(subject)
            or (self._elsewhere(subject, wide=wide) if self.within else "")
        )

    def _other_kind(self, subject: Subject, *, wide: bool) -> str:
        kinds = {
            "command": bool(self.command) and not self.network,
            # A no to a command is also one to what it wants to reach.
            "network": bool(self.network) or (wide and bool(self.command and subject.line)),
            "file_changes": self.file_changes,
            "tool": bool(self.tool),
            "mcp": bool(self.mcp),
        }
        return "" if kinds[subject.what] else f"it is about {self.about}"

    def _other_command(self, subject: Subject, *, wide: bool) -> str:
        if subject.what == "network" and not subject.line:
            return ""
        if wide:
            found = commands_in(subject.line)
            if any(each.meets(words) for words in found for each in self.command):
                return ""
            return f"nothing that the line runs is {' or '.join(map(str, self.command))}"
        if not subject.argv:
            return "the line is not one plain command"
        reasons = [each.mismatch(subject.argv) for each in self.command]
        return "" if "" in reasons else "; ".join(dict.fromkeys(reasons))

    def _other_name(self, subject: Subject) -> str:
        match subject.what:
            case "network" if isinstance(self.network, tuple):
                fits = any(host_matches(each, subject.name) for each in self.network)
            case "tool":
                fits = any(name_matches(each, subject.name) for each in self.tool)
            case "mcp":
                fits = any(name_matches(each, subject.name) for each in self.mcp)
            case _:
                return ""
        return "" if fits else f"{subject.name} is not {self.about}"

    def _elsewhere(self, subject: Subject, *, wide: bool) -> str:
        where = f"within {' or '.join(self.within)}"
        if subject.what == "file_changes":
            if wide:
                here = not subject.paths or touches(subject.paths, self.within)
            else:
                here = all_within(subject.paths, self.within) is True
            return "" if here else f"not all files are {where}"
        if not PurePath(subject.folder).is_absolute():
            known = wide or subject.what == "network"
            return "" if known else "it is not known where it runs"
        here = any(is_within(subject.folder, each) for each in self.within)
        return "" if here else f"{subject.folder} is not {where}"
