"""Several rules, as an approver: the strictest one that matches decides."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from codex_runtime._changed_paths import legacy_paths_of
from codex_runtime._command_lines import plain_argv, script_of
from codex_runtime._rule import Rule, RuleDecision, Subject
from codex_runtime._user_calls import in_thread
from codex_runtime.answers import Allow, Deny
from codex_runtime.protocol import MISSING
from codex_runtime.requests import (
    CommandApproval,
    FileChangeApproval,
    LegacyCommandApproval,
    LegacyPatchApproval,
    McpElicitation,
    ServerRequest,
    ToolCallRequest,
)

__all__ = ["RuleBook", "RuleResult", "strictest", "subject_of"]

_STRICTEST_FIRST: Final[tuple[RuleDecision, ...]] = ("deny", "ask", "allow")

_HERE: Final = frozenset({None, "", "local"})
"""Environments that have the file system which folders in rules are about."""


class RuleResult(NamedTuple):
    """What came of one rule.

    Attributes:
        rule: The rule.
        mismatch: Why it does not match; empty if it does.
    """

    rule: Rule
    mismatch: str


def strictest(results: Sequence[RuleResult]) -> Rule | None:
    """The rule that decides: the first of the strictest that match."""
    matching = [result.rule for result in results if not result.mismatch]
    found = (rule for word in _STRICTEST_FIRST for rule in matching if rule.decision == word)
    return next(found, None)


class RuleBook:
    """Rules as an approver. `ask` and no match at all are no opinion."""

    def __init__(self, rules: Sequence[Rule], name: str, *, looks_at_disk: bool = False) -> None:
        """Take rules that have been checked.

        Args:
            rules: The rules.
            name: What the audit calls this approver.
            looks_at_disk: Whether deciding may wait for a file system whatever the rules.
        """
        self.rules = tuple(rules)
        self._looks_at_disk = looks_at_disk or any(rule.looks_at_disk for rule in self.rules)
        self.__name__ = name

    def __repr__(self) -> str:
        return f"<{self.__name__}: {len(self.rules)} rules>"

    async def __call__(self, request: Any) -> Allow | Deny | None:
        """What they say of a request."""
        if self._looks_at_disk:
            answer: Allow | Deny | None = await in_thread(lambda: self.decide(request))
            return answer
        return self.decide(request)

    def decide(self, request: Any) -> Allow | Deny | None:
        """The same, where waiting for a file system does no harm."""
        subject = subject_of(request)
        rule = None if subject is None else strictest(self.results(subject))
        match rule.decision if rule is not None else None:
            case "allow":
                return Allow()
            case "deny" if rule is not None:
                return Deny(rule.reason or f"rule {rule.number} of {self.__name__} denies it")
            case _:
                return None

    def results(self, subject: Subject) -> tuple[RuleResult, ...]:
        """What comes of each rule."""
        return tuple(RuleResult(rule, rule.mismatch(subject)) for rule in self.rules)


def subject_of(request: Any) -> Subject | None:
    """What a request is about; None for kinds that rules say nothing of."""
    read = _SUBJECTS.get(request.__class__)
    return None if read is None else read(request)


def _command(request: CommandApproval) -> Subject | None:
    if request.is_input:
        return None
    beyond = ""
    if request.additional_permissions not in (None, MISSING):
        beyond = "it asks for more than the sandbox allows"
    elif request.params.environment_id not in _HERE:
        beyond = "it is to run in another environment"
    return Subject(
        "command" if request.network is None else "network",
        line=request.command,
        argv=request.argv,
        folder=request.cwd,
        name="" if request.network is None else request.network.host or "",
        beyond=beyond,
    )


def _root(request: FileChangeApproval | LegacyPatchApproval) -> str:
    return "it asks for a whole folder" if request.params.grant_root else ""


def _legacy_command(request: LegacyCommandApproval) -> Subject:
    script = script_of(request.argv)
    if script is None:
        line = shlex.join(request.argv)
        return Subject("command", line=line, argv=request.argv, folder=request.cwd)
    return Subject("command", line=script, argv=plain_argv(script), folder=request.cwd)


def _file_change(request: FileChangeApproval) -> Subject:
    return Subject("file_changes", paths=request.paths, beyond=_root(request))


def _legacy_patch(request: LegacyPatchApproval) -> Subject:
    paths = legacy_paths_of(request.changes)
    return Subject("file_changes", paths=paths, beyond=_root(request))


def _tool_call(request: ToolCallRequest) -> Subject:
    name = f"{request.namespace}/{request.tool}" if request.namespace else request.tool
    return Subject("tool", name=name)


def _elicitation(request: McpElicitation) -> Subject | None:
    if not request.is_tool_approval:
        return None
    return Subject("mcp", name=f"{request.server_name}/{request.tool_name}")


_SUBJECTS: Final[dict[type[ServerRequest], Callable[[Any], Subject | None]]] = {
    CommandApproval: _command,
    FileChangeApproval: _file_change,
    LegacyCommandApproval: _legacy_command,
    LegacyPatchApproval: _legacy_patch,
    McpElicitation: _elicitation,
    ToolCallRequest: _tool_call,
}
