"""Watching CI: every branch that the policy names is looked at each minute, or at once when something happened there."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from domain.ci import Branch, CiReason, CiSnapshot
from domain.clock import Clock
from forge.code import Code
from forge.port import ForgeError, Refused, Unreachable
from forge.results import Results, RunsSought
from loops.ci.judging import MOST_RUNS, has_news, judge, newest, unseen
from store.port import Store, StoreUnwritable

LOOK_EVERY = timedelta(seconds=60)  # an unchanged branch costs answers of 304 only, which count towards no limit
SHORTEST_PAUSE_SECONDS = 1.0  # what became due meanwhile is not asked for in a rush
WOKEN_PAUSE = timedelta(seconds=10)  # a matrix tells of each of its jobs; one look sees all that came meanwhile
log = structlog.get_logger("ci")


class CiWatch:
    """Looks at branches one after the other and keeps what it saw. Level-triggered: a missed wake-up costs a minute."""

    def __init__(
        self,
        store: Store,
        code: Code,
        results: Results,
        branches: Callable[[], tuple[Branch, ...]],
        clock: Clock,
    ) -> None:
        """Watch what `branches` names at each look."""
        self._store = store
        self._code = code
        self._results = results
        self._branches = branches
        self._clock = clock
        self._wake = asyncio.Event()
        self._woken: set[Branch] = set()
        self._looked: dict[Branch, datetime] = {}
        self._rests_until: datetime | None = None

    def wake(self) -> None:
        """Come back to the loop's start; nothing becomes due by that."""
        self._wake.set()

    def look_soon(self, repository: str, name: str) -> None:
        """Look at a branch as soon as may be, if it is one of ours; GitHub's repositories have no upper and lower case."""
        named = [one for one in self._branches() if one.name == name]
        self._woken.update(one for one in named if one.repository.casefold() == repository.casefold())
        self.wake()

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Look at whatever is due until `stop` is set."""
        while not stop.is_set():
            self._wake.clear()
            try:
                await self.look()
            except StoreUnwritable as error:
                log.warning("ci_unrecorded", error=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._pause_seconds())

    async def look(self) -> None:
        """Look at every branch that is due.

        Raises:
            StoreUnwritable: what was seen could not be kept; the rest is due at the next look.
        """
        watched = self._branches()
        self._woken.intersection_update(watched)
        self._looked = {branch: at for branch, at in self._looked.items() if branch in watched}
        for branch in watched:
            now = self._clock.now()
            if self._resting(now):
                return
            if self._due_at(branch, now) > now:
                continue
            self._woken.discard(branch)  # first: what happens from now on is news again
            self._looked[branch] = now
            try:
                await self._look_at(branch, now)
            except ForgeError as error:
                self._rest(error, now)
                log.warning("ci_unreachable", branch=str(branch), error=str(error))

    async def _look_at(self, branch: Branch, now: datetime) -> None:
        """Keep how a branch stands. What was seen before stays as it is where GitHub does not answer: its age shows."""
        try:
            snapshot = await self._measure(branch, now)
        except Refused as error:
            snapshot = unseen(branch, CiReason.FORGE_REFUSED, now, str(error))
        await self._store.transact(lambda tables: tables.snapshots.put(snapshot))

    async def _measure(self, branch: Branch, now: datetime) -> CiSnapshot:
        repository, name = branch.repository, branch.name
        head = await self._code.head(repository, name)
        if head is None:
            await self._store.transact(lambda tables: tables.heads.drop(repository, name))
            return unseen(branch, CiReason.NO_BRANCH, now)
        await self._store.transact(lambda tables: tables.heads.put(repository, name, head, now))
        runs = await self._results.runs(RunsSought(repository, branch=name, head_sha=head, most=MOST_RUNS))
        lanes = {run.id: await self._results.lanes(run) for run in newest(runs, head) if has_news(run)}
        return judge(branch, head, runs, lanes, now)

    def _rest(self, error: ForgeError, now: datetime) -> None:
        """Ask nothing at all while a rate limit lasts; other silence may be one branch's own."""
        if isinstance(error, Unreachable) and error.retry_after_seconds is not None:
            self._rests_until = now + timedelta(seconds=error.retry_after_seconds)

    def _resting(self, now: datetime) -> bool:
        return self._rests_until is not None and now < self._rests_until

    def _due_at(self, branch: Branch, now: datetime) -> datetime:
        looked = self._looked.get(branch)
        if looked is None or looked > now:  # the clock was set back
            return now
        return looked + (WOKEN_PAUSE if branch in self._woken else LOOK_EVERY)

    def _pause_seconds(self) -> float:
        """Return for how long there is nothing to do, a minute at the longest: the policy may name more by then."""
        now = self._clock.now()
        due = min((self._due_at(branch, now) for branch in self._looked), default=now + LOOK_EVERY)
        until = max(due, self._rests_until or due)
        return min(max((until - now).total_seconds(), SHORTEST_PAUSE_SECONDS), LOOK_EVERY.total_seconds())
