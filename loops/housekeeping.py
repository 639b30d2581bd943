"""Housekeeping: what must happen because time passes: seals while idle, approvals that expire, notices held back till now."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from commands.announcing import Announcer
from commands.audience import reminder, resolved
from commands.ledger import event
from commands.routing import quiet_until
from commands.surroundings import Surroundings
from domain.approvals import Approval, ApprovalState
from domain.effects import Outgoing
from loops.digest import release
from store.port import Store, StoreUnwritable
from store.tables import Tables

INTERVAL_SECONDS = 10.0  # an expiry is told at most this late; the row itself decides on every read
RATES_KEPT = timedelta(hours=48)
DELIVERIES_KEPT = timedelta(days=7)  # as long as an Enterprise Server sends one again; github.com does for three days
log = structlog.get_logger("housekeeping")


class Housekeeping:
    """Runs on a timer; everything it does could also be done later without harm."""

    def __init__(
        self,
        store: Store,
        around: Surroundings,
        announcer: Announcer,
        close_gap: Callable[[], Awaitable[None]],
        wake_relay: Callable[[], None],
    ) -> None:
        """Wire it; `close_gap` records an outage that is over, `wake_relay` is called when something is to be sent."""
        self._store = store
        self._around = around
        self._announcer = announcer
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
        """Do all that is due in one transaction; tell whether that left work for the relay."""
        now = self._around.clock.now()
        overdue = [one for one in tables.approvals.overdue(now) if _expire(one, tables, now)]
        for approval in overdue:
            self._announce(resolved(approval, "expired, nothing was started", tables, now), tables, now)
        waiting = [one for one in tables.approvals.to_remind(now) if tables.approvals.mark_reminded(one.id, now)]
        for approval in waiting:
            self._announce(reminder(approval, self._around.people.all(), self._around.policy()), tables, now)
        released = self._release_held(tables, now)
        tables.rates.forget_before(now - RATES_KEPT)
        tables.deliveries.forget_before(now - DELIVERIES_KEPT)
        self._around.sealer.seal_if_due(tables, now, privileged=bool(overdue))
        return bool(overdue or waiting or released)

    def _announce(self, outgoing: tuple[Outgoing, ...], tables: Tables, now: datetime) -> None:
        for one in outgoing:
            self._announcer.commit(one, tables, now)

    def _release_held(self, tables: Tables, now: datetime) -> int:
        """Send on what was held back until now; return how many rows that were.

        What would come in quiet hours that were set meanwhile waits on. An address that is no longer the person's gets
        nothing: their own thread has it all.
        """
        released = 0
        for (person, to), held in tables.held.due(now).items():
            if quiet_until(tables.preferences.of(person), now) is not None:
                continue
            if self._announcer.reaches(person, to):
                self._announcer.push(person, release(held, now), tables, now)
            else:
                evidence: dict[str, object] = {"keys": [one.deliver.notice.key for one in held]}
                tables.audit.append(event(now, "held-notices-dropped", person, "dead", evidence))
            tables.held.drop(one.id for one in held)
            released += len(held)
        return released


def _expire(approval: Approval, tables: Tables, now: datetime) -> bool:
    """Close an approval whose time is up; False when another process was first."""
    evidence: dict[str, object] = {"handle": approval.handle, "action": approval.action}
    expired = tables.approvals.decide(approval.id, ApprovalState.EXPIRED, "reins", now)
    if expired:
        tables.audit.append(event(now, "approval-expired", approval.id, "expired", evidence))
    return expired
