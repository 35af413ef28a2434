"""Post hooks run whatever happens: failures, refusals, cancellations, ends of all kinds."""

import asyncio  # noqa: TID251 — its own way of cancelling is the subject
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from runtime.hook_support import PHASES, Diary
from runtime.support import (
    Message,
    Server,
    a_thread,
    cancelled_at_every_wait,
    settled,
)

from codex_runtime import ThreadHandle, TurnResult, run, stream
from codex_runtime.errors import (
    CodexRuntimeError,
    ConnectionLost,
    EmptyInput,
    IncompatibleHook,
    InvalidArgument,
    RequestRefused,
    RuntimeClosed,
    SandboxNotAllowed,
    TurnFailed,
    TurnInProgress,
    TurnTimedOut,
)
from codex_runtime.hooks import Hook, HookContext, HookPhase


@pytest.fixture
def diary() -> Diary:
    return Diary()


# -- failures


async def test_a_failed_turn(server: Server, diary: Diary) -> None:
    def fail(request: Message) -> None:
        ids = server.take_turn(request)
        server.begin(*ids)
        server.complete(*ids, "failed", {"message": "no luck"})

    server.on["turn/start"] = fail
    async with server.runtime(hooks=[diary.hook]) as runtime:
        with pytest.raises(TurnFailed) as caught:
            await run("Work.", runtime=runtime)
        for phase in ("post_turn", "post_run"):
            context = diary.at(phase)
            assert context.status == "error"
            assert isinstance(context.error, TurnFailed)
            assert context.result is not None
            assert context.result.status == "failed"
        assert caught.value.result.hooks == runtime.hook_report
        assert diary.phases == [*PHASES]
        diary.contexts.clear()
        result = await run("Work.", runtime=runtime, raise_on_failure=False)
        assert (diary.at("post_run").status, diary.at("post_run").error) == ("error", None)
        assert result.hooks == runtime.hook_report


@pytest.mark.parametrize("method", ["thread/start", "turn/start"])
async def test_a_refusal(server: Server, diary: Diary, method: str) -> None:
    server.on[method] = lambda request: server.refuse(request, "no")
    async with server.runtime(hooks=[diary.hook]) as runtime:
        with pytest.raises(RequestRefused) as caught:
            await run("Work.", runtime=runtime)
        phases = [*PHASES]
        if method == "thread/start":
            phases = ["pre_run", "pre_session_start", "post_session_start", "post_run"]
        assert diary.phases == phases
        for context in diary.contexts[-2:]:
            assert (context.status, context.error) == ("error", caught.value)
        assert runtime.hook_report is not None
        assert [entry.phase for entry in runtime.hook_report.entries] == phases


@pytest.mark.virtual_time
async def test_a_turn_whose_time_is_up(server: Server, diary: Diary) -> None:
    async with server.runtime(hooks=[diary.hook]) as runtime:
        with pytest.raises(TurnTimedOut) as caught:
            await run("Work.", runtime=runtime, timeout=60)
        assert isinstance(diary.at("post_turn").error, TurnTimedOut)
        assert diary.at("post_run").error is caught.value
        assert caught.value.result.hooks == runtime.hook_report


async def test_a_stream_whose_turn_fails(server: Server, diary: Diary) -> None:
    async with server.runtime(hooks=[diary.hook]) as runtime:
        async with stream("Work.", runtime=runtime) as turn:
            server.complete(turn.thread_id, turn.turn_id, "failed", {"message": "no luck"})
            await turn.wait_ended()
        assert diary.phases == [*PHASES]
        last = diary.at("post_run")
        assert (last.status, type(last.error)) == ("error", TurnFailed)


@pytest.mark.virtual_time
async def test_a_stream_whose_turn_cannot_be_ended(server: Server, diary: Diary) -> None:
    server.on["turn/interrupt"] = server.nothing
    async with server.runtime(hooks=[diary.hook]) as runtime:
        async with stream("Work.", runtime=runtime):
            pass
        # The turn may still run, and is owed its own post phase.
        assert diary.phases == [phase for phase in PHASES if phase != "post_turn"]
        assert (diary.at("post_run").status, diary.at("post_run").result) == ("error", None)
    assert diary.phases[-1] == "post_turn"


async def test_a_server_that_goes_away(server: Server, diary: Diary) -> None:
    async with server.runtime(hooks=[diary.hook]) as runtime, anyio.create_task_group() as tasks:
        caught: list[CodexRuntimeError] = []

        async def work() -> None:
            with pytest.raises(ConnectionLost) as error:
                await run("Work.", runtime=runtime)
            caught.append(error.value)

        tasks.start_soon(work)
        await server.heard("turn/start")
        await settled()
        server.crash(exit_code=1)
        await settled()
        assert diary.phases == [*PHASES]
        assert isinstance(diary.at("post_turn").error, ConnectionLost)
        assert [diary.at("post_run").error] == caught


async def test_a_runtime_that_is_closed_under_a_turn(server: Server, diary: Diary) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.", hooks=[diary.hook])
    # It has waited for them.
    assert diary.phases == ["pre_turn", "post_turn"]
    assert isinstance(diary.at("post_turn").error, RuntimeClosed)
    with pytest.raises(RuntimeClosed):
        await turn.result()


@pytest.mark.parametrize(
    ("input", "options", "error"),
    [
        (" ", {}, EmptyInput),
        ("Work.", {"sandbox": "danger-full-access"}, SandboxNotAllowed),
        ("Work.", {"colour": "blue"}, InvalidArgument),
        ("Work.", {"hooks": [print]}, InvalidArgument),
        (
            "Work.",
            {"hooks": Hook("h", print, "pre_run", contract_version=(9, 0))},
            IncompatibleHook,
        ),
    ],
)
async def test_what_cannot_be_sent_reaches_no_hook(
    server: Server, diary: Diary, input: str, options: Any, error: type[CodexRuntimeError]
) -> None:
    async with server.runtime(hooks=[diary.hook]) as runtime:
        with pytest.raises(error):
            await run(input, runtime=runtime, **options)
        thread = await runtime.thread_start()
        diary.contexts.clear()
        with pytest.raises(error):
            await thread.run(input, **options)
        with pytest.raises(error):
            await thread.turn_start(input, **options)
        assert diary.contexts == []


async def test_a_busy_thread_reaches_no_hook(server: Server, diary: Diary) -> None:
    async with a_thread(server) as thread:
        await thread.turn_start("Work.")
        with pytest.raises(TurnInProgress):
            await thread.run("Work.", hooks=[diary.hook])
        assert diary.contexts == []


# -- cancelling


class Passed:
    """A hook at all phases that is over at once, and so passed as soon as it was called."""

    def __init__(self) -> None:
        self.phases: list[str] = []

        async def note(context: HookContext) -> None:
            self.phases.append(context.phase)

        self.hook = Hook("passed", note, PHASES)

    def settle(self) -> None:
        for what in ("run", "session_start", "turn"):
            assert self.phases.count(f"pre_{what}") == self.phases.count(f"post_{what}")
        self.phases.clear()


Call = Callable[[ThreadHandle, Hook], Awaitable[Any]]


async def _one_shot(thread: ThreadHandle, hook: Hook) -> TurnResult:
    return await run("Work.", runtime=thread.runtime, hooks=[hook])


async def _in_thread(thread: ThreadHandle, hook: Hook) -> TurnResult:
    return await thread.run("Work.", hooks=[hook])


async def _stream(thread: ThreadHandle, hook: Hook) -> bool:
    async with stream("Work.", runtime=thread.runtime, hooks=[hook]) as turn:
        await turn.wait_ended()
    return True


async def _opening(thread: ThreadHandle, hook: Hook) -> ThreadHandle:
    return await thread.runtime.thread_start(hooks=[hook])


@pytest.mark.parametrize("call", [_one_shot, _in_thread, _stream, _opening])
async def test_cancelled_at_every_wait(server: Server, call: Call) -> None:
    server.on["turn/start"] = server.play_turn
    passed = Passed()
    async with a_thread(server) as thread:
        tasks = len(anyio.get_running_tasks())

        async def check(_: Any) -> None:
            passed.settle()
            assert thread.runtime.statistics().open_requests == 0
            assert server.running == []
            assert len(anyio.get_running_tasks()) == tasks

        assert await cancelled_at_every_wait(lambda: call(thread, passed.hook), check) >= 2


async def test_a_run_that_is_cancelled_while_its_turn_goes_on(server: Server, diary: Diary) -> None:
    async with a_thread(server) as thread:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:

                async def work() -> None:
                    await thread.run("Work.", hooks=[diary.hook])

                tasks.start_soon(work)
                await server.heard("turn/start")
                await settled()
                scope.cancel()
        assert scope.cancelled_caught
        assert server.running == []
        assert diary.phases == ["pre_run", "pre_turn", "post_turn", "post_run"]
        assert (diary.at("post_turn").status, diary.at("post_run").status) == (
            "interrupted",
            "interrupted",
        )
        assert thread.runtime.hook_report is not None
        assert len(thread.runtime.hook_report.entries) == 4


@pytest.mark.parametrize("form", ["run", "stream"])
def test_a_cancellation_of_asyncios_own_that_comes_again_and_again(diary: Diary, form: str) -> None:
    """It goes through every shield: the caller is gone, and the runtime sees all of it through."""

    async def main() -> None:
        server = Server()
        async with a_thread(server) as thread:

            async def work() -> None:
                if form == "run":
                    await thread.run("Work.", hooks=[diary.hook])
                else:
                    async with stream("Work.", runtime=thread.runtime, hooks=[diary.hook]) as turn:
                        await turn.wait_ended()

            task = asyncio.create_task(work())
            await server.heard("turn/start")
            await settled()
            for _ in range(5):
                task.cancel()
                await asyncio.sleep(0)
            with pytest.raises(asyncio.CancelledError):
                await task
            await settled()
            assert server.running == []
            assert diary.phases[-3:] == ["pre_turn", "post_turn", "post_run"]
            assert diary.at("post_run").turn_id == "turn-1"
            assert thread.runtime.hook_report is not None
            assert thread.runtime.hook_report.entries[-1].phase == "post_run"

    asyncio.run(main())


@pytest.mark.virtual_time
async def test_a_caller_who_leaves_waits_for_post_hooks(server: Server) -> None:
    ended: list[str] = []

    async def works(context: HookContext) -> None:
        await anyio.sleep(4)
        ended.append(context.phase)

    async with a_thread(server) as thread:
        with anyio.move_on_after(1):
            await thread.run("Work.", hooks=[Hook("works", works, ["post_turn", "post_run"])])
        assert ended == ["post_turn", "post_run"]


@pytest.mark.virtual_time
async def test_a_caller_who_leaves_does_not_wait_for_post_hooks_for_long(server: Server) -> None:
    ended: list[str] = []

    async def dawdles(context: HookContext) -> None:
        await anyio.sleep(3_600)
        ended.append(context.phase)

    async with a_thread(server) as thread:
        slow = Hook("slow", dawdles, ["post_turn", "post_run"], timeout=7_200)
        began = anyio.current_time()
        with anyio.move_on_after(1):
            await thread.run("Work.", hooks=[slow])
        assert anyio.current_time() - began < 60
        assert ended == []
        await anyio.sleep(7_300)
        assert ended == ["post_turn", "post_run"]


# -- what ends the program


@pytest.mark.parametrize("phase", [phase for phase in PHASES if phase.startswith("post_")])
async def test_what_ends_the_program_comes_out_of_post_hooks_too(
    server: Server, phase: HookPhase
) -> None:
    server.on["turn/start"] = server.play_turn

    def ends(_: HookContext) -> None:
        raise KeyboardInterrupt

    async with server.runtime() as runtime:
        with pytest.raises(KeyboardInterrupt):
            await run("Work.", runtime=runtime, hooks=[Hook("ends", ends, phase)])
        assert runtime.hook_report is not None
        assert (await run("Work.", runtime=runtime)).text == "Hello."
