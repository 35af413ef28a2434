"""A blocking caller that is interrupted, at the worst moments."""

from collections.abc import Callable
from threading import Event

import anyio
import pytest

from codex_runtime._blocking import Worker


class Work:
    """Lasts until it is cancelled."""

    def __init__(self) -> None:
        self.began = Event()
        self.cleaned_up = Event()

    async def __call__(self) -> None:
        self.began.set()
        try:
            await anyio.sleep(60)
        finally:
            self.cleaned_up.set()


def interrupted_at_start(worker: Worker[None], *, before: bool, work: Work) -> None:
    start = worker._thread.start

    def interrupted() -> None:
        if not before:
            start()
            assert work.began.wait(5)
        raise KeyboardInterrupt

    worker._thread.start = interrupted


@pytest.mark.parametrize("before", [True, False])
def test_an_interrupt_while_the_thread_starts_goes_on_and_leaves_nothing(before: bool) -> None:  # noqa: FBT001 — a parameter of the test
    work = Work()
    worker = Worker(work)
    interrupted_at_start(worker, before=before, work=work)
    with pytest.raises(KeyboardInterrupt):
        worker()
    if not before:
        worker._thread.join(5)
        assert not worker._thread.is_alive()
    assert work.cleaned_up.is_set() is not before


def test_an_interrupt_before_the_loop_runs_is_not_lost() -> None:
    work = Work()
    worker = Worker(work)
    worker._cancel()
    worker()
    assert not work.began.is_set()


def failing() -> Callable[[], object]:
    async def work() -> object:
        raise ValueError("as it went in")

    return Worker(work)


def test_an_error_comes_out_as_it_went_in() -> None:
    with pytest.raises(ValueError, match="as it went in"):
        failing()()
