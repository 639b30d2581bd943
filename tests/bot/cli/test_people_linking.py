"""`reins people link`: codes that work once, topics nobody guesses, and nothing kept where a channel is not there."""

import re
from datetime import timedelta

import pytest

from commands.linking import CODE_LIFETIME, purpose_of
from domain.clock import SystemClock, from_text
from domain.ids import fingerprint
from domain.people import Address, AddressKind
from store.people import PeopleDirectory
from tests.bot.cli.channel_environment import NOBODY, set_up_ntfy, set_up_sms, set_up_telegram
from tests.bot.cli.command_line import CommandLine
from tests.bot.cli.provider_thread import beside
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.telegram import FakeTelegram
from tests.fakes.providers.telegram_world import BOT_NAME

CODE = re.compile(r"link ([0-9A-HJKMNP-TV-Z]{8})$", re.MULTILINE)
TOPIC = re.compile(r"https://ntfy\.test/(reins-owner-[0-9a-f]{32})$", re.MULTILINE)


def code_in(out: str) -> str:
    found = CODE.search(out)
    assert found is not None, out
    return found[1]


def test_a_code_for_texts_names_our_number_and_is_kept_as_a_hash_for_an_hour(reins: CommandLine) -> None:
    set_up_sms(reins)
    out = reins.done("people", "link", "owner", "sms", "--no-qr")
    code = code_in(out)
    assert out == (
        f"From their phone, text to +15005550006:  link {code}\n"
        "Once, within 60 minutes. Whoever sends it is owner there from then on.\n"
    )
    [(hash_, purpose, person, expires_at)] = reins.sql("SELECT hash, purpose, person, expires_at FROM nonces")
    assert (hash_, purpose, person) == (fingerprint(code), purpose_of(AddressKind.SMS), "owner")
    left = from_text(expires_at) - SystemClock().now()
    assert CODE_LIFETIME - timedelta(minutes=1) < left <= CODE_LIFETIME


def test_a_code_for_telegram_asks_what_our_bot_is_called_there(reins: CommandLine) -> None:
    with beside(FakeTelegram(SystemClock())) as telegram:
        set_up_telegram(reins, telegram)
        out = reins.done("people", "link", "owner", "telegram", "--no-qr")
        assert [call.method for call in telegram.calls] == ["getMe"]
    code = code_in(out)
    assert f"Open in Telegram: https://t.me/{BOT_NAME}?start={code}\n" in out
    assert reins.sql("SELECT hash, purpose FROM nonces") == [(fingerprint(code), purpose_of(AddressKind.TELEGRAM))]


def test_a_topic_becomes_theirs_at_once_and_cannot_be_guessed(reins: CommandLine) -> None:
    set_up_ntfy(reins, "https://ntfy.test")
    out = reins.done("people", "link", "owner", "ntfy", "--no-qr")
    found = TOPIC.search(out)
    assert found is not None, out
    topic = found[1]
    assert f"Commands are published to:    https://ntfy.test/{topic}-cmd\n" in out
    assert "their ntfy user read the first and write the second, ours the other way round" in out
    owner = PeopleDirectory(reins.paths().people_file).find(Address(AddressKind.NTFY, topic))
    assert owner is not None
    assert owner.id == "owner"
    assert topic not in reins.done("people", "link", "owner", "ntfy", "--no-qr")


def test_the_longest_name_still_makes_a_topic_that_ntfy_takes(reins: CommandLine) -> None:
    person = "a" * 32
    reins.done("people", "add", person, "--name", "Ann")
    set_up_ntfy(reins, "https://ntfy.test")
    reins.done("people", "link", person, "ntfy", "--no-qr")
    ann = PeopleDirectory(reins.paths().people_file).get(person)
    assert ann is not None
    assert len(ann.addresses[-1].value) <= 60


@pytest.mark.parametrize("channel", ["sms", "ntfy"])
def test_the_code_is_drawn_unless_it_is_not_wanted(reins: CommandLine, channel: str) -> None:
    set_up_sms(reins)
    set_up_ntfy(reins, NOBODY)
    assert "█" in reins.done("people", "link", "owner", channel)
    assert "█" not in reins.done("people", "link", "owner", channel, "--no-qr")


def test_three_codes_may_wait_and_no_fourth(reins: CommandLine) -> None:
    set_up_sms(reins)
    for _ in range(3):
        reins.done("people", "link", "owner", "sms", "--no-qr")
    ended = reins.run("people", "link", "owner", "sms", "--no-qr")
    assert (ended.code, ended.out) == (4, "")
    assert "owner has 3 unused codes for sms" in ended.err
    assert reins.sql("SELECT count(*) FROM nonces") == [(3,)]


def test_codes_of_others_and_codes_that_ran_out_do_not_count(reins: CommandLine) -> None:
    set_up_sms(reins)
    reins.done("people", "add", "ann", "--name", "Ann")
    for person in ("ann", "ann", "ann", "owner", "owner", "owner"):
        reins.done("people", "link", person, "sms", "--no-qr")
    reins.sql("UPDATE nonces SET expires_at = '2026-01-01T00:00:00.000Z' WHERE person = 'owner'")
    reins.done("people", "link", "owner", "sms", "--no-qr")
    assert reins.run("people", "link", "ann", "sms", "--no-qr").code == 4


def test_links_are_in_the_record_without_code_or_topic(reins: CommandLine) -> None:
    set_up_sms(reins)
    set_up_ntfy(reins, "https://ntfy.test")
    code = code_in(reins.done("people", "link", "owner", "sms", "--no-qr"))
    found = TOPIC.search(reins.done("people", "link", "owner", "ntfy", "--no-qr"))
    assert found is not None
    rows = reins.audit_rows()[2:]
    assert [(row["action"], row["target"], row["outcome"], row["evidence"]["channel"]) for row in rows] == [
        ("people-link", "owner", outcome, channel) for channel in ("sms", "ntfy") for outcome in ("intended", "done")
    ]
    assert rows[-1]["evidence"]["address"] == f"ntfy:…{found[1][-4:]}"
    assert code not in str(rows)
    assert found[1] not in str(rows)
    for path in reins.home.rglob("reins.db*"):
        assert code.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("channel", ["sms", "telegram", "ntfy"])
def test_a_channel_that_is_not_set_up_keeps_no_code(reins: CommandLine, channel: str) -> None:
    ended = reins.run("people", "link", "owner", channel)
    assert (ended.code, ended.out) == (2, "")
    assert f"{channel} is not set up: see docs/channels.md" in ended.err
    assert reins.sql("SELECT count(*) FROM nonces") == [(0,)]
    assert len(reins.audit_rows()) == 2


@pytest.mark.parametrize("channel", ["web", "slack", "pigeon", "SMS"])
def test_a_channel_that_nobody_can_link_is_refused_by_name(reins: CommandLine, channel: str) -> None:
    ended = reins.run("people", "link", "owner", channel)
    assert (ended.code, ended.out) == (2, "")
    assert f"channel: {channel} cannot be linked; name telegram, sms or ntfy" in ended.err


def test_nobody_unknown_is_linked(reins: CommandLine) -> None:
    set_up_sms(reins)
    ended = reins.run("people", "link", "bob", "sms")
    assert ended.code == 2
    assert "'bob'; known: owner" in ended.err
    assert reins.sql("SELECT count(*) FROM nonces") == [(0,)]


def test_a_telegram_that_is_not_reached_keeps_no_code(reins: CommandLine) -> None:
    set_up_telegram(reins)
    ended = reins.run("people", "link", "owner", "telegram")
    assert (ended.code, ended.out) == (3, "")
    assert "Telegram was not reached" in ended.err
    assert reins.sql("SELECT count(*) FROM nonces") == [(0,)]


def test_a_telegram_that_refuses_the_token_keeps_no_code_and_does_not_show_it(reins: CommandLine) -> None:
    token = "424242:canary-of-another-bot_0123456789"
    with beside(FakeTelegram(SystemClock())) as telegram:
        set_up_telegram(reins, telegram, token)
        ended = reins.run("people", "link", "owner", "telegram")
        telegram.faults.add(Fault.ERROR)
        set_up_telegram(reins, telegram)
        assert reins.run("people", "link", "owner", "telegram").code == 3
    assert (ended.code, ended.out) == (3, "")
    assert "canary" not in ended.err
    assert reins.sql("SELECT count(*) FROM nonces") == [(0,)]
