"""Hooks around runs, the opening of threads, and turns: when they run, and what they change."""

import subprocess
import sys

import anyio
import pytest
from runtime.hook_support import PHASES, Diary, naming
from runtime.support import PATIENCE, Server, a_thread, settled

from codex_runtime import TurnResult, run, stream
from codex_runtime.errors import BlockedByHook, IncompatibleHook
from codex_runtime.hooks import Block, Hook, HookContext, HookPhase, Mutate


@pytest.fixture
def diary() -> Diary:
    return Diary()


# -- order, and what each phase is told


async def test_a_run_that_opens_its_thread(server: Server, diary: Diary) -> None:
    server.on["turn/start"] = server.play_turn
    async with server.runtime(hooks=[diary.hook]) as runtime:
        result = await run("Work.", runtime=runtime, model="gpt-x", cwd="/")
        assert diary.phases == [*PHASES]
        assert len({context.correlation_id for context in diary.contexts}) == 1
        assert [context.thread_id for context in diary.contexts] == [
            None,
            None,
            *["thread-1"] * 4,
        ]
        assert [context.turn_id for context in diary.contexts] == [
            None,
            None,
            None,
            None,
            "turn-1",
            "turn-1",
        ]
        assert [context.prompt for context in diary.contexts] == [
            "Work.",
            None,
            None,
            "Work.",
            "Work.",
            "Work.",
        ]
        assert {context.cwd for context in diary.contexts} == {"/"}
        assert diary.at("pre_run").model == "gpt-x"
        assert [context.status for context in diary.contexts] == [
            None,
            None,
            "ok",
            None,
            "ok",
            "ok",
        ]
        done = diary.at("post_run").result
        assert done is not None
        assert (done.text, done.turn_id) == ("Hello.", "turn-1")
        report = result.hooks
        assert report is not None
        assert [entry.phase for entry in report.entries] == [*PHASES]
        assert report.is_clean
        assert runtime.hook_report == report


async def test_a_run_in_a_thread(server: Server, diary: Diary) -> None:
    server.on["turn/start"] = server.play_turn
    async with a_thread(server) as thread:
        assert thread.hooks is None
        result = await thread.run("Work.", hooks=[diary.hook])
        assert diary.phases == ["pre_run", "pre_turn", "post_turn", "post_run"]
        assert result.hooks is not None
        assert result.hooks == thread.runtime.hook_report
        assert (await thread.run("Work.")).hooks is None


async def test_the_opening_of_a_thread(server: Server, diary: Diary) -> None:
    async with server.runtime() as runtime:
        thread = await runtime.thread_start(hooks=[diary.hook])
        assert diary.phases == ["pre_session_start", "post_session_start"]
        assert diary.at("post_session_start").thread_id == thread.thread_id
        assert thread.hooks is not None
        assert thread.hooks == runtime.hook_report


async def test_the_hooks_of_a_thread_hold_for_what_its_handle_starts(
    server: Server, diary: Diary
) -> None:
    server.on["turn/start"] = server.play_turn
    names: list[str] = []

    async with server.runtime(hooks=[naming("runtime", names)]) as runtime:
        thread = await runtime.thread_start(hooks=[naming("thread", names)])
        await thread.run("Work.", hooks=[naming("call", names)])
        assert names == ["runtime", "thread", "call"]


async def test_a_turn_alone(server: Server, diary: Diary) -> None:
    async with a_thread(server) as thread:
        turn = await thread.turn_start("Work.", hooks=[diary.hook])
        assert diary.phases == ["pre_turn"]
        assert thread.runtime.hook_report is None
        server.complete(turn.thread_id, turn.turn_id)
        await settled()
        # Nobody has asked for its result.
        assert diary.phases == ["pre_turn", "post_turn"]
        assert (await turn.result()).hooks == thread.runtime.hook_report


async def test_the_result_of_a_turn_waits_for_its_hooks(server: Server) -> None:
    release = anyio.Event()

    async def dawdles(_: HookContext) -> None:
        await release.wait()

    async with a_thread(server) as thread, anyio.create_task_group() as tasks:
        hooks = [Hook("dawdles", dawdles, "post_turn", timeout=PATIENCE)]
        turn = await thread.turn_start("Work.", hooks=hooks)
        results: list[TurnResult] = []

        async def take() -> None:
            results.append(await turn.result())

        tasks.start_soon(take)
        server.complete(turn.thread_id, turn.turn_id)
        await settled()
        # Events end with the turn, hooks or not.
        assert [event.method async for event in turn][-1] == "turn/completed"
        assert results == []
        release.set()
        await settled()
        assert [each.hooks is not None for each in results] == [True]


async def test_a_stream(server: Server, diary: Diary) -> None:
    async with server.runtime(hooks=[diary.hook]) as runtime:
        async with stream("Work.", runtime=runtime) as turn:
            assert diary.phases == [
                "pre_run",
                "pre_session_start",
                "post_session_start",
                "pre_turn",
            ]
            server.complete(turn.thread_id, turn.turn_id)
            await turn.result()
        assert diary.phases == [*PHASES]
        assert diary.at("post_run").status == "ok"
        last = (await turn.result()).hooks
        assert last == runtime.hook_report


async def test_a_stream_that_is_left_early(server: Server, diary: Diary) -> None:
    async with server.runtime(hooks=[diary.hook]) as runtime:
        with pytest.raises(ValueError, match="mine"):
            async with stream("Work.", runtime=runtime):
                raise ValueError("mine")
        assert diary.phases == [*PHASES]
        assert [diary.at(phase).status for phase in ("post_turn", "post_run")] == [
            "interrupted",
            "interrupted",
        ]


# -- changes


async def test_what_hooks_change_is_what_is_sent(server: Server, diary: Diary) -> None:
    server.on["turn/start"] = server.play_turn
    diary.actions = {
        "pre_run": Mutate("Run.", "gpt-run"),
        "pre_session_start": Mutate(model="gpt-session", metadata={"a": 1}),
        "pre_turn": Mutate("Turn.", metadata={"b": 2}),
    }
    async with server.runtime() as runtime:
        await run("Work.", runtime=runtime, hooks=[diary.hook])
    (opened,), (started,) = server.sent("thread/start"), server.sent("turn/start")
    assert opened["params"]["model"] == "gpt-session"
    assert diary.at("pre_session_start").model == "gpt-run"
    assert diary.at("pre_turn").prompt == "Run."
    assert [item["text"] for item in started["params"]["input"]] == ["Turn."]
    assert "model" not in started["params"]
    assert diary.at("post_run").metadata == {"a": 1, "b": 2}


async def test_a_model_that_could_not_be_put_back_is_left_as_it_is(
    server: Server, diary: Diary
) -> None:
    server.on["turn/start"] = server.play_turn
    diary.actions = {"pre_turn": Mutate("Turn.", "gpt-turn")}
    async with a_thread(server, experimental_api=False) as thread:
        result = await thread.run("Work.", hooks=[diary.hook])
    (started,) = server.sent("turn/start")
    assert "model" not in started["params"]
    assert [item["text"] for item in started["params"]["input"]] == ["Turn."]
    assert result.hooks is not None
    (issue,) = result.hooks.issues
    assert issue.kind == "validation"
    assert "the one before could not be put back" in issue.message


async def test_hooks_may_come_in_any_iterable(server: Server, diary: Diary) -> None:
    server.on["turn/start"] = server.play_turn
    async with server.runtime(hooks=iter(())) as runtime:
        thread = await runtime.thread_start(hooks=(each for each in [diary.hook]))
        await thread.run("Work.", hooks=(each for each in [Diary("other").hook]))
        turn = await thread.turn_start("Work.", hooks=diary.hook)
        await turn.result()
        assert diary.phases.count("pre_turn") == 2
        diary.contexts.clear()
        await run("Work.", runtime=runtime, hooks=(each for each in [diary.hook]))
        assert diary.phases == [*PHASES]


# -- blocking


@pytest.mark.parametrize("phase", [phase for phase in PHASES if phase.startswith("pre_")])
async def test_a_block_in_each_phase(server: Server, diary: Diary, phase: HookPhase) -> None:
    diary.actions = {phase: Block("not today")}
    async with server.runtime(hooks=[diary.hook]) as runtime:
        with pytest.raises(BlockedByHook) as caught:
            await run("Work.", runtime=runtime)
        assert (caught.value.phase, caught.value.reason) == (phase, "not today")
        # A post phase comes exactly where its pre phase was passed.
        assert (
            diary.phases
            == {
                "pre_run": ["pre_run"],
                "pre_session_start": ["pre_run", "pre_session_start", "post_run"],
                "pre_turn": [
                    "pre_run",
                    "pre_session_start",
                    "post_session_start",
                    "pre_turn",
                    "post_run",
                ],
            }[phase]
        )
        assert len(server.sent("thread/start")) == (phase == "pre_turn")
        assert server.sent("turn/start") == []
        report = caught.value.report
        assert report is not None
        assert [entry.phase for entry in report.entries] == diary.phases
        assert report == runtime.hook_report
        if phase != "pre_run":
            last = diary.at("post_run")
            assert (last.status, last.error) == ("blocked", caught.value)


async def test_a_blocked_turn_leaves_its_thread_free(server: Server, diary: Diary) -> None:
    server.on["turn/start"] = server.play_turn
    diary.actions = {"pre_turn": Block()}
    async with a_thread(server) as thread:
        with pytest.raises(BlockedByHook):
            await thread.turn_start("Work.", hooks=[diary.hook])
        assert (await thread.run("Work.")).text == "Hello."


async def test_a_blocked_opening_publishes_its_report(server: Server, diary: Diary) -> None:
    diary.actions = {"pre_session_start": Block()}
    async with server.runtime(hooks=[diary.hook]) as runtime:
        with pytest.raises(BlockedByHook) as caught:
            await runtime.thread_start()
        assert caught.value.report == runtime.hook_report
        assert diary.phases == ["pre_session_start"]


# -- registration


async def test_hooks_can_be_registered_before_and_while_it_is_open(server: Server) -> None:
    server.on["turn/start"] = server.play_turn
    names: list[str] = []

    runtime = server.runtime(hooks=[naming("first", names)])
    runtime.register_hooks(naming("second", names))
    async with runtime:
        thread = await runtime.thread_start()
        runtime.register_hooks([naming("third", names), naming("first", names)])
        result = await thread.run("Work.")
        assert names == ["first", "second", "third"]
        assert result.hooks is not None
        assert [entry.outcome for entry in result.hooks.entries] == [*["noop"] * 3, "skipped"]
        with pytest.raises(IncompatibleHook):
            runtime.register_hooks(
                [naming("fourth", names), Hook("x", print, "pre_run", contract_version=(2, 0))]
            )
        names.clear()
        await thread.run("Work.")
        assert names == ["first", "second", "third"]


async def test_the_report_of_the_runtime_is_that_of_the_run_that_ended_last(server: Server) -> None:
    async with a_thread(server, hooks=[Diary().hook]) as thread:
        other = await thread.runtime.thread_start()
        first = await thread.turn_start("Work.")
        second = await other.turn_start("Work.")
        server.complete(second.thread_id, second.turn_id)
        reports = [(await second.result()).hooks, thread.runtime.hook_report]
        server.complete(first.thread_id, first.turn_id)
        reports += [(await first.result()).hooks, thread.runtime.hook_report]
        assert reports[0] == reports[1] != reports[2] == reports[3]


def test_without_hooks_nothing_of_them_is_loaded() -> None:
    program = (
        "import sys, anyio\n"
        "from codex_runtime import run\n"
        "from codex_runtime.testing import FakeAppServer, assistant_message\n"
        "async def main():\n"
        "    server = FakeAppServer(assistant_message('Hello.'))\n"
        "    async with server.runtime() as runtime:\n"
        "        print((await run('Hi.', runtime=runtime)).text)\n"
        "anyio.run(main)\n"
        "print(sorted(name for name in sys.modules if 'codex_runtime' in name and 'hook' in name))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "Hello.",
        "['codex_runtime._hook_access', 'codex_runtime._hook_book']",
    ]
