"""The chat over HTTP: one message, one act, one answer that is durable before it is sent."""

import asyncio
from pathlib import Path

import orjson
import pytest
from structlog.testing import capture_logs

from bot.serve import Role
from domain.people import Address, AddressKind, Person
from tests.fakes.served_bot import ServedBot, served_bot

NONCE = "0123456789abcdef0123456789abcdef"


async def runs(bot: ServedBot) -> int:
    return len(await bot.bot.store.read(lambda tables: tables.runs.latest(100)))


def limit_messages(bot: ServedBot, per_hour: int) -> None:
    document = orjson.loads(bot.bot.home.policy_file.read_bytes())
    document["channels"]["web"]["per_person_per_hour"] = per_hour
    bot.bot.home.policy_file.write_bytes(orjson.dumps(document))


async def test_the_answer_has_the_shape_of_a_chat_entry(bot: ServedBot) -> None:
    reply = await (await bot.sign_in()).say("whoami", NONCE)
    entry = dict(reply.body["entry"])
    assert reply.status == 200
    assert reply.body["repeated"] is False
    assert "You are Owner (owner)" in entry.pop("text")
    assert entry.pop("receipt").startswith("audit ")
    assert entry == {
        "id": f"r:owner:{NONCE}",
        "at": "2026-11-22T15:00:00.000Z",
        "from": "reins",
        "kind": "reply",
        "verdict": "allow",
        "rule": "allowed",
        "keys": ["menu", "status"],
    }


async def test_a_refusal_is_an_answer_with_its_rule(bot: ServedBot) -> None:
    await bot.enrol("vic", "viewer")
    reply = await (await bot.sign_in("vic")).say("run mutation")
    assert reply.status == 200
    assert reply.body["entry"]["verdict"] == "deny"
    assert reply.body["entry"]["rule"] in reply.body["entry"]["text"]
    assert await runs(bot) == 0


async def test_the_same_message_again_acts_once_and_gets_the_same_answer(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    first, second = await browser.say("run mutation", NONCE), await browser.say("run mutation", NONCE)
    assert (first.body["repeated"], second.body["repeated"]) == (False, True)
    assert first.body["entry"] == second.body["entry"]
    assert await runs(bot) == 1


async def test_sixteen_copies_at_once_act_once(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    replies = await asyncio.gather(*(browser.say("run mutation", NONCE) for _ in range(16)))
    assert sorted(reply.body["repeated"] for reply in replies) == [False] + [True] * 15
    assert len({orjson.dumps(reply.body["entry"]) for reply in replies}) == 1
    assert await runs(bot) == 1


async def test_a_copy_after_a_restart_acts_no_more(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    first = await browser.say("run mutation", NONCE)
    await bot.restart()
    again = await browser.say("run mutation", NONCE)
    assert again.body == {"entry": first.body["entry"], "repeated": True}
    assert await runs(bot) == 1


async def test_a_copy_that_comes_late_still_gets_the_first_answer_and_its_time(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    first = await browser.say("run mutation", NONCE)
    bot.clock.advance(3600)
    again = await browser.say("run mutation", NONCE)
    assert (again.body["repeated"], again.body["entry"]) == (True, first.body["entry"])


async def test_another_text_under_a_used_nonce_does_nothing(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    await browser.say("status", NONCE)
    reply = await browser.say("run mutation", NONCE)
    assert (reply.body["entry"]["verdict"], reply.body["entry"]["rule"]) == ("deny", "id_reused")
    assert await runs(bot) == 0


async def test_one_nonce_of_two_people_is_two_messages(bot: ServedBot) -> None:
    await bot.enrol("olga", "operator")
    owner, olga = await bot.sign_in(), await bot.sign_in("olga")
    replies = [await owner.say("run mutation", NONCE), await olga.say("run triage", NONCE)]
    assert [reply.body["repeated"] for reply in replies] == [False, False]
    assert await runs(bot) == 2


async def test_one_nonce_on_page_and_console_is_two_messages(bot: ServedBot) -> None:
    browser, console = await bot.sign_in(), bot.console()
    assert (await browser.say("whoami", NONCE)).body["repeated"] is False
    reply = await console.say("whoami", NONCE)
    assert reply.body["repeated"] is False
    assert "by console with proof local" in reply.body["entry"]["text"]


@pytest.mark.parametrize(
    ("late_seconds", "rule"),
    [(300, "allowed"), (301, "too_old"), (-30, "allowed"), (-31, "from_the_future"), (-(10**10), "from_the_future")],
)
async def test_a_time_stamp_is_at_most_300_s_old_and_30_s_ahead(bot: ServedBot, late_seconds: int, rule: str) -> None:
    reply = await (await bot.sign_in()).say("run mutation", late_seconds=late_seconds)
    assert reply.body["entry"]["rule"] == rule
    assert await runs(bot) == (rule == "allowed")


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        ({}, "Reins-Nonce"),
        ({"Reins-Nonce": "abc"}, "Reins-Nonce"),
        ({"Reins-Nonce": NONCE.upper()}, "Reins-Nonce"),
        ({"Reins-Nonce": NONCE + "0"}, "Reins-Nonce"),
        ({"Reins-Nonce": NONCE}, "Reins-Timestamp"),
        ({"Reins-Nonce": NONCE, "Reins-Timestamp": "2026-11-22T15:00:00Z"}, "Reins-Timestamp"),
        ({"Reins-Nonce": NONCE, "Reins-Timestamp": "1795359600.5"}, "Reins-Timestamp"),
        ({"Reins-Nonce": NONCE, "Reins-Timestamp": "-1795359600"}, "Reins-Timestamp"),
        ({"Reins-Nonce": NONCE, "Reins-Timestamp": "1" * 12}, "Reins-Timestamp"),
    ],
)
async def test_a_missing_or_odd_nonce_or_time_stamp_is_named(
    bot: ServedBot, headers: dict[str, str], named: str
) -> None:
    for browser in (await bot.sign_in(), bot.console()):
        reply = await browser.ask("POST", "/v1/messages", json={"text": "run mutation"}, headers=headers)
        assert (reply.status, reply.body["code"]) == (400, "bad_input")
        assert reply.body["detail"].startswith(f"{named} must be")
    assert await runs(bot) == 0


async def test_a_limit_is_told_once_and_then_silent(bot: ServedBot) -> None:
    limit_messages(bot, 2)
    browser = await bot.sign_in()
    replies = [await browser.say("status") for _ in range(5)]
    assert [reply.status for reply in replies] == [200, 200, 200, 429, 429]
    assert replies[2].body["entry"]["rule"] == "rate_limited"
    assert replies[3].body["code"] == "rate_limited"
    bot.clock.advance(3600)
    assert (await browser.say("status")).body["entry"]["rule"] == "allowed"


async def test_halt_is_heard_beyond_the_limit(bot: ServedBot) -> None:
    limit_messages(bot, 1)
    browser = await bot.sign_in()
    for _ in range(4):
        await browser.say("status")
    reply = await browser.say("halt")
    assert (reply.status, reply.body["entry"]["verdict"]) == (200, "allow")


async def test_a_person_without_a_web_address_gets_no_answer_on_the_page(bot: ServedBot) -> None:
    sam = Person("sam", "Sam", ("owner",), (Address(AddressKind.SMS, "+41790000000"),), bot.clock.now())
    await asyncio.to_thread(bot.bot.people.add, sam)
    reply = await (await bot.sign_in("sam")).say("run mutation")
    assert (reply.status, reply.body["code"]) == (403, "forbidden")
    assert await runs(bot) == 0


async def test_while_nothing_can_be_recorded_reads_answer_and_writes_are_refused(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    async with bot.outage():
        read, write = await browser.say("status", NONCE), await browser.say("run mutation")
        assert (read.status, read.body["entry"]["verdict"], read.body["entry"]["receipt"]) == (200, "allow", None)
        assert "The audit log cannot be written" in read.body["entry"]["text"]
        assert (write.status, write.body["entry"]["rule"]) == (200, "audit_unwritable")
        assert (await browser.ask("GET", "/v1/messages")).body["entries"] == []
    assert await runs(bot) == 0
    assert (await browser.say("run mutation")).body["entry"]["verdict"] == "allow"
    assert "audit-gap" in await bot.audit_actions()


async def test_halt_holds_although_nothing_can_be_recorded(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    async with bot.outage():
        assert "Mode is held at off" in (await browser.say("halt")).body["entry"]["text"]
    assert (await browser.say("run mutation")).body["entry"]["rule"] == "mode_off"
    assert await runs(bot) == 0


async def test_a_fault_of_ours_is_a_problem_with_its_log_id(tmp_path: Path) -> None:
    with capture_logs() as lines:
        async with served_bot(tmp_path, role=Role.WEB) as bot:
            browser = await bot.sign_in()
            await bot.bot.store.transact(lambda tables: tables.audit._rows.run("DROP TABLE runs"))
            reply = await browser.say("last")
    assert (reply.status, reply.body["code"]) == (500, "fault")
    assert [line["problem"] for line in lines if line["event"] == "message_failed"] == [reply.body["log_id"]]
