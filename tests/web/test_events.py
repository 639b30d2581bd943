"""The event stream: every notice once, in order, over broken connections, and to nobody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from store.tables import Tables
from tests.fakes.served_bot import PATIENCE_SECONDS, Browser, Event, Events, ServedBot, served_bot
from web.events import BATCH
from web.hub import STREAMS_PER_PERSON

NOTICE = b'{"key":"k","kind":"alarm","text":"Something happened.","keys":[]}'


async def tell(bot: ServedBot, person: str, *keys: str) -> None:
    """Append notices as the relay does, then wake the streams."""
    now = bot.clock.now()

    def add(tables: Tables) -> None:
        for key in keys:
            tables.thread.add(person, key, NOTICE, now)

    await bot.bot.store.transact(add)
    bot.bot.hub.news_for(person)


async def received(events: Events, count: int) -> list[str | None]:
    found = [await events.next() for _ in range(count)]
    return [event.id if event else None for event in found]


@asynccontextmanager
async def poked(bot: ServedBot, person: str) -> AsyncIterator[None]:
    """Let time pass for this person's streams: they look again and again without waiting for their timer."""

    async def poke() -> None:
        while True:
            bot.bot.hub.news_for(person)
            await asyncio.sleep(0)

    task = asyncio.create_task(poke())
    try:
        yield
    finally:
        task.cancel()


async def test_a_run_is_told_from_its_start_to_its_end(tmp_path: Path) -> None:
    async with served_bot(tmp_path) as bot:
        browser = await bot.sign_in()
        async with browser.events() as events:
            assert events.response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
            await browser.say("run mutation")
            told = [await events.next() for _ in range(5)]
        entries = [event.entry for event in told if event]
        assert [entry["kind"] for entry in entries] == ["message", "reply", "attempt-start", "attempt-done", "final"]
        assert "Unresolved 39" in entries[4]["text"]
        assert await browser.entries() == entries


async def test_what_is_said_on_one_device_is_streamed_to_the_others(bot: ServedBot) -> None:
    phone, laptop = await bot.sign_in(), await bot.sign_in()
    async with laptop.events() as events:
        sent = await phone.say("status")
        asked, answered = await events.next(), await events.next()
        assert asked is not None
        assert answered is not None
        assert (asked.entry["from"], asked.entry["text"]) == ("me", "status")
        assert answered.entry == sent.body["entry"]


async def test_a_stream_that_broke_between_message_and_reply_gets_both_again(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    async with browser.events() as events:
        await browser.say("status")
        asked, answered = await events.next(), await events.next()
        assert asked is not None
        assert answered is not None
        assert (asked.id, answered.id) == (None, "1")


async def test_a_stream_begins_with_what_comes_from_now_on(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    await tell(bot, "owner", "before")
    async with browser.events() as events:
        await tell(bot, "owner", "after")
        assert await received(events, 1) == ["2"]


@pytest.mark.parametrize("how", ["header", "query"])
async def test_a_broken_stream_goes_on_without_loss_and_without_repeats(bot: ServedBot, how: str) -> None:
    browser = await bot.sign_in()
    async with browser.events() as events:
        await tell(bot, "owner", "one", "two")
        assert await received(events, 2) == ["1", "2"]
    await tell(bot, "owner", "three", "four", "one")
    again = browser.events(last_event_id="2") if how == "header" else browser.events("?after=2")
    async with again as events:
        assert await received(events, 2) == ["3", "4"]
        await tell(bot, "owner", "five")
        [last] = await received(events, 1)
    newest = (await browser.ask("GET", "/v1/messages")).body["last_event_id"]
    assert last == newest


async def test_the_header_of_a_browser_that_reconnects_counts_more_than_the_address(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    await tell(bot, "owner", "one", "two", "three")
    async with browser.events("?after=0", last_event_id="2") as events:
        assert await received(events, 1) == ["3"]


async def test_more_than_a_batch_arrives_whole(bot: ServedBot) -> None:
    browser, count = await bot.sign_in(), 2 * BATCH + 5
    await tell(bot, "owner", *(str(number) for number in range(count)))
    async with browser.events("?after=0") as events:
        assert await received(events, count) == [str(number + 1) for number in range(count)]


async def test_a_stream_resumes_after_a_restart_of_the_bot(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    await tell(bot, "owner", "one", "two")
    await bot.restart()
    async with browser.events(last_event_id="1") as events:
        assert await received(events, 1) == ["2"]


async def test_what_another_process_appended_arrives_by_the_timer(bot: ServedBot) -> None:
    browser, now = await bot.sign_in(), bot.clock.now()
    async with browser.events() as events:
        await bot.bot.store.transact(lambda tables: tables.thread.add("owner", "elsewhere", NOTICE, now))
        assert await received(events, 1) == ["1"]


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "n:1", "٣", "9" * 16, "9" * 5000])
async def test_an_impossible_place_to_resume_from_is_named(bot: ServedBot, last: str) -> None:
    async with (await bot.sign_in()).http.get("/v1/events", params={"after": last}) as response:
        assert response.status == 400
        problem = await response.json(content_type="application/problem+json")
    assert problem["detail"] == "Last-Event-ID must be the id of an earlier event"


async def test_a_quiet_stream_is_kept_open_by_comments(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    async with browser.events() as events, poked(bot, "owner"):
        assert await events.next() == Event(None, None, "still here")
        assert await events.next() == Event(None, None, "still here")


async def test_two_people_hear_only_their_own(bot: ServedBot) -> None:
    await bot.enrol("vic", "viewer")
    owner, vic = await bot.sign_in(), await bot.sign_in("vic")
    async with owner.events() as owners, vic.events() as vics:
        await tell(bot, "owner", "for owner")
        await tell(bot, "vic", "for vic")
        await tell(bot, "owner", "for owner again")
        assert await received(owners, 2) == ["1", "3"]
        assert await received(vics, 1) == ["2"]
        async with poked(bot, "vic"):
            assert await vics.next() == Event(None, None, "still here")  # and nothing else


async def test_both_pages_of_one_person_hear_everything(bot: ServedBot) -> None:
    phone, laptop = await bot.sign_in(), await bot.sign_in()
    async with phone.events() as first, laptop.events() as second:
        await tell(bot, "owner", "one")
        assert await received(first, 1) == await received(second, 1) == ["1"]


async def test_one_stream_too_many_is_refused_until_another_ends(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(browser.events()) for _ in range(STREAMS_PER_PERSON)]
        async with browser.events() as refused:
            assert refused.response.status == 429
        await bot.enrol("vic", "viewer")
        async with (await bot.sign_in("vic")).events() as others:
            assert others.response.status == 200
        streams[0].response.close()
        async with poked(bot, "owner"), asyncio.timeout(PATIENCE_SECONDS):
            await opened(browser)


async def opened(browser: Browser) -> None:
    """Return once a stream is let in."""
    while True:
        async with browser.events() as events:
            if events.response.status == 200:
                return


async def test_signing_out_ends_the_stream(bot: ServedBot) -> None:
    phone, laptop = await bot.sign_in(), await bot.sign_in()
    async with phone.events() as ended, laptop.events() as going_on:
        await phone.ask("DELETE", "/v1/sessions")
        assert await ended.next() is None
        await tell(bot, "owner", "one")
        assert await received(going_on, 1) == ["1"]


async def test_the_stream_of_a_removed_person_ends(bot: ServedBot) -> None:
    await bot.enrol("vic", "viewer")
    async with (await bot.sign_in("vic")).events() as events:
        await asyncio.to_thread(bot.bot.people.remove, "vic")
        bot.bot.hub.news_for("vic")
        assert await events.next() is None


async def test_stopping_the_bot_ends_every_stream(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    async with browser.events() as first, browser.events() as second:
        await bot.stop()
        assert [await first.next(), await second.next()] == [None, None]
