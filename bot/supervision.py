"""Supervised tasks: each runs until told to stop; one that fails is logged, started again, and shows in health."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

RESTART_SECONDS = (0.2, 1.0, 5.0, 30.0)  # the first restart is quick, a task that keeps failing does not spin
log = structlog.get_logger("supervision")
RunForever = Callable[[asyncio.Event], Awaitable[None]]
Pause = Callable[[asyncio.Event, float], Awaitable[None]]


@dataclass(slots=True)
class Supervised:
    """One task: how often it had to be started again, and what its last failure was."""

    name: str
    run_forever: RunForever
    failures: int = 0
    last_failure: str | None = None
    task: "asyncio.Task[None] | None" = field(default=None, repr=False)


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait that long, or until `stop` is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


class Supervisor:
    """Starts tasks together and stops them together."""

    def __init__(self, wait: Pause = pause) -> None:
        """Start with no tasks; `wait` passes the time before a failed task is started again."""
        self._wait = wait
        self._stop = asyncio.Event()
        self.tasks: list[Supervised] = []

    def start(self, name: str, run_forever: RunForever) -> None:
        """Run a task until `stop`."""
        supervised = Supervised(name, run_forever)
        supervised.task = asyncio.create_task(self._keep_running(supervised), name=name)
        self.tasks.append(supervised)

    async def stop(self, wake: Callable[[], None], grace_seconds: float) -> None:
        """Ask every task to end, wait for it, and cancel only what does not end in time."""
        self._stop.set()
        wake()
        tasks = [supervised.task for supervised in self.tasks if supervised.task is not None]
        if not tasks:
            return
        _done, late = await asyncio.wait(tasks, timeout=grace_seconds)
        for task in late:
            log.warning("task_cancelled", task=task.get_name())
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _keep_running(self, supervised: Supervised) -> None:
        while not self._stop.is_set():
            try:
                await supervised.run_forever(self._stop)
            except Exception as error:
                seconds = RESTART_SECONDS[min(supervised.failures, len(RESTART_SECONDS) - 1)]
                supervised.failures += 1
                supervised.last_failure = type(error).__name__
                log.exception("task_failed", task=supervised.name, again_in_seconds=seconds)
                await self._wait(self._stop, seconds)
