"""Patches, written and read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_runtime.errors import InvalidArgument
from codex_runtime.testing import add_file, delete_file, patch_text, update_file
from codex_runtime.testing._patches import FileChange, read_patch

LINE = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"))
PATH = st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8}){0,2}\.py", fullmatch=True)


def test_a_patch_is_written_as_codex_reads_it() -> None:
    patch = patch_text(
        add_file("new.py", "one\ntwo\n"),
        update_file("old.py", "was\n", "is\n", move_to="moved.py"),
        delete_file("gone.py"),
    )

    assert patch == (
        "*** Begin Patch\n"
        "*** Add File: new.py\n"
        "+one\n"
        "+two\n"
        "*** Update File: old.py\n"
        "*** Move to: moved.py\n"
        "@@\n"
        "-was\n"
        "+is\n"
        "*** Delete File: gone.py\n"
        "*** End Patch\n"
    )


@given(st.lists(st.tuples(PATH, st.lists(LINE, min_size=1, max_size=5)), min_size=1, max_size=4))
def test_what_was_written_is_what_is_read(files: list[tuple[str, list[str]]]) -> None:
    changes = tuple(add_file(path, "\n".join(lines) + "\n") for path, lines in files)

    assert read_patch(patch_text(*changes)) == changes


def test_an_update_may_only_add_or_only_remove() -> None:
    assert update_file("a", "", "x").body == ("@@", "+x")
    assert update_file("a", "x", "").body == ("@@", "-x")


def test_a_moved_file_is_read_as_moved() -> None:
    change = update_file("a", "x", "y", move_to="b")

    assert read_patch(patch_text(change)) == (FileChange("a", "update", ("@@", "-x", "+y"), "b"),)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: add_file("a", ""), "content"),
        (lambda: add_file(" ", "x"), "path"),
        (lambda: delete_file("a\nb"), "path"),
        (lambda: update_file("a", "x", "x"), "new"),
        (patch_text, "changes"),
    ],
)
def test_what_codex_would_refuse_is_refused(make: object, field: str) -> None:
    assert callable(make)
    with pytest.raises(InvalidArgument) as caught:
        make()

    assert caught.value.field == field
