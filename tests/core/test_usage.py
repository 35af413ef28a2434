"""What a turn used, from the thread's running total."""

from dataclasses import astuple, fields

from hypothesis import given
from hypothesis import strategies as st

from codex_runtime.protocol import ThreadTokenUsage, TokenUsageBreakdown
from codex_runtime.usage import TokenUsage, UsageMeter

counts = st.integers(0, 10**9)
calls = st.builds(TokenUsage, *[counts] * 5)
"""What one call of the model used."""


def breakdown(usage: TokenUsage) -> TokenUsageBreakdown:
    return TokenUsageBreakdown(
        input_tokens=usage.input_tokens,
        cached_input_tokens=usage.cached_input_tokens,
        output_tokens=usage.output_tokens,
        reasoning_output_tokens=usage.reasoning_output_tokens,
        total_tokens=usage.total_tokens,
    )


def report(total: TokenUsage, last: TokenUsage) -> ThreadTokenUsage:
    return ThreadTokenUsage(total=breakdown(total), last=breakdown(last))


def add(one: TokenUsage, other: TokenUsage) -> TokenUsage:
    return TokenUsage(*(a + b for a, b in zip(astuple(one), astuple(other), strict=True)))


def metered(*reports: ThreadTokenUsage) -> TokenUsage | None:
    meter = UsageMeter()
    for each in reports:
        meter.update(each)
    return meter.used


def test_nothing_reported_is_not_the_same_as_nothing_used() -> None:
    assert metered() is None
    assert metered(report(TokenUsage(), TokenUsage())) == TokenUsage()


def test_the_first_turn_uses_its_total() -> None:
    assert metered(report(TokenUsage(10, 4, 3, 1, 13), TokenUsage(10, 4, 3, 1, 13))) == TokenUsage(
        input_tokens=10,
        cached_input_tokens=4,
        output_tokens=3,
        reasoning_output_tokens=1,
        total_tokens=13,
    )


def test_a_later_turn_uses_what_it_added_to_the_total() -> None:
    used = metered(
        report(TokenUsage(total_tokens=1010), TokenUsage(total_tokens=10)),
        report(TokenUsage(total_tokens=1030), TokenUsage(total_tokens=20)),
    )

    assert used == TokenUsage(total_tokens=30)


def test_a_total_that_is_sent_again_changes_nothing() -> None:
    first = report(TokenUsage(total_tokens=110), TokenUsage(total_tokens=10))
    second = report(TokenUsage(total_tokens=115), TokenUsage(total_tokens=5))

    assert metered(first, first, second, second) == metered(first, second)


def test_numbers_that_are_not_sent_count_as_zero() -> None:
    assert TokenUsage.of(TokenUsageBreakdown(output_tokens=5)) == TokenUsage(output_tokens=5)


def test_a_report_that_lacks_a_half_is_left_out() -> None:
    whole = report(TokenUsage(total_tokens=5), TokenUsage(total_tokens=5))
    only_total = ThreadTokenUsage(total=TokenUsageBreakdown(total_tokens=99))
    only_last = ThreadTokenUsage(last=TokenUsageBreakdown(total_tokens=99))

    assert metered(only_total, only_last) is None
    assert metered(whole, only_total, only_last) == TokenUsage(total_tokens=5)


def test_a_difference_is_taken_field_by_field() -> None:
    assert TokenUsage(10, 9, 8, 7, 6) - TokenUsage(1, 2, 3, 4, 5) == TokenUsage(9, 7, 5, 3, 1)
    assert len(fields(TokenUsage)) == 5


@given(st.lists(st.lists(calls, min_size=1, max_size=4), max_size=5), calls, st.integers(1, 3))
def test_the_turns_together_use_what_the_thread_used(
    turns: list[list[TokenUsage]], before: TokenUsage, repeats: int
) -> None:
    total, together = before, TokenUsage()
    for turn in turns:
        meter = UsageMeter()
        for call in turn:
            total = add(total, call)
            for _ in range(repeats):
                meter.update(report(total, call))
        assert meter.used is not None
        together = add(together, meter.used)

    assert together == total - before
