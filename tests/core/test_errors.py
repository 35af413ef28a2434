"""What errors say, hold, and keep to themselves."""

import copy
import pickle
import re
from typing import Any

import pytest
from core.error_rows import CANARY, ROWS, Row

from codex_runtime import errors
from codex_runtime.errors import (
    CodexRuntimeError,
    EmptyInput,
    InvalidArgument,
    RequestRefused,
    RequestTimeout,
    SandboxNotAllowed,
    ThreadIdMismatch,
    TurnFailed,
    UnsendableValue,
    WorkingDirectoryMissing,
)


def attributes_of(kind: type[CodexRuntimeError]) -> tuple[str, ...]:
    return getattr(kind, "__match_args__", ())


rows = pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row.make()).__name__)


def test_every_class_has_a_row() -> None:
    assert {type(row.make()).__name__ for row in ROWS} == set(errors.__all__)


@rows
def test_an_error_says_what_happened(row: Row) -> None:
    assert str(row.make()) == row.text


@rows
def test_an_error_holds_for_programs_what_it_says_to_people(row: Row) -> None:
    error = row.make()

    assert {name: getattr(error, name) for name in row.attributes} == row.attributes


@rows
def test_an_error_comes_out_of_another_process_as_it_went_in(row: Row) -> None:
    error = row.make()
    error.add_note("a note")

    for copied in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301 — our own bytes
        assert type(copied) is type(error)
        assert str(copied) == row.text
        assert copied.args == error.args
        assert vars(copied) == vars(error)


@rows
def test_an_error_shows_no_payload(row: Row) -> None:
    error = row.make()

    assert CANARY not in str(error)
    assert CANARY not in repr(error)
    assert repr(error) == f"{type(error).__name__}({row.text!r})"


@rows
def test_an_error_is_equal_to_itself_alone_and_can_be_kept_in_a_set(row: Row) -> None:
    error = row.make()

    assert error == error  # noqa: PLR0124 — that is the question
    assert error != row.make()
    assert len({error, row.make()}) == 2


@rows
def test_an_error_can_be_raised_and_caught_as_the_base_class(row: Row) -> None:
    error = row.make()

    with pytest.raises(CodexRuntimeError) as caught:
        raise error

    assert caught.value is error


def test_a_wrong_argument_is_a_value_error_too() -> None:
    kinds = {InvalidArgument, EmptyInput, WorkingDirectoryMissing, SandboxNotAllowed}

    for kind in (*kinds, UnsendableValue):
        assert issubclass(kind, ValueError)
        assert issubclass(kind, InvalidArgument)
    assert not issubclass(TurnFailed, ValueError)


def test_every_class_is_documented_and_has_its_place_in_the_tree() -> None:
    tree = errors.__doc__ or ""

    for name in errors.__all__:
        kind = getattr(errors, name)
        assert kind.__doc__
        assert not kind.__doc__.startswith(f"{name}(")
        assert re.search(rf"\b{name}\b", tree)


def test_every_attribute_of_a_row_is_one_that_a_pattern_may_name() -> None:
    for row in ROWS:
        error = row.make()
        if type(error) is not CodexRuntimeError:
            assert set(row.attributes) <= set(attributes_of(type(error)))


def test_an_error_takes_each_of_its_attributes_once() -> None:
    kind: Any = RequestTimeout

    for given, named in [
        (("thread/list",), {}),
        (("thread/list", 1.5, 2), {}),
        (("thread/list", 1.5), {"method": "x"}),
        (("thread/list", 1.5), {"hours": 2}),
    ]:
        with pytest.raises(TypeError, match="RequestTimeout takes"):
            kind(*given, **named)


def test_an_error_can_be_taken_apart_by_a_pattern() -> None:
    match RequestTimeout("thread/list", seconds=1.5):
        case RequestTimeout(method, seconds=seconds):
            assert (method, seconds) == ("thread/list", 1.5)
        case _:  # pyright: ignore[reportUnnecessaryComparison] — would be the failure
            pytest.fail("it does not fit")


def test_an_error_of_a_program_may_extend_ours() -> None:
    class Plain(CodexRuntimeError):
        pass

    class Refused(RequestRefused):
        hint: str = "none"

    assert str(Plain("anything")) == "anything"
    assert Refused("a/b", -1, "no").hint == "none"
    assert Refused("a/b", -1, "no", None, "try").hint == "try"


def test_an_id_that_the_server_made_up_is_not_shown_to_its_end() -> None:
    error = ThreadIdMismatch("thread/resume", requested="a", actual="x" * 100_000)
    assert str(error).endswith(f"with thread {'x' * 60}…")
    assert str(ThreadIdMismatch("thread/resume", requested="a", actual="b")).endswith("thread b")
