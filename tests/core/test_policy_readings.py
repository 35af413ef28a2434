"""What a caller gives is read once: what is checked is what is sent."""

from __future__ import annotations

from typing import Any

import pytest
from core.sly import Shifting, Sly, SlyFeature

from codex_runtime._live import Scope
from codex_runtime._outgoing import encode
from codex_runtime._params import asked_of, settings_params, start_params, turn_params
from codex_runtime._prepared_input import PreparedInput
from codex_runtime.errors import CodexRuntimeError, InvalidArgument, SandboxNotAllowed
from codex_runtime.policy import (
    GranularApproval,
    Sandbox,
    approval_of,
    check_config,
    named_reviewer,
    permission_profile,
)

SCOPE = Scope("thread-1", Sandbox.of("read-only"), "/repo")


class Turncoat(GranularApproval):
    """An approval policy that asks about everything until it is sent."""

    looks = 0

    def __getattribute__(self, name: str) -> Any:
        if name == "rules":
            Turncoat.looks += 1
            return Turncoat.looks % 2 == 1
        return super().__getattribute__(name)


def narrow_then_wide() -> Shifting:
    return Shifting({"type": "readOnly"}, {"type": "dangerFullAccess"})


LYING: list[dict[str, Any]] = [
    {"sandbox": Sly("danger-full-access")},
    {"sandbox": {"type": Sly("dangerFullAccess")}},
    {"sandbox": {Sly("type"): Sly("dangerFullAccess")}},
    {"permissions": Sly(":danger-full-access")},
    {"approvals_reviewer": Sly("auto_review")},
    {
        "sandbox": "workspace-write",
        "cwd": "/repo",
        "privileged_escalation_approved": True,
        "approval_policy": Sly("never"),
    },
    {
        "sandbox": "workspace-write",
        "privileged_escalation_approved": True,
        "approval_policy": "on-request",
        "cwd": None,
    },
]


def started(options: Any) -> Any:
    return start_params(options, asked_of(options, remote=True).with_defaults())


def turned(options: Any) -> Any:
    return turn_params(SCOPE, PreparedInput([], {}), options, remote=True)


def updated(options: Any) -> Any:
    asked = asked_of(options, remote=True, scope=SCOPE)
    return settings_params("thread-1", options, asked)[0]


CALLS = [started, turned, updated]


@pytest.mark.parametrize("options", LYING, ids=range(len(LYING)))
@pytest.mark.parametrize("call", CALLS)
def test_text_that_lies_widens_nothing(call: Any, options: dict[str, Any]) -> None:
    with pytest.raises(SandboxNotAllowed):
        call(dict(options))


@pytest.mark.parametrize("call", CALLS)
def test_a_sandbox_that_shifts_is_sent_as_it_was_when_it_was_checked(call: Any) -> None:
    sent = encode(call({"sandbox": narrow_then_wide()})).lower()
    assert b"danger" not in sent
    assert b"only" in sent


@pytest.mark.parametrize("call", CALLS)
def test_the_reviewer_that_is_checked_is_the_one_that_is_sent(call: Any) -> None:
    assert b'"user"' in encode(call({"approvals_reviewer": Sly("user")}))
    with pytest.raises(SandboxNotAllowed, match="'auto_review'"):
        call({"approvals_reviewer": Sly("auto_review")})


def test_a_granular_policy_is_read_once() -> None:
    read = approval_of(Turncoat())
    assert type(read) is GranularApproval
    assert all(approval_of(read) == read for _ in range(3))
    parts = {"sandbox_approval": True, "rules": False, "mcp_elicitations": False}
    never = dict.fromkeys(parts, False)
    shifting = approval_of(Shifting({"granular": Shifting(parts, never)}, {"granular": never}))
    assert shifting == GranularApproval(sandbox_approval=True)


def test_readings_are_plain_text() -> None:
    sly = Sly(":mine")
    for read in (
        permission_profile(sly),
        named_reviewer(sly),
        approval_of(sly),
        *Sandbox.of({"type": "workspaceWrite", "writable_roots": [Sly("/a")]}).writable_roots,
    ):
        assert type(read) is str


class Evil:
    """Compares as equal to everything, and is nothing."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return hash("readOnly")


class Mine(Sandbox):
    """A sandbox of somebody's own."""

    @property
    def wider(self) -> bool:
        return False


@pytest.mark.parametrize(
    "sandbox", [Evil(), {"type": Evil()}, {"type": Sly("nothing")}, Mine("dangerFullAccess")]
)
def test_what_is_no_sandbox_is_refused_whatever_it_says(sandbox: Any) -> None:
    with pytest.raises(InvalidArgument):
        Sandbox.of(sandbox)
    with pytest.raises(InvalidArgument):
        named_reviewer(Evil())


# -- settings of config.toml

SETTINGS: list[Any] = [
    {Sly("sandbox_mode"): "danger-full-access"},
    {Sly("features"): {Sly("guardian_approval"): True}},
    {"features": {Sly("guardian_approval"): True}},
]


@pytest.mark.parametrize("config", SETTINGS, ids=range(len(SETTINGS)))
def test_settings_that_lie_about_their_names_are_refused(config: Any) -> None:
    with pytest.raises(InvalidArgument, match="config"):
        started({"config": config})


def test_settings_are_looked_at_once_all_the_way_down() -> None:
    features = Shifting({"guardian": False}, {"guardian": True})
    config = Shifting({"features": features}, {"features": {"guardian": True}})
    assert check_config(config) == {"features": {"guardian": False}}
    config = Shifting({"history": {"persistence": [Sly("x")]}}, {"history": {"persistence": 5}})
    assert started({"config": config}).config["history"] == {"persistence": ["x"]}


@pytest.mark.parametrize(
    "config",
    [
        {Sly("notify"): ["true"]},
        {"features": {SlyFeature("hooks"): False}},
        {"web_search": Sly("live")},
        Shifting({"notify": ["true"]}, {"model": "x"}),
    ],
    ids=range(4),
)
def test_settings_that_lie_about_what_they_are_need_the_word(config: Any) -> None:
    with pytest.raises(SandboxNotAllowed):
        started({"config": config})


def test_settings_without_end_are_refused() -> None:
    endless: dict[str, Any] = {}
    endless |= {"a": endless, "b": endless}
    with pytest.raises(CodexRuntimeError, match="config is nested more than 100 levels deep"):
        check_config(endless)
