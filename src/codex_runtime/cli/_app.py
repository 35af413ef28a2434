"""The commands and their options. What they do is loaded when they are called."""

import contextlib
import errno
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, cast

import typer

from codex_runtime._version import __version__
from codex_runtime.cli._exits import EXIT_CODES, Exit, ending_signals

if TYPE_CHECKING:
    from codex_runtime.cli._screen import Screen
    from codex_runtime.requests import Approver

__all__ = ["app", "start"]

_CODES: Final = "Exit codes: " + "; ".join(
    f"{int(code)} {meaning}" for code, meaning in EXIT_CODES.items()
)

app = typer.Typer(
    name="codex-runtime",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Drive the real codex from the command line.",
    epilog=_CODES,
)


def _place(value: str) -> str:
    """Refuse a path that the system refuses too, before anything is started."""
    path = os.path.expanduser(value)  # noqa: PTH111 — that of `Path` raises for unknown users
    if path.startswith("~"):
        raise typer.BadParameter(f"{value}: there is no such user; for a folder, write ./{value}")
    _look(path)
    return path


def _look(path: str) -> None:
    try:
        os.stat(path)  # noqa: PTH116 — the error is what is asked for
    except (FileNotFoundError, NotADirectoryError):
        # Whoever uses it tells more about it.
        return
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}") from error


def _folder(value: str) -> str:
    path = _place(value)
    if not os.path.isdir(path):  # noqa: PTH112 — as above
        raise typer.BadParameter(f"{path} is not a folder")
    return path


def _binary_place(value: str | None) -> str | None:
    if value is None:
        _place(os.environ.get("CODEX_RUNTIME_BIN", ""))
        return None
    return _place(value)


def _home_place(value: str | None) -> str | None:
    if value is None:
        # Codex takes a `~` in the variable as it is.
        _look(os.environ.get("CODEX_HOME", ""))
        return None
    return _place(value)


_Bin = Annotated[
    str | None,
    typer.Option(
        metavar="PATH",
        callback=_binary_place,
        help="The codex to run. Default: $CODEX_RUNTIME_BIN, the one installed with the extra "
        "`codex`, the one on $PATH.",
    ),
]
_Home = Annotated[
    str | None,
    typer.Option(
        metavar="DIR",
        callback=_home_place,
        help="Where codex keeps its sign-in, settings and threads; made if it is not there.",
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="JSON on stdout, for programs.")]


def start() -> int:
    """Run the command line and return its exit status."""
    try:
        app(prog_name="codex-runtime")
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(Exit.FAILED)
    except OSError as error:
        # Say a full disk behind stdout.
        _give_up(error)
        return int(Exit.FAILED)
    return int(Exit.DONE)


@app.callback(invoke_without_command=True)
def _common(
    show_version: Annotated[  # noqa: FBT002 — typer's way to declare a flag
        bool, typer.Option("--version", help="Show the version and exit.")
    ] = False,
) -> None:
    if show_version:
        typer.echo(f"codex-runtime {__version__}")
        raise typer.Exit


@app.command(epilog=_CODES)
def run(  # noqa: PLR0913 — the options of the command line
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="What to do; `-` reads stdin.")],
    *,
    cwd: Annotated[
        str, typer.Option("--cwd", "-C", metavar="DIR", help="The folder to work in.")
    ] = ".",
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Default: as set up in codex.")
    ] = None,
    effort: Annotated[
        str | None,
        typer.Option(metavar="EFFORT", help="Reasoning effort: low, medium, high, …"),
    ] = None,
    sandbox: Annotated[
        Literal["read-only", "workspace-write"],
        typer.Option(
            "--sandbox",
            "-s",
            help="What commands may touch. `workspace-write` lets them write in the folder; what "
            "codex asks beyond that is up to --approve. `danger-full-access` is left out on purpose.",
        ),
    ] = "read-only",
    approve: Annotated[
        list[str] | None,
        typer.Option(
            "--approve",
            "-a",
            metavar="WHO",
            help="Who decides when codex asks: `deny` (nothing is allowed; the default), `ask` (you, "
            "at this terminal), `edits` (changes of files in the folder are allowed), or a file of "
            "rules, NAME.toml. Several are asked in this order; the last word is no. A command that "
            "is allowed may run with no sandbox around it.",
        ),
    ] = None,
    policy: Annotated[
        Literal["on-request", "untrusted"] | None,
        typer.Option(
            "--policy",
            help="When codex asks: `on-request`, before it leaves the sandbox (the default where "
            "--approve names somebody), or `untrusted`, before each command and each change.",
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Stop the turn after this time. Default: 3600."),
    ] = None,
    as_json: _Json = False,
    output_schema: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="A JSON Schema that the answer has to follow.",
        ),
    ] = None,
    codex_bin: _Bin = None,
    codex_home: _Home = None,
) -> None:
    """Run one turn: progress on stderr, the answer on stdout."""
    schema = None if output_schema is None else _schema(output_schema)
    text = _stdin() if prompt == "-" else prompt
    if not text.strip():
        raise typer.BadParameter("the prompt is empty; say what the turn should do")

    def act() -> int:
        import anyio  # noqa: PLC0415 — `--help` does not wait for it

        from codex_runtime.cli import _approving, _run, _screen, _views  # noqa: PLC0415 — likewise

        screen = _screen.Screen()
        approvers = _approvers(approve or (), screen)
        screen.show(_approving.warnings_for(approvers, policy))
        request = _run.RunRequest(
            prompt=text,
            cwd=cwd,
            model=model,
            effort=effort,
            sandbox=sandbox,
            policy=policy,
            approve=approvers,
            timeout=timeout,
            output_schema=schema,
            codex_bin=codex_bin,
            codex_home=codex_home,
        )
        view: _views.View = (
            _views.JsonView(sys.stdout, screen) if as_json else _views.HumanView(screen)
        )
        try:
            return anyio.run(_run.run_turn, request, view).code
        finally:
            screen.close()

    _finish(act)


@app.command()
def demo(codex_bin: _Bin = None) -> None:
    """Watch the real codex mend a bug. The model is scripted: no account is needed."""

    def act() -> int:
        from codex_runtime.cli import _demo, _screen  # noqa: PLC0415 — `--help` does not wait

        screen = _screen.Screen()
        try:
            return _demo.demo(codex_bin=codex_bin, screen=screen)
        finally:
            screen.close()

    _finish(act)


@app.command()
def doctor(
    *,
    as_json: _Json = False,
    hooks: Annotated[
        bool,
        typer.Option(
            "--hooks",
            help="Also see whether hooks before the use of tools hold: a command that one forbids "
            "must not run. Needs no account.",
        ),
    ] = False,
    codex_bin: _Bin = None,
    codex_home: _Home = None,
) -> None:
    """Check that everything is there that a turn needs. Exit status 0: all green.

    A missing account is only a note: the demo and tests need none.
    """

    def act() -> int:
        import anyio  # noqa: PLC0415 — `--help` does not wait for it

        from codex_runtime.cli import _doctor, _screen  # noqa: PLC0415 — likewise

        async def examine() -> Exit:
            return await _doctor.doctor(
                codex_bin=codex_bin,
                codex_home=codex_home,
                hooks=hooks,
                out=sys.stdout if as_json else None,
                screen=_screen.Screen(),
            )

        return anyio.run(examine)

    _finish(act)


rules_app = typer.Typer(no_args_is_help=True, help="Files of rules, for `run --approve`.")
app.add_typer(rules_app, name="rules")


@rules_app.command(epilog=_CODES)
def check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file of rules.")],
    command: Annotated[
        str | None,
        typer.Argument(
            metavar="COMMAND", help="A command line, as one word: hold it against the rules."
        ),
    ] = None,
    *,
    cwd: Annotated[
        str,
        typer.Option("--cwd", "-C", metavar="DIR", callback=_folder, help="Where it would run."),
    ] = ".",
    as_json: _Json = False,
) -> None:
    """See whether a file of rules is in order, and what it makes of a command. Nothing is run.

    Exit status 0: allowed, or in order; 5: denied; 6: left to the next who is asked; 2: the file
    cannot be used.
    """

    def act() -> int:
        from codex_runtime.cli import _json, _rules, _screen  # noqa: PLC0415 — `--help` does not wait

        found = _rules.check(file, command, cwd=cwd)
        if as_json:
            sys.stdout.write(_json.encode(found.value) + "\n")
        elif found.code is Exit.USAGE:
            _screen.Screen().show(found.lines)
        else:
            _screen.Screen().print(found.lines)
        return found.code

    _finish(act)


def _approvers(words: Sequence[str], screen: "Screen") -> "tuple[Approver, ...]":
    """Make approvers of them, before anything is started."""
    from codex_runtime.cli import _approving  # noqa: PLC0415 — `--help` does not wait for it
    from codex_runtime.errors import InvalidArgument  # noqa: PLC0415 — likewise

    try:
        return _approving.approvers_of(words, screen)
    except InvalidArgument as error:
        raise typer.BadParameter(str(error)) from error


def _finish(act: Callable[[], int]) -> None:
    """Do it and leave with its exit code, with nothing but one line where it was cut short."""
    # Where no receiver is set up yet, or any more, the others unwind as Ctrl-C does.
    for number in ending_signals():
        signal.signal(number, signal.default_int_handler)
    try:
        code = act()
        sys.stdout.flush()
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):
            sys.stderr.write("interrupted\n")
        code = Exit.INTERRUPTED
    except BrokenPipeError as error:
        _give_up(error)
        code = Exit.FAILED
    raise typer.Exit(int(code))


def _give_up(error: OSError) -> None:
    """Say why, unless nobody reads any more, say because of `| head`."""
    if not isinstance(error, BrokenPipeError) or error.errno not in {None, errno.EPIPE}:
        with contextlib.suppress(OSError):
            sys.stderr.write(f"error: {error.strerror or error}\n")
    # Python's own last flush must not fail on it either.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise typer.BadParameter("stdin is not UTF-8 text") from error


def _schema(path: Path) -> Mapping[str, Any]:
    try:
        value: object = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{path} is not JSON: {error}") from error
    except RecursionError as error:
        raise typer.BadParameter(f"{path} is nested too deeply") from error
    if not isinstance(value, dict):
        raise typer.BadParameter(f"{path} is not a JSON Schema: it holds no object")
    return cast("Mapping[str, Any]", value)
