"""Settings of the channels: each is off until it is named, refused while it is half secured, and never shown."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.settings import read_settings
from domain.errors import UserError
from tests.bot.foreign_environment import forget_ours

Write = Callable[..., None]
PUBLIC = 'public_url = "https://reins.test"'
SMS = {
    "account_sid": f'"AC{"5" * 32}"',
    "auth_token": '"canary-auth-token-0123456789"',
    "from_number": '"+15005550006"',
    "countries": '["+41"]',
}
TELEGRAM = {"token": '"424242:canary-telegram-token_0123456789"'}
NTFY = {"server": '"https://ntfy.test"', "token": '"tk_canaryntfytoken"', "actions": '"none"'}
SLACK = {"webhook_url": '"https://hooks.slack.com/services/T0/B0/canary"'}
CHANNELS = {"sms": SMS, "telegram": TELEGRAM, "ntfy": NTFY, "slack": SLACK}


@pytest.fixture(autouse=True)
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Stand in an empty folder without any of our variables; the result writes its `reins.toml`."""
    forget_ours(monkeypatch)
    monkeypatch.chdir(tmp_path)

    def write(channel: str, changes: dict[str, str | None], public: str = PUBLIC) -> None:
        table = {name: value for name, value in (CHANNELS[channel] | changes).items() if value is not None}
        lines = [public, f"[{channel}]", *(f"{name} = {value}" for name, value in table.items())]
        (tmp_path / "reins.toml").write_text("\n".join(lines), encoding="utf-8")

    return write


def refusal() -> str:
    """Return the sentence that refuses these settings."""
    with pytest.raises(UserError) as refused:
        read_settings()
    return str(refused.value)


def test_a_channel_that_is_not_named_is_off() -> None:
    settings = read_settings()
    assert (settings.sms, settings.telegram, settings.ntfy, settings.slack) == (None, None, None, None)


@pytest.mark.parametrize("channel", CHANNELS)
def test_each_channel_is_switched_on_by_its_table_alone(write: Write, channel: str) -> None:
    write(channel, {})
    settings = read_settings()
    on = [name for name in CHANNELS if getattr(settings, name) is not None]
    assert on == [channel]
    assert "canary" not in repr(settings)


def test_what_is_left_out_has_a_safe_default(write: Write) -> None:
    write("sms", {})
    sms = read_settings().sms
    assert sms is not None
    assert (sms.api_base, sms.auth_token_old, sms.messaging_service_sid) == ("https://api.twilio.com", None, None)
    write("telegram", {})
    telegram = read_settings().telegram
    assert telegram is not None
    assert (telegram.api_base, telegram.groups, telegram.webhook) == ("https://api.telegram.org", (), False)
    write("ntfy", {"actions": None})
    ntfy = read_settings().ntfy
    assert ntfy is not None
    assert (ntfy.actions, ntfy.command_token) == ("hook", None)


@pytest.mark.parametrize(
    ("channel", "changes", "named"),
    [
        ("sms", {"account_sid": None}, "sms.account_sid: Field required"),
        ("sms", {"account_sid": '"SK0123canary"'}, "sms.account_sid: "),
        ("sms", {"auth_token": None}, "sms.auth_token: Field required"),
        ("sms", {"auth_token": '"canary-too-shor"'}, "sms.auth_token: "),
        ("sms", {"auth_token_old": '"canary"'}, "sms.auth_token_old: "),
        ("sms", {"from_number": '"0041canary"'}, "sms.from_number: "),
        ("sms", {"from_number": '"+0791234567"'}, "sms.from_number: "),
        ("sms", {"messaging_service_sid": '"MGcanary"'}, "sms.messaging_service_sid: "),
        ("sms", {"countries": None}, "sms.countries: Field required"),
        ("sms", {"countries": "[]"}, "sms.countries: "),
        ("sms", {"countries": '["+41", "canary"]'}, "sms.countries.1: "),
        ("sms", {"autht_token": '"canary"'}, "sms.autht_token: Extra inputs are not permitted"),
        ("telegram", {"token": None}, "telegram.token: Field required"),
        ("telegram", {"token": '"canary"'}, "telegram.token: "),
        ("telegram", {"token": '"424242:canary-telegram-token_0123456789 x"'}, "telegram.token: "),
        ("telegram", {"groups": "[7]"}, "telegram.groups.0: "),
        ("telegram", {"webhook": "true"}, "telegram: Value error, webhook mode needs webhook_secret"),
        ("telegram", {"webhook": "true", "webhook_secret": '"canary-15-chars"'}, "needs webhook_secret of 16"),
        ("telegram", {"webhook": "true", "webhook_secret": '"canary of 16 char"'}, "telegram.webhook_secret: "),
        ("telegram", {"secret": '"canary"'}, "telegram.secret: Extra inputs are not permitted"),
        ("ntfy", {"server": None}, "ntfy.server: Field required"),
        ("ntfy", {"token": None}, "ntfy.token: Field required"),
        ("ntfy", {"token": '"canary"'}, "ntfy.token: "),
        ("ntfy", {"actions": '"canary"'}, "ntfy.actions: "),
        ("ntfy", {"actions": '"topic"'}, 'actions "topic" needs command_token'),
        ("ntfy", {"actions": '"topic"', "command_token": '"tk_canaryntfytoken"'}, "command_token must not be our own"),
        ("ntfy", {"command_token": '"canary"'}, "ntfy.command_token: "),
        ("slack", {"webhook_url": None}, "slack.webhook_url: Field required"),
        ("slack", {"channel": '"#canary"'}, "slack.channel: Extra inputs are not permitted"),
    ],
)
def test_a_half_secured_channel_stops_the_start_by_name_and_shows_no_value(
    write: Write, channel: str, changes: dict[str, str | None], named: str
) -> None:
    write(channel, changes)
    sentence = refusal()
    assert named in sentence
    assert "canary" not in sentence


@pytest.mark.parametrize(
    ("channel", "field"),
    [("sms", "api_base"), ("telegram", "api_base"), ("ntfy", "server"), ("slack", "webhook_url")],
)
@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://canary.test", "must be https: secrets must not travel in the clear"),
        ("http://127.0.0.1.canary.test", "must be https"),
        ("ftp://canary.test", "must be an address such as https://host"),
        ("canary.test", "must be an address such as https://host"),
        ("https://", "must be an address such as https://host"),
        ("https://canary@provider.test", "without user, query or fragment"),
        ("https://provider.test/?canary", "without user, query or fragment"),
        ("https://provider.test/#canary", "without user, query or fragment"),
        ("https://[canary", "Value error"),
    ],
)
def test_providers_are_called_by_https_only(write: Write, channel: str, field: str, address: str, told: str) -> None:
    write(channel, {field: f'"{address}"'})
    sentence = refusal()
    assert f"{channel}.{field}: " in sentence
    assert told in sentence
    assert "canary" not in sentence


@pytest.mark.parametrize("host", ["127.0.0.1:99", "[::1]:99", "localhost"])
def test_fakes_on_this_machine_may_stand_in_without_https(write: Write, host: str) -> None:
    write("ntfy", {"server": f'"http://{host}/"'})
    ntfy = read_settings().ntfy
    assert ntfy is not None
    assert ntfy.server == f"http://{host}"


@pytest.mark.parametrize(
    ("channel", "changes", "named"),
    [
        ("sms", {}, "sms: needs public_url"),
        (
            "telegram",
            {"webhook": "true", "webhook_secret": '"canary-webhook-secret"'},
            "telegram.webhook: needs public_url",
        ),
        ("ntfy", {"actions": '"hook"'}, 'ntfy.actions "hook": needs public_url'),
    ],
)
def test_what_providers_call_back_needs_a_public_address(
    write: Write, channel: str, changes: dict[str, str | None], named: str
) -> None:
    write(channel, changes, public="")
    sentence = refusal()
    assert named in sentence
    assert "canary" not in sentence
    write(channel, changes)
    assert getattr(read_settings(), channel) is not None


@pytest.mark.parametrize("channel", ["telegram", "ntfy", "slack"])
def test_what_only_calls_out_needs_no_public_address(write: Write, channel: str) -> None:
    write(channel, {}, public="")
    assert getattr(read_settings(), channel) is not None


def test_a_long_enough_webhook_secret_is_taken(write: Write) -> None:
    write("telegram", {"webhook": "true", "webhook_secret": '"canary-16-chars_"'})
    telegram = read_settings().telegram
    assert telegram is not None
    assert telegram.webhook_secret is not None
    assert telegram.webhook_secret.get_secret_value() == "canary-16-chars_"


def test_a_command_token_of_its_own_is_taken(write: Write) -> None:
    write("ntfy", {"actions": '"topic"', "command_token": '"tk_canarycommand"'})
    ntfy = read_settings().ntfy
    assert ntfy is not None
    assert ntfy.command_token is not None


def test_two_underscores_lead_into_a_channel_and_the_environment_wins(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("sms", {})
    monkeypatch.setenv("REINS_SMS__AUTH_TOKEN", "canary-from-the-environment")
    monkeypatch.setenv("REINS_SMS__COUNTRIES", '["+49", "+41"]')
    sms = read_settings().sms
    assert sms is not None
    assert sms.auth_token.get_secret_value() == "canary-from-the-environment"
    assert (sms.countries, sms.from_number) == (("+49", "+41"), "+15005550006")


def test_a_channel_may_come_from_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REINS_TELEGRAM__TOKEN", "424242:canary-telegram-token_0123456789")
    monkeypatch.setenv("REINS_TELEGRAM__GROUPS", "[-1001234567]")
    telegram = read_settings().telegram
    assert telegram is not None
    assert telegram.groups == (-1001234567,)


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("REINS_SMS__AUTH_TOKEN", "canary", "sms.auth_token"),
        ("REINS_SMS__COUNTRIES", "+canary", '"sms"'),
        ("REINS_SMS", "canary", "sms: "),
        ("REINS_TELEGRAM__TOKEN", "canary", "telegram.token"),
        ("REINS_TELEGRAM__GROUPS", "-canary", '"telegram"'),
        ("REINS_NTFY__TOKEN", "canary", "ntfy.token"),
        ("REINS_SLACK__WEBHOOK_URL", "http://canary.test", "slack.webhook_url"),
    ],
)
def test_a_wrong_variable_is_refused_by_its_setting_and_shows_no_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, named: str
) -> None:
    monkeypatch.setenv(name, value)
    sentence = refusal()
    assert named in sentence
    assert "canary" not in sentence
