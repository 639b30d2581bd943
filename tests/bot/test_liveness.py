"""A channel that falls silent, breaks or gets stuck is told about once on the other channels, and so is its return."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.liveness import INTERVAL_SECONDS, Liveness
from channels.pulse import Pulse
from commands.recording import commit_effect
from domain.clock import to_text
from domain.effects import Deliver
from domain.notices import Notice, NoticeKind, Urgency
from domain.people import AddressKind
from store.port import StoreUnwritable
from tests.fakes.chat import Chat, chat, every_channel
from tests.fakes.full_disk import full_disk
from tests.fakes.virtual_time import START


class Watched:
    """A bot, the pulses of two channels and the watch over them."""

    def __init__(self, bot: Chat) -> None:
        self.bot = bot
        self.telegram, self.sms = Pulse("telegram", polls=True), Pulse("sms")
        self.resting: frozenset[str] = frozenset()
        self.woken = 0
        self.liveness = Liveness(bot.store, bot.around, [self.telegram, self.sms], lambda: self.resting, self._wake)

    def _wake(self) -> None:
        self.woken += 1

    async def look(self, after_seconds: float = 0) -> list[str]:
        """Look after a while; return what owner was told of it."""
        before = len(self.bot.notices("owner"))
        self.bot.clock.advance(after_seconds)
        await self.liveness.look()
        return [one.text for one in self.bot.notices("owner")[before:]]

    def polled(self) -> None:
        self.telegram.polled(self.bot.clock.now())


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    reachable = [AddressKind.TELEGRAM, AddressKind.NTFY, AddressKind.SMS]
    async with chat(tmp_path, policy=every_channel(), reachable=reachable, team=("slack:team", "telegram:-100")) as bot:
        yield Watched(bot)


async def test_while_all_is_well_nobody_is_told_anything(watched: Watched) -> None:
    assert await watched.look() == []
    watched.bot.clock.advance(119)
    watched.polled()
    watched.sms.accepted(watched.bot.clock.now())
    assert await watched.look(119) == []
    assert (watched.woken, await watched.bot.audit_rows()) == (0, [])


async def test_trouble_is_told_once_when_it_has_lasted_for_a_minute_and_once_when_it_is_over(watched: Watched) -> None:
    watched.sms.trouble("the account is suspended", watched.bot.clock.now())
    assert await watched.look(59.999) == []
    assert await watched.look(0.001) == ["The channel sms is in trouble: the account is suspended."]
    watched.polled()
    assert await watched.look(60) == []
    watched.sms.trouble("something else", watched.bot.clock.now())
    assert await watched.look() == []
    watched.sms.well()
    assert await watched.look() == ["The channel sms works again."]
    assert await watched.look() == []
    assert watched.woken == 2
    rows = [(row["action"], row["target"], row["outcome"]) for row in await watched.bot.audit_rows()]
    assert rows == [("channel-trouble", "sms", "told"), ("channel-well", "sms", "told")]


async def test_a_stumble_is_not_worth_a_word(watched: Watched) -> None:
    watched.sms.trouble("the network is away", watched.bot.clock.now())
    await watched.look(30)
    watched.sms.well()
    watched.polled()
    assert await watched.look(60) == []


async def test_the_same_trouble_can_come_back_and_is_told_again(watched: Watched) -> None:
    for _ in range(2):
        watched.sms.trouble("down", watched.bot.clock.now())
        watched.polled()
        assert len(await watched.look(60)) == 1
        watched.sms.well()
        assert len(await watched.look(INTERVAL_SECONDS)) == 1


@pytest.mark.parametrize("channel", ["telegram", "sms"])
async def test_those_in_charge_and_the_team_are_told_on_every_channel_but_the_one_in_trouble(
    watched: Watched, channel: str
) -> None:
    (watched.telegram if channel == "telegram" else watched.sms).trouble("down", watched.bot.clock.now())
    watched.polled() if channel == "sms" else None
    await watched.look(60)
    told = {row.effect.to for row in watched.bot.outbox() if isinstance(row.effect, Deliver)}
    fallbacks = {to for row in watched.bot.outbox() if isinstance(row.effect, Deliver) for to in row.effect.fallbacks}
    first = "ntfy" if channel == "telegram" else "telegram"
    team = set() if channel == "telegram" else {"telegram:-100"}
    assert told == {f"{kind}:{who}" for kind in ("web", first) for who in ("owner", "ann", "ben")} | team
    assert not {to for to in told | fallbacks if to.startswith(channel)}
    notice = watched.bot.notices("ann")[0]
    assert (notice.kind, notice.urgency) == (NoticeKind.ALARM, Urgency.HIGH)


async def test_a_channel_that_polls_is_missed_after_two_minutes_of_silence(watched: Watched) -> None:
    assert await watched.look(119.999) == []
    assert await watched.look(0.001) == ["The channel telegram is in trouble: nothing was heard from it for 2 min."]
    watched.polled()
    assert await watched.look(INTERVAL_SECONDS) == ["The channel telegram works again."]
    assert await watched.look(120 - INTERVAL_SECONDS) == [
        "The channel telegram is in trouble: nothing was heard from it for 2 min."
    ]


async def test_silence_of_a_channel_that_only_sends_means_nothing(watched: Watched) -> None:
    for _ in range(10):
        watched.polled()
        assert await watched.look(119) == []


async def test_a_channel_whose_notices_keep_failing_is_told_about_when_the_oldest_has_waited(watched: Watched) -> None:
    bot = watched.bot
    notice = Deliver("sms:vic", Notice("k", NoticeKind.ALARM, "text"))
    await bot.store.transact(lambda tables: commit_effect(notice, tables, bot.clock.now()))
    watched.resting = frozenset({"sms"})
    bot.clock.advance(60)
    watched.polled()
    assert await watched.look(59.999) == []
    assert await watched.look(0.001) == ["The channel sms is in trouble: its oldest notice has waited for 2 min."]
    watched.resting = frozenset()
    assert await watched.look(INTERVAL_SECONDS) == ["The channel sms works again."]


async def test_a_queue_is_no_trouble_while_its_channel_works_nor_a_rest_without_a_queue(watched: Watched) -> None:
    bot = watched.bot
    notice = Deliver("telegram:vic", Notice("k", NoticeKind.ALARM, "text"))
    await bot.store.transact(lambda tables: commit_effect(notice, tables, bot.clock.now()))
    watched.resting = frozenset({"sms"})
    bot.clock.advance(100)
    watched.polled()
    assert await watched.look(100) == []


async def test_what_could_not_be_recorded_is_told_by_a_later_look(watched: Watched) -> None:
    await watched.bot.say("status")
    watched.sms.trouble("down", watched.bot.clock.now())
    watched.bot.clock.advance(60)
    with full_disk(watched.bot.path), pytest.raises(StoreUnwritable):
        await watched.liveness.look()
    assert watched.woken == 0
    assert await watched.look() == ["The channel sms is in trouble: down."]


async def test_the_watch_looks_every_ten_seconds_and_outlives_a_full_disk(watched: Watched) -> None:
    await watched.bot.say("status")
    watched.sms.trouble("down", watched.bot.clock.now())
    stop, waits = asyncio.Event(), list[float]()

    async def wait(stopping: asyncio.Event, seconds: float) -> None:
        waits.append(seconds)
        watched.bot.clock.advance(60)
        watched.polled()
        room.close()
        if len(waits) == 3:
            stopping.set()

    watched.bot.clock.advance(60)
    with capture_logs() as logs, ExitStack() as room:
        room.enter_context(full_disk(watched.bot.path))
        await watched.liveness.run_forever(stop, wait)
    assert waits == [INTERVAL_SECONDS] * 3
    assert "liveness_unrecorded" in {line["event"] for line in logs}
    assert [one.text for one in watched.bot.notices("owner")] == ["The channel sms is in trouble: down."]


async def test_health_shows_every_channel_with_what_is_not_known_as_none(watched: Watched) -> None:
    nothing = {"last_poll": None, "last_accepted": None, "problem": None}
    assert watched.liveness.report() == {"telegram": nothing, "sms": nothing}
    watched.polled()
    watched.sms.accepted(START)
    watched.sms.trouble("down", START)
    assert watched.liveness.report() == {
        "telegram": {**nothing, "last_poll": to_text(START)},
        "sms": {"last_poll": None, "last_accepted": to_text(START), "problem": "down"},
    }
    await watched.look(120)
    silent = watched.liveness.report()["telegram"]
    assert silent == {**nothing, "last_poll": to_text(START), "problem": "nothing was heard from it for 2 min"}
