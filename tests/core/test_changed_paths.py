"""Which files a patch touches, and where they really are."""

from pathlib import Path
from typing import Any

import pytest
from core.asking_support import FILES, request_of

from codex_runtime._changed_paths import all_within, diff_of, paths_of, touches
from codex_runtime.protocol import MISSING, Unknown
from codex_runtime.protocol import types as t

ADD, DELETE, UPDATE = t.AddPatchChangeKind(), t.DeletePatchChangeKind(), t.UpdatePatchChangeKind()


def change(path: Any, kind: Any = UPDATE, diff: str = "") -> t.FileUpdateChange:
    return t.FileUpdateChange(path=path, kind=kind, diff=diff)


def moved(path: str, to: str, diff: str = "") -> t.FileUpdateChange:
    return change(path, t.UpdatePatchChangeKind(move_path=to), diff)


def test_all_files_are_named_once_and_those_that_are_moved_under_both_names() -> None:
    changes = [change("/w/a", ADD), moved("/w/b", "/x/c"), change("/w/a", DELETE)]

    assert paths_of(changes, ["/w"]) == ("/w/a", "/w/b", "/x/c")


def test_relative_paths_start_from_the_working_directory() -> None:
    assert paths_of([moved("a/../b", "../c")], ["/w", "/x"]) == ("/w/b", "/c")
    assert paths_of([change("a")], []) == ()


@pytest.mark.parametrize(
    "odd",
    [
        change("", ADD),
        change("/w/\0", ADD),
        change("/w/b", Unknown(raw={"type": "symlink"})),
        change("/w/b", MISSING),
        change(MISSING, ADD),
        t.FileUpdateChange(),
    ],
)
def test_one_change_that_is_not_understood_makes_all_of_them_unknown(
    odd: t.FileUpdateChange,
) -> None:
    assert paths_of([change("/w/a"), odd], ["/w"]) == ()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    for name in ("work/sub", "work/.git", "other"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "work/out").symlink_to(tmp_path / "other")
    (tmp_path / "work/dangling").symlink_to(tmp_path / "other/new")
    (tmp_path / "work/hooks").symlink_to(tmp_path / "work/.git")
    (tmp_path / "work/loop").symlink_to(tmp_path / "work/loop")
    (tmp_path / "way-in").symlink_to(tmp_path / "work")
    return tmp_path / "work"


@pytest.mark.parametrize("name", ["a", "sub/a", "new/deep/a", ".gitignore", "sub/../a", "a.git"])
def test_what_is_in_the_folder_or_will_be_is_within(work: Path, name: str) -> None:
    assert all_within([str(work / name)], [str(work)]) is True


@pytest.mark.parametrize(
    "name",
    [
        "../other/a",
        "../work2/a",
        "/etc/passwd",
        "out/a",
        "sub/../out/a",
        "dangling",
        "new/../../other/a",
        ".git/config",
        ".GIT/config",
        ".git",
        "sub/.git/hooks/x",
        "hooks/post-commit",
        ".codex/config.toml",
        ".agents/x",
        ".aws/credentials",
        "a\0b",
    ],
)
def test_what_is_elsewhere_or_decides_what_others_run_is_not(work: Path, name: str) -> None:
    inside = str(work / "a")

    assert all_within([inside, str(work / name)], [str(work)]) is False


def test_the_folder_may_itself_be_a_link_and_one_of_several(work: Path) -> None:
    link = str(work.parent / "way-in")

    assert all_within([str(work / "a")], [link]) is True
    assert all_within([f"{link}/a"], [str(work)]) is True
    assert all_within([f"{link}/a", str(work.parent / "other/b")], [link, f"{work}/out"]) is True
    assert all_within([f"{link}/.git/a"], [str(work)]) is False


def test_a_protected_folder_counts_if_it_is_named_itself(work: Path) -> None:
    assert all_within([str(work / ".git/a")], [str(work / ".git")]) is True


def test_a_link_to_a_protected_folder_by_that_name_is_protected_too(work: Path) -> None:
    (work / ".codex").symlink_to(work / "sub")

    assert all_within([str(work / ".codex/a")], [str(work)]) is False


def test_without_paths_or_folders_it_is_not_known(work: Path) -> None:
    assert all_within([], [str(work)]) is None
    assert all_within([str(work / "a")], []) is None
    assert all_within([str(work / "a")], [""]) is None


def test_a_path_touches_a_folder_as_it_is_spelled_or_as_it_is(work: Path) -> None:
    assert touches([str(work / "out/a")], [str(work)])
    assert touches([str(work / "out/a")], [str(work.parent / "other")])
    assert touches(["/etc/x", str(work / ".git/a")], [str(work)])
    assert not touches([str(work / "a"), "/nowhere/\0"], [str(work / "sub"), "/elsewhere"])


def test_all_changes_make_one_diff() -> None:
    changes = [
        change("/w/new", ADD, "a\nb\n"),
        change("/w/bare", ADD, "a"),
        change("/w/empty", ADD),
        change("/w/gone", DELETE, "a\n\n"),
        change("/w/old", UPDATE, "@@ -1 +1 @@\n-a\n+b\n"),
        moved("/w/from", "/w/to", "@@ -1 +1 @@\n-a\n+b\n\n\nMoved to: /w/to"),
        moved("/w/same", "/w/there", "\n\nMoved to: /w/there"),
    ]

    assert diff_of(changes) == (
        "--- /dev/null\n+++ /w/new\n@@ -0,0 +1,2 @@\n+a\n+b\n"
        "--- /dev/null\n+++ /w/bare\n@@ -0,0 +1,1 @@\n+a\n\\ No newline at end of file\n"
        "--- /dev/null\n+++ /w/empty\n"
        "--- /w/gone\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-\n"
        "--- /w/old\n+++ /w/old\n@@ -1 +1 @@\n-a\n+b\n"
        "--- /w/from\n+++ /w/to\n@@ -1 +1 @@\n-a\n+b\n"
        "--- /w/same\n+++ /w/there\n"
    )


def test_a_diff_can_be_made_of_anything() -> None:
    assert diff_of([]) == ""
    assert diff_of([t.FileUpdateChange()]) == "--- ?\n+++ ?\n"
    assert diff_of([change("/w/a", Unknown(raw={"type": "odd"}), "x")]) == "--- /w/a\n+++ /w/a\nx\n"


def test_a_request_says_what_it_touches_and_whether_that_is_inside(work: Path) -> None:
    request = request_of(FILES)
    request.workspace = (str(work),)

    assert (request.paths, request.diff, request.inside_workspace) == ((), "", None)

    request.changes = (change(str(work / "a"), ADD, "x\n"),)

    assert request.paths == (str(work / "a"),)
    assert request.inside_workspace is True
    assert request.diff.endswith("+x\n")

    request.changes = (change(str(work / "out/a"), ADD, "x\n"),)

    assert request.inside_workspace is False
