"""The liveness watch: a channel that falls silent or is set up wrong is said to be so on another channel."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from bot.supervision import Pause, pause
from channels.pulse import Pulse
from commands.ledger import event
from commands.surroundings import Surroundings
from domain.clock import describe_age, to_text
from domain.effects import Tell, TellTeam
from domain.notices import Notice, NoticeKind, Urgency
from domain.people import Scope
from policy.rules.scope import scopes_of
from store.port import Store, StoreUnwritable
from store.tables import Tables

INTERVAL_SECONDS = 10.0
SILENT_AFTER = timedelta(seconds=120)  # several polls long: one slow answer is no silence
TROUBLED_FOR = timedelta(seconds=60)  # a network that stumbles is not worth a night's sleep
STUCK_AFTER = timedelta(seconds=120)  # the oldest notice of a channel has survived several tries by then
log = structlog.get_logger("liveness")


class Liveness:
    """Looks at every channel's pulse on a timer; each trouble is told once when it begins and once when it is over."""

    def __init__(
        self,
        store: Store,
        around: Surroundings,
        pulses: Sequence[Pulse],
        resting: Callable[[], frozenset[str]],
        wake_relay: Callable[[], None],
    ) -> None:
        """Watch these channels; `resting` names those whose notices keep failing."""
        self._store = store
        self._around = around
        self._pulses = pulses
        self._resting = resting
        self._wake_relay = wake_relay
        self._started_at = around.clock.now()
        self._told: dict[str, str] = {}

    async def run_forever(self, stop: asyncio.Event, wait: Pause = pause) -> None:
        """Look every 10 s until `stop` is set."""
        while not stop.is_set():
            try:
                await self.look()
            except StoreUnwritable as error:
                log.warning("liveness_unrecorded", error=str(error))
            await wait(stop, INTERVAL_SECONDS)

    async def look(self) -> None:
        """Tell what has changed since the last look.

        Raises:
            StoreUnwritable: nothing was told; the next look tells it.
        """
        oldest = await self._store.read(lambda tables: tables.outbox.oldest_by_channel())
        now = self._around.clock.now()
        found = {pulse.name: self._trouble(pulse, oldest.get(pulse.name), now) for pulse in self._pulses}
        news = {name: why for name, why in found.items() if (why is None) != (name not in self._told)}
        if not news:
            return
        await self._store.transact(lambda tables: self._tell(news, tables, now))
        for name, why in news.items():
            if why is None:
                del self._told[name]
            else:
                self._told[name] = why
        self._wake_relay()

    def report(self) -> dict[str, object]:
        """Return each channel's state for health: times in UTC, None where something has not happened yet."""
        return {
            pulse.name: {
                "last_poll": to_text(pulse.last_poll) if pulse.last_poll else None,
                "last_accepted": to_text(pulse.last_accepted) if pulse.last_accepted else None,
                "problem": pulse.problem or self._told.get(pulse.name),
            }
            for pulse in self._pulses
        }

    def _trouble(self, pulse: Pulse, oldest: datetime | None, now: datetime) -> str | None:
        if pulse.problem is not None and pulse.problem_since is not None and now - pulse.problem_since >= TROUBLED_FOR:
            return pulse.problem
        if pulse.polls and now - (pulse.last_poll or self._started_at) >= SILENT_AFTER:
            return f"nothing was heard from it for {describe_age(pulse.last_poll or self._started_at, now)}"
        if pulse.name in self._resting() and oldest is not None and now - oldest >= STUCK_AFTER:
            return f"its oldest notice has waited for {describe_age(oldest, now)}"
        return None

    def _tell(self, news: dict[str, str | None], tables: Tables, now: datetime) -> None:
        state = self._around.policy()
        for name, why in news.items():
            text = f"The channel {name} works again." if why is None else f"The channel {name} is in trouble: {why}."
            key = f"liveness:{name}:{'well' if why is None else 'trouble'}:{to_text(now)}"
            notice = Notice(key, NoticeKind.ALARM, text, urgency=Urgency.HIGH)
            tables.audit.append(event(now, "channel-well" if why is None else "channel-trouble", name, "told", {}))
            for person in self._around.people.all():
                if Scope.APPROVE in scopes_of(person, state):
                    self._around.announcer.commit(Tell(person.id, notice, but_not=name), tables, now)
            self._around.announcer.commit(TellTeam(notice, but_not=name), tables, now)
