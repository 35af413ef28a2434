"""The options of threads and turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from codex_runtime._option_checks import check_names, check_options
from codex_runtime._params import (
    asked_of,
    fork_params,
    name_of,
    resume_params,
    settings_params,
    start_params,
)
from codex_runtime.errors import InvalidArgument
from codex_runtime.options import (
    ForkOptions,
    ResumeOptions,
    RunOptions,
    SettingsOptions,
    ThreadOptions,
    TurnOptions,
)
from codex_runtime.protocol import (
    CollaborationMode,
    Settings,
    ThreadForkParams,
    ThreadResumeParams,
    ThreadSettingsUpdateParams,
    ThreadStartParams,
    TurnStartParams,
    to_plain,
)

OURS = {
    "durable",  # a second request, which names the thread
    "approve",  # asked by this side
    "hooks",  # run by this side
    "name",  # likewise
    "only_this_turn",  # kept by this side
    "privileged_escalation_approved",  # the word of rule SEC-004
    "timeout",  # of active time, kept by this side
    "tools",  # sent as definitions
}
"""Options that are not sent."""

RENAMED = {"client_id": "client_user_message_id", "sandbox": "sandbox_policy"}
"""Options that turns and settings spell in another way."""

ALL: list[type] = [
    ForkOptions,
    ResumeOptions,
    RunOptions,
    SettingsOptions,
    ThreadOptions,
    TurnOptions,
]


def names(options: type) -> set[str]:
    return set(options.__annotations__)


@pytest.mark.parametrize(
    ("options", "params"),
    [
        (ThreadOptions, ThreadStartParams),
        (ResumeOptions, ThreadResumeParams),
        (ForkOptions, ThreadForkParams),
    ],
)
def test_every_option_of_a_thread_is_one_of_the_protocols(options: type, params: Any) -> None:
    assert names(options) - OURS <= set(params.__struct_fields__)


@pytest.mark.parametrize(
    ("options", "params"),
    [(TurnOptions, TurnStartParams), (SettingsOptions, ThreadSettingsUpdateParams)],
)
def test_every_option_of_a_turn_is_one_of_the_protocols(options: type, params: Any) -> None:
    spelled = {RENAMED.get(name, name) for name in names(options) - OURS}

    assert spelled <= set(params.__struct_fields__)


def test_a_run_takes_the_options_of_its_thread_and_of_its_turn() -> None:
    assert names(RunOptions) == names(ThreadOptions) | names(TurnOptions)


def test_no_option_must_be_given() -> None:
    for options in ALL:
        assert not options.__required_keys__  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] — a TypedDict


@pytest.mark.parametrize("known", ALL)
def test_options_that_exist_pass_even_without_a_value(known: type) -> None:
    check_options(dict.fromkeys(names(known)), known, "a thread")
    check_options({}, known, "a thread")


def test_an_option_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_names({"model": "m", "efort": "high"}, TurnOptions, "a turn")

    assert caught.value.field == "efort"
    known = ", ".join(sorted(names(TurnOptions)))
    assert str(caught.value) == f"efort is no option of a turn; there are: {known}"


def test_an_option_of_a_turn_is_none_of_a_thread() -> None:
    with pytest.raises(InvalidArgument, match="effort is no option of a thread"):
        check_options({"effort": "high"}, ThreadOptions, "a thread")


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("model", 5, "model is of type int; use text"),
        ("model", " ", "model is blank; leave it out, or say something"),
        ("effort", ["low"], "effort is of type list; use text"),
        ("summary", "", "summary is blank; leave it out, or say something"),
        ("base_instructions", b"x", "base_instructions is of type bytes; use text"),
        ("ephemeral", "yes", "ephemeral is 'yes'; use True or False"),
        ("only_this_turn", 1, "only_this_turn is 1; use True or False"),
        ("output_schema", [], "output_schema is of type list; use a mapping"),
        ("config", "x", "config is of type str; use a mapping"),
        ("name", "\t", "name is blank; leave it out, or say something"),
    ],
)
def test_an_option_of_a_wrong_type_is_refused_by_its_name(
    option: str, value: object, text: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_options({option: value}, RunOptions, "a run")

    assert str(caught.value) == text


def test_instructions_may_be_blank() -> None:
    check_options({"base_instructions": "", "developer_instructions": " "}, RunOptions, "a run")


# -- what is sent

NO_EXTRAS: dict[str, Any] = {
    "sandbox_workspace_write": {
        "writable_roots": [],
        "network_access": False,
        "exclude_slash_tmp": False,
        "exclude_tmpdir_env_var": False,
    }
}
DEFAULTS: dict[str, Any] = {
    "sandbox": "read-only",
    "approvalPolicy": "never",
    "approvalsReviewer": "user",
    "config": NO_EXTRAS,
}

Open = Callable[[dict[str, Any]], Any]


def opened(make: Callable[..., Any], *ids: str) -> Open:
    def send(options: dict[str, Any]) -> Any:
        asked = asked_of(options, remote=True).with_defaults()
        return to_plain(make(*ids, options, asked))

    return send


@pytest.mark.parametrize(
    ("send", "extra"),
    [
        (opened(start_params), {}),
        (opened(resume_params, "t1"), {"threadId": "t1", "excludeTurns": True}),
        (opened(fork_params, "t1"), {"threadId": "t1", "excludeTurns": True}),
    ],
)
def test_a_thread_is_opened_with_the_defaults_and_what_is_said(
    send: Open, extra: dict[str, Any]
) -> None:
    assert send({}) == {**DEFAULTS, **extra}
    assert send({"permissions": ":read-only"}) == {
        "permissions": ":read-only",
        "approvalPolicy": "never",
        "approvalsReviewer": "user",
        "config": NO_EXTRAS,
        **extra,
    }
    said = send(
        {
            "sandbox": {"type": "workspaceWrite", "writable_roots": ["/a"], "network_access": True},
            "approval_policy": "untrusted",
            "privileged_escalation_approved": True,
            "cwd": "/project",
            "config": {"model_verbosity": "low"},
            "model": "m",
            "model_provider": "p",
            "service_tier": "s",
            "developer_instructions": "d",
            "base_instructions": "",
        }
    )
    assert said == {
        "sandbox": "workspace-write",
        "approvalPolicy": "untrusted",
        "approvalsReviewer": "user",
        "cwd": "/project",
        "config": {
            "model_verbosity": "low",
            "sandbox_workspace_write": {
                "writable_roots": ["/a"],
                "network_access": True,
                "exclude_slash_tmp": False,
                "exclude_tmpdir_env_var": False,
            },
        },
        "model": "m",
        "modelProvider": "p",
        "serviceTier": "s",
        "developerInstructions": "d",
        "baseInstructions": "",
        **extra,
    }


def test_only_a_start_names_a_service_and_a_project_and_may_leave_no_record() -> None:
    options: dict[str, Any] = {"ephemeral": True, "service_name": "s", "project_id": "p"}

    assert opened(start_params)(options) == {
        **DEFAULTS,
        "ephemeral": True,
        "serviceName": "s",
        "projectId": "p",
    }


def test_a_fork_is_cut_at_one_place() -> None:
    fork = opened(fork_params, "t1")

    assert fork({"last_turn_id": "x"})["lastTurnId"] == "x"
    assert fork({"before_turn_id": "x", "ephemeral": True})["beforeTurnId"] == "x"
    with pytest.raises(InvalidArgument, match="before_turn_id cannot be combined"):
        fork({"before_turn_id": "x", "last_turn_id": "x"})


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, None),
        ({"ephemeral": True}, None),
        ({"durable": False}, None),
        ({"durable": True}, "Untitled"),
        ({"name": "Release"}, "Release"),
        ({"name": "Release", "durable": True, "ephemeral": False}, "Release"),
    ],
)
def test_a_durable_thread_is_given_a_name(options: ThreadOptions, name: str | None) -> None:
    assert name_of(options) == name


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"ephemeral": True, "durable": True}, "durable"),
        ({"ephemeral": True, "name": "Release"}, "name"),
        ({"durable": False, "name": "Release"}, "durable"),
    ],
)
def test_a_thread_cannot_be_kept_and_not_be_kept(options: ThreadOptions, field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        name_of(options)

    assert caught.value.field == field


def changed(options: SettingsOptions) -> Any:
    asked = asked_of(options, remote=True)
    params, _ = settings_params("t1", options, asked)
    return to_plain(params)


def test_settings_name_what_is_said_and_nothing_else() -> None:
    assert changed({}) == {"threadId": "t1"}
    assert changed(
        {
            "model": "m",
            "effort": "e",
            "summary": "s",
            "service_tier": "t",
            "cwd": "/project",
            "sandbox": "read-only",
            "approval_policy": "never",
            "approvals_reviewer": "user",
        }
    ) == {
        "threadId": "t1",
        "model": "m",
        "effort": "e",
        "summary": "s",
        "serviceTier": "t",
        "cwd": "/project",
        "sandboxPolicy": {"type": "readOnly", "networkAccess": False},
        "approvalPolicy": "never",
        "approvalsReviewer": "user",
    }


def test_a_collaboration_mode_may_be_plain_and_names_model_and_effort_itself() -> None:
    struct = CollaborationMode(mode="plan", settings=Settings(model="m"))
    plain = {"mode": "plan", "settings": {"model": "m"}}

    assert changed({"collaboration_mode": struct}) == changed({"collaboration_mode": plain})
    for name in ("model", "effort"):
        options: Any = {"collaboration_mode": plain, name: "x"}
        with pytest.raises(InvalidArgument, match=f"cannot be combined with {name}"):
            changed(options)
    for wrong in ("plan", {"mode": "plan"}, {"mode": 5, "settings": {"model": "m"}}):
        with pytest.raises(InvalidArgument, match="collaboration_mode cannot be used"):
            changed({"collaboration_mode": wrong})
