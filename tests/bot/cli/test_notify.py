"""`reins notify test`: every address of a person is tried for real, and what became of each is told."""

import asyncio
import json

import pytest

from domain.clock import SystemClock
from store.sqlite import SqliteStore
from tests.bot.cli.channel_environment import NOBODY, guarded, set_up_ntfy, set_up_sms, set_up_telegram
from tests.bot.cli.command_line import CommandLine
from tests.bot.cli.provider_thread import beside
from tests.fakes.providers.ntfy import FakeNtfy
from tests.fakes.providers.telegram import FakeTelegram
from tests.fakes.providers.twilio import FakeTwilio

NUMBER = "+41791234567"
TEXT = "Test for ann: this channel works."


@pytest.fixture
def ann(reins: CommandLine) -> CommandLine:
    """A machine where Ann has the page and nothing else."""
    reins.done("people", "add", "ann", "--name", "Ann", "--role", "operator")
    return reins


def results(out: str) -> dict[str, tuple[str, str]]:
    """Return state and detail by address, as they were printed."""
    lines = [line.split(maxsplit=2) for line in out.splitlines()]
    assert lines[0] == ["address", "result", "detail"]
    return {line[0]: (line[1], line[2] if len(line) > 2 else "") for line in lines[1:]}


def receipt_is_there(reins: CommandLine, provider_id: str) -> None:
    """Let the carrier's receipt overtake Twilio's own answer, as it does now and then."""

    async def note() -> None:
        store = SqliteStore(reins.paths().database)
        await store.open()
        now = SystemClock().now()
        await store.transact(lambda tables: tables.receipts.note("sms", provider_id, 9, "delivered", None, now))
        await store.close()

    asyncio.run(note())


def test_the_page_alone_is_told(ann: CommandLine) -> None:
    assert results(ann.done("notify", "test", "ann")) == {"web:ann": ("delivered", "")}
    [(person, body)] = ann.sql("SELECT person, body FROM thread")
    assert (person, json.loads(body)["text"]) == ("ann", TEXT)


def test_every_channel_of_a_person_is_told_and_nobody_else(ann: CommandLine) -> None:
    for address in (f"sms:{NUMBER}", "telegram:7001", "ntfy:out-ann"):
        ann.done("people", "address", "ann", address)
    clock = SystemClock()
    with beside(FakeTwilio(clock)) as twilio, beside(FakeTelegram(clock)) as telegram, beside(FakeNtfy(clock)) as ntfy:
        telegram.start(7001)
        set_up_sms(ann, twilio)
        set_up_telegram(ann, telegram)
        set_up_ntfy(ann, guarded(ntfy).url)
        receipt_is_there(ann, f"SM{1:032x}")
        told = results(ann.done("notify", "test", "ann"))
        assert len(twilio.ledger.texts(NUMBER)) == len(telegram.ledger.texts("7001")) == 1
        assert all(TEXT in text for text in twilio.ledger.texts(NUMBER) + telegram.ledger.texts("7001"))
        [push] = ntfy.notifications("out-ann")
        assert TEXT in push.message
    assert {address: state for address, (state, _) in told.items()} == dict.fromkeys(
        ("web:ann", "sms:…4567", "telegram:7001", "ntfy:out-ann"), "delivered"
    )
    assert ann.sql("SELECT count(*) FROM thread WHERE person != 'ann'") == [(0,)]


def test_one_channel_that_fails_is_named_beside_those_that_work(ann: CommandLine) -> None:
    ann.done("people", "address", "ann", "telegram:7001")
    with beside(FakeTelegram(SystemClock())) as telegram:
        telegram.start(7001)
        telegram.block(7001)
        set_up_telegram(ann, telegram)
        ended = ann.run("notify", "test", "ann")
    assert ended.code == 5
    assert results(ended.out) == {
        "web:ann": ("delivered", ""),
        "telegram:7001": ("dead", "Forbidden: bot was blocked by the user"),
    }


def test_an_opted_out_number_is_told_as_such(ann: CommandLine) -> None:
    ann.done("people", "address", "ann", f"sms:{NUMBER}")
    with beside(FakeTwilio(SystemClock())) as twilio:
        twilio.opted_out.add(NUMBER)
        set_up_sms(ann, twilio)
        ended = ann.run("notify", "test", "ann")
    assert ended.code == 5
    assert results(ended.out)["sms:…4567"] == ("dead", "Twilio 400/21610: the person has opted out of texts")
    assert NUMBER not in ended.out


def test_an_address_whose_channel_is_not_set_up_fails(ann: CommandLine) -> None:
    ann.done("people", "address", "ann", "ntfy:out-ann")
    ended = ann.run("notify", "test", "ann")
    assert ended.code == 5
    assert results(ended.out)["ntfy:out-ann"] == ("dead", "the channel ntfy is not configured")


def test_a_text_that_was_taken_and_has_no_receipt_yet_is_not_called_delivered(ann: CommandLine) -> None:
    ann.done("people", "address", "ann", f"sms:{NUMBER}")
    with beside(FakeTwilio(SystemClock())) as twilio:
        set_up_sms(ann, twilio)
        ended = ann.run("notify", "test", "ann", "--wait", "0")
    assert ended.code == 5
    state, detail = results(ended.out)["sms:…4567"]
    assert state == "sending"
    assert "its receipt has not come yet" in detail


def test_a_provider_that_is_not_reached_is_told_when_the_time_is_up(ann: CommandLine) -> None:
    ann.done("people", "address", "ann", "ntfy:out-ann")
    set_up_ntfy(ann, NOBODY)
    ended = ann.run("notify", "test", "ann", "--wait", "0")
    assert ended.code == 5
    state, detail = results(ended.out)["ntfy:out-ann"]
    assert (state, "cannot be reached" in detail) == ("pending", True)


def test_a_test_is_in_the_record_without_numbers(ann: CommandLine) -> None:
    ann.done("people", "address", "ann", f"sms:{NUMBER}")
    before = len(ann.audit_rows())
    ann.run("notify", "test", "ann")
    row = ann.audit_rows()[before]
    assert (row["action"], row["target"], row["outcome"]) == ("notify-test", "ann", "committed")
    assert row["evidence"]["addresses"] == ["web:ann", "sms:…4567"]
    assert row["evidence"]["by"].startswith("local:")
    assert NUMBER not in str(ann.audit_rows())


def test_two_tests_are_two_notices(ann: CommandLine) -> None:
    ann.done("notify", "test", "ann")
    ann.done("notify", "test", "ann")
    assert ann.sql("SELECT count(*) FROM thread") == [(2,)]


def test_nobody_unknown_is_told(ann: CommandLine) -> None:
    ended = ann.run("notify", "test", "bob")
    assert (ended.code, ended.out) == (2, "")
    assert "'bob'; known: ann, owner" in ended.err


def test_somebody_without_an_address_is_not_called_reached(ann: CommandLine) -> None:
    ann.done("people", "remove-address", "ann", "web:ann")
    ended = ann.run("notify", "test", "ann")
    assert (ended.code, ended.out) == (2, "")
    assert "ann has no address" in ended.err
