"""`codex-runtime rules check`: is a file of rules in order, and what does it make of a command?"""

from dataclasses import dataclass
from typing import Any, Final

from codex_runtime._lines import Line, Role
from codex_runtime._text import exact
from codex_runtime.cli import _json
from codex_runtime.cli._approving import NOT_ASKED
from codex_runtime.cli._exits import Exit
from codex_runtime.errors import InvalidRules
from codex_runtime.rules import Explanation, Outcome, Rule, RuleResult, Rules

__all__ = ["Checked", "check"]

_CODES: Final[dict[Outcome, Exit]] = {
    "allow": Exit.DONE,
    "deny": Exit.DENIED,
    "ask": Exit.UNDECIDED,
    "no match": Exit.UNDECIDED,
}

_ROLES: Final[dict[Outcome, Role]] = {
    "allow": "good",
    "deny": "bad",
    "ask": "warning",
    "no match": "warning",
}


@dataclass(frozen=True)
class Checked:
    """What came of a check.

    Attributes:
        code: The exit code.
        lines: For people.
        value: The same for programs.
    """

    code: Exit
    lines: tuple[Line, ...]
    value: dict[str, Any]


def check(path: str, command: str | None, *, cwd: str) -> Checked:
    """Read a file of rules, and hold a command against it if there is one.

    Args:
        path: The file.
        command: A command line; None for the file alone.
        cwd: Where the command would run.
    """
    try:
        rules = Rules.load(path)
    except InvalidRules as error:
        return _invalid(path, error)
    if command is None:
        return _valid(path, rules)
    return _explained(path, rules.explain(command, cwd=cwd))


def _invalid(path: str, error: InvalidRules) -> Checked:
    problem = {
        "field": error.field,
        "problem": error.problem,
        "fix": error.fix or None,
        "rule": error.rule,
        "line": error.line,
    }
    text = _one(f"error: {error}")
    return _checked(Exit.USAGE, path, (Line(text, "bad"),), valid=False, error=problem)


def _valid(path: str, rules: Rules) -> Checked:
    lines = [Line(_one(str(rule))) for rule in rules.rules]
    count = len(rules.rules)
    said = Line(f"in order: {count} rule{'' if count == 1 else 's'}", "good")
    if not count:
        said = Line(
            "in order, but it holds no rules: nothing is allowed or denied by it", "warning"
        )
    listed = [_rule(rule) for rule in rules.rules]
    return _checked(Exit.DONE, path, (*lines, said), valid=True, rules=listed)


def _explained(path: str, found: Explanation) -> Checked:
    command, *more = exact(found.command).split("\n")
    words = str(list(found.argv)) if found.argv else "not one plain command: never allowed"
    lines = (
        Line(f"command  {command}", "command"),
        *(Line(f"         {each}", "command") for each in more),
        Line(f"words    {words}"),
        Line(f"cwd      {_one(found.cwd)}"),
        *map(_result_line, found.results),
        *([Line(f"note     {NOT_ASKED}", "note")] if found.outcome == "deny" else []),
        Line(f"{found.outcome}: {_one(found.reason)}", _ROLES[found.outcome]),
    )
    return _checked(
        _CODES[found.outcome],
        path,
        lines,
        valid=True,
        command=found.command,
        argv=list(found.argv),
        cwd=found.cwd,
        outcome=found.outcome,
        reason=found.reason,
        rule=found.rule.number if found.rule else None,
        results=[{**_rule(each.rule), "mismatch": each.mismatch or None} for each in found.results],
    )


def _result_line(result: RuleResult) -> Line:
    if not result.mismatch:
        return Line(_one(f"  {result.rule}: matches"), _ROLES[result.rule.decision])
    return Line(_one(f"  {result.rule}: {result.mismatch}"), "note")


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "number": rule.number,
        "line": rule.line,
        "decision": rule.decision,
        "about": rule.about,
        "reason": rule.reason or None,
    }


def _one(text: str) -> str:
    return exact(text).replace("\n", " ")


def _checked(code: Exit, path: str, lines: tuple[Line, ...], **value: Any) -> Checked:
    head = {"schema_version": _json.SCHEMA_VERSION, "file": path, "exit_code": int(code)}
    return Checked(code, lines, {**head, **value})
