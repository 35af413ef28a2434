"""`codex-runtime doctor`: is everything there that a turn needs, and what mends it if not."""

from typing import Any, Final, TextIO

from codex_runtime._lines import Line, Role, line
from codex_runtime._version import __version__
from codex_runtime.cli import _json
from codex_runtime.cli._checks import Check, examine, hooks_check, verdict
from codex_runtime.cli._exits import Exit
from codex_runtime.cli._screen import Screen

__all__ = ["check_lines", "doctor", "report_object"]

_MARKS: Final[dict[str, tuple[str, Role]]] = {
    "ok": ("ok     ", "good"),
    "warning": ("note   ", "warning"),
    "failed": ("FAILED ", "bad"),
}


async def doctor(
    *,
    codex_bin: str | None,
    codex_home: str | None,
    hooks: bool = False,
    out: TextIO | None,
    screen: Screen,
) -> Exit:
    """Examine the machine and report: on `out` as JSON, or line by line on the screen."""
    checks: list[Check] = []

    def report(check: Check) -> None:
        checks.append(check)
        if out is None:
            screen.print(check_lines(check))

    await examine(report, codex_bin=codex_bin, codex_home=codex_home)
    if hooks and verdict(checks) is not Exit.NO_CODEX:
        report(await hooks_check(codex_bin))
    code = verdict(checks)
    if out is not None:
        out.write(_json.encode(report_object(checks)) + "\n")
    elif code is Exit.DONE:
        signed_in = all(check.status == "ok" for check in checks if check.id == "account")
        screen.print(
            [Line("all green", "good")]
            if signed_in
            else [Line("green, but not signed in", "warning")]
        )
    return code


def check_lines(check: Check) -> list[Line]:
    """The line of one check; where something is to be done, it ends with the command."""
    mark, role = _MARKS[check.status]
    fix = f"; fix: {check.fix}" if check.fix else ""
    return [line(f"{mark} {check.id}: {check.summary}{fix}", role)]


def report_object(checks: list[Check]) -> dict[str, Any]:
    """All checks as one object. `checks` is keyed by id; a check that made no sense is absent."""
    code = verdict(checks)
    return {
        "schema_version": _json.SCHEMA_VERSION,
        "codex_runtime": __version__,
        "status": "ok" if code is Exit.DONE else "failed",
        "exit_code": int(code),
        "checks": {
            check.id: {
                "status": check.status,
                "summary": check.summary,
                "fix": check.fix or None,
                "duration": check.seconds,
            }
            for check in checks
        },
    }
