"""`reins doctor` on channels: providers are really asked, and what is half set up is named with its mend."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.channel_settings import SlackOptions
from bot.cli.checks.channels import check_settings_file
from bot.cli.checks.finding import Finding, Level
from bot.cli.checks.providers import check_slack
from bot.cli.checks.telegram import judge_updates
from domain.clock import SystemClock
from tests.bot.cli.channel_environment import (
    NTFY_TOKEN,
    PUBLIC_URL,
    guarded,
    set_up_ntfy,
    set_up_sms,
    set_up_telegram,
)
from tests.bot.cli.command_line import CommandLine
from tests.bot.cli.provider_thread import beside
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.ntfy import FakeNtfy
from tests.fakes.providers.telegram import FakeTelegram
from tests.fakes.providers.telegram_world import BOT_NAME
from tests.fakes.providers.twilio import FakeTwilio
from web.routes import ROUTES

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
HOOK = f"{PUBLIC_URL}/hooks/telegram"
CANARY = "424242:canary-of-another-bot_0123456789"


def findings(reins: CommandLine, part: str) -> list[Finding]:
    """Return what the doctor says of one part; nothing it says may hold a secret."""
    out = reins.run("doctor", "--json").out
    assert "canary" not in out
    assert "made-up" not in out
    found = [Finding(Level(one["level"]), one["part"], one["what"], one["mend"]) for one in json.loads(out)["findings"]]
    return [finding for finding in found if finding.part == part]


def the(reins: CommandLine, part: str) -> Finding:
    [finding] = findings(reins, part)
    return finding


@contextmanager
def telegram_with(info: Mapping[str, Any]) -> Iterator[FakeTelegram]:
    """A Telegram that tells this about its webhook."""
    telegram = FakeTelegram(SystemClock())
    known = {"url": "", "has_custom_certificate": False, "pending_update_count": 0, **info}
    telegram._methods["getWebhookInfo"] = lambda _fields: known
    with beside(telegram):
        yield telegram


# --- what needs nobody else ---------------------------------------------------------------------------------------


def test_without_channels_nobody_is_asked_and_nothing_is_wrong(reins: CommandLine) -> None:
    assert the(reins, "channels").what.startswith("the page and the console only")
    assert [findings(reins, part) for part in ("sms", "telegram", "ntfy", "slack", "webhooks")] == [[]] * 5


def test_the_channels_that_are_set_up_are_named(reins: CommandLine) -> None:
    reins.set("REINS_SLACK__WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/canary")
    assert the(reins, "channels").what == "set up: slack"


def test_what_must_be_entered_at_the_providers_is_printed_in_full(reins: CommandLine) -> None:
    set_up_sms(reins)
    set_up_telegram(reins)
    set_up_ntfy(reins, "http://127.0.0.1:1")
    reins.set("REINS_NTFY__ACTIONS", "hook")
    reins.set("REINS_TELEGRAM__WEBHOOK", "true")
    reins.set("REINS_TELEGRAM__WEBHOOK_SECRET", "canary-webhook-secret")
    told = findings(reins, "webhooks")
    assert [finding.level for finding in told] == [Level.OK] * 3
    paths = ("/hooks/twilio/sms", "/hooks/twilio/status", "/hooks/telegram", "/hooks/ntfy/act")
    for path in paths:
        assert any(f"{PUBLIC_URL}{path}" in finding.what for finding in told), path
    assert {("POST", path) for path in paths} <= {(route.method, route.path) for route in ROUTES}


def test_what_is_not_called_back_prints_no_address(reins: CommandLine) -> None:
    set_up_telegram(reins)
    set_up_ntfy(reins, "http://127.0.0.1:1")
    assert findings(reins, "webhooks") == []


def test_an_address_that_only_this_machine_reaches_is_warned_of(reins: CommandLine) -> None:
    set_up_sms(reins)
    reins.set("REINS_PUBLIC_URL", "http://127.0.0.1:8710")
    finding = the(reins, "webhooks")
    assert finding.level is Level.WARN
    assert "Twilio cannot reach it" in finding.what
    assert "REINS_PUBLIC_URL" in finding.mend


def test_people_whom_no_configured_channel_reaches_are_named(reins: CommandLine) -> None:
    reins.done("people", "add", "ann", "--name", "Ann", "--role", "viewer", "--address", "telegram:7001")
    reins.done("people", "add", "ben", "--name", "Ben", "--role", "viewer", "--address", "ntfy:out-ben")
    set_up_telegram(reins)
    warned = [finding for finding in findings(reins, "people") if finding.level is Level.WARN]
    assert [finding.what.split()[0] for finding in warned] == ["ben", "owner"]
    assert warned[0].mend == "reins people link ben telegram"


def test_without_a_channel_that_pushes_nobody_is_said_to_lack_one(reins: CommandLine) -> None:
    reins.set("REINS_SLACK__WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/canary")
    assert [finding for finding in findings(reins, "people") if finding.level is Level.WARN] == []


def test_a_channel_that_the_policy_does_not_name_is_warned_of(reins: CommandLine) -> None:
    set_up_sms(reins)
    set_up_telegram(reins)
    assert [finding.level for finding in findings(reins, "policy")] == [Level.OK]
    policy = json.loads(reins.paths().policy_file.read_text())
    del policy["channels"]["sms"]
    reins.paths().policy_file.write_text(json.dumps(policy))
    [warned] = [finding for finding in findings(reins, "policy") if finding.level is Level.WARN]
    assert warned.what.startswith("sms is set up, but the policy's channels do not name it")
    assert '"sms": {"max_scope"' in warned.mend


@pytest.mark.parametrize("broken", ["unreadable", "missing"])
def test_a_broken_policy_is_told_once_and_not_again_for_channels(reins: CommandLine, broken: str) -> None:
    set_up_telegram(reins)
    reins.paths().policy_file.unlink()
    if broken == "unreadable":
        reins.paths().policy_file.mkdir()
    assert [finding.level for finding in findings(reins, "policy")] == [Level.FAIL]


SECRETS = """
port = 8710
[sms]
account_sid = "AC"
auth_token = "canary"
[telegram]
token = "canary"
groups = []
webhook_secret = "canary"
[ntfy]
server = "https://ntfy.test"
command_token = "canary"
[slack]
webhook_url = "canary"
"""


def test_a_settings_file_with_secrets_that_others_may_read_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "reins.toml"
    path.write_text(SECRETS)
    path.chmod(0o640)
    [finding] = check_settings_file(path)
    assert finding == Finding(
        Level.WARN,
        "settings",
        f"{path} holds sms.auth_token, telegram.token, telegram.webhook_secret, ntfy.command_token, slack.webhook_url,"
        " and others may read it (0640)",
        f"chmod 600 {path}",
    )
    path.chmod(0o600)
    assert list(check_settings_file(path)) == []


def test_a_settings_file_without_secrets_may_be_read_by_all(tmp_path: Path) -> None:
    path = tmp_path / "reins.toml"
    path.write_text('port = 8710\n[ntfy]\nserver = "https://ntfy.test"\n')
    path.chmod(0o644)
    assert list(check_settings_file(path)) == []
    assert list(check_settings_file(tmp_path / "none.toml")) == []


def test_the_doctor_looks_at_the_file_that_the_settings_came_from(reins: CommandLine) -> None:
    path = reins.folder / "reins.toml"
    path.write_text('[slack]\nwebhook_url = "https://hooks.slack.com/services/T0/B0/canary"\n')
    os.chmod(path, 0o644)  # noqa: PTH101 - beside the umask of whoever runs this
    assert the(reins, "settings").mend == "chmod 600 reins.toml"


# --- Twilio -------------------------------------------------------------------------------------------------------


def test_twilio_is_asked_and_nothing_is_sent(reins: CommandLine) -> None:
    with beside(FakeTwilio(SystemClock())) as twilio:
        set_up_sms(reins, twilio)
        finding = the(reins, "sms")
        assert twilio.calls == [("ListMessage", {"PageSize": "1"})]
    assert finding == Finding(Level.OK, "sms", "Twilio knows the account; texts come from +15005550006")


def test_a_token_that_twilio_refuses_is_seen(reins: CommandLine) -> None:
    with beside(FakeTwilio(SystemClock())) as twilio:
        set_up_sms(reins, twilio, token="canary-of-a-wrong-token")
        finding = the(reins, "sms")
    assert (finding.level, finding.what) == (
        Level.FAIL,
        "Twilio 401/20003: Twilio does not accept our account or token",
    )
    assert "sms.auth_token" in finding.mend


def test_a_twilio_that_is_not_reached_is_seen(reins: CommandLine) -> None:
    set_up_sms(reins)
    finding = the(reins, "sms")
    assert finding.level is Level.FAIL
    assert finding.what.startswith("Twilio cannot be asked: no connection")
    assert finding.mend == "let this machine reach 127.0.0.1:1"


@pytest.mark.parametrize(("fault", "status"), [(Fault.ERROR, 503), (Fault.BAD_JSON_AFTER_ACCEPT, 200)])
def test_a_twilio_in_trouble_is_seen(reins: CommandLine, fault: Fault, status: int) -> None:
    with beside(FakeTwilio(SystemClock())) as twilio:
        twilio.faults.add(fault)
        set_up_sms(reins, twilio)
        finding = the(reins, "sms")
    assert (finding.level, finding.what) == (Level.FAIL, f"Twilio answered {status}")


# --- Telegram -----------------------------------------------------------------------------------------------------


def test_telegram_is_asked_who_we_are_and_its_updates_are_left_alone(reins: CommandLine) -> None:
    with telegram_with({"pending_update_count": 3}) as telegram:
        set_up_telegram(reins, telegram)
        told = findings(reins, "telegram")
        assert [call.method for call in telegram.calls] == ["getMe", "getWebhookInfo"]
    assert told == [
        Finding(Level.OK, "telegram", f"Telegram knows the bot as @{BOT_NAME}"),
        Finding(Level.OK, "telegram", "updates are fetched; waiting: 3"),
    ]


def test_a_token_that_telegram_refuses_is_seen(reins: CommandLine) -> None:
    with telegram_with({}) as telegram:
        set_up_telegram(reins, telegram, CANARY)
        finding = the(reins, "telegram")
    assert (finding.level, finding.what) == (Level.FAIL, "Telegram does not know the bot's token")
    assert "telegram.token" in finding.mend


def test_a_telegram_that_is_not_reached_is_seen(reins: CommandLine) -> None:
    set_up_telegram(reins)
    finding = the(reins, "telegram")
    assert finding.level is Level.FAIL
    assert "127.0.0.1:1" in finding.mend


def test_a_telegram_that_answers_half_is_seen(reins: CommandLine) -> None:
    with telegram_with({}) as telegram:
        set_up_telegram(reins, telegram)
        telegram.faults.skip()
        telegram.faults.add(Fault.RESET)
        finding = the(reins, "telegram")
    assert (finding.level, finding.mend) == (Level.FAIL, "ask again later")


def test_a_webhook_that_keeps_updates_from_being_fetched_is_seen(reins: CommandLine) -> None:
    with telegram_with({"url": "https://canary.test/x"}) as telegram:
        set_up_telegram(reins, telegram)
        out = json.loads(reins.run("doctor", "--json").out)["findings"]
    [warned] = [one for one in out if one["part"] == "telegram" and one["level"] == "WARN"]
    assert warned["what"] == "Telegram posts updates to canary.test, so they cannot be fetched"
    assert "/revoke" in warned["mend"]


def test_a_public_address_that_telegram_does_not_post_to_is_seen(reins: CommandLine) -> None:
    with telegram_with({}) as telegram:
        set_up_telegram(reins, telegram)
        reins.set("REINS_PUBLIC_URL", "https://reins.example:8710")
        reins.set("REINS_TELEGRAM__WEBHOOK", "true")
        reins.set("REINS_TELEGRAM__WEBHOOK_SECRET", "canary-webhook-secret")
        finding = the(reins, "telegram")
        assert telegram.calls == []
    assert finding.level is Level.FAIL
    assert "port 443, 80, 88 or 8443" in finding.what


@pytest.mark.parametrize(
    ("expected", "info", "level", "told"),
    [
        ("", {"url": "", "pending_update_count": 0}, Level.OK, "updates are fetched; waiting: 0"),
        (HOOK, {"url": HOOK, "pending_update_count": 2}, Level.OK, "updates are posted; waiting: 2"),
        (HOOK, {"url": ""}, Level.WARN, f"posts updates to nobody, and not to {HOOK}"),
        (HOOK, {"url": "https://other.test/hook"}, Level.WARN, "posts updates to other.test, and not to"),
        ("", {"url": "https://other.test/hook"}, Level.WARN, "so they cannot be fetched"),
        ("", None, Level.FAIL, "does not say"),
    ],
)
def test_updates_must_come_in_the_way_the_settings_want(expected: str, info: object, level: Level, told: str) -> None:
    finding = judge_updates(expected, info, NOW)
    assert finding.level is level
    assert told in finding.what


@pytest.mark.parametrize(("minutes", "level"), [(59, Level.WARN), (60, Level.OK)])
def test_a_post_that_failed_lately_is_told_and_an_old_one_is_not(minutes: int, level: Level) -> None:
    failed_at = int((NOW - timedelta(minutes=minutes)).timestamp())
    info = {"url": HOOK, "last_error_date": failed_at, "last_error_message": "Wrong response: 502\x1b[2J"}
    finding = judge_updates(HOOK, info, NOW)
    assert finding.level is level
    assert ("59 min ago: Wrong response: 502" in finding.what) == (level is Level.WARN)
    assert "\x1b" not in finding.what


def test_a_failed_post_of_former_days_means_nothing_where_updates_are_fetched() -> None:
    info = {"url": "", "last_error_date": int(NOW.timestamp()), "last_error_message": "gone"}
    assert judge_updates("", info, NOW).level is Level.OK


# --- ntfy ---------------------------------------------------------------------------------------------------------


def with_topics(reins: CommandLine, *topics: str) -> None:
    for topic in topics:
        reins.done("people", "address", "owner", f"ntfy:{topic}")


def test_the_ntfy_server_is_asked_about_every_topic_and_phones_show_nothing(reins: CommandLine) -> None:
    with_topics(reins, "out-owner-1", "out-owner-2")
    with beside(FakeNtfy(SystemClock())) as ntfy:
        set_up_ntfy(reins, guarded(ntfy).url)
        finding = the(reins, "ntfy")
        assert ntfy.ledger.texts("out-owner-1") == []
        assert ntfy.notifications("out-owner-1") == []
        for topic in ("out-owner-1", "out-owner-2"):
            assert any(f"/{topic}/" in asked for asked in ntfy.requests)
    told = "we may write and read, and strangers may not; 2 of 2 topics asked about"
    assert finding == Finding(Level.OK, "ntfy", told)


def test_no_more_topics_are_asked_about_than_ntfy_lets_through(reins: CommandLine) -> None:
    with_topics(reins, *(f"out-owner-{number}" for number in range(11)))
    with beside(FakeNtfy(SystemClock())) as ntfy:
        set_up_ntfy(reins, guarded(ntfy).url)
        assert the(reins, "ntfy").what.endswith("10 of 11 topics asked about")
        assert len(ntfy.requests) <= 30


def test_a_topic_that_strangers_may_read_is_warned_of_without_its_name(reins: CommandLine) -> None:
    with_topics(reins, "out-owner-secret")
    with beside(FakeNtfy(SystemClock())) as ntfy:  # a server without users is open to everybody
        set_up_ntfy(reins, ntfy.url)
        finding = the(reins, "ntfy")
    assert (finding.level, finding.what) == (
        Level.WARN,
        "owner, ntfy:…cret: whoever learns the topic's name may read it",
    )
    assert "deny" in finding.mend


@pytest.mark.parametrize(
    ("write", "read", "told"),
    [
        ((), ("*-cmd",), "owner, ntfy:…ner1: we may not write to it"),
        (("*",), (), "owner, ntfy:…ner1: we may not read what they write to its -cmd topic"),
    ],
)
def test_rights_that_are_missing_on_a_topic_are_seen(
    reins: CommandLine, write: tuple[str, ...], read: tuple[str, ...], told: str
) -> None:
    with_topics(reins, "out-owner1")
    with beside(FakeNtfy(SystemClock())) as ntfy:
        ntfy.user(NTFY_TOKEN, write=write, read=read)
        set_up_ntfy(reins, ntfy.url)
        finding = the(reins, "ntfy")
    assert (finding.level, finding.what) == (Level.FAIL, told)
    assert finding.mend.startswith("ntfy access <our user> <topic>")


@pytest.mark.parametrize("topics", [(), ("out-owner",)])
def test_a_token_that_ntfy_refuses_is_seen_with_and_without_topics(reins: CommandLine, topics: tuple[str, ...]) -> None:
    with_topics(reins, *topics)
    with beside(FakeNtfy(SystemClock())) as ntfy:
        set_up_ntfy(reins, guarded(ntfy).url, token="tk_canarycanary")
        finding = the(reins, "ntfy")
    assert finding.level is Level.FAIL
    assert "ntfy answered 401" in finding.what
    assert "ntfy.token" in finding.mend


def test_an_ntfy_that_is_not_reached_is_seen(reins: CommandLine) -> None:
    set_up_ntfy(reins, "http://127.0.0.1:1")
    finding = the(reins, "ntfy")
    assert (finding.level, finding.mend) == (Level.FAIL, "let this machine reach 127.0.0.1:1")


def test_a_server_where_nobody_has_a_topic_yet_is_asked_all_the_same(reins: CommandLine) -> None:
    with beside(FakeNtfy(SystemClock())) as ntfy:
        ntfy.user(NTFY_TOKEN)
        set_up_ntfy(reins, ntfy.url)
        finding = the(reins, "ntfy")
        assert len(ntfy.requests) == 1
    assert (finding.level, finding.mend) == (Level.WARN, "reins people link <person> ntfy")


# --- Slack --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "level"),
    [
        ("https://hooks.slack.com/services/T0/B0/canary", Level.OK),
        ("https://hooks.slack-gov.com/services/T0/B0/canary", Level.OK),
        ("https://hooks.slack.com/triggers/T0/B0/canary", Level.WARN),
        ("https://hooks.slack.com/services/T0/B0", Level.WARN),
        ("https://hooks.slack.com.example/services/T0/B0/canary", Level.WARN),
    ],
)
def test_slack_is_judged_by_the_shape_of_its_address_and_the_secret_stays_out(url: str, level: Level) -> None:
    finding = check_slack(SlackOptions.model_validate({"webhook_url": url}))
    assert finding.level is level
    assert "canary" not in finding.what + finding.mend
