"""One task per client that owns everything inside it."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Protocol, cast

import anyio
from anyio.lowlevel import current_token

__all__ = ["Owner"]

Main = Callable[[], Awaitable[None]]


class _AsyncioTask(Protocol):
    def add_done_callback(self, done: Callable[[Any], object], /) -> object: ...


class _AsyncioLoop(Protocol):
    def create_task(self, coroutine: Coroutine[Any, Any, None], *, name: str) -> _AsyncioTask: ...


class Owner:
    """Runs `main` in a task of its own; any task may wait for it or stop it.

    A task group must be left by the task that entered it. A client is often entered by one
    task (a web framework's startup, a test fixture) and closed by another, so its task groups
    all live inside `main`, and only this class stands outside.

    When the event loop ends with the owner still running, the loop cancels it, and `main`
    gets to clean up.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._scope = anyio.CancelScope()
        self._ended = anyio.Event()
        self._started = False
        self.error: BaseException | None = None
        """What `main` raised, if anything but a cancellation ended it."""

    @property
    def ended(self) -> bool:
        """Whether `main` is over."""
        return self._ended.is_set()

    def start(self, main: Main) -> None:
        """Start `main`. Returns at once."""
        self._started = True
        _spawn(lambda: self._run(main), self._name, self._ended.set)

    def stop(self) -> None:
        """Cancel `main`. Returns at once; `wait_ended` tells when it is over."""
        self._scope.cancel()
        if not self._started:
            self._ended.set()

    async def wait_ended(self) -> None:
        """Wait until `main` is over. Cancelling stops the wait only."""
        await self._ended.wait()

    async def _run(self, main: Main) -> None:
        try:
            with self._scope:
                await main()
        except Exception as error:  # noqa: BLE001 — nobody awaits this task: the error is kept for whoever asks
            self.error = error
        finally:
            self._ended.set()


_tasks: Final[set[object]] = set()
"""Strong references: asyncio keeps only weak ones to its tasks."""


def _spawn(run: Callable[[], Awaitable[None]], name: str, ended: Callable[[], None]) -> None:
    loop = current_token().native_token
    if hasattr(loop, "create_task"):
        # anyio offers no task outside a group, and a group must be left by who entered it.
        task = cast("_AsyncioLoop", loop).create_task(_coroutine(run), name=name)
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)
        # A loop that ends at this very moment cancels the task before `run` has begun.
        task.add_done_callback(lambda _: ended())
        return
    import trio  # noqa: PLC0415 — there only where it is the backend

    trio.lowlevel.spawn_system_task(run, name=name)


async def _coroutine(run: Callable[[], Awaitable[None]]) -> None:
    await run()
