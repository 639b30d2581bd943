"""A clock that moves only when a test says so, and lets coroutines wait for it."""

import asyncio
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)


class VirtualTime:
    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._waiting: list[tuple[datetime, asyncio.Event]] = []
        self._arrived = asyncio.Event()

    def now(self) -> datetime:
        return self._now

    async def wait_until(self, moment: datetime) -> None:
        if moment <= self._now:
            return
        waiter = (moment, asyncio.Event())
        self._waiting.append(waiter)
        self._arrived.set()
        try:
            await waiter[1].wait()
        finally:
            self._waiting.remove(waiter)

    async def someone_waits(self, seconds: float) -> None:
        """Return once a coroutine waits for the moment that many seconds from now."""
        wanted = self._now + timedelta(seconds=seconds)
        while wanted not in [moment for moment, _ in self._waiting]:
            self._arrived.clear()
            await self._arrived.wait()

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        for moment, due in self._waiting:
            if moment <= self._now:
                due.set()
