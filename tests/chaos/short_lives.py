"""A bot that lives in one short process after another, beside providers that outlive it and can kill it.

async with short_lives(tmp_path) as world:
    async with world.life(to="sms:+41790000001", number=1, killed_by="sms"):   # Twilio kills it before it answers
        pass
    async with world.life():                                                   # a new one does what is left to do
        pass
    world.ledgers["sms"], world.rows("SELECT state FROM outbox")
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from store.sqlite_connection import connect
from tests.chaos.provider_bot import Providers
from tests.chaos.relay_spawner import USER, Life
from tests.fakes.providers.ledger import Accepted, Ledger
from tests.fakes.providers.ntfy import FakeNtfy
from tests.fakes.providers.slack import FakeSlack
from tests.fakes.providers.telegram import FakeTelegram
from tests.fakes.providers.twilio import FakeTwilio
from tests.fakes.virtual_time import VirtualTime
from tests.house.checkout import ROOT

GUARD_SECONDS = 30  # only ends a test that would hang
PAST_THE_LEASE_SECONDS = 90.0
PROVIDERS = ("sms", "telegram", "ntfy", "slack")


class KillingLedger(Ledger):
    """Kills a process as soon as a provider has taken something from it, before it can learn of that."""

    def __init__(self) -> None:
        super().__init__()
        self.victim: int | None = None

    def append(self, item: Accepted) -> None:
        super().append(item)
        if self.victim is not None:
            os.kill(self.victim, signal.SIGKILL)
            self.victim = None


class ShortLives:
    """What the module's docstring shows."""

    def __init__(self, folder: Path, spawner: subprocess.Popen[str]) -> None:
        self.clock = VirtualTime()
        self.ledgers = {name: KillingLedger() for name in PROVIDERS}
        self.twilio = FakeTwilio(self.clock, self.ledgers["sms"])
        self.telegram = FakeTelegram(self.clock, self.ledgers["telegram"])
        self.ntfy = FakeNtfy(self.clock, ledger=self.ledgers["ntfy"])
        self.slack = FakeSlack(self.clock, self.ledgers["slack"])
        self._folder = folder
        self._spawner = spawner

    async def start(self, stack: AsyncExitStack) -> None:
        """Start the providers."""
        for fake in (self.twilio, self.telegram, self.ntfy, self.slack):
            await stack.enter_async_context(fake)
        self.telegram.start(USER)
        self._providers = Providers(self.twilio.url, self.telegram.url, self.ntfy.url, self.slack.webhook_url)

    @asynccontextmanager
    async def life(self, *, killed_by: str | None = None, **what: Any) -> AsyncIterator[None]:
        """Let one process live, its clock past all that the last one held; `killed_by` is the provider that kills it.

        `what` are fields of a `Life`. Leaving waits for its end, and fails unless that was as foreseen.
        """
        self.clock.advance(PAST_THE_LEASE_SECONDS)
        process = int(await self._line())
        if killed_by is not None:
            self.ledgers[killed_by].victim = process
        life = Life(str(self._folder), self._providers, self.clock.now().isoformat(), **what)
        assert self._spawner.stdin is not None
        self._spawner.stdin.write(life.line())
        self._spawner.stdin.flush()
        yield
        status = int(await self._line())
        assert status == (signal.SIGKILL if killed_by or life.dies else 0), self.log
        for text in self.twilio.texts.values():
            text.status = "delivered"  # carriers need no process of ours

    async def serves(self) -> None:
        """Wait until the process serves its webhook, and let Twilio post there."""
        self.twilio.connect(f"http://127.0.0.1:{int(await self._line())}")

    def rows(self, sql: str) -> list[Any]:
        """Read committed rows."""
        connection = connect(self._folder / "reins.db", read_only=True)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def audit(self, action: str) -> list[dict[str, Any]]:
        """Return audit rows of one action, oldest first."""
        found = [json.loads(body) for (body,) in self.rows("SELECT body FROM audit ORDER BY seq")]
        return [row for row in found if row["action"] == action]

    @property
    def log(self) -> str:
        """Return the end of what the processes logged."""
        return (self._folder / "log").read_text(encoding="utf-8")[-4000:]

    async def _line(self) -> str:
        assert self._spawner.stdout is not None
        async with asyncio.timeout(GUARD_SECONDS):
            return await asyncio.to_thread(self._spawner.stdout.readline)


@asynccontextmanager
async def short_lives(folder: Path) -> AsyncIterator[ShortLives]:
    """Start the providers and what forks the processes; all of them end with the block."""
    command = [sys.executable, "-m", "tests.chaos.relay_spawner", str(folder / "log")]
    async with AsyncExitStack() as stack:
        spawner = stack.enter_context(
            subprocess.Popen(  # noqa: ASYNC220 - it is there in a millisecond
                command,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )
        stack.callback(_end, spawner)
        world = ShortLives(folder, spawner)
        await world.start(stack)
        yield world


def _end(spawner: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(spawner.pid, signal.SIGKILL)
