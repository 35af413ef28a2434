"""Hooks around runs, the opening of threads, and turns."""

from __future__ import annotations

import anyio
import pytest
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import TurnFailed, TurnResult, run, stream
from codex_runtime.errors import BlockedByHook
from codex_runtime.hooks import Block, Hook, HookContext, HookMatcher, HookPhase, Mutate, hook
from codex_runtime.inputs import Attachment
from codex_runtime.shell_hooks import ShellHook
from codex_runtime.testing import assistant_message, fail, stall

PHASES: tuple[HookPhase, ...] = (
    "pre_run",
    "pre_session_start",
    "post_session_start",
    "pre_turn",
    "post_turn",
    "post_run",
)


class Diary:
    """A hook that writes down what it is told."""

    def __init__(self, *phases: HookPhase) -> None:
        self.contexts: list[HookContext] = []
        self.hook = Hook("diary", self.contexts.append, phases or PHASES)

    @property
    def phases(self) -> list[HookPhase]:
        return [context.phase for context in self.contexts]


@requirement("hooks:order")
async def test_a_run_that_opens_its_thread(server: Server) -> None:
    server.says(assistant_message("Hello"))
    diary = Diary()

    await run("hello", runtime=server.runtime, cwd=server.workspace, hooks=[diary.hook])

    assert diary.phases == [*PHASES]
    assert len({context.correlation_id for context in diary.contexts}) == 1


@requirement("hooks:precedence")
async def test_hooks_of_all_scopes(server: Server) -> None:
    seen: list[str] = []

    def say(name: str, word: str = "") -> Hook:
        def call(context: HookContext) -> Mutate:
            seen.append(name)
            return Mutate(prompt=f"{context.prompt} {word or name}")

        return Hook(name, call, "pre_turn")

    async with server.another(assistant_message("Hello"), hooks=[say("runtime")]) as other:
        other.runtime.register_hooks(say("later"))
        thread = await other.thread(hooks=[say("thread"), say("runtime", "twice")])
        result = await thread.run("hello", hooks=[say("call")])
        (call,) = other.calls

    assert seen == ["runtime", "later", "thread", "call"]
    assert call.user_texts[-1] == "hello runtime later thread call"
    assert result.hooks is not None
    assert [(entry.hook, entry.outcome) for entry in result.hooks.entries] == [
        ("runtime", "mutated"),
        ("later", "mutated"),
        ("thread", "mutated"),
        ("runtime", "skipped"),
        ("call", "mutated"),
    ]


@requirement("hooks:matcher")
async def test_a_hook_for_a_folder(server: Server) -> None:
    server.says(assistant_message("One"), assistant_message("Two"))
    beside = server.workspace.with_name(f"{server.workspace.name}2")
    beside.mkdir()
    seen: list[str | None] = []
    here = Hook(
        "here",
        lambda context: seen.append(context.cwd),
        ["pre_session_start", "post_turn"],
        matcher=HookMatcher(cwd_prefix=server.workspace),
    )

    for folder in (server.workspace, beside):
        await run("hello", runtime=server.runtime, cwd=folder, hooks=[here])

    assert seen == [str(server.workspace)] * 2


@requirement("hooks:told")
async def test_what_post_hooks_are_told(server: Server) -> None:
    server.says(assistant_message("Hello"))
    diary = Diary("post_session_start", "post_turn", "post_run")

    result = await run("hello", runtime=server.runtime, cwd=server.workspace, hooks=[diary.hook])

    opened, turn, whole = diary.contexts
    assert opened.model
    assert (opened.status, opened.result, opened.turn_id) == ("ok", None, None)
    for context in diary.contexts:
        assert context.thread_id == result.thread_id
        assert context.cwd == str(server.workspace)
    for context in (turn, whole):
        assert context.turn_id == result.turn_id
        assert context.prompt == "hello"
        assert context.result is not None
        assert (context.status, context.result.text) == ("ok", "Hello")
    assert turn.model == opened.model


@requirement("hooks:report")
async def test_where_reports_are(server: Server) -> None:
    server.says(assistant_message("One"), assistant_message("Two"), assistant_message("Three"))
    diary = Diary()

    thread = await server.thread(hooks=[diary.hook])
    opened = server.runtime.hook_report
    result = await thread.run("hello")
    after = server.runtime.hook_report
    turn = await thread.turn_start("hello")
    alone = (await turn.result()).hooks
    async with stream("hello", runtime=server.runtime, hooks=[diary.hook]) as followed:
        await followed.wait_ended()
    streamed = (await followed.result()).hooks

    assert thread.hooks is not None
    assert (thread.hooks, result.hooks) == (opened, after)
    assert alone is not None
    assert [entry.phase for entry in alone.entries] == ["pre_turn", "post_turn"]
    assert streamed is not None
    assert [entry.phase for entry in streamed.entries] == [*PHASES]
    assert streamed == server.runtime.hook_report


@requirement("hooks:prompt")
async def test_the_prompt_that_hooks_have_made(server: Server) -> None:
    server.says(assistant_message("Hello"))

    @hook("pre_run")
    def politely(context: HookContext) -> Mutate:
        return Mutate(prompt=f"Please: {context.prompt}")

    @hook("pre_turn")
    def loudly(context: HookContext) -> Mutate:
        return Mutate(prompt=str(context.prompt).upper())

    thread = await server.thread()
    result = await thread.run("hello", hooks=[politely, loudly])

    (call,) = server.calls
    assert call.user_texts[-1] == "PLEASE: HELLO"
    assert result.hooks is not None
    assert [entry.outcome for entry in result.hooks.entries] == ["mutated", "mutated"]


@requirement("hooks:attachments")
async def test_attachments_of_hooks(server: Server) -> None:
    server.says(assistant_message("Hello"))
    (server.workspace / "notes.md").write_text("x")

    @hook("pre_turn")
    def with_notes(_: HookContext) -> Mutate:
        return Mutate(attachments=[Attachment("missing.md"), Attachment("notes.md")])

    thread = await server.thread()
    result = await thread.run("Read them.", hooks=[with_notes])

    (call,) = server.calls
    assert call.user_texts[-1] == "Read them.\n@notes.md"
    assert result.hooks is not None
    (issue,) = result.hooks.issues
    assert issue.kind == "validation"
    assert "missing.md" in issue.message


@requirement("hooks:model-of-a-turn")
async def test_a_model_for_one_turn(server: Server) -> None:
    server.says(*(assistant_message(text) for text in ("One", "Two", "Three", "Four")))
    thread = await server.thread()
    usual = thread.settings.model

    @hook("pre_run", name="of_the_run")
    def of_the_run(_: HookContext) -> Mutate:
        return Mutate(model="gpt-of-the-run")

    @hook("pre_turn", name="of_the_turn")
    def of_the_turn(_: HookContext) -> Mutate:
        return Mutate(model="gpt-of-the-turn")

    await thread.run("hello", hooks=[of_the_run])
    await thread.run("hello")
    turn = await thread.turn_start("hello", hooks=[of_the_turn])
    await turn.result()
    await thread.run("hello")

    asked = [call.raw["model"] for call in server.calls]
    assert asked == ["gpt-of-the-run", usual, "gpt-of-the-turn", usual]
    assert thread.settings.model == usual


@requirement("hooks:model-of-a-thread")
async def test_a_model_for_a_thread(server: Server) -> None:
    server.says(*(assistant_message(text) for text in ("One", "Two", "Three")))

    @hook("pre_run")
    def of_the_run(_: HookContext) -> Mutate:
        return Mutate(model="gpt-of-the-run")

    @hook("pre_session_start")
    def of_the_thread(_: HookContext) -> Mutate:
        return Mutate(model="gpt-of-the-thread")

    thread = await server.thread(hooks=[of_the_thread])
    await thread.run("hello")
    await thread.run("hello")
    await run("hello", runtime=server.runtime, hooks=[of_the_run])

    asked = [call.raw["model"] for call in server.calls]
    assert asked == ["gpt-of-the-thread", "gpt-of-the-thread", "gpt-of-the-run"]


@requirement("hooks:block")
async def test_a_block(server: Server) -> None:
    server.says(assistant_message("Hello"))
    diary = Diary()
    begun: list[str] = []

    @hook("pre_turn")
    def not_today(_: HookContext) -> Block:
        return Block("not today")

    async with server.runtime.events() as events:
        with pytest.raises(BlockedByHook, match="not today") as caught:
            await run("hello", runtime=server.runtime, hooks=[diary.hook, not_today])
        thread = await server.thread()
        await thread.run("hello")
        async for event in events:
            if event.method == "turn/started":
                begun.append(event.method)
            if event.method == "turn/completed":
                break

    assert diary.phases == [
        "pre_run",
        "pre_session_start",
        "post_session_start",
        "pre_turn",
        "post_run",
    ]
    assert diary.contexts[-1].status == "blocked"
    assert caught.value.report is not None
    assert caught.value.report.entries[-1].phase == "post_run"
    assert len(begun) == len(server.calls) == 1


@requirement("hooks:gate")
async def test_a_gate_that_fails(server: Server) -> None:
    server.says(assistant_message("Hello"))

    def broken(_: HookContext) -> None:
        raise ZeroDivisionError

    thread = await server.thread()
    with pytest.raises(BlockedByHook, match="a gate that fails blocks: ZeroDivisionError"):
        await thread.run("hello", hooks=[Hook("gate", broken, "pre_turn", gate=True)])
    result = await thread.run("hello", hooks=[Hook("other", broken, "pre_turn")])

    assert result.hooks is not None
    assert [issue.kind for issue in result.hooks.issues] == ["execution"]
    assert result.text == "Hello"


@requirement("hooks:failures")
async def test_post_hooks_run_whatever_happens(server: Server) -> None:
    server.says(fail(status=400), stall(after="Half"), stall(after="Half"))
    diary = Diary("post_turn", "post_run")
    thread = await server.thread(hooks=[diary.hook])

    with pytest.raises(TurnFailed) as caught:
        await thread.run("hello")
    turn = await thread.turn_start("hello")
    async for _ in turn.text():
        await turn.interrupt()
    await turn.result()
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(thread.run, "hello")
            while len(server.calls) < 3:  # noqa: ASYNC110 — the model tells nobody
                await anyio.sleep(0.005)
            scope.cancel()

    assert diary.phases == ["post_turn", "post_run", "post_turn", "post_turn", "post_run"]
    assert [context.status for context in diary.contexts] == [
        "error",
        "error",
        "interrupted",
        "interrupted",
        "interrupted",
    ]
    assert diary.contexts[1].error is caught.value
    assert caught.value.result.hooks is not None


@requirement("hooks:resume-and-fork")
async def test_resuming_and_forking(server: Server) -> None:
    server.says(assistant_message("One"), assistant_message("Two"), assistant_message("Three"))
    diary = Diary()
    thread = await server.thread()
    await thread.run("hello")

    resumed = await server.runtime.thread_resume(
        thread.thread_id, cwd=server.workspace, hooks=[diary.hook]
    )
    await resumed.run("hello")
    phases, before = diary.phases, diary.contexts[0]
    diary.contexts.clear()
    fork = await thread.fork(cwd=server.workspace, hooks=[diary.hook])
    await thread.run("hello")

    whole = [
        "pre_session_start",
        "post_session_start",
        "pre_run",
        "pre_turn",
        "post_turn",
        "post_run",
    ]
    assert phases == whole
    assert before.thread_id == thread.thread_id
    assert [(context.phase, context.thread_id) for context in diary.contexts] == [
        ("pre_session_start", None),
        ("post_session_start", fork.thread_id),
    ]


@requirement("hooks:use-the-runtime")
async def test_hooks_that_use_the_runtime(server: Server) -> None:
    server.says(assistant_message("Yes."), assistant_message("Hello"))
    verdicts: list[TurnResult] = []

    @hook("pre_turn", timeout=20, gate=True)
    async def ask_a_judge(context: HookContext) -> Block | None:
        judge = await server.thread(ephemeral=True, hooks=[ask_a_judge])
        verdicts.append(await judge.run(f"Is this all right? {context.prompt}"))
        return None if verdicts[-1].text == "Yes." else Block("the judge says no")

    @hook("pre_run", "post_turn", "post_run", timeout=20)
    async def look_around(_: HookContext) -> None:
        await server.runtime.thread_loaded_list()

    thread = await server.thread()
    result = await thread.run("hello", hooks=[ask_a_judge, look_around])

    assert result.text == "Hello"
    assert result.hooks is not None
    assert result.hooks.is_clean
    (verdict,) = verdicts
    assert verdict.hooks is not None
    assert [entry.outcome for entry in verdict.hooks.entries] == ["skipped"]


@requirement("hooks:shell")
async def test_commands_of_a_shell(server: Server) -> None:
    server.says(assistant_message("Hello"))
    change = """printf '{"action": "mutate", "prompt": "from the shell"}'"""
    thread = await server.thread()

    await thread.run("hello", hooks=[ShellHook("change", f"cat >/dev/null; {change}", "pre_turn")])
    with pytest.raises(BlockedByHook) as caught:
        await thread.run(
            "secret", hooks=[ShellHook("no", "! grep -q secret || exit 2", "pre_turn")]
        )

    (call,) = server.calls
    assert call.user_texts[-1] == "from the shell"
    assert caught.value.reason == "blocked by hook (no message)"
