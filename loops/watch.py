"""Watching runs: read the job, bring the run up to date, and commit run, notices and measurement together."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime

import structlog

from commands.announcing import Announcer
from commands.ledger import event
from domain.clock import Clock
from domain.effects import Tell, TellTeam
from domain.modes import ModeSources
from domain.runs import Run
from forge.port import Forge, ForgeError, Job, Sought, Unreachable
from loops.local_workflow import read_snapshot
from loops.progress import Progress, closing_cards, follow, lose
from store.port import Store, StoreUnwritable
from store.tables import Tables

SWEEP_SECONDS = 15.0  # repairs what a wake-up missed; a run's own changes wake the watch at once
log = structlog.get_logger("watch")


class _NotDueError(Exception):
    """A forge that has to be polled was asked about this job a moment ago."""


class Watch:
    """Follows every open run. Level-triggered: what one round misses, the next one sees."""

    def __init__(
        self,
        store: Store,
        forges: Mapping[str, Forge],
        mode: Callable[[Tables], ModeSources],
        clock: Clock,
        announcer: Announcer,
        wake_relay: Callable[[], None],
    ) -> None:
        """Watch the runs of these forges; `mode` reads the mode inside a transaction."""
        self._announcer = announcer
        self._store = store
        self._forges = forges
        self._mode = mode
        self._clock = clock
        self._wake_relay = wake_relay
        self._wake = asyncio.Event()
        self._asked: dict[tuple[str, str], datetime] = {}

    def wake(self, _correlation: str = "") -> None:
        """Look again soon: a forge reports that a job changed."""
        self._wake.set()

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Look at every open run whenever something changed, and every 15 s anyway."""
        while not stop.is_set():
            self._wake.clear()
            try:
                await self.look()
            except StoreUnwritable as error:
                log.warning("watch_unrecorded", error=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), SWEEP_SECONDS)

    async def look(self) -> None:
        """Bring every open run up to date once."""
        runs = await self._store.read(lambda tables: tables.runs.unfinished())
        silent: dict[str, Unreachable] = {}
        open_ids = {run.id for run in runs}
        self._asked = {asked: at for asked, at in self._asked.items() if asked[1] in open_ids}
        for run in runs:
            try:
                job = await self._find(run, silent)
            except _NotDueError:
                continue
            except ForgeError as error:
                log.warning("forge_unreachable", run=run.id, error=str(error))
                continue
            await self._store.transact(lambda tables, run=run, job=job: self._commit(run.id, job, tables))  # type: ignore[misc]
        self._wake_relay()

    async def _find(self, run: Run, silent: dict[str, Unreachable]) -> Job | None:
        """Ask every forge; one that does not answer matters only where no other knows the job."""
        unanswered: Exception | None = None
        for forge in self._forges.values():
            try:
                job = await self._ask(forge, run, silent)
            except (ForgeError, _NotDueError) as error:
                unanswered = error
                continue
            if job is not None:
                return job
        if unanswered is not None:
            raise unanswered
        return None

    async def _ask(self, forge: Forge, run: Run, silent: dict[str, Unreachable]) -> Job | None:
        """Ask one forge. One that is polled is asked at most so often, and not again in a look in which it was silent."""
        now, last = self._clock.now(), self._asked.get((forge.name, run.id))
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

    def _commit(self, run_id: str, job: Job | None, tables: Tables) -> None:
        run = tables.runs.get(run_id)  # read again: it may have changed since the look
        assert run is not None, "runs are never deleted while open"
        now, mode = self._clock.now(), self._mode(tables).effective.value
        progress = follow(run, job, mode, now) if job else lose(run, mode, now)
        if progress is None or (progress.run == run and not progress.notices):
            return
        snapshot = read_snapshot(job.report) if job and progress.run.state.final else None
        if snapshot is not None:
            tables.snapshots.put(snapshot)
        commit_progress(progress, self._announcer, tables, self._clock)


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
