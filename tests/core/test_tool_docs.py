"""What a docstring says of a tool and of its parameters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codex_runtime._tool_docs import docs_of


def test_no_docstring_says_nothing() -> None:
    assert docs_of(None).description == docs_of("  \n ").description == ""


def test_the_description_is_all_but_what_is_about_parameters_and_exceptions() -> None:
    docs = docs_of(
        """Look it up.

        Slowly.

        Args:
            word: What to look up.

        Returns:
            Its meaning.

        Raises:
            KeyError: It is not there.
        """
    )

    assert docs.description == "Look it up.\n\nSlowly.\n\nReturns:\n    Its meaning."


def test_an_entry_may_have_a_type_and_several_lines() -> None:
    docs = docs_of(
        """Do it.

        Args:
            first (int, optional): One: with
                a second line.

                And a third.
            *rest: More.
            other :  Spaced.
        """
    )

    assert docs.parameters == {
        "first": "One: with a second line. And a third.",
        "rest": "More.",
        "other": "Spaced.",
    }


def test_a_section_ends_where_the_text_is_no_further_in() -> None:
    docs = docs_of("Do it.\n\nArgs:\n  a: One.\nThat is all.\n  b: Two.")

    assert docs.parameters == {"a": "One."}
    assert docs.description == "Do it.\n\nThat is all.\n  b: Two."


def test_a_heading_that_is_not_known_belongs_to_the_description() -> None:
    assert docs_of("X.\n\nUnits:\n    km").description == "X.\n\nUnits:\n    km"


def test_what_is_no_entry_is_left_out() -> None:
    assert docs_of("X.\n\nArgs:\n    just words\n    a: One.").parameters == {"a": "One."}


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    docs_of(text)


@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True),
        st.from_regex(r"[A-Za-z][A-Za-z ]{0,20}[a-z]", fullmatch=True),
    )
)
def test_entries_are_found_as_they_are_written(entries: dict[str, str]) -> None:
    lines = "\n".join(f"    {name}: {text}" for name, text in entries.items())

    assert docs_of(f"Do it.\n\nArgs:\n{lines}\n").parameters == entries
