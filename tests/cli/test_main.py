"""What happens before any command runs."""

import io
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli.support import CommandLine

import codex_runtime
from codex_runtime.cli import main
from codex_runtime.cli._app import start
from codex_runtime.cli._exits import EXIT_CODES, Exit, ending_signals, exit_of
from codex_runtime.errors import (
    CodexNotFound,
    CodexRuntimeError,
    ConnectionLost,
    EmptyInput,
    HandshakeTimeout,
    IncompatibleCodexVersion,
    RequestTimeout,
    SandboxNotAllowed,
    StartupFailed,
    TurnTimedOut,
    WorkingDirectoryMissing,
)
from codex_runtime.state import TurnResult

RESULT = TurnResult("interrupted", "", (), (), None, "", None, "T", "U", None)


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_its_extra_the_command_line_names_what_to_install(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(SystemExit) as ending:
        main()

    assert ending.value.code == 2
    assert capsys.readouterr().err == (
        f'the command line needs {missing}; install with: pip install "codex-runtime[cli]"\n'
    )


def test_asking_for_help_loads_neither_the_protocol_nor_the_scripted_model() -> None:
    program = (
        "import sys; from codex_runtime.cli._app import start; sys.argv[1:] = ['--version'];"
        "assert start() == 0;"
        "print([m for m in sys.modules if m.startswith(('anyio', 'codex_runtime.protocol',"
        " 'codex_runtime.testing', 'codex_runtime.runtime'))])"
    )
    source = Path(codex_runtime.__file__).parent.parent

    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert done.stdout.splitlines() == [f"codex-runtime {codex_runtime.__version__}", "[]"]


class Call:
    """The command line in this process: for what ends before anything is started."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._patch = monkeypatch
        self._output = capsys

    def __call__(self, *words: str) -> tuple[int, str]:
        """Return the exit code and all output, its white space made even."""
        self._patch.setattr(sys, "argv", ["codex-runtime", *words])
        code = start()
        output = self._output.readouterr()
        return code, " ".join((output.out + output.err).split())


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    monkeypatch.setenv("COLUMNS", "200")
    return Call(monkeypatch, capsys)


def test_help_tells_every_exit_code(call: Call) -> None:
    code, output = call("run", "--help")

    assert code == 0
    assert all(f"{int(exit)} {meaning}" in output for exit, meaning in EXIT_CODES.items())


def test_the_command_line_is_also_a_module(command: CommandLine) -> None:
    ended = command.run("--version")

    assert (ended.code, ended.out) == (0, f"codex-runtime {codex_runtime.__version__}\n")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EmptyInput(), Exit.USAGE),
        (WorkingDirectoryMissing(path="/x"), Exit.USAGE),
        (SandboxNotAllowed(problem="x"), Exit.USAGE),
        (CodexNotFound(()), Exit.NO_CODEX),
        (IncompatibleCodexVersion("0.1.0", "0.154.0"), Exit.NO_CODEX),
        (StartupFailed(exit_code=1), Exit.NO_CODEX),
        (HandshakeTimeout(1.0), Exit.NO_CODEX),
        (TurnTimedOut(1.0, RESULT), Exit.TIMEOUT),
        (ConnectionLost(), Exit.FAILED),
        (RequestTimeout("turn/start", 1.0), Exit.FAILED),
    ],
)
def test_each_error_has_its_exit_code(error: CodexRuntimeError, code: Exit) -> None:
    assert exit_of(error) is code


@pytest.mark.parametrize(
    "words",
    [
        ["run"],
        ["run", "x", "--sandbox", "danger-full-access"],
        ["run", "x", "--timeout", "soon"],
        ["run", "x", "--output-schema", "/no/such/file"],
        ["run", "x", "--no-such-option"],
        ["no-such-command"],
        ["run", " "],
    ],
)
def test_what_cannot_be_used_is_exit_code_2(call: Call, words: list[str]) -> None:
    assert call(*words)[0] == 2


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{not json", "is not JSON"),
        ("[]", "is not a JSON Schema: it holds no object"),
        ("\ud800", "is not JSON"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "is nested too deeply"),
    ],
)
def test_a_schema_that_is_none_is_exit_code_2(
    call: Call, tmp_path: Path, content: str, problem: str
) -> None:
    schema = tmp_path / "schema"
    schema.write_bytes(content.encode(errors="surrogatepass"))

    code, output = call("run", "x", "--output-schema", str(schema))

    assert code == 2
    assert problem in output


@pytest.mark.parametrize("option", ["--codex-bin", "--codex-home"])
@pytest.mark.parametrize(
    ("place", "problem"),
    [("~no-such-user/x", "there is no such user"), ("x" * 300, "File name too long")],
)
def test_a_place_that_no_system_takes_is_exit_code_2(
    call: Call, option: str, place: str, problem: str
) -> None:
    for command in ("doctor", "run"):
        code, output = call(command, *(["x"] if command == "run" else []), option, place)

        assert code == 2
        assert problem in output


@pytest.mark.parametrize("variable", ["CODEX_RUNTIME_BIN", "CODEX_HOME"])
def test_the_same_holds_for_places_in_the_environment(
    call: Call, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "x" * 300)

    code, output = call("doctor")

    assert code == 2
    assert "File name too long" in output


@pytest.mark.parametrize("redirection", [">&-", ">/dev/full", "2>&-", "2>/dev/full", "<&-"])
@pytest.mark.parametrize("words", [("--help",), ("doctor",), ("run", "x"), ("run", "x", "--json")])
def test_a_stream_that_takes_nothing_makes_no_traceback(
    command: CommandLine, redirection: str, words: tuple[str, ...]
) -> None:
    binary = () if words == ("--help",) else ("--codex-bin", "/bin/false")

    ended = command.redirected(redirection, *words, *binary)

    assert ended.code in {0, 1, 4}
    assert "Traceback" not in ended.err
    assert "error" not in ended.out or "--json" in words


def test_progress_does_not_land_on_stdout_where_stderr_is_closed(command: CommandLine) -> None:
    ended = command.redirected("2>&-", "run", "x", "--codex-bin", "/bin/false")

    assert (ended.code, ended.out, ended.err) == (4, "", "")


def test_a_full_disk_behind_stdout_is_told(command: CommandLine) -> None:
    ended = command.redirected(">/dev/full", "--version")

    assert (ended.code, ended.err) == (1, "error: No space left on device\n")


def test_a_hangup_that_nohup_ignores_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    assert signal.SIGHUP in ending_signals()

    def ignored(_number: int) -> signal.Handlers:
        return signal.SIG_IGN

    monkeypatch.setattr(signal, "getsignal", ignored)

    assert signal.SIGHUP not in ending_signals()


def test_a_prompt_that_is_no_text_is_exit_code_2(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe")))

    code, output = call("run", "-")

    assert code == 2
    assert "stdin is not UTF-8 text" in output
