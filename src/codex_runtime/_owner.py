"""One task per client that owns everything inside it."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

import anyio
from anyio.lowlevel import current_token

from codex_runtime._backend import asyncio_loop
from codex_runtime.errors import CodexRuntimeError

__all__ = ["Owner"]

logger = logging.getLogger("codex_runtime.runtime")

Main = Callable[[], Awaitable[None]]


class Owner:
    """Runs `main` in a task of its own, from now on; any task may wait for it or stop it.

    A task group must be left by the task that entered it. A client is often entered by one
    task (a web framework's startup, a test fixture) and closed by another, so its task groups
    all live inside `main`, and only this class stands outside.

    When the event loop ends with the owner still running, the loop cancels it, and `main`
    gets to clean up.
    """

    def __init__(self, main: Main) -> None:
        self._loop = current_token()
        self._scope = anyio.CancelScope()
        self._ended = anyio.Event()
        self.error: BaseException | None = None
        """What `main` raised, if anything but a cancellation ended it."""
        _spawn(lambda: self._run(main), self._ended.set)

    @property
    def ended(self) -> bool:
        """Whether `main` is over."""
        return self._ended.is_set()

    @property
    def is_here(self) -> bool:
        """Whether the running event loop is the one that runs `main`."""
        return current_token() == self._loop

    def stop(self) -> None:
        """Cancel `main`. Returns at once; `wait_ended` tells when it is over."""
        self._scope.cancel()

    async def wait_ended(self) -> None:
        """Wait until `main` is over. Cancelling stops the wait only."""
        await self._ended.wait()

    async def _run(self, main: Main) -> None:
        try:
            with self._scope:
                await main()
        except Exception as error:
            self.error = error = _bare(error)
            if not isinstance(error, CodexRuntimeError):
                logger.exception("the connection broke down", exc_info=error)
        finally:
            self._ended.set()


def _bare(error: Exception) -> Exception:
    """An exception without the groups that task groups wrap around it."""
    inner: tuple[Exception, ...] = getattr(error, "exceptions", ())
    return _bare(inner[0]) if len(inner) == 1 else error


_NAME: Final = "codex-runtime"
"""Of the task, for those who list tasks."""

_tasks: Final[set[object]] = set()
"""Strong references: asyncio keeps only weak ones to its tasks."""


def _spawn(run: Callable[[], Awaitable[None]], ended: Callable[[], None]) -> None:
    loop = asyncio_loop()
    if loop is None:
        import trio  # noqa: PLC0415 — there only where it is the backend

        trio.lowlevel.spawn_system_task(run, name=_NAME)
        return
    task = loop.create_task(_coroutine(run), name=_NAME)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    # A loop that ends at this very moment cancels the task before `run` has begun.
    task.add_done_callback(lambda _: ended())


async def _coroutine(run: Callable[[], Awaitable[None]]) -> None:
    await run()
