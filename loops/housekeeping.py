"""Housekeeping: what must happen because time passes: seals while idle, approvals that expire, counters that age."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import structlog

from commands.audience import resolved_notice
from commands.ledger import event
from commands.recording import commit_effect
from domain.approvals import ApprovalState
from domain.clock import Clock
from store.port import Store, StoreUnwritable
from store.sealing import Sealer
from store.tables import Tables

INTERVAL_SECONDS = 10.0  # an expiry is told at most this late; the row itself decides on every read
RATES_KEPT = timedelta(hours=48)
log = structlog.get_logger("housekeeping")


class Housekeeping:
    """Runs on a timer; everything it does could also be done later without harm."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        clock: Clock,
        close_gap: Callable[[], Awaitable[None]],
        wake_relay: Callable[[], None],
    ) -> None:
        """Wire it; `close_gap` records an outage that is over."""
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._close_gap = close_gap
        self._wake_relay = wake_relay

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Tick every 10 s until `stop` is set."""
        while not stop.is_set():
            try:
                await self.tick()
            except StoreUnwritable as error:
                log.warning("housekeeping_unrecorded", error=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), INTERVAL_SECONDS)

    async def tick(self) -> None:
        """Do what is due now.

        Raises:
            StoreUnwritable: nothing was done.
        """
        await self._close_gap()
        if await self._store.transact(self._do):
            self._wake_relay()

    def _do(self, tables: Tables) -> bool:
        now = self._clock.now()
        overdue = tables.approvals.overdue(now)
        for approval in overdue:
            if tables.approvals.decide(approval.id, ApprovalState.EXPIRED, "reins", now):
                told = resolved_notice(approval, "expired, nothing was started", approval.reply_to)
                commit_effect(told, tables, now)
                evidence: dict[str, object] = {"handle": approval.handle, "action": approval.action}
                tables.audit.append(event(now, "approval-expired", approval.id, "expired", evidence))
        tables.rates.forget_before(now - RATES_KEPT)
        self._sealer.seal_if_due(tables, now, privileged=bool(overdue))
        return bool(overdue)
