"""Hooks around the use of tools: they may forbid it, are told of it, and never say yes."""

from __future__ import annotations

import json
import shlex
import sys
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import ThreadHandle, TurnResult, run, tool
from codex_runtime.answers import Allow, Answer
from codex_runtime.errors import BlockedByHook, InvalidAnswer
from codex_runtime.hooks import (
    Block,
    Hook,
    HookAction,
    HookContext,
    HookMatcher,
    HookPhase,
    Mutate,
    hook,
)
from codex_runtime.protocol import CommandExecutionItem, FileChangeItem
from codex_runtime.requests import CommandApproval, FileChangeApproval, ServerRequest
from codex_runtime.shell_hooks import ShellHook
from codex_runtime.testing import Step, apply_patch, assistant_message, shell, tool_call

PATCH = "*** Begin Patch\n*** Add File: canary\n+new\n*** End Patch"


class Watch:
    """A hook that writes down what it is told, and answers the same each time."""

    def __init__(
        self, *phases: HookPhase, name: str = "watch", action: HookAction = None, **options: Any
    ) -> None:
        self.contexts: list[HookContext] = []
        self._action = action
        self.hook = Hook(name, self._call, phases or "pre_tool_use", **options)

    async def _call(self, context: HookContext) -> HookAction:
        await anyio.lowlevel.checkpoint()
        self.contexts.append(context)
        return self._action


class Yes:
    """An approver that allows everything, and counts."""

    def __init__(self) -> None:
        self.asked: list[ServerRequest] = []

    async def __call__(self, request: ServerRequest) -> Answer:
        await anyio.lowlevel.checkpoint()
        self.asked.append(request)
        return Allow()


def items(result: TurnResult) -> list[tuple[str, str]]:
    """What became of the commands and file changes of a turn."""
    kinds = (CommandExecutionItem, FileChangeItem)
    return [(item.type, item.status) for item in result.items if isinstance(item, kinds)]


def outcomes(result: TurnResult) -> list[tuple[str, str, str]]:
    assert result.hooks is not None
    return [(each.hook, each.phase, each.outcome) for each in result.hooks.entries]


def policy(thread: ThreadHandle) -> Any:
    return thread.settings.approval_policy


STEPS: tuple[Step, ...] = (shell("touch canary"), apply_patch(PATCH))


@requirement("toolhooks:forbid")
async def test_what_a_hook_forbids_does_not_happen(server: Server) -> None:
    server.says(*STEPS, assistant_message("Done."))
    yes, no = Yes(), Watch(action=Block("not here"), name="no")
    thread = await server.writable_thread(approve=yes, hooks=[no.hook], approval_policy="untrusted")

    result = await thread.run("Leave a trace.")

    assert items(result) == [("commandExecution", "declined"), ("fileChange", "declined")]
    assert result.text == "Done."
    assert not (server.workspace / "canary").exists()
    assert yes.asked == []
    assert outcomes(result) == [("no", "pre_tool_use", "blocked")] * 2
    assert result.hooks is not None
    assert {entry.note for entry in result.hooks.entries} == {"not here"}


@requirement("toolhooks:never-yes")
async def test_no_opinion_goes_on_to_the_approver(server: Server) -> None:
    yes, watch = Yes(), Watch()
    answered: list[InvalidAnswer] = []

    @hook("pre_tool_use")
    def eager(context: HookContext) -> None:
        asked: Any = context.tool_input
        try:
            asked.respond(Allow())
        except InvalidAnswer as error:
            answered.append(error)

    for approve, became in ((yes, "completed"), (None, "declined")):
        server.says(shell("touch canary"), assistant_message("Done."))
        options: dict[str, Any] = {} if approve is None else {"approve": approve}
        thread = await server.writable_thread(
            hooks=[watch.hook, eager], approval_policy="untrusted", **options
        )
        result = await thread.run("Leave a trace.")
        assert items(result) == [("commandExecution", became)]
        assert outcomes(result) == [
            ("watch", "pre_tool_use", "noop"),
            ("eager", "pre_tool_use", "noop"),
        ]

    assert len(yes.asked) == 1
    assert len(watch.contexts) == 2
    assert len(answered) == 2
    if server.real:
        assert (server.workspace / "canary").exists()


@requirement("toolhooks:told")
async def test_what_hooks_are_told(server: Server) -> None:
    server.says(*STEPS, assistant_message("Done."))
    watch = Watch("pre_tool_use", "post_tool_use")
    thread = await server.writable_thread(
        approve=Yes(), hooks=[watch.hook], approval_policy="untrusted"
    )

    result = await thread.run("Leave a trace.")

    at: dict[tuple[str, str | None], HookContext] = {
        (context.phase, context.tool_name): context for context in watch.contexts
    }
    asked, patch = at["pre_tool_use", "command"], at["pre_tool_use", "file_change"]
    command, change = asked.tool_input, patch.tool_input
    assert isinstance(command, CommandApproval)
    assert (command.command, command.argv) == ("touch canary", ("touch", "canary"))
    assert isinstance(change, FileChangeApproval)
    assert change.paths == (str(server.workspace / "canary"),)
    ran, changed = at["post_tool_use", "command"], at["post_tool_use", "file_change"]
    assert isinstance(ran.tool_input, CommandExecutionItem)
    assert isinstance(changed.tool_input, FileChangeItem)
    assert (ran.status, asked.status) == ("ok", None)
    assert result.hooks is not None
    for context in watch.contexts:
        assert context.correlation_id == result.hooks.correlation_id
        assert (context.thread_id, context.turn_id) == (result.thread_id, result.turn_id)
        assert context.cwd == str(server.workspace)
        assert context.model == thread.settings.model
        assert (context.turn_kind, context.prompt) == ("turn", "Leave a trace.")
        assert context.tool_input is not None
    assert asked.item_id == ran.item_id == ran.tool_input.id
    assert patch.item_id == changed.item_id


@requirement("toolhooks:gate")
async def test_a_gate_that_fails(server: Server) -> None:
    async def hangs(_: HookContext) -> None:
        await anyio.sleep_forever()

    def breaks(_: HookContext) -> None:
        raise ValueError("no idea")

    def leaves(_: HookContext) -> None:
        raise SystemExit(3)

    calls: list[tuple[Any, str, str]] = [
        (hangs, "timed_out", "declined"),
        (breaks, "failed", "declined"),
        (hangs, "timed_out", "completed"),
        (breaks, "failed", "completed"),
    ]
    thread = await server.writable_thread(approve=Yes(), approval_policy="untrusted")
    for call, outcome, became in calls:
        server.says(shell("touch canary"), assistant_message("Done."))
        gate = Hook("gate", call, "pre_tool_use", timeout=0.1, gate=became == "declined")
        result = await thread.run("Leave a trace.", hooks=[gate])
        assert items(result) == [("commandExecution", became)]
        assert outcomes(result) == [("gate", "pre_tool_use", outcome)]

    server.says(shell("touch canary"), assistant_message("Done."))
    result = await thread.run("Leave a trace.", hooks=[Hook("leaves", leaves, "pre_tool_use")])
    assert items(result) == [("commandExecution", "declined")]


@requirement("toolhooks:matcher")
async def test_a_hook_for_one_tool(server: Server) -> None:
    server.says(*STEPS, assistant_message("Done."))
    no_changes = Watch(
        action=Block("read only"), matcher=HookMatcher(tool_name="file_change"), gate=True
    )
    elsewhere = Watch(
        name="elsewhere", action=Block("no"), matcher=HookMatcher(cwd_prefix="/srv/app"), gate=True
    )
    thread = await server.writable_thread(
        approve=Yes(), hooks=[no_changes.hook, elsewhere.hook], approval_policy="untrusted"
    )

    result = await thread.run("Leave a trace.")

    assert items(result) == [("commandExecution", "completed"), ("fileChange", "declined")]
    assert [context.tool_name for context in no_changes.contexts] == ["file_change"]
    assert elsewhere.contexts == []


@requirement("toolhooks:scopes")
async def test_hooks_of_all_scopes(server: Server) -> None:
    seen: list[str] = []

    def note(name: str) -> Hook:
        return Hook(name, lambda _: seen.append(name), "pre_tool_use")

    steps = (shell("true"), assistant_message("Done."))
    async with server.another(*steps * 3, hooks=[note("runtime")]) as other:
        thread = await other.thread(hooks=[note("thread"), note("runtime")])
        result = await thread.run("hello", hooks=[note("call")])
        assert seen == ["runtime", "thread", "call"]
        assert outcomes(result)[2] == ("runtime", "pre_tool_use", "skipped")
        seen.clear()

        await thread.run("hello")
        assert seen == ["runtime", "thread"]
        seen.clear()

        beside = await other.thread()
        other.runtime.register_hooks(note("later"))
        await beside.run("hello")
        assert seen == ["runtime", "later"]


@requirement("toolhooks:report")
async def test_what_the_report_says(server: Server) -> None:
    def busy(context: HookContext) -> Mutate:
        return Mutate(prompt="x", metadata={"seen": [*context.metadata.get("seen", []), 1]})

    server.says(*STEPS, assistant_message("Done."))
    hooks = [Hook("busy", busy, "pre_tool_use"), Watch("post_run").hook]
    watch = Watch("post_run", name="last")

    result = await run(
        "Leave a trace.",
        runtime=server.runtime,
        cwd=server.workspace,
        hooks=[*hooks, watch.hook],
    )

    assert result.hooks is not None
    assert result.hooks == server.runtime.hook_report
    about = [each for each in result.hooks.entries if each.phase == "pre_tool_use"]
    used = [
        item.id for item in result.items if isinstance(item, CommandExecutionItem | FileChangeItem)
    ]
    assert [(each.outcome, each.item_id) for each in about] == [("mutated", id) for id in used]
    assert {each.message for each in result.hooks.issues} == {
        "prompt cannot be changed at pre_tool_use"
    }
    assert watch.contexts[0].metadata == {"seen": [1, 1]}
    assert "untrusted in place of none" in result.hooks.escalated


@requirement("toolhooks:after")
async def test_hooks_after_the_use_of_tools(server: Server) -> None:
    server.says(shell("true"), shell("exit 3", exit_code=3), assistant_message("Done."))
    told: list[Any] = []

    async def slow(context: HookContext) -> Block:
        await anyio.sleep(0.05)
        told.append(context.status)
        return Block("too late")

    thread = await server.thread()
    before = policy(thread)
    result = await thread.run("Work.", hooks=[Hook("slow", slow, "post_tool_use")])

    assert told == ["ok", "error"]
    assert outcomes(result) == [("slow", "post_tool_use", "failed")] * 2
    # Those that only watch need nobody to be asked.
    assert policy(thread) == before == "never"
    assert result.hooks is not None
    assert result.hooks.escalated == ""


@requirement("toolhooks:own-tools")
async def test_a_tool_that_a_hook_forbids(server: Server) -> None:
    called: list[str] = []

    @tool
    async def ship(what: str) -> str:
        """Ship it."""
        called.append(what)
        return "shipped"

    def not_on_friday(context: HookContext) -> Block | None:
        given: Any = context.tool_input
        return Block("not on a Friday") if given.arguments == {"what": "bugs"} else None

    gate = Hook(
        "friday", not_on_friday, "pre_tool_use", matcher=HookMatcher(tool_name="ship"), gate=True
    )
    watch = Watch("post_tool_use")
    server.says(
        tool_call("ship", {"what": "bugs"}),
        tool_call("ship", {"what": "cake"}),
        assistant_message("Done."),
    )
    thread = await server.thread(tools=[ship], hooks=[gate, watch.hook])

    await thread.run("Work.")

    assert called == ["cake"]
    assert list(server.calls[-1].tool_outputs.values()) == [
        "this call was refused: not on a Friday",
        "shipped",
    ]
    assert [(each.tool_name, each.status) for each in watch.contexts] == [
        ("ship", "error"),
        ("ship", "ok"),
    ]


@requirement("toolhooks:review")
async def test_a_review(server: Server) -> None:
    watch, gate = Watch(), Watch(name="gate", gate=True)
    thread = await server.thread(hooks=[watch.hook])

    server.says(shell("true"), assistant_message("Fine."))
    turn = await thread.review("the last change")
    reviewed = await turn.result()

    assert items(reviewed) == [("commandExecution", "completed")]
    assert watch.contexts == []
    assert reviewed.hooks is not None
    assert [(each.outcome, each.phase) for each in reviewed.hooks.entries] == [
        ("skipped", "pre_tool_use")
    ]
    assert "review" in reviewed.hooks.entries[0].note
    gated = await server.thread(hooks=[gate.hook])
    with pytest.raises(BlockedByHook) as caught:
        await gated.review("the last change")
    assert (caught.value.hook, caught.value.phase) == ("gate", "pre_tool_use")
    server.says(assistant_message("Hello"))
    assert (await gated.run("hello")).text == "Hello"


@requirement("toolhooks:shell")
async def test_a_command_of_a_shell(server: Server) -> None:
    program = (
        "import json, sys; told = json.load(sys.stdin); "
        'open("told.jsonl", "a").write(json.dumps(told) + chr(10)); '
        'print("no touching"); '
        'sys.exit(2 if "touch" in told["tool_input"].get("argv", []) else 0)'
    )
    hook = ShellHook(
        "guard",
        f"exec {shlex.quote(sys.executable)} -ISc {shlex.quote(program)}",
        ["pre_tool_use", "post_tool_use"],
        cwd=server.workspace,
        timeout=20,
        gate=True,
    )
    server.says(*STEPS, assistant_message("Done."))
    thread = await server.thread(hooks=[hook])

    result = await thread.run("Leave a trace.")

    told = [json.loads(line) for line in (server.workspace / "told.jsonl").read_text().splitlines()]
    command, *_ = [each for each in told if each["phase"] == "pre_tool_use"]
    assert command["tool_name"] == "command"
    assert command["tool_input"]["command"] == "touch canary"
    assert command["tool_input"]["params"]["itemId"] == command["item_id"]
    done = [each for each in told if each["phase"] == "post_tool_use"]
    assert [each["tool_input"]["type"] for each in done] == ["commandExecution", "fileChange"]
    assert result.hooks is not None
    assert result.hooks.entries[0].note == "no touching"
