"""How the local forge waits: always through a clock that was handed in, so that tests need no sleep."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from domain.clock import Clock

# How late a job or a cancel written by another process is seen, and how soon a full disk is tried again.
PAUSE_SECONDS = 5

WaitUntil: TypeAlias = Callable[[datetime], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A clock, and a coroutine function that returns once that clock has reached a moment."""

    clock: Clock
    wait_until: WaitUntil

    async def wait(self, seconds: int) -> None:
        """Wait that long."""
        await self.wait_until(self.clock.now() + timedelta(seconds=seconds))

    async def pause(self) -> None:
        """Wait until it is worth looking again."""
        await self.wait(PAUSE_SECONDS)


def machine_time(clock: Clock) -> LocalTime:
    """Wait by the event loop's timer for what the clock says is left."""

    async def wait_until(moment: datetime) -> None:
        await asyncio.sleep(max(0.0, (moment - clock.now()).total_seconds()))

    return LocalTime(clock, wait_until)


async def first_of(*waits: Awaitable[object]) -> None:
    """Wait until one is done, cancel the others, and raise what the one raised."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    for task in done:
        task.result()
