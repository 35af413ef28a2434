"""Ways around a gate, or around a result, that lead nowhere."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from runtime.support import PATIENCE, Server, a_thread

from codex_runtime import run, stream
from codex_runtime.errors import BlockedByHook
from codex_runtime.hooks import Block, Hook, HookContext, HookMatcher
from codex_runtime.thread import ThreadHandle

# -- another spelling of the folder


@pytest.mark.parametrize("spelling", ["{}", "/{}", "//{}", "/{}/../app"])
async def test_a_gate_of_a_folder_holds_in_all_its_spellings(
    server: Server, tmp_path: Path, spelling: str
) -> None:
    server.on["turn/start"] = server.play_turn
    (tmp_path / "app").mkdir()
    folder, cwd = tmp_path / "app", spelling.format(tmp_path / "app")
    gate = Hook("gate", _forbids, "pre_turn", matcher=HookMatcher(cwd_prefix=folder), gate=True)
    async with server.runtime(hooks=[gate]) as runtime:
        with pytest.raises(BlockedByHook):
            await run("Work.", runtime=runtime, cwd=cwd)
        thread = await runtime.thread_start(cwd="/")
        with pytest.raises(BlockedByHook):
            await thread.run("Work.", cwd=cwd)
    assert server.sent("turn/start") == []


# -- another hook of the same name


async def test_a_gate_of_another_thread_may_have_the_name_of_the_hook_that_runs(
    server: Server,
) -> None:
    server.on["turn/start"] = server.play_turn
    async with server.runtime() as runtime:
        guarded = await runtime.thread_start(hooks=[Hook("guard", _forbids, "pre_turn", gate=True)])

        async def start_another(_: HookContext) -> None:
            with pytest.raises(BlockedByHook):
                await guarded.run("Work.")

        thread = await runtime.thread_start(hooks=[Hook("guard", start_another, "pre_turn")])
        result = await thread.run("Work.")
    assert result.hooks is not None
    assert result.hooks.is_clean
    assert len(server.sent("turn/start")) == 1


async def test_a_task_of_a_hook_that_is_over_closes_the_runtime_to_its_end(server: Server) -> None:
    over, ended = anyio.Event(), list[bool]()
    runtime = server.runtime()

    async def close_later() -> None:
        await over.wait()
        await runtime.close()
        ended.append("closed" in repr(runtime))

    async def start_a_task(_: HookContext) -> None:
        tasks.start_soon(close_later)

    server.on["turn/start"] = server.play_turn
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks, runtime:
            await run("Work.", runtime=runtime, hooks=[Hook("h", start_a_task, "pre_turn")])
            over.set()
    assert ended == [True]


# -- what is sent is what the gate has seen

Start = Callable[[ThreadHandle, list[Any], Hook], Awaitable[Any]]


async def _turn_start(thread: ThreadHandle, input: list[Any], gate: Hook) -> Any:
    return await (await thread.turn_start(input, hooks=[gate])).result()


async def _run(thread: ThreadHandle, input: list[Any], gate: Hook) -> Any:
    return await thread.run(input, hooks=[gate])


async def _one_shot(thread: ThreadHandle, input: list[Any], gate: Hook) -> Any:
    return await run(input, runtime=thread.runtime, hooks=[gate])


async def _stream(thread: ThreadHandle, input: list[Any], gate: Hook) -> Any:
    async with stream(input, runtime=thread.runtime, hooks=[gate]) as turn:
        return await turn.result()


@pytest.mark.parametrize("start", [_turn_start, _run, _one_shot, _stream])
@pytest.mark.parametrize("phase", ["pre_run", "pre_turn"])
async def test_input_that_its_caller_changes_meanwhile_is_sent_as_the_gate_saw_it(
    server: Server, start: Start, phase: Any
) -> None:
    server.on["turn/start"] = server.play_turn
    given, seen = ["Work."], list[str | None]()

    async def look(context: HookContext) -> None:
        seen.append(context.prompt)
        given[0] = "Something else."
        given.append("And more.")
        await checkpoint()

    async with a_thread(server) as thread:
        await start(thread, given, Hook("gate", look, phase, gate=True))
    (sent,) = server.sent("turn/start")
    assert [item["text"] for item in sent["params"]["input"]] == ["Work."]
    # No run is around a turn that stands alone.
    assert seen == ([] if (start, phase) == (_turn_start, "pre_run") else ["Work."])


# -- a finished turn keeps its result


class _Failing(HookMatcher):
    def matches(self, context: HookContext) -> bool:
        raise RuntimeError("no matcher")


@pytest.mark.parametrize("phase", ["post_turn", "post_run"])
async def test_a_matcher_that_fails_afterwards_costs_no_result(server: Server, phase: Any) -> None:
    server.on["turn/start"] = server.play_turn
    hook = Hook("h", print, phase, matcher=_Failing(), gate=True)
    async with a_thread(server) as thread:
        result = await thread.run("Work.", hooks=[hook])
    assert result.text == "Hello."
    assert result.hooks is not None
    assert [issue.kind for issue in result.hooks.issues] == ["execution"]


async def _forbids(_: HookContext) -> Block:
    await checkpoint()
    return Block("no")
