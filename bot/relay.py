"""The relay: the only part that touches the world. It leases committed effects, performs them and records how they went."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.circuits import Circuits
from bot.last_look import closed_meanwhile, objection, overtaken
from bot.performing import Fate, Performer, Tried
from bot.settling import Settling, unsent
from bot.supervision import pause
from channels.port import Earlier
from commands.announcing import Announcer
from commands.recording import cancel_key
from domain.clock import Clock
from domain.effects import CancelRun, Deliver, Dispatch, Effect, LinkAddress
from domain.ids import Entropy, ulid
from domain.modes import ModeSources
from domain.notices import DeliveryState, NoticeKind
from domain.runs import RunState
from policy.loading import PolicyState
from store.port import Store, StoreUnwritable
from store.tables import Tables
from store.tables.outbox import OutboxRow

TRY_SECONDS = 25.0  # a picture and two calls of 10 s at most; a slower try counts as unclear and is looked back at
LEASE = timedelta(seconds=60)  # longer than two tries may take, so that nobody takes over a row that is being tried
BEHIND_SECONDS = 1.0  # what is behind a slow try in its lane is looked at again when the lane is free, or after this
LEASED_AT_ONCE = 32
MAX_LANES = 128  # calls at once, to all providers together: past this a slow one would only be asked more
IDLE_SECONDS = 5.0  # looks after this long without a wake-up: other processes commit effects too
FRESH_TRIES = 2  # a wait of up to 4 s
UNWRITABLE_PAUSE_SECONDS = 1.0  # a full disk refuses at once: without a pause the relay would spin
_FAILURES = frozenset({Fate.LATER, Fate.UNCLEAR, Fate.BROKEN, Fate.REPEAT})  # a repeat that was not taken either
log = structlog.get_logger("relay")


@dataclass(frozen=True, slots=True)
class RelayParts:
    """What the relay works with; `mode` and `policy` are read again for every lease."""

    store: Store
    performer: Performer
    announcer: Announcer
    mode: Callable[[Tables], ModeSources]
    policy: Callable[[], PolicyState]
    clock: Clock
    entropy: Entropy
    run_changed: Callable[[], None]


class Relay:
    """Performs effects in the order they fall due, urgent ones first; `owner` names this process in leases."""

    def __init__(self, parts: RelayParts, owner: str, try_seconds: float = TRY_SECONDS) -> None:
        """Wire the relay; it does nothing until `run_forever` or `tick`."""
        self._parts = parts
        self._owner = owner
        self._try_seconds = try_seconds
        self._wake = asyncio.Event()
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._paced: dict[str, datetime] = {}
        self._behind = False
        self._circuits = Circuits(parts.clock)
        self.settling = Settling(parts.performer, parts.announcer, parts.mode, parts.clock, parts.entropy)

    @property
    def resting(self) -> frozenset[str]:
        """Return the channels that keep failing and are only probed."""
        return self._circuits.resting()

    def wake(self) -> None:
        """Look soon: something was committed."""
        self._wake.set()

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Perform effects until `stop` is set; what is in hand is finished first.

        A slow provider holds up its own lane only: one lane per address and per run, each in order.
        """
        while not stop.is_set():
            self._wake.clear()
            try:
                self._raise_failures()
                taken = self._start(await self._take())
            except StoreUnwritable as error:  # without a record nothing is done; the rows stay where they are
                log.warning("relay_waits_for_store", error=str(error))
                await pause(stop, UNWRITABLE_PAUSE_SECONDS)
                continue
            if not taken:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), await self._pause_seconds())
        await asyncio.gather(*self._lanes.values(), return_exceptions=True)
        self._raise_failures()

    async def tick(self) -> int:
        """Lease what is due and perform it; return how many rows that were.

        Raises:
            StoreUnwritable: a lease or an outcome could not be recorded; such rows come back as ambiguous.
        """
        rows = await self._take()
        self._start(rows)
        await asyncio.gather(*self._lanes.values(), return_exceptions=True)
        self._raise_failures()
        return len(rows)

    def _start(self, rows: list[OutboxRow]) -> int:
        """Begin a lane for each address or run that these rows belong to, and return how many rows that were."""
        lanes: dict[str, list[OutboxRow]] = {}
        for row in rows:
            lanes.setdefault(_lane(row.effect), []).append(row)
        for name, chain in lanes.items():
            self._lanes[name] = asyncio.create_task(self._go_along(chain, self._parts.clock.now()))
            self._lanes[name].add_done_callback(lambda _task: self.wake())
        return len(rows)

    def _raise_failures(self) -> None:
        """Forget the lanes that are done, and raise the first failure among them."""
        done = [name for name, lane in self._lanes.items() if lane.done()]
        failures = [self._lanes.pop(name).exception() for name in done]
        for failure in failures:
            if failure is not None:
                raise failure

    async def _go_along(self, chain: list[OutboxRow], leased_at: datetime) -> None:
        """Perform the rows of one lane in their order.

        What the lease leaves no time for is given back untried, and so is what stands behind a row that was paced.
        """
        paced: Tried | None = None
        for number, row in enumerate(chain):
            late = self._parts.clock.now() - leased_at > LEASE - timedelta(seconds=self._try_seconds)
            if paced is None and number and late:
                paced = Tried(Fate.PACED)
            if paced is None:
                tried = await self._handle(row)
                paced = tried if tried.fate is Fate.PACED else None
                if paced is not None:
                    seconds = timedelta(seconds=paced.retry_after_seconds or 0)
                    self._paced[_lane(row.effect)] = self._parts.clock.now() + seconds
            else:
                await self._settle(row, paced)

    async def _settle(self, row: OutboxRow, tried: Tried) -> None:
        recovered = self._note_circuit(row.effect, tried)
        if await self._parts.store.transact(lambda tables: self._record(row, tried, recovered, tables)):
            self.wake()

    async def _take(self) -> list[OutboxRow]:
        """Lease what is due and free to be tried; what stands behind another row of its lane keeps its place."""
        room = min(LEASED_AT_ONCE, MAX_LANES - len(self._lanes))
        if room <= 0:
            self._behind = True
            return []  # a lane that ends wakes us
        closed, probes = self._circuits.resting(), self._circuits.probes_due()
        rows, behind = await self._parts.store.transact(lambda tables: self._lease(tables, room, closed, probes))
        self._behind = behind
        now = self._parts.clock.now()
        self._paced = {lane: until for lane, until in self._paced.items() if until > now}
        return rows

    def _lease(
        self, tables: Tables, room: int, closed: frozenset[str], probes: list[str]
    ) -> tuple[list[OutboxRow], bool]:
        """Lease rows, and tell whether some were given back because their lane is busy."""
        now = self._parts.clock.now()
        self.settling.fan_out_late(tables, now)
        rows = tables.outbox.lease(self._owner, now, now + LEASE, room, closed)
        if closed:
            rows += tables.outbox.lease_expired(self._owner, now, now + LEASE, room, closed)
        probed = (tables.outbox.probe(self._owner, channel, now, now + LEASE) for channel in probes)
        rows += [row for row in probed if row is not None]
        free, behind = [], False
        for row in rows:
            busy, until = self._is_busy(row), self._paced.get(_lane(row.effect), now)
            if busy or until > now:
                tables.outbox.postpone(row, unsent(row), max(now, until), "", counts=False)
                behind = behind or busy
            else:
                free.append(row)
        return free, behind

    def _is_busy(self, row: OutboxRow) -> bool:
        """Tell whether an earlier row of the same lane is still being tried."""
        lane = self._lanes.get(_lane(row.effect))
        return lane is not None and not lane.done()

    async def _pause_seconds(self) -> float:
        if self._behind:
            return BEHIND_SECONDS
        closed = self._circuits.resting()
        due = await self._parts.store.read(lambda tables: tables.outbox.next_due(closed))
        moments = [moment for moment in (due, self._circuits.next_probe()) if moment is not None]
        if not moments:
            return IDLE_SECONDS
        return min(max((min(moments) - self._parts.clock.now()).total_seconds(), 0.01), IDLE_SECONDS)

    async def _handle(self, row: OutboxRow) -> Tried:
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
        await self._settle(row, tried)
        if isinstance(row.effect, Dispatch):
            self._parts.run_changed()
        return tried

    def _record(self, row: OutboxRow, tried: Tried, recovered: str | None, tables: Tables) -> bool:
        """Write down how a try went, and let a recovered channel's notices go; True when there is more to do now."""
        # What failed while the provider was away says nothing about how long to wait now that it is back.
        tries = (
            min(row.tries, FRESH_TRIES) if self._circuits.is_back(_lane(row.effect).partition(":")[0]) else row.tries
        )
        more = self.settling.record(row, tried, tables, tries)
        if recovered is not None:
            tables.outbox.hasten(recovered, self._parts.clock.now())
        return more or recovered is not None

    def _note_circuit(self, effect: Effect, tried: Tried) -> str | None:
        """Keep the channel's circuit; return the channel when it has just come back."""
        if not isinstance(effect, Deliver) or tried.fate is Fate.PACED or tried.skipped:
            return None
        channel = effect.to.partition(":")[0]
        if tried.fate in _FAILURES and not tried.answered:
            seconds = None if tried.retry_after_seconds is None else int(tried.retry_after_seconds)
            self._circuits.failed(channel, for_good=tried.fate is Fate.BROKEN, retry_after_seconds=seconds)
            return None
        return channel if self._circuits.worked(channel) else None

    async def _try(self, row: OutboxRow) -> Tried:
        repeat = False
        if row.state is DeliveryState.AMBIGUOUS:
            looked = await self._parts.performer.look_back(row.effect, Earlier(row.made_at, row.provider_id))
            if looked.fate not in (Fate.LATER, Fate.REPEAT):
                return looked
            repeat = looked.fate is Fate.REPEAT
        if self._parts.clock.now() >= row.expires_at:
            return Tried(Fate.NEVER, "expired", skipped=True)
        held_back = await self._held_back(row.effect)
        if held_back is not None:
            return held_back
        tried = await self._parts.performer.perform(row.effect, repeat=repeat)
        if repeat and tried.fate is Fate.LATER:  # it may still have arrived before: the next try is a repeat, too
            return Tried(Fate.REPEAT, tried.reason, tried.retry_after_seconds)
        return tried

    async def _held_back(self, effect: Effect) -> Tried | None:
        """Look once more at what was allowed when it was committed."""
        if isinstance(effect, Dispatch | CancelRun):
            return await self._parts.store.read(lambda tables: self._run_held_back(effect, tables))
        if isinstance(effect, Deliver) and effect.notice.kind is NoticeKind.APPROVAL_REQUEST:
            now = self._parts.clock.now()
            found = await self._parts.store.read(lambda tables: closed_meanwhile(effect.notice, tables, now))
            return Tried(Fate.NEVER, f"{found[0]}: {found[1]}", skipped=True) if found else None
        return None  # other notices are not looked at again: they go straight out, so that they keep their order

    def _run_held_back(self, effect: Dispatch | CancelRun, tables: Tables) -> Tried | None:
        run = tables.runs.get(effect.run_id)
        if isinstance(effect, CancelRun):
            # Forgetting the cancel now would let a delayed dispatch start what was aborted.
            waits = run is not None and run.state is RunState.ACCEPTED
            return Tried(Fate.LATER, "the run has not reached its forge yet") if waits else None
        cancelled = tables.outbox.has(cancel_key(effect.run_id))
        found = overtaken(run, cancelled) or objection(effect, self._parts.mode(tables), self._parts.policy())
        return Tried(Fate.NEVER, f"{found[0]}: {found[1]}") if found else None


def _lane(effect: Effect) -> str:
    """Return what an effect must keep its order with: the same address, the same run."""
    match effect:
        case Deliver(to=to):
            return to
        case Dispatch(run_id=run_id) | CancelRun(run_id=run_id):
            return run_id
        case LinkAddress(address=address):
            return address
