"""Webhook deliveries of GitHub: kept first, then taken as hints where to look; how things stand is always asked for."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress

import structlog

from commands.ledger import event
from domain.clock import Clock
from domain.runs import Run
from forge.github_webhooks import Delivery, News, Unreadable, from_stored, to_stored
from store.port import Store, StoreUnwritable
from store.tables import Tables
from store.tables.deliveries import Claim, HookDelivery

SWEEP_SECONDS = 5.0  # finds what another process took in; in this one a delivery wakes the loop at once
log = structlog.get_logger("deliveries")
Seen = list[tuple[HookDelivery, News | Unreadable]]


class Deliveries:
    """Takes deliveries in and works them off, the oldest first.

    A delivery can at most cause a reading: forged, stale or out of order, it changes nothing by itself. So it counts as
    done before that reading: what a crash cuts off in between, polling finds.
    """

    def __init__(
        self,
        store: Store,
        look_now: Callable[[Collection[str]], None],
        look_soon: Callable[[str, str], None],
        clock: Clock,
    ) -> None:
        """Hand on hints: `look_now(run ids)` for runs of ours, `look_soon(repository, branch)` for where runs ended."""
        self._store = store
        self._look_now = look_now
        self._look_soon = look_soon
        self._clock = clock
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look at what waits."""
        self._wake.set()

    async def take(self, delivery: Delivery) -> Claim:
        """Keep a delivery of an event we use, unless it is known, and say what it is to us.

        Raises:
            StoreUnwritable: it is not kept, and has to come again.
        """
        assert delivery.said is not None, "events that we do not use are not kept"
        kept = HookDelivery(delivery.guid, delivery.event, delivery.digest, to_stored(delivery.said))
        claim = await self._store.transact(lambda tables: tables.deliveries.claim(kept, self._clock.now()))
        self.wake()
        return claim

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Work off what comes, until `stop` is set."""
        while not stop.is_set():
            self._wake.clear()
            try:
                while await self.look():
                    pass
            except StoreUnwritable as error:
                log.warning("deliveries_unrecorded", error=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), SWEEP_SECONDS)

    async def look(self) -> int:
        """Work off what waits, a bounded part of it at once; return how many that were.

        Raises:
            StoreUnwritable: nothing was done.
        """
        waiting = await self._store.read(lambda tables: tables.deliveries.waiting())
        if not waiting:
            return 0
        seen = [(one, from_stored(one.body)) for one in waiting]
        runs = await self._store.transact(lambda tables: self._finish(seen, tables))
        news = [said for _, said in seen if isinstance(said, News)]
        touched = [run.id for run in runs if any(_is_about(one, run) for one in news)]
        if touched:
            self._look_now(touched)
        for repository, branch in {(one.repository, one.branch) for one in news if one.completed}:
            if branch is not None:
                self._look_soon(repository, branch)
        return len(waiting)

    def _finish(self, seen: Seen, tables: Tables) -> list[Run]:
        """Mark all of them done, write down which could not be read, and return the runs they may be about."""
        now = self._clock.now()
        for delivery, said in seen:
            if isinstance(said, Unreadable):
                evidence: dict[str, object] = {"event": delivery.event, "problem": said.problem}
                tables.audit.append(event(now, "github-delivery", delivery.id, "unreadable", evidence))
        tables.deliveries.mark_done((delivery.id for delivery, _ in seen), now)
        return tables.runs.unfinished()


def _is_about(news: News, run: Run) -> bool:
    """Tell whether a delivery may be about a run: by our id in its name, or by the page that GitHub gave for it.

    GitHub's repositories have no upper and lower case.
    """
    if news.repository.casefold() != run.repository.casefold():
        return False
    same_page = run.url is not None and run.url.endswith(f"/actions/runs/{news.run_id}")
    return run.correlation in news.correlations or same_page
