"""The relay: the only part that touches the world. It leases committed effects, performs them and records how they went."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.last_look import objection, overtaken
from bot.performing import Fate, Performer, Tried
from bot.retry import wait_before
from bot.supervision import pause
from commands.ledger import event
from commands.recording import cancel_key
from domain.clock import Clock
from domain.effects import CancelRun, Dispatch
from domain.ids import Entropy, ulid
from domain.modes import ModeSources
from domain.notices import DeliveryState
from domain.runs import RunState
from loops.progress import refuse
from loops.watch import commit_progress
from policy.loading import PolicyState
from store.port import Store, StoreUnwritable
from store.tables import Tables
from store.tables.outbox import OutboxRow

TRY_SECONDS = 15.0  # a slower try counts as unclear and is looked back at
LEASE = timedelta(seconds=20)  # longer than a try may take, so that nobody takes over a row that is being tried
LEASED_AT_ONCE = 32
IDLE_SECONDS = 5.0  # looks after this long without a wake-up: other processes commit effects too
LOOK_BACK_AFTER = timedelta(seconds=5)  # a provider needs a moment before a message or run can be found
UNWRITABLE_PAUSE_SECONDS = 1.0  # a full disk refuses at once: without a pause the relay would spin
MAX_TRIES = 1000  # at 150 s between two on average this is past every lifetime; it ends rows whose lifetime is broken
log = structlog.get_logger("relay")


@dataclass(frozen=True, slots=True)
class RelayParts:
    """What the relay works with; `mode` and `policy` are read again for every lease."""

    store: Store
    performer: Performer
    mode: Callable[[Tables], ModeSources]
    policy: Callable[[], PolicyState]
    clock: Clock
    entropy: Entropy
    run_changed: Callable[[], None]


class Relay:
    """Performs effects in the order they fall due; `owner` names this process in leases."""

    def __init__(self, parts: RelayParts, owner: str, try_seconds: float = TRY_SECONDS) -> None:
        """Wire the relay; it does nothing until `run_forever` or `tick`."""
        self._parts = parts
        self._owner = owner
        self._try_seconds = try_seconds
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look soon: something was committed."""
        self._wake.set()

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Perform effects until `stop` is set; the batch in hand is finished first."""
        while not stop.is_set():
            self._wake.clear()
            try:
                while await self.tick() and not stop.is_set():
                    pass
            except StoreUnwritable as error:  # without a record nothing is done; the rows stay where they are
                log.warning("relay_waits_for_store", error=str(error))
                await pause(stop, UNWRITABLE_PAUSE_SECONDS)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), await self._pause_seconds())

    async def tick(self) -> int:
        """Lease what is due and perform it; return how many rows that were.

        Raises:
            StoreUnwritable: a lease or an outcome could not be recorded; such rows come back as ambiguous.
        """
        now = self._parts.clock.now()
        rows = await self._parts.store.transact(
            lambda tables: tables.outbox.lease(self._owner, now, now + LEASE, LEASED_AT_ONCE)
        )
        ended = await asyncio.gather(*(self._handle(row) for row in rows), return_exceptions=True)
        for failure in ended:
            if failure is not None:
                raise failure
        return len(rows)

    async def _pause_seconds(self) -> float:
        due = await self._parts.store.read(lambda tables: tables.outbox.next_due())
        if due is None:
            return IDLE_SECONDS
        return min(max((due - self._parts.clock.now()).total_seconds(), 0.01), IDLE_SECONDS)

    async def _handle(self, row: OutboxRow) -> None:
        try:
            async with asyncio.timeout(self._try_seconds):
                tried = await self._try(row)
        except TimeoutError:
            tried = Tried(Fate.UNCLEAR, f"no answer within {self._try_seconds:.0f} s")
        except StoreUnwritable:
            raise
        except Exception:  # the one catch of faults of ours in an effect; the row is kept
            problem = ulid(self._parts.clock.now(), self._parts.entropy)
            log.exception("effect_failed", problem=problem, key=row.key)
            tried = Tried(Fate.UNCLEAR, f"fault of ours, log id {problem}")
        await self._parts.store.transact(lambda tables: self._record(row, tried, tables))
        if isinstance(row.effect, Dispatch):
            self._parts.run_changed()

    async def _try(self, row: OutboxRow) -> Tried:
        if row.state is DeliveryState.AMBIGUOUS:
            looked = await self._parts.performer.look_back(row.effect)
            if looked.fate is not Fate.LATER:
                return looked
        if self._parts.clock.now() >= row.expires_at:
            return Tried(Fate.NEVER, "expired")
        effect = row.effect
        # Notices are not looked at again: they go straight out, so that they keep their order.
        if isinstance(effect, Dispatch | CancelRun):
            held_back = await self._parts.store.read(lambda tables: self._held_back(effect, tables))
            if held_back is not None:
                return held_back
        return await self._parts.performer.perform(effect)

    def _held_back(self, effect: Dispatch | CancelRun, tables: Tables) -> Tried | None:
        run = tables.runs.get(effect.run_id)
        if isinstance(effect, CancelRun):
            # Forgetting the cancel now would let a delayed dispatch start what was aborted.
            waits = run is not None and run.state is RunState.ACCEPTED
            return Tried(Fate.LATER, "the run has not reached its forge yet") if waits else None
        cancelled = tables.outbox.has(cancel_key(effect.run_id))
        found = overtaken(run, cancelled) or objection(effect, self._parts.mode(tables), self._parts.policy())
        return Tried(Fate.NEVER, f"{found[0]}: {found[1]}") if found else None

    def _record(self, row: OutboxRow, tried: Tried, tables: Tables) -> None:
        now = self._parts.clock.now()
        if tried.fate is Fate.DONE:
            if tables.outbox.settle(row, DeliveryState.DELIVERED, now, None):
                self._audit(row, tried, DeliveryState.DELIVERED, tables)
                self._reached_forge(row, tried, tables, now)
        elif tried.fate is Fate.NEVER or row.tries >= MAX_TRIES or now >= row.expires_at:
            state = DeliveryState.EXPIRED if now >= row.expires_at else DeliveryState.DEAD
            if tables.outbox.settle(row, state, now, tried.reason):
                self._audit(row, tried, state, tables)
                if tried.fate is not Fate.UNCLEAR:  # else the watch finds the job, or says that nobody can tell (I11)
                    self._never_reached_forge(row, tried, tables, now)
        else:
            self._postpone(row, tried, tables, now)

    def _postpone(self, row: OutboxRow, tried: Tried, tables: Tables, now: datetime) -> None:
        wait = wait_before(row.tries, tried.retry_after_seconds, self._parts.entropy)
        state = DeliveryState.PENDING
        if tried.fate is Fate.UNCLEAR:
            state, wait = DeliveryState.AMBIGUOUS, max(wait, LOOK_BACK_AFTER)
        if tables.outbox.postpone(row, state, min(now + wait, row.expires_at), tried.reason or ""):
            self._audit(row, tried, state, tables)

    def _audit(self, row: OutboxRow, tried: Tried, state: DeliveryState, tables: Tables) -> None:
        """Every try leaves a row (I8); the notice's text stays out, its key says which it was."""
        evidence: dict[str, object] = {"key": row.key, "try": row.tries, "error": tried.reason}
        kind = type(row.effect).__name__.lower()
        tables.audit.append(event(self._parts.clock.now(), f"effect-{kind}", row.key, state.value, evidence))

    def _reached_forge(self, row: OutboxRow, tried: Tried, tables: Tables, now: datetime) -> None:
        run = tables.runs.get(row.effect.run_id) if isinstance(row.effect, Dispatch) else None
        if run is not None and run.state is RunState.ACCEPTED:
            url = tried.job.url if tried.job else None
            tables.runs.change(replace(run, state=RunState.DISPATCHED, url=url), now)

    def _never_reached_forge(self, row: OutboxRow, tried: Tried, tables: Tables, now: datetime) -> None:
        run = tables.runs.get(row.effect.run_id) if isinstance(row.effect, Dispatch) else None
        if run is not None and not run.state.final:
            mode = self._parts.mode(tables).effective.value
            reason = (tried.reason or "refused").partition(":")[0]
            commit_progress(refuse(run, reason, tried.reason or "", mode, now), tables, self._parts.clock)
            self.wake()
