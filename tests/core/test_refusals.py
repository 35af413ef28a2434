"""What the server's refusals become."""

from __future__ import annotations

import pytest
from core.refusal_texts import ALL_METHODS, SAID, Said, V

from codex_runtime import errors
from codex_runtime._connection import RpcError
from codex_runtime._refusal_table import ROWS, Row, _fits, refusal_error
from codex_runtime.errors import (
    ExperimentalApiNeeded,
    InputTooLarge,
    NoActiveTurn,
    RequestRefused,
    UnsupportedByServer,
)

said = pytest.mark.parametrize("row", SAID, ids=lambda row: f"{row.method}: {row.message[:40]}")


@said
def test_a_refusal_becomes_what_it_means(row: Said) -> None:
    error = row.error()

    assert type(error) is row.kind
    assert isinstance(error, RequestRefused)
    assert (error.method, error.code, error.message) == (row.method, row.code, row.message)
    assert error.data == row.data
    assert {name: getattr(error, name) for name in row.facts} == row.facts


@said
def test_a_refusal_names_the_thread_that_was_asked_about_where_the_server_does_not(
    row: Said,
) -> None:
    if "thread_id" in row.kind.__annotations__:
        assert getattr(row.error(threadId=V, input=[]), "thread_id", V) == row.facts.get(
            "thread_id", V
        )


def test_a_refusal_to_a_request_about_no_thread_names_none() -> None:
    row = Said("turn/steer", "no active turn to steer", NoActiveTurn)

    for params in (b"", b"null", b"[]", b'{"threadId": 5}', b'{"other": 5}'):
        error = refusal_error(row.method, RpcError(row.code, row.message), params, None)
        assert isinstance(error, NoActiveTurn)
        assert error.thread_id == ""


def test_every_row_of_the_table_is_recorded_here() -> None:
    met: set[Row] = set()
    for method, message, kind, _, code, data in SAID:
        fitting = [row for row in ROWS if _fits(row, method, RpcError(code, message, data))]
        met.update(row for row in fitting[:1] if row.kind is kind)

    assert set(ROWS) - met == set()


def test_every_class_of_refusals_is_in_the_table() -> None:
    classes = {
        name
        for name in errors.__all__
        if issubclass(getattr(errors, name), RequestRefused) and name != "RequestRefused"
    }

    assert classes == {row.kind.__name__ for row in ROWS}


def test_input_that_the_server_finds_too_large_is_the_same_error_as_here() -> None:
    data = {"input_error_code": "input_too_large", "max_chars": 1048576, "actual_chars": 1048577}
    words = "Input exceeds the maximum length of 1048576 characters."

    error = refusal_error("turn/start", RpcError(-32602, words, data), b"{}", None)
    odd = refusal_error(
        "turn/start", RpcError(-32602, words, {"input_error_code": "input_too_large"}), b"", None
    )

    assert isinstance(error, InputTooLarge)
    assert (error.max_chars, error.actual_chars) == (1048576, 1048577)
    assert isinstance(odd, InputTooLarge)
    assert (odd.max_chars, odd.actual_chars) == (0, 0)


def test_only_what_passes_by_itself_is_worth_trying_again() -> None:
    retryable = {
        name for name in errors.__all__ if getattr(getattr(errors, name), "retryable", False)
    }

    assert retryable == {"ThreadBusyElsewhere", "ServerDraining", "ServerOverloaded"}


def test_a_method_that_is_not_there_is_named_without_those_that_are() -> None:
    row = Said("thread/fly", ALL_METHODS.format("thread/fly"), UnsupportedByServer)
    error = row.error()
    unknown = refusal_error(row.method, RpcError(row.code, row.message), b"{}", None)

    assert isinstance(error, UnsupportedByServer)
    assert error.codex_version == "0.163.0"
    assert str(error) == (
        "codex app-server refused thread/fly: codex 0.163.0 has no such method (-32600)"
    )
    assert "codex of this version has no such method" in str(unknown)
    assert "initialize" not in str(error) + str(unknown)


def test_an_experimental_feature_tells_how_to_be_turned_on() -> None:
    words = "thread/start.dynamicTools requires experimentalApi capability"

    error = Said("thread/start", words, ExperimentalApiNeeded).error()

    assert str(error).endswith("; open the runtime with experimental_api=True")
