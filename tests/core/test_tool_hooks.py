"""Hooks around the use of tools: their matchers, their book, and what processes are told."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from codex_runtime import protocol
from codex_runtime._escalating import Escalation, checked_hooks, escalation_of, with_escalation
from codex_runtime._hook_book import HookBook
from codex_runtime._tool_plain import MAX_TOOL_INPUT, plain_input
from codex_runtime.errors import IncompatibleHook, InvalidArgument
from codex_runtime.hooks import Hook, HookContext, HookMatcher, HookPhase, Hooks
from codex_runtime.policy import GranularApproval
from codex_runtime.requests import CommandApproval, FileChangeApproval, ToolCallRequest


class Desk:
    """Keeps no request."""

    def answer(self, request: object, answer: object, by: str) -> None:
        raise AssertionError

    def now(self) -> float:
        return 0.0


def a_hook(name: str = "hook", *phases: HookPhase) -> Hook:
    return Hook(name, lambda _: None, phases or "pre_tool_use")


def context(tool: str | None = None, cwd: str | None = None) -> HookContext:
    return HookContext(phase="pre_tool_use", correlation_id="hk-1", at=0.0, tool_name=tool, cwd=cwd)


@pytest.mark.parametrize(
    ("matcher", "tool", "cwd", "sure", "unsure"),
    [
        (HookMatcher(tool_name="command"), "command", None, True, True),
        (HookMatcher(tool_name="command"), "file_change", None, False, False),
        (HookMatcher(tool_name="command"), None, None, False, True),
        (HookMatcher(cwd_prefix="/srv"), None, "/srv/app", True, True),
        (HookMatcher(cwd_prefix="/srv"), None, "/srv2", False, False),
        (HookMatcher(cwd_prefix="/srv"), "command", None, False, True),
        (HookMatcher(tool_name="command", cwd_prefix="/srv"), "tool", None, False, False),
        (HookMatcher(phases="pre_turn", tool_name="command"), None, None, False, False),
        (HookMatcher(), None, None, True, True),
    ],
)
def test_matchers(
    matcher: HookMatcher, tool: str | None, cwd: str | None, *, sure: bool, unsure: bool
) -> None:
    assert matcher.matches(context(tool, cwd)) is sure
    assert matcher.may_match(context(tool, cwd)) is unsure


def test_the_hooks_of_threads() -> None:
    book = HookBook()
    assert not book.in_use
    first, second, other = a_hook("a"), a_hook("a"), a_hook("b", "post_tool_use")
    book.adopt("t", [a_hook("turns", "pre_turn")])
    assert book.of_thread("t") == ()
    book.adopt("t", [first, other])
    book.adopt("t", [second])
    # The later opening counts, name by name.
    assert book.of_thread("t") == (second, other)
    assert book.of_thread("u") == ()
    assert book.in_use
    assert (book.has_tool_hooks("t"), book.has_tool_hooks("u"), book.has_tool_hooks()) == (
        True,
        False,
        False,
    )
    assert book.has_tool_hooks("t", "post_tool_use")
    book.drop("t")
    book.drop("t")
    assert book.of_thread("t") == ()
    book.register(first)
    assert book.has_tool_hooks()


def test_a_thread_that_is_not_opened_gets_no_hooks() -> None:
    book = HookBook()
    first, second = a_hook("a"), a_hook("b")
    for before in ((), (first,)):
        if before:
            book.adopt("t", before)
        with pytest.raises(ValueError, match="no"), book.adopting("t", [second]):
            assert second in book.of_thread("t")
            raise ValueError("no")
        assert book.of_thread("t") == before
    with book.adopting("t", [second]):
        pass
    assert book.of_thread("t") == (second, first)


GATED: Any = {"hooks": Hooks([a_hook()])}


@pytest.mark.parametrize(
    ("options", "in_force", "sent"),
    [
        ({}, None, None),
        ({"approval_policy": "never"}, None, None),
        (GATED, None, "untrusted"),
        (GATED, "never", "untrusted"),
        (GATED, "on-request", None),
        ({**GATED, "approval_policy": "never"}, "on-request", "untrusted"),
        ({**GATED, "approval_policy": "on-request"}, "never", "on-request"),
        ({**GATED, "approval_policy": GranularApproval()}, None, "untrusted"),
        (
            {**GATED, "approval_policy": GranularApproval(rules=True)},
            None,
            GranularApproval(rules=True),
        ),
        ({**GATED, "approval_policy": " "}, None, None),
        ({"hooks": Hooks([a_hook("h", "post_tool_use", "pre_turn")])}, None, None),
    ],
)
def test_the_policy_that_is_sent(options: Any, in_force: Any, sent: Any) -> None:
    found = escalation_of(options, HookBook(), in_force=in_force)
    assert (found and found.approval) == sent
    said = with_escalation(options, found)
    assert said.get("approval_policy") == (sent or options.get("approval_policy"))
    assert found is None or found.raises is (sent == "untrusted")


def test_whether_it_is_for_all_turns() -> None:
    book = HookBook()
    assert escalation_of(GATED, book) == Escalation("untrusted", None, lasting=False, named=False)
    found = escalation_of({}, book, own=[a_hook()])
    assert found is not None
    assert (found.lasting, found.named) == (True, False)
    book.adopt("t", [a_hook()])
    found = escalation_of({"approval_policy": "never"}, book, thread_id="t")
    assert found is not None
    assert (found.lasting, found.named) == (True, True)
    assert found.text == "approval_policy: untrusted in place of never, for pre_tool_use hooks"


def test_hooks_that_are_none() -> None:
    with pytest.raises(InvalidArgument):
        checked_hooks({"hooks": [print]})
    with pytest.raises(IncompatibleHook):
        checked_hooks({"hooks": Hook("h", print, "pre_turn", contract_version=(2, 0))})
    assert checked_hooks({"hooks": None}) == {"hooks": None}
    read = checked_hooks({"hooks": (each for each in [a_hook()])})["hooks"]
    assert [each.name for each in read] == [each.name for each in read] == ["hook"]


def a_command(command: str) -> CommandApproval:
    params = protocol.CommandExecutionRequestApprovalParams(
        thread_id="t", turn_id="u", item_id="c", started_at_ms=1, command=command, cwd="/srv"
    )
    method = "item/commandExecution/requestApproval"
    return CommandApproval(Desk(), "req-1", 0, method, params, deadline=1.0)


def test_what_a_process_is_told_of_a_command() -> None:
    told = plain_input(a_command("/bin/bash -lc 'ls -l'"))
    assert told["command"] == "ls -l"
    assert (told["argv"], told["cwd"], told["is_input"]) == (["ls", "-l"], "/srv", False)
    assert told["params"]["itemId"] == "c"
    assert "truncated" not in told


def test_what_a_process_is_told_of_files_and_tools() -> None:
    files = FileChangeApproval(
        Desk(),
        "req-2",
        1,
        "item/fileChange/requestApproval",
        protocol.FileChangeRequestApprovalParams(
            thread_id="t", turn_id="u", item_id="p", started_at_ms=1
        ),
        deadline=1.0,
    )
    change = {"path": "/srv/a", "kind": {"type": "add"}, "diff": "new"}
    files.changes = (a_change(change),)
    files.workspace = ("/srv",)
    told = plain_input(files)
    assert told["paths"] == ["/srv/a"]
    assert told["inside_workspace"] in {True, False, None}
    call = protocol.DynamicToolCallParams(
        thread_id="t", turn_id="u", call_id="d", tool="add", arguments={"a": 1}
    )
    tool = ToolCallRequest(Desk(), "req-3", 2, "item/tool/call", call, deadline=1.0)
    assert plain_input(tool)["params"]["arguments"] == {"a": 1}


def a_change(data: dict[str, Any]) -> protocol.FileUpdateChange:
    return msgspec.convert(data, protocol.FileUpdateChange)


def test_a_long_input_is_cut() -> None:
    whole = a_command("/bin/bash -lc '" + "x" * MAX_TOOL_INPUT + "'")
    told = plain_input(whole)
    assert told["truncated"] is True
    assert told["params"]["itemId"] == "c"
    assert len(json.dumps(told)) < 10_000
    item = protocol.FileChangeItem(
        id="p",
        status="completed",
        changes=[
            a_change({"path": f"/srv/{number}", "kind": {"type": "add"}, "diff": "new"})
            for number in range(20_000)
        ],
    )
    assert plain_input(item) == {"type": "fileChange", "id": "p", "truncated": True}
