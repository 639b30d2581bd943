"""Notices through four providers that fail and go away, all on one virtual clock, and when each copy arrived where.

async with outage_world(tmp_path, random.Random(1)) as world:
    world.plan(1000, seconds=1200)        # notices to be committed, spread evenly from now on
    world.mix_faults(0.4)                 # from now on 40 % of calls go wrong
    await world.run(1200)
    world.take_away({"sms"})              # until `bring_back`
    await world.run_until_settled()
    world.arrivals["telegram"][17]        # [Arrival(at, text)] of notice 17, by Telegram's own ledger
    world.planned[17]                     # when it was committed, and for which channels

Nothing sleeps: the clock goes on to whatever is next, but never further than the relay itself would sleep.
"""

import heapq
import random
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from aiohttp import web

from channels.sms_settings import STATUS_PATH
from commands.recording import NOTICE_LIFETIME
from domain.clock import Clock
from domain.effects import Deliver
from domain.notices import Notice, NoticeKind
from tests.chaos.provider_bot import ProviderBot, Providers
from tests.fakes.providers.fault_middleware import Served
from tests.fakes.providers.faults import Fault, Faults
from tests.fakes.providers.ledger import Accepted, Ledger
from tests.fakes.providers.ntfy import FakeNtfy
from tests.fakes.providers.slack import FakeSlack
from tests.fakes.providers.telegram import FakeTelegram
from tests.fakes.providers.twilio import FakeTwilio
from tests.fakes.virtual_time import VirtualTime
from web.hooks.parts import HOOKS
from web.hooks.twilio import status

PROVIDERS = ("sms", "telegram", "ntfy", "slack")
PEOPLE = 1000  # so many that no provider's limit for one of them plays a part
_OFTEN = (("sms", None), ("sms", "telegram"), ("telegram", None), ("telegram", "ntfy"), ("ntfy", None), ("ntfy", "sms"))
# By which channel and which other one people are told, in turn; Slack takes one message a second, so it gets few.
ROUTES = (*_OFTEN * 4, ("slack", None), *_OFTEN * 4, ("slack", "telegram"))
FIRST_CHAT, FIRST_NUMBER = 100_000, 41_790_000_000
RECEIPT_SECONDS = (1.0, 20.0)
SHORTEST_STEP_SECONDS = 0.2  # the clock goes on by at least this much: every figure is the worse for it
_NAMED = re.compile(r"notice (\d{5})")


@dataclass(frozen=True, slots=True)
class Planned:
    """One notice: when it is committed, to which channel, and by which other one it may go."""

    number: int
    at: datetime
    channel: str
    fallback: str | None


@dataclass(frozen=True, slots=True)
class Arrival:
    """One copy of a notice at a provider: when it was taken, and what it says."""

    at: datetime
    text: str


class TimedLedger(Ledger):
    """A ledger that knows when a provider took each copy of each notice, and says so."""

    def __init__(self, clock: Clock, when_taken: Callable[[Accepted], None] = lambda _taken: None) -> None:
        super().__init__()
        self._clock, self._when_taken = clock, when_taken
        self.arrivals: defaultdict[int, list[Arrival]] = defaultdict(list)

    def append(self, item: Accepted) -> None:
        super().append(item)
        named = _NAMED.search(item.text)
        assert named is not None, item
        self.arrivals[int(named[1])].append(Arrival(self._clock.now(), item.text))
        self._when_taken(item)


class OutageWorld:
    """What the module's docstring shows."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.clock = VirtualTime()
        self.chance = chance
        self.planned: dict[int, Planned] = {}
        ledgers = {name: TimedLedger(self.clock) for name in PROVIDERS}
        ledgers["sms"] = TimedLedger(self.clock, self._plan_receipts)
        self.arrivals = {name: ledger.arrivals for name, ledger in ledgers.items()}
        self.twilio = FakeTwilio(self.clock, ledgers["sms"])
        self.telegram = FakeTelegram(self.clock, ledgers["telegram"])
        self.ntfy = FakeNtfy(self.clock, ledger=ledgers["ntfy"])
        self.slack = FakeSlack(self.clock, ledgers["slack"])
        self._faults: dict[str, Faults] = {
            "sms": self.twilio.faults,
            "telegram": self.telegram.faults,
            "ntfy": self.ntfy.faults,
            "slack": self.slack.faults,
        }
        self._folder = folder
        self._share = 0.0
        self._away: frozenset[str] = frozenset()
        self._next: list[tuple[datetime, int, Callable[[], Awaitable[None]]]] = []
        self._order = count()

    async def start(self, stack: AsyncExitStack) -> None:
        """Start the providers, the bot, and the address that Twilio reports to."""
        for fake in (self.twilio, self.telegram, self.ntfy, self.slack):
            await stack.enter_async_context(fake)
        for person in range(PEOPLE):
            self.telegram.start(FIRST_CHAT + person)
        where = Providers(self.twilio.url, self.telegram.url, self.ntfy.url, self.slack.webhook_url)
        self.bot = ProviderBot(self._folder, (), where)
        self.bot.clock = self.clock
        stack.push_async_callback(self.bot.stop)
        await self.bot.start()
        app = web.Application()
        app[HOOKS] = self.bot.connections.hooks
        app.router.add_post(STATUS_PATH, status)
        reports = Served(app)
        await reports.start()
        stack.push_async_callback(reports.stop)
        self.twilio.connect(reports.url)

    def plan(self, notices: int, seconds: float) -> None:
        """Spread that many notices over the time from now on."""
        begin, apart = self.clock.now(), seconds / notices
        for place, number in enumerate(range(len(self.planned), len(self.planned) + notices)):
            at = begin + timedelta(seconds=(place + self.chance.random()) * apart)
            channel, fallback = ROUTES[place % len(ROUTES)]
            self.planned[number] = one = Planned(number, at, channel, fallback)
            self._at(at, lambda one=one: self.bot.commit(_deliver(one)))  # type: ignore[misc]  # mypy takes no defaults

    def mix_faults(self, share: float) -> None:
        """Let that share of all calls go wrong from now on, at every provider that is there."""
        self._share = share
        for name, faults in self._faults.items():
            faults.clear()
            if name in self._away:
                faults.always(Fault.OUTAGE)
            elif share:
                faults.mixed(share, self.chance)

    def take_away(self, providers: Collection[str]) -> None:
        """Reset every connection to these providers from now on."""
        self._away = frozenset(providers)
        self.mix_faults(self._share)

    def bring_back(self) -> None:
        """Let every provider be there again, with the share of faults that is in force."""
        self.take_away(())

    async def run(self, seconds: float) -> None:
        """Let that much time pass."""
        until = self.clock.now() + timedelta(seconds=seconds)
        while self.clock.now() < until:
            await self._work()
            await self._go_on(until)

    async def run_until_settled(self) -> None:
        """Let time pass until nothing is planned and every outbox row is settled, which all are after a day."""
        until = self.clock.now() + NOTICE_LIFETIME + timedelta(minutes=1)
        while self._next or (await self.bot.read(lambda tables: tables.outbox.waiting()))[0]:
            assert self.clock.now() < until, await self.bot.read(lambda tables: tables.outbox.states())
            await self._work()
            await self._go_on(until)

    async def _work(self) -> None:
        """Do what is due now, and let the relay work until nothing is."""
        while self._next and self._next[0][0] <= self.clock.now():
            await heapq.heappop(self._next)[2]()
        while await self.bot.relay.tick():
            pass

    async def _go_on(self, until: datetime) -> None:
        """Move the clock to what comes first: the end, what is planned, or the relay's own next look."""
        now = self.clock.now()
        wakes = now + timedelta(seconds=max(await self.bot.relay._pause_seconds(), SHORTEST_STEP_SECONDS))
        planned = [self._next[0][0]] if self._next else []
        self.clock.advance((min(until, wakes, *planned) - now).total_seconds())

    def _at(self, moment: datetime, do: Callable[[], Awaitable[None]]) -> None:
        heapq.heappush(self._next, (moment, next(self._order), do))

    def _plan_receipts(self, taken: Accepted) -> None:
        after = timedelta(seconds=self.chance.uniform(*RECEIPT_SECONDS))
        self._at(self.clock.now() + after, lambda: self._report(taken.id))

    async def _report(self, sid: str) -> None:
        """Let Twilio report a text as delivered, shuffled and twice; later where Twilio is away."""
        if "sms" in self._away:
            self._at(self.clock.now() + timedelta(minutes=1), lambda: self._report(sid))
            return
        answers = await self.twilio.report(sid, "sent", "delivered", chance=self.chance)
        assert {answer.status for answer in answers} == {200}


def _deliver(one: Planned) -> Deliver:
    notice = Notice(f"told:{one.number:05d}", NoticeKind.ALARM, f"notice {one.number:05d}")
    fallbacks = () if one.fallback is None else (address(one.fallback, one.number),)
    return Deliver(address(one.channel, one.number), notice, fallbacks)


def address(channel: str, number: int) -> str:
    """Return where a notice goes by a channel."""
    person = number % PEOPLE
    match channel:
        case "sms":
            return f"sms:+{FIRST_NUMBER + person}"
        case "telegram":
            return f"telegram:{FIRST_CHAT + person}"
        case "ntfy":
            return f"ntfy:out-{person}"
        case _:
            return "slack:team"


@asynccontextmanager
async def outage_world(folder: Path, chance: random.Random) -> AsyncIterator[OutageWorld]:
    """Start everything; leaving fails on whatever did not conform to the providers' published descriptions."""
    async with AsyncExitStack() as stack:
        world = OutageWorld(folder, chance)
        await world.start(stack)
        yield world
