"""Hooks by themselves: which of them run, in which order, and what they may forbid."""

import math
import pickle
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import pytest
from core.hook_support import TURN, a_run, notes, says

from codex_runtime._hook_book import HookBook
from codex_runtime._hooking import HookRun, Outcome
from codex_runtime.errors import BlockedByHook, IncompatibleHook, InvalidArgument
from codex_runtime.hooks import (
    HOOK_CONTRACT_VERSION,
    Block,
    Hook,
    HookContext,
    HookMatcher,
    HookReport,
    Hooks,
    Mutate,
    hook,
)
from codex_runtime.inputs import Attachment

SECRET = "sk-" + "abcdefgh" * 4
PROMPT = "the prompt itself"

# -- which calls


def context(**fields: Any) -> HookContext:
    given: dict[str, Any] = {"phase": "pre_turn", "correlation_id": "c", "at": 0.0, **fields}
    return HookContext(**given)


@pytest.mark.parametrize(
    ("prefix", "cwd", "matches"),
    [
        ("/srv/app", "/srv/app", True),
        ("/srv/app", "/srv/app/src", True),
        ("/srv/app/", "/srv/app", True),
        ("/srv/app", "/srv/app/", True),
        ("/srv/app", "/srv/app2", False),
        ("/srv/app", "/srv/app2/../app/src", True),
        ("/srv/app", "/srv/app/../other", False),
        ("/srv/app", "/srv", False),
        ("/srv/./x/../app", "/srv/app", True),
        ("/", "/anywhere", True),
        ("/srv/app", "//srv/app", True),
        ("/srv/app", "//srv//app/../app/src", True),
        ("//srv/app", "/srv/app", True),
        ("//srv/app", "///srv/app", True),
        ("/srv/app", "//srv/app2", False),
        ("//", "/anywhere", True),
        ("/srv/app", None, False),
    ],
)
def test_a_folder_matches_itself_and_what_is_in_it(
    prefix: str, cwd: str | None, *, matches: bool
) -> None:
    assert HookMatcher(cwd_prefix=prefix).matches(context(cwd=cwd)) is matches


@pytest.mark.parametrize(
    ("matcher", "matches"),
    [
        (HookMatcher(), True),
        (HookMatcher(phases="pre_turn"), True),
        (HookMatcher(phases=["pre_run", "pre_turn"]), True),
        (HookMatcher(phases="post_turn"), False),
        (HookMatcher(tool_name="shell"), False),
        (HookMatcher(phases="pre_turn", cwd_prefix="/other"), False),
    ],
)
def test_all_constraints_have_to_hold(matcher: HookMatcher, *, matches: bool) -> None:
    assert matcher.matches(context(cwd="/srv")) is matches


def test_a_tool_matches_by_its_name() -> None:
    matcher = HookMatcher(tool_name="shell")
    assert matcher.matches(context(tool_name="shell"))
    assert not matcher.matches(context(tool_name="shel"))


async def test_a_hook_that_does_not_match_is_skipped_and_the_report_says_so() -> None:
    run = a_run(says(Block("no"), matcher=HookMatcher(cwd_prefix="/elsewhere")))
    assert await run.before("pre_turn", TURN) == TURN
    (entry,) = run.report().entries
    assert (entry.outcome, entry.note) == ("skipped", "its matcher does not match")
    assert run.report().is_clean


# -- order and names


async def test_the_hooks_of_the_runtime_run_first_and_then_those_of_the_call() -> None:
    seen: list[str] = []
    registered = (notes("one", seen), notes("two", seen))
    run = a_run(notes("three", seen), notes("four", seen), registered=registered)
    await run.before("pre_turn", TURN)
    assert seen == [f"{name} at pre_turn" for name in ("one", "two", "three", "four")]


async def test_of_two_with_one_name_the_first_runs_and_the_report_says_so() -> None:
    run = a_run(says(Block("scoped"), "same"), registered=(says(None, "same"),))
    assert await run.before("pre_turn", TURN) == TURN
    first, second = run.report().entries
    assert (first.outcome, second.outcome) == ("noop", "skipped")
    assert second.note == "another hook of this name comes first"


async def test_a_name_counts_in_all_phases() -> None:
    seen: list[str] = []
    run = a_run(notes("same", seen, "post_turn"), registered=(notes("same", seen, "pre_turn"),))
    await run.before("pre_turn", TURN)
    await run.after("post_turn", TURN, Outcome("ok"))
    assert seen == ["same at pre_turn"]


async def test_hooks_run_in_their_phases_only() -> None:
    seen: list[str] = []
    both = Hook("both", notes("both", seen).call, ["pre_run", "post_run"])
    run = a_run(both)
    for phase in ("pre_run", "pre_session_start", "pre_turn"):
        await run.before(phase, TURN)
    for phase in ("post_turn", "post_session_start", "post_run"):
        await run.after(phase, TURN, Outcome("ok"))
    assert seen == ["both at pre_run", "both at post_run"]


async def test_what_is_registered_during_a_run_takes_part_in_the_next() -> None:
    book = HookBook()
    first = HookRun(book, (), remote=False)
    book.register(says(Block("no")))
    assert await first.before("pre_turn", TURN) == TURN
    with pytest.raises(BlockedByHook):
        await HookRun(book, (), remote=False).before("pre_turn", TURN)


def test_a_collection_stays_as_it_is() -> None:
    one, two = says(None, "one"), says(None, "two")
    few = Hooks(one)
    more = few + two
    assert ([*few], [*more], len(more)) == ([one], [one, two], 2)
    assert repr(more) == "Hooks(['one', 'two'])"


# -- blocking


async def test_a_block_ends_the_phase_and_tells_who_where_and_why() -> None:
    seen: list[str] = []
    run = a_run(notes("a", seen), says(Block("not on Sundays"), "b"), notes("c", seen))
    with pytest.raises(BlockedByHook) as caught:
        await run.before("pre_turn", TURN)
    error = caught.value
    assert (error.hook, error.phase, error.reason) == ("b", "pre_turn", "not on Sundays")
    assert str(error) == "blocked by hook 'b' at pre_turn: not on Sundays"
    assert error.report == run.report()
    assert [(entry.hook, entry.outcome) for entry in run.report().entries] == [
        ("a", "noop"),
        ("b", "blocked"),
    ]
    assert run.report().is_clean
    assert seen == ["a at pre_turn"]


async def test_a_block_without_a_reason_says_so() -> None:
    with pytest.raises(BlockedByHook, match="it gave no reason"):
        await a_run(says(Block())).before("pre_turn", TURN)


async def test_what_is_over_cannot_be_blocked() -> None:
    run = a_run(says(Block("too late"), phase="post_turn"))
    await run.after("post_turn", TURN, Outcome("ok"))
    (issue,) = run.report().issues
    assert issue.message == "blocked what is over already"


@pytest.mark.parametrize("nonsense", [True, 0, "block", {"action": "block"}, Block, Mutate])
async def test_nonsense_is_an_issue(nonsense: Any) -> None:
    run = a_run(says(nonsense))
    assert await run.before("pre_turn", TURN) == TURN
    (entry,) = run.report().entries
    assert entry.outcome == "failed"
    assert entry.issues[0].message == f"returned a {type(nonsense).__name__}, which is no action"


@pytest.mark.parametrize(
    "action", [True, Mutate(prompt=" "), Mutate(attachments=[Attachment("not-there.md")])]
)
async def test_nonsense_of_a_gate_blocks(action: Any) -> None:
    run = a_run(says(action, gate=True))
    with pytest.raises(BlockedByHook, match="a gate that fails blocks: "):
        await run.before("pre_turn", TURN)
    assert not run.report().is_clean


# -- whatever else is wrong with a hook harms that hook only


class _Mute:
    def __str__(self) -> str:
        raise RuntimeError("nothing to say")


class _NoMapping(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise RuntimeError(key)

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no keys")

    def __len__(self) -> int:
        return 1


class _NoKind:
    @property
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride] — never set
        raise RuntimeError("no kind")


class _NotEqual:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not to be compared")

    __hash__ = None  # type: ignore[assignment]  # as Python itself has it for such a class


class _Failing(HookMatcher):
    def matches(self, context: HookContext) -> bool:
        raise RuntimeError(f"broken with {SECRET}")


BAD_ACTIONS: dict[str, Callable[[], Any]] = {
    "of no kind": _NoKind,
    "metadata": lambda: Mutate(metadata=_NoMapping()),
    "a part": lambda: Mutate(prompt="Play.", attachments=cast("Any", [_NoKind()])),
    "attachments": lambda: Mutate(attachments=cast("Any", _NotEqual())),
}


@pytest.mark.parametrize("bad", BAD_ACTIONS)
async def test_an_action_that_cannot_be_read_changes_nothing(bad: str) -> None:
    action = BAD_ACTIONS[bad]()
    run = a_run(says(action))
    assert await run.before("pre_turn", TURN) == TURN
    assert not run.report().is_clean
    with pytest.raises(BlockedByHook, match="a gate that fails blocks") as caught:
        await a_run(says(action, gate=True)).before("pre_turn", TURN)
    assert caught.value.report is not None
    after = a_run(says(action, phase="post_turn", gate=True))
    await after.after("post_turn", TURN, Outcome("ok"))
    assert not after.report().is_clean


async def test_an_action_that_raises_is_a_failure() -> None:
    run = a_run(says(_NoKind()))
    await run.before("pre_turn", TURN)
    (entry,) = run.report().entries
    assert (entry.outcome, entry.issues[0].kind) == ("failed", "execution")
    assert entry.issues[0].message == "its action: RuntimeError: no kind"


@pytest.mark.parametrize("gate", [False, True])
async def test_a_block_whose_reason_cannot_be_read_blocks(*, gate: bool) -> None:
    with pytest.raises(BlockedByHook, match="it gave no reason"):
        await a_run(says(Block(cast("str", _Mute())), gate=gate)).before("pre_turn", TURN)


async def test_a_matcher_that_fails_is_an_issue() -> None:
    run = a_run(says(Block("never called"), matcher=_Failing()))
    assert await run.before("pre_turn", TURN) == TURN
    (entry,) = run.report().entries
    assert (entry.outcome, entry.issues[0].kind) == ("failed", "execution")
    assert entry.issues[0].message == "its matcher: RuntimeError: broken with [redacted]"


async def test_a_gate_whose_matcher_fails_blocks_before_and_harms_nothing_afterwards() -> None:
    run = a_run(Hook("gate", print, ["pre_turn", "post_turn"], matcher=_Failing(), gate=True))
    with pytest.raises(BlockedByHook, match="a gate that fails blocks: its matcher") as caught:
        await run.before("pre_turn", TURN)
    assert caught.value.report == run.report()
    assert [entry.outcome for entry in run.report().entries] == ["failed"]
    await run.after("post_turn", TURN, Outcome("ok"))
    assert [entry.outcome for entry in run.report().entries] == ["failed", "failed"]


# -- what is refused when a hook is made or registered


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": 7}, "name"),
        ({"call": None}, "call"),
        ({"phases": ()}, "phases"),
        ({"phases": "pre_tool"}, "phases"),
        ({"phases": None}, "phases"),
        ({"phases": 5}, "phases"),
        ({"phases": ["pre_turn", "later"]}, "phases"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": math.nan}, "timeout"),
        ({"matcher": "/srv/app"}, "matcher"),
        ({"matcher": HookMatcher}, "matcher"),
    ],
)
def test_a_hook_that_cannot_work_is_refused(arguments: dict[str, Any], field: str) -> None:
    usual: dict[str, Any] = {"name": "h", "call": print, "phases": "pre_turn"}
    with pytest.raises(InvalidArgument) as caught:
        Hook(**(usual | arguments))
    assert caught.value.field == field


@pytest.mark.parametrize(
    "matcher", [{"phases": "later"}, {"phases": 5}, {"cwd_prefix": " "}, {"cwd_prefix": 7}]
)
def test_a_matcher_that_cannot_work_is_refused(matcher: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        HookMatcher(**matcher)


@pytest.mark.parametrize("hooks", [7, [print], [says(None), None]])
def test_what_is_no_hook_is_refused(hooks: Any) -> None:
    with pytest.raises(InvalidArgument, match="hook"):
        Hooks(hooks)


@pytest.mark.parametrize(
    ("version", "compatible"), [((1, 0), True), ((1, 9), True), ((2, 0), False), ((0, 9), False)]
)
def test_the_major_version_of_the_contract_decides(
    version: tuple[int, int], *, compatible: bool
) -> None:
    made = says(None, contract_version=version)
    if compatible:
        assert [*Hooks(made)] == [made]
        return
    with pytest.raises(IncompatibleHook) as caught:
        HookBook().register(made)
    assert (caught.value.version, caught.value.supported) == (version, HOOK_CONTRACT_VERSION)


@pytest.mark.parametrize("version", ["1.0", (1,), (1, 0, 0), (True, 0), None])
def test_a_version_that_is_none_is_refused(version: Any) -> None:
    with pytest.raises(InvalidArgument, match="contract_version"):
        Hooks(says(None, contract_version=version))


def test_a_function_becomes_a_hook_in_one_line() -> None:
    @hook("pre_turn", "post_turn", gate=True, timeout=1)
    def house_rules(context: HookContext) -> Block:
        return Block(str(context.prompt))

    assert (house_rules.name, house_rules.phases) == ("house_rules", ("pre_turn", "post_turn"))
    assert (house_rules.gate, house_rules.timeout) == (True, 1.0)
    assert repr(house_rules) == "<Hook 'house_rules', a gate at pre_turn, post_turn>"


def test_the_decorator_wants_its_phases() -> None:
    with pytest.raises(InvalidArgument, match="phases"):
        hook(print)  # type: ignore[arg-type]  # a caller without a type checker


# -- secrets


def test_representations_show_no_payloads() -> None:
    shown = [
        repr(context(input=PROMPT, metadata={"key": SECRET})),
        repr(Mutate(PROMPT, metadata={"key": SECRET})),
    ]
    assert not any(SECRET in text or PROMPT in text for text in shown)
    assert shown[1] == "<Mutate prompt, metadata>"


async def test_reports_hold_no_secrets(caplog: pytest.LogCaptureFixture) -> None:
    async def fails(_: HookContext) -> None:
        raise ValueError(f"with {SECRET}")

    run = a_run(Hook("h", fails, "pre_turn"), says(Block(f"because of {SECRET}"), "b"))
    with pytest.raises(BlockedByHook) as caught:
        await run.before("pre_turn", TURN)
    said = repr(run.report()) + repr(caught.value) + str(caught.value) + caplog.text
    assert "[redacted]" in said
    assert SECRET not in said


def test_a_report_can_be_pickled() -> None:
    report = HookReport("hk-1")
    copied: HookReport = pickle.loads(pickle.dumps(report))  # noqa: S301 — made here
    assert copied == report
