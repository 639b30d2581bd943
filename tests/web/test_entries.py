"""What was said, as the page loads it: messages, replies and notices in one order."""

import pytest

from channels.web import to_inbound as page_message
from commands.answer import Answer
from domain.decisions import Verdict
from domain.ids import fingerprint
from store.tables import Tables
from tests.fakes.served_bot import Browser, ServedBot

NONCES = [fingerprint(str(number))[:32] for number in range(60)]
NOTICE = b'{"key":"k","kind":"alarm","text":"Something happened.","keys":["status"]}'


async def tell(bot: ServedBot, person: str, key: str) -> None:
    now = bot.clock.now()
    await bot.bot.store.transact(lambda tables: tables.thread.add(person, key, NOTICE, now))


async def ids(browser: Browser, query: str = "") -> list[str]:
    page = await browser.ask("GET", f"/v1/messages{query}")
    return [entry["id"] for entry in page.body["entries"]]


async def test_nothing_said_is_an_empty_history(bot: ServedBot) -> None:
    page = await (await bot.sign_in()).ask("GET", "/v1/messages")
    assert page.body == {"entries": [], "last_event_id": "0"}


async def test_a_message_stands_before_its_reply_and_notices_where_they_came(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    await browser.say("status", NONCES[0])
    bot.clock.advance(1)
    await tell(bot, "owner", "first")
    bot.clock.advance(1)
    await browser.say("menu", NONCES[1])
    page = await browser.ask("GET", "/v1/messages")
    asked, answered, notice, asked_again, answered_again = page.body["entries"]
    assert page.body["last_event_id"] == "3"
    assert asked == {
        "id": f"m:owner:{NONCES[0]}",
        "at": "2026-11-22T15:00:00.000Z",
        "from": "me",
        "kind": "message",
        "text": "status",
        "verdict": None,
        "rule": None,
        "receipt": None,
        "keys": [],
    }
    assert (answered["id"], answered["from"]) == (f"r:owner:{NONCES[0]}", "reins")
    assert notice == {
        "id": "n:2",
        "at": "2026-11-22T15:00:01.000Z",
        "from": "reins",
        "kind": "alarm",
        "text": "Something happened.",
        "verdict": None,
        "rule": None,
        "receipt": None,
        "keys": ["status"],
    }
    assert [asked_again["text"], answered_again["kind"]] == ["menu", "reply"]


async def test_the_reply_in_the_history_is_the_reply_that_was_sent(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    sent = await browser.say("run mutation")
    assert (await browser.entries())[1] == sent.body["entry"]


async def test_only_the_newest_entries_are_loaded(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    for nonce in NONCES:
        await browser.say("whoami", nonce)
        bot.clock.advance(1)
    everything = [f"{kind}:owner:{nonce}" for nonce in NONCES for kind in "mr"]
    assert await ids(browser) == everything[-100:]
    assert await ids(browser, "?limit=3") == everything[-3:]
    assert await ids(browser, "?limit=100") == everything[-100:]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "", "ten", "٣", "9" * 5000])
async def test_an_impossible_limit_is_named(bot: ServedBot, limit: str) -> None:
    reply = await (await bot.sign_in()).ask("GET", f"/v1/messages?limit={limit}")
    assert (reply.status, reply.body["detail"]) == (400, "limit must be a number from 1 to 100")


async def test_a_message_that_was_answered_with_silence_stands_alone(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    message = page_message("owner", "status", NONCES[0], "1795359600", bot.clock.now())
    silence = Answer(None, (), Verdict.DENY, "rate_limited").to_json()

    def take(tables: Tables) -> None:
        tables.thread.add_exchange("owner", tables.inbox.claim(message, "owner", silence), message.received_at)

    await bot.bot.store.transact(take)
    assert await ids(browser) == [f"m:owner:{NONCES[0]}"]


async def test_nobody_sees_what_others_said_or_were_told(bot: ServedBot) -> None:
    await bot.enrol("vic", "viewer")
    owner, vic = await bot.sign_in(), await bot.sign_in("vic")
    await owner.say("status")
    await tell(bot, "owner", "first")
    page = await vic.ask("GET", "/v1/messages")
    assert page.body == {"entries": [], "last_event_id": "0"}


async def test_the_page_shows_what_its_person_said_at_the_console(bot: ServedBot) -> None:
    await bot.console().say("halt")
    assert [entry["text"] for entry in await (await bot.sign_in()).entries() if entry["from"] == "me"] == ["halt"]
