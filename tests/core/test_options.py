"""The options of threads and turns."""

from typing import get_type_hints

import pytest

from codex_runtime.errors import InvalidArgument
from codex_runtime.options import RunOptions, ThreadOptions, TurnOptions, check_names
from codex_runtime.protocol import ThreadStartParams, TurnStartParams

OURS = {
    "privileged_escalation_approved",  # the word of rule SEC-004
    "timeout",  # of active time, kept by this side
}
"""Options that are not sent."""

RENAMED = {"client_id": "client_user_message_id", "sandbox": "sandbox_policy"}
"""Options that `turn/start` spells in another way."""


def names(options: type) -> set[str]:
    return set(get_type_hints(options))


def test_every_option_of_a_thread_is_one_of_the_protocols() -> None:
    assert names(ThreadOptions) - OURS <= set(ThreadStartParams.__struct_fields__)


def test_every_option_of_a_turn_is_one_of_the_protocols() -> None:
    spelled = {RENAMED.get(name, name) for name in names(TurnOptions) - OURS}

    assert spelled <= set(TurnStartParams.__struct_fields__)


def test_a_run_takes_the_options_of_its_thread_and_of_its_turn() -> None:
    assert names(RunOptions) == names(ThreadOptions) | names(TurnOptions)


def test_no_option_must_be_given() -> None:
    assert not RunOptions.__required_keys__


@pytest.mark.parametrize("known", [ThreadOptions, TurnOptions, RunOptions])
def test_options_that_exist_pass_even_without_a_value(known: type) -> None:
    check_names(dict.fromkeys(names(known)), known, "a thread")
    check_names({}, known, "a thread")


def test_an_option_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_names({"model": "m", "efort": "high"}, TurnOptions, "a turn")

    assert caught.value.field == "efort"
    assert str(caught.value) == (
        "efort is no option of a turn; there are: approval_policy, client_id, cwd, effort, model, "
        "output_schema, privileged_escalation_approved, sandbox, service_tier, summary, timeout"
    )


def test_an_option_of_a_turn_is_none_of_a_thread() -> None:
    with pytest.raises(InvalidArgument, match="effort is no option of a thread"):
        check_names({"effort": "high"}, ThreadOptions, "a thread")
