"""What callers pass, checked before anything is sent."""

import math
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_runtime._arguments import (
    absolute_cwd,
    absolute_path,
    canonical_id,
    checked_bytes,
    checked_thread_id,
    positive_seconds,
    server_path,
    without_none,
)
from codex_runtime.errors import InvalidArgument, WorkingDirectoryMissing


def test_what_nobody_says_is_not_sent() -> None:
    assert without_none(a=None, b=False, c=0, d="", e=[], f={}) == {
        "b": False,
        "c": 0,
        "d": "",
        "e": [],
        "f": {},
    }


@given(st.floats(min_value=0, exclude_min=True) | st.integers(1, 2**1000))
def test_any_positive_number_is_a_duration(value: float) -> None:
    found = positive_seconds("timeout", value, 30.0)

    assert found == float(value)
    assert isinstance(found, float)


def test_no_duration_means_the_default() -> None:
    assert positive_seconds("timeout", None, 30.0) == 30.0


@pytest.mark.parametrize(
    "value", [0, 0.0, -1, -0.5, math.nan, -math.inf, True, False, "5", b"5", [], Decimal(5)]
)
def test_anything_else_is_no_duration(value: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        positive_seconds("timeout", value, 30.0)

    assert str(caught.value) == f"timeout is {value!r}; use a positive number of seconds"
    assert caught.value.field == "timeout"


@pytest.mark.parametrize("remote", [False, True])
def test_no_directory_stays_none(remote: bool) -> None:  # noqa: FBT001 — a parameter of the test
    assert absolute_cwd(None, remote=remote) is None


def test_an_absolute_directory_stays_as_it_is(tmp_path: Path) -> None:
    assert absolute_cwd(str(tmp_path), remote=False) == str(tmp_path)
    assert absolute_cwd(tmp_path, remote=False) == str(tmp_path)


def test_a_relative_directory_is_made_absolute_against_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "repo with a space").mkdir()
    monkeypatch.chdir(tmp_path)

    assert absolute_cwd(".", remote=False) == os.getcwd()  # noqa: PTH109 — what the process says
    assert absolute_cwd("repo with a space", remote=False) == str(tmp_path / "repo with a space")


def test_a_directory_may_stand_in_the_users_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert absolute_cwd("~", remote=False) == str(tmp_path)


@pytest.mark.parametrize("cwd", ["missing", "a file", "a file/below", "~no-such-user/x", "x" * 300])
def test_a_directory_that_is_none_is_refused_by_its_absolute_name(
    cwd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a file").touch()
    monkeypatch.chdir(tmp_path)

    with pytest.raises(WorkingDirectoryMissing) as caught:
        absolute_cwd(cwd, remote=False)

    assert caught.value.path == str(tmp_path / cwd)
    assert str(tmp_path / cwd) in str(caught.value)
    assert caught.value.field == "cwd"


@pytest.mark.parametrize("cwd", ["/only/over/there", "/with\nnewline"])
def test_only_a_remote_server_knows_which_directories_it_has(cwd: str) -> None:
    assert absolute_cwd(cwd, remote=True) == cwd


@pytest.mark.parametrize("remote", [False, True])
@pytest.mark.parametrize(
    ("cwd", "text"),
    [
        ("", "cwd is blank; name one, or leave it out"),
        (" \t\n", "cwd is blank; name one, or leave it out"),
        ("/repo\0/x", "cwd holds a NUL character; take it out"),
        (5, "cwd is of type int; use text or a Path"),
        (b"/repo", "cwd is of type bytes; use text or a Path"),
    ],
)
def test_what_is_no_path_is_refused(cwd: Any, text: str, remote: bool) -> None:  # noqa: FBT001 — a parameter of the test
    with pytest.raises(InvalidArgument) as caught:
        absolute_cwd(cwd, remote=remote)

    assert str(caught.value) == text


@pytest.mark.parametrize("path", [".", "repo", Path("repo"), "./repo", "~", "~/repo", "~me/repo"])
def test_of_a_remote_server_no_relative_path_is_made_one_of_this_machine(path: Any) -> None:
    for refuse in (
        lambda: absolute_cwd(path, remote=True),
        lambda: server_path("cwd", path, remote=True),
    ):
        with pytest.raises(InvalidArgument) as caught:
            refuse()
        assert caught.value.field == "cwd"
        assert f"is the relative path {str(path)!r}; use an absolute one" in str(caught.value)


def test_a_path_of_a_remote_server_stays_as_it_is() -> None:
    assert server_path("path", Path("/there/file"), remote=True) == "/there/file"
    assert server_path("path", "/there/./file", remote=True) == "/there/./file"


def test_a_path_of_a_server_of_this_machine_is_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert server_path("path", "./new", remote=False) == str(tmp_path / "new")


@pytest.mark.parametrize("data", [b"ab", bytearray(b"ab"), memoryview(b"acb")[::2]])
def test_bytes_are_taken_in_every_form(data: Any) -> None:
    found = checked_bytes("data", data)

    assert (type(found), found) == (bytes, b"ab")


@pytest.mark.parametrize("data", ["ab", 5, None, [97]])
def test_what_is_no_bytes_is_refused(data: Any) -> None:
    with pytest.raises(InvalidArgument, match=rf"data is of type {type(data).__name__}; use bytes"):
        checked_bytes("data", data)


def test_a_path_that_need_not_be_there_yet_is_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")

    assert absolute_path("codex_home", Path("new")) == str(tmp_path / "new")
    assert absolute_path("codex_home", "~/new") == "/home/me/new"
    assert absolute_path("codex_home", "//srv//a/../new/") == "/srv/new"
    with pytest.raises(InvalidArgument) as caught:
        absolute_path("codex_home", " ")
    assert caught.value.field == "codex_home"


PLAIN = "01a20e07-6ae9-79b0-992e-7d268cbf2bbe"


@pytest.mark.parametrize(
    "spelled",
    [
        PLAIN,
        PLAIN.upper(),
        f"urn:uuid:{PLAIN}",
        f"URN:UUID:{PLAIN.upper()}",
        f"{{{PLAIN}}}",
        PLAIN.replace("-", ""),
    ],
)
def test_a_thread_id_is_brought_into_the_servers_own_spelling(spelled: str) -> None:
    assert checked_thread_id(spelled) == PLAIN
    assert canonical_id(spelled) == PLAIN


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ("", "thread_id is blank; name a thread"),
        (" \t", "thread_id is blank; name a thread"),
        (5, "thread_id is of type int; use text"),
        (None, "thread_id is of type NoneType; use text"),
        ("thread-1", "thread_id is 'thread-1'; use a thread id, which is a UUID"),
        (PLAIN[:-1], f"thread_id is '{PLAIN[:-1]}'; use a thread id, which is a UUID"),
        (f"{PLAIN}\n", f"thread_id is '{PLAIN}\\n'; use a thread id, which is a UUID"),
        (f"urn:uuid:{PLAIN.replace('-', '')}", "use a thread id, which is a UUID"),
        ("x" * 1000, f"thread_id is '{'x' * 60}…'; use a thread id, which is a UUID"),
    ],
)
def test_what_is_no_thread_id_is_refused_by_name(wrong: Any, text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        checked_thread_id(wrong)

    assert text in str(caught.value)
    assert caught.value.field == "thread_id"
    assert canonical_id(wrong) is None
