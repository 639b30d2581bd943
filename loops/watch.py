"""Watching runs: read the job, bring the run up to date, and commit run, notices and measurement together."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog

from commands.announcing import Announcer
from commands.ledger import event
from domain.clock import Clock
from domain.effects import CancelRun, Tell, TellTeam
from domain.modes import ModeSources
from domain.runs import Run
from forge.port import Forge, ForgeError, Job, Sought, Unreachable
from loops.heads import HEAD_MISMATCH, alarm, newly_strayed, strayed
from loops.measuring import Measuring
from loops.progress import Progress, closing_cards, follow, given_up, lose, offering_fix
from loops.snapshots import read_snapshot
from store.port import Store, StoreUnwritable
from store.tables import Tables

SWEEP_SECONDS = 15.0  # repairs what a wake-up missed; a run's own changes wake the watch at once
MEASURED_AT_ONCE = 2  # each may hold some 64 MB of artifacts; the others wait for their turn
log = structlog.get_logger("watch")


class _NotDueError(Exception):
    """A forge that has to be polled was asked about this job a moment ago."""


@dataclass(frozen=True, slots=True)
class WatchParts:
    """What the watch works with; `mode` reads the mode inside a transaction."""

    store: Store
    forges: Mapping[str, Forge]
    measuring: Measuring
    mode: Callable[[Tables], ModeSources]
    clock: Clock
    announcer: Announcer
    wake_relay: Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Found:
    """A job, and the forge that knows it."""

    forge: str
    job: Job


class Watch:
    """Follows every open run. Level-triggered: what one round misses, the next one sees."""

    def __init__(self, parts: WatchParts) -> None:
        """Wire the watch; it does nothing until `run_forever` or `look`."""
        self._parts = parts
        self._wake = asyncio.Event()
        self._asked: dict[tuple[str, str], datetime] = {}
        self._measured: dict[str, asyncio.Task[None]] = {}
        self._room = asyncio.Semaphore(MEASURED_AT_ONCE)

    def wake(self, _correlation: str = "") -> None:
        """Look again soon: a forge reports that a job changed."""
        self._wake.set()

    def look_now(self, run_ids: Collection[str]) -> None:
        """Ask about these runs at the next look, however lately they were asked about: something may have happened."""
        self._asked = {asked: at for asked, at in self._asked.items() if asked[1] not in run_ids}
        self._wake.set()

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Look at every open run whenever something changed, and every 15 s anyway."""
        try:
            while not stop.is_set():
                self._wake.clear()
                try:
                    await self.look()
                except StoreUnwritable as error:
                    log.warning("watch_unrecorded", error=str(error))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), SWEEP_SECONDS)
        finally:  # nothing is lost: a run that is not measured yet is still open
            for task in self._measured.values():
                task.cancel()
            await self.measured()
            self._measured.clear()

    async def look(self) -> None:
        """Bring every open run up to date once; what has to be measured first goes on by itself."""
        self._raise_failures()
        runs = await self._parts.store.read(lambda tables: tables.runs.unfinished())
        silent: dict[str, Unreachable] = {}
        open_ids = {run.id for run in runs}
        self._asked = {asked: at for asked, at in self._asked.items() if asked[1] in open_ids}
        for run in runs:
            if run.id not in self._measured:
                await self._look_at(run, silent)
        self._parts.wake_relay()

    async def measured(self) -> None:
        """Wait until nothing is being measured; the next look raises what went wrong."""
        await asyncio.gather(*self._measured.values(), return_exceptions=True)

    async def _look_at(self, run: Run, silent: dict[str, Unreachable]) -> None:
        try:
            found = await self._find(run, silent)
        except _NotDueError:
            return
        except ForgeError as error:
            log.warning("forge_unreachable", run=run.id, error=str(error))
            return
        if found is None or strayed(run, found.job) or not self._parts.measuring.wants(run, found.forge, found.job):
            await self._record(run.id, found)
        else:
            self._measured[run.id] = asyncio.create_task(self._measure(run, found))

    def _raise_failures(self) -> None:
        """Forget the measurements that are done, and raise the first failure among them."""
        done = [run_id for run_id, task in self._measured.items() if task.done()]
        for failure in [self._measured.pop(run_id).exception() for run_id in done]:
            if failure is not None:
                raise failure

    async def _measure(self, run: Run, found: _Found) -> None:
        """Measure what a run left behind, and end it with that; a later look does where the forge gives nothing now."""
        try:
            async with self._room:
                job = await self._parts.measuring.measure(run, found.forge, found.job)
        except ForgeError as error:
            log.warning("unmeasured", run=run.id, error=str(error))
            if not given_up(run, self._parts.clock.now()):
                return
            job = self._parts.measuring.unmeasured(run, found.job, str(error))
        try:
            await self._record(run.id, _Found(found.forge, job))
        except StoreUnwritable as error:
            log.warning("watch_unrecorded", error=str(error))
        self._parts.wake_relay()

    async def _find(self, run: Run, silent: dict[str, Unreachable]) -> _Found | None:
        """Ask every forge; one that does not answer matters only where no other knows the job."""
        unanswered: Exception | None = None
        for forge in self._parts.forges.values():
            try:
                job = await self._ask(forge, run, silent)
            except (ForgeError, _NotDueError) as error:
                unanswered = error
                continue
            if job is not None:
                return _Found(forge.name, job)
        if unanswered is not None:
            raise unanswered
        return None

    async def _ask(self, forge: Forge, run: Run, silent: dict[str, Unreachable]) -> Job | None:
        """Ask one forge. One that is polled is asked at most so often, and not again in a look in which it was silent."""
        now, last = self._parts.clock.now(), self._asked.get((forge.name, run.id))
        if last is not None and 0 <= (now - last).total_seconds() < forge.poll_seconds:
            raise _NotDueError
        if forge.name in silent:
            raise silent[forge.name]
        self._asked[forge.name, run.id] = now
        try:
            return await forge.find(Sought.of(run))
        except Unreachable as error:
            if forge.poll_seconds:  # its next silence may take seconds, too
                silent[forge.name] = error
            raise

    async def _record(self, run_id: str, found: _Found | None) -> None:
        await self._parts.store.transact(lambda tables: self._commit(run_id, found, tables))

    def _commit(self, run_id: str, found: _Found | None, tables: Tables) -> None:
        run = tables.runs.get(run_id)  # read again: it may have changed since the look
        assert run is not None, "runs are never deleted while open"
        now, mode = self._parts.clock.now(), self._parts.mode(tables).effective.value
        job = found.job if found else None
        progress = follow(run, job, mode, now) if job else lose(run, mode, now)
        if progress is None or (progress.run == run and not progress.notices):
            return
        counts = job is not None and progress.run.state.final and not strayed(run, job)
        snapshot = read_snapshot(job.report) if job and counts else None
        if snapshot is not None:
            tables.snapshots.put(snapshot)
        offered = offering_fix(progress, snapshot)
        commit_progress(offered, self._parts.announcer, tables, self._parts.clock)
        if found is not None and newly_strayed(run, found.job):
            self._end_stray(progress.run, found, mode, tables)

    def _end_stray(self, run: Run, found: _Found, mode: str, tables: Tables) -> None:
        """Cancel a run that runs at another commit than it was meant to, and tell who asked for it and the team."""
        now, notice = self._parts.clock.now(), alarm(run, found.job, mode)
        if not run.state.final:
            self._parts.announcer.commit(CancelRun(run.id, found.forge, run.correlation), tables, now)
        self._parts.announcer.commit(Tell(run.requested_by, notice, origin=run.reply_to), tables, now)
        self._parts.announcer.commit(TellTeam(notice), tables, now)
        evidence: dict[str, object] = {"run": run.id, "expected": run.expected_sha, "found": found.job.head_sha}
        outcome = run.state.value if run.state.final else "cancelling"
        tables.audit.append(event(now, HEAD_MISMATCH.replace("_", "-"), run.id, outcome, evidence))


def commit_progress(progress: Progress, announcer: Announcer, tables: Tables, clock: Clock) -> None:
    """Write a run's new state, its notices to the person who asked and who else wants them, and the row of its end."""
    run, now = progress.run, clock.now()
    tables.runs.change(run, now)
    for notice in progress.notices:
        announcer.commit(Tell(run.requested_by, notice, origin=run.reply_to), tables, now)
        announcer.tell_subscribers(run, notice, tables, now)
        announcer.commit(TellTeam(notice), tables, now)
    if run.state.final:
        for card in closing_cards(progress, tables.cards.showing(run.id)):
            announcer.commit(card, tables, now)
        evidence: dict[str, object] = {"run": run.id, "handle": run.handle, "action": run.action, "reason": run.reason}
        tables.audit.append(event(now, "run-ended", run.id, run.state.value, evidence))
