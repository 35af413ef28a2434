"""Where things are written, and what a terminal gets that a file does not."""

import io

import pytest

from codex_runtime._lines import Line
from codex_runtime.cli._screen import Screen


class Terminal(io.StringIO):
    """A stream that somebody watches."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _terminal_with_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


def test_progress_goes_to_stderr_and_speech_to_stdout() -> None:
    out, err = io.StringIO(), io.StringIO()
    screen = Screen(out, err)

    screen.show([Line("working", "note")])
    screen.say("the answer\n")

    assert (out.getvalue(), err.getvalue()) == ("the answer\n", "working\n")


def test_a_terminal_gets_colours() -> None:
    err = Terminal()

    Screen(io.StringIO(), err).show([Line("-old", "removed"), Line("+new", "added")])

    assert err.getvalue() == "\x1b[31m-old\x1b[0m\n\x1b[32m+new\x1b[0m\n"


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    err = Terminal()

    Screen(io.StringIO(), err).show([Line("-old", "removed")])

    assert err.getvalue() == "-old\n"


def test_a_file_gets_no_colours_and_no_wrapping() -> None:
    err = io.StringIO()

    Screen(io.StringIO(), err).show([Line("x" * 500, "bad")])

    assert err.getvalue() == "x" * 500 + "\n"


def test_what_looks_like_markup_is_text() -> None:
    err = Terminal()

    Screen(io.StringIO(), err).show([Line("[bold]x[/bold] :smile: 123")])

    assert err.getvalue() == "[bold]x[/bold] :smile: 123\n"


def test_progress_begins_on_a_line_of_its_own_after_half_a_sentence() -> None:
    both = Terminal()
    screen = Screen(both, both)

    screen.say("half a sen")
    screen.show([Line("$ ls")])
    screen.say("tence\n")

    assert both.getvalue() == "half a sen\n$ ls\ntence\n"


def test_the_status_line_is_for_terminals_and_leaves_no_trace_at_the_end() -> None:
    quiet, loud = io.StringIO(), Terminal()

    for err in (quiet, loud):
        screen = Screen(io.StringIO(), err)
        screen.doing("thinking")
        screen.doing("running ls")
        screen.close()

    assert quiet.getvalue() == ""
    assert "running ls" in loud.getvalue()
    show_cursor, clear_line = "\x1b[?25h", "\x1b[2K"
    assert loud.getvalue().endswith(f"{show_cursor}\r\x1b[1A{clear_line}")


def test_a_stream_whose_encoding_lacks_a_letter_gets_its_code() -> None:
    raw = io.BytesIO()
    screen = Screen(io.TextIOWrapper(raw, encoding="ascii"), io.StringIO())

    screen.say("naïve\n")

    assert raw.getvalue() == b"na\\xefve\n"


def test_a_reader_that_left_is_reported_and_does_not_end_the_process() -> None:
    class Gone(io.StringIO):
        def write(self, _text: str, /) -> int:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        Screen(io.StringIO(), Gone()).show([Line("x")])


def test_what_is_written_during_a_question_comes_after_it() -> None:
    out, err = io.StringIO(), Terminal()
    screen = Screen(out, err)
    screen.say("half a sen")

    with screen.asking():
        err.write("QUESTION")
        screen.say("tence")
        screen.show([Line("progress")])
        screen.doing("thinking")
        screen.print([Line("paper")])
        assert (out.getvalue(), err.getvalue()) == ("half a sen\n", "QUESTION")

    screen.close()
    assert out.getvalue() == "half a sen\ntence\npaper\n"
    assert "QUESTIONprogress\n" in err.getvalue()


def test_a_question_takes_the_status_line_away() -> None:
    err = Terminal()
    screen = Screen(io.StringIO(), err)
    screen.doing("thinking")

    with screen.asking():
        before = err.getvalue()
        screen.doing("")

    assert before.endswith("\x1b[?25h\r\x1b[1A\x1b[2K") or "\x1b[?25h" in before
