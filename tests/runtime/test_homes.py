"""CODEX_HOME: made for its owner, and started on by one at a time while it is fresh."""

import errno
import os
import pwd
import stat
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from runtime.support import PATIENCE, descriptors, rogue

import codex_runtime
from codex_runtime import InvalidArgument, Runtime
from codex_runtime._homes import FirstStart, home_of, prepare_home


@pytest.fixture
def codex(tmp_path: Path) -> Path:
    """A codex that notes when it starts and when it has answered the greeting."""
    argv = " ".join(f"'{word}'" for word in rogue("exclusive", str(tmp_path / "notes")))
    script = tmp_path / "codex"
    script.write_text(f"#!/bin/sh\nexec {argv}\n")
    script.chmod(0o700)
    return script


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_home_that_is_missing_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    prepare_home(home)
    assert mode_of(home) == 0o700
    prepare_home(home)


def test_a_home_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    prepare_home(tmp_path)
    assert mode_of(tmp_path) == 0o755


def test_a_file_is_no_home(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(InvalidArgument, match="is not a folder; move it away, or name another"):
        prepare_home(file)
    with pytest.raises(InvalidArgument, match=r"cannot be created: .*; name one that can be"):
        prepare_home(Path("/proc/no/such/home"))


def test_the_home_is_the_variables_or_the_users() -> None:
    assert home_of({"CODEX_HOME": "/x/y", "HOME": "/home/me"}) == Path("/x/y")
    assert home_of({"HOME": "/home/me"}) == Path("/home/me/.codex")
    assert home_of({"CODEX_HOME": "", "HOME": "/home/me"}) == Path("/home/me/.codex")
    assert home_of({"CODEX_HOME": "~/x", "HOME": "/home/me"}) == Path("~/x")


def test_a_relative_home_starts_where_the_server_does() -> None:
    """Measured on 0.163, for both variables."""
    assert home_of({"CODEX_HOME": "x", "HOME": "/home/me"}, "/repo") == Path("/repo/x")
    assert home_of({"HOME": "me"}, "/repo") == Path("/repo/me/.codex")
    assert home_of({"CODEX_HOME": "/x", "HOME": "me"}, "/repo") == Path("/x")


@pytest.mark.parametrize("environment", [{}, {"HOME": ""}])
def test_the_password_database_knows_the_home_that_no_variable_tells(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As codex does (0.163); this process's own HOME is not the server's."""
    monkeypatch.setenv("HOME", "/of/this/process")

    assert home_of(environment) == Path(pwd.getpwuid(os.getuid()).pw_dir) / ".codex"


def test_a_user_whom_nobody_knows_has_to_name_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)

    with pytest.raises(InvalidArgument, match=r"codex_home is not known: .*; name a folder"):
        home_of({})


async def test_a_home_that_is_blank_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="codex_home is blank; name one"):
        await Runtime(codex_home="").__aenter__()


async def test_a_relative_home_is_made_where_the_server_looks_for_it(
    tmp_path: Path, codex: Path
) -> None:
    async with Runtime(codex_bin=codex, cwd=tmp_path, env={"CODEX_HOME": "own"}):
        pass
    assert mode_of(tmp_path / "own") == 0o700


def disk_fault(*_: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


async def test_a_full_disk_costs_the_next_start_its_short_cut_and_nothing_else(
    tmp_path: Path, codex: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "pwrite", disk_fault)
    before = descriptors()
    async with Runtime(codex_bin=codex, codex_home=tmp_path / "home") as runtime:
        assert runtime.pid is not None
    assert descriptors() == before
    first = FirstStart(tmp_path / "home")
    assert first.try_now()
    assert not FirstStart(tmp_path / "home").try_now()
    first.end(started=False)


def test_a_lock_that_cannot_be_read_is_no_hindrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "pread", disk_fault)
    before = descriptors()
    assert FirstStart(tmp_path).try_now()
    assert descriptors() == before


async def test_a_runtime_makes_its_home_and_hands_it_to_the_server(
    tmp_path: Path, codex: Path
) -> None:
    home = tmp_path / "new" / "home"
    async with Runtime(codex_bin=codex, codex_home=home) as runtime:
        assert runtime.server_info.codex_home == str(home)
    assert mode_of(home) == 0o700


async def test_first_starts_on_a_fresh_home_follow_each_other(tmp_path: Path, codex: Path) -> None:
    """Of 40 servers of 0.163 started together on a fresh home, 39 ended at once (fact 104)."""
    home = tmp_path / "home"

    async def open_one() -> None:
        async with Runtime(codex_bin=codex, codex_home=home):
            pass

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(open_one)

    notes = (tmp_path / "notes").read_text().split()
    assert notes == ["start", "ready"] * 3


async def test_a_failed_first_start_lets_the_next_one_go_ahead_alone(
    tmp_path: Path, codex: Path
) -> None:
    home = tmp_path / "home"
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o700)
    for binary in (broken, tmp_path / "missing"):
        with pytest.raises(Exception, match="codex"):
            await Runtime(codex_bin=binary, codex_home=home).__aenter__()
    first = FirstStart(home)
    assert first.try_now()
    assert not FirstStart(home).try_now()
    first.end(started=False)
    async with Runtime(codex_bin=codex, codex_home=home):
        pass
    # From now on nobody need wait.
    assert FirstStart(home).try_now()
    assert FirstStart(home).try_now()


HOLDER = """
import sys
from pathlib import Path
from codex_runtime._homes import FirstStart
first = FirstStart(Path(sys.argv[1]))
assert first.try_now()
print("held", flush=True)
sys.stdin.read()
"""


async def test_first_starts_of_two_processes_follow_each_other(tmp_path: Path) -> None:
    source = str(Path(codex_runtime.__file__).parent.parent)
    with subprocess.Popen(  # noqa: ASYNC220 — starting it takes a millisecond
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": source},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        first = FirstStart(tmp_path)
        assert not first.try_now()
        # Its process ends, whichever way: the lock goes with it.
        holder.stdin.close()
        with anyio.fail_after(PATIENCE):
            await first.wait(PATIENCE)
        assert first.try_now()
    first.end(started=True)


@pytest.mark.virtual_time
async def test_a_lock_that_is_held_too_long_is_no_hindrance(tmp_path: Path) -> None:
    holder, waiter = FirstStart(tmp_path), FirstStart(tmp_path)
    assert holder.try_now()
    began = anyio.current_time()
    await waiter.wait(30)
    assert anyio.current_time() - began == pytest.approx(30, abs=1)  # pyright: ignore[reportUnknownMemberType] — pytest's own stub
    holder.end(started=False)
    waiter.end(started=True)
    waiter.end(started=True)


async def test_a_lock_that_is_given_back_is_taken_at_once(tmp_path: Path) -> None:
    holder, waiter = FirstStart(tmp_path), FirstStart(tmp_path)
    assert holder.try_now()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(waiter.wait, PATIENCE)
        await anyio.lowlevel.checkpoint()
        holder.end(started=True)
    waiter.end(started=True)


def test_where_no_lock_can_be_had_the_start_goes_ahead(tmp_path: Path) -> None:
    assert FirstStart(tmp_path / "missing").try_now()
    assert FirstStart(None).try_now()
