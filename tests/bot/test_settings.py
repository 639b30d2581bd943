"""Settings: environment before file, nothing unknown, and nothing half secured."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.settings import Settings, read_settings
from domain.errors import UserError
from domain.modes import Mode
from tests.bot.foreign_environment import forget_ours

Write = Callable[[str], None]


@pytest.fixture(autouse=True)
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Stand in an empty folder without any of our variables; the result writes its `reins.toml`."""
    forget_ours(monkeypatch)
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> None:
        (tmp_path / "reins.toml").write_text(text, encoding="utf-8")

    return write


def test_a_fresh_folder_has_safe_defaults() -> None:
    settings = read_settings()
    assert (settings.url, settings.autonomy_mode) == ("http://127.0.0.1:8710", None)


def test_the_file_counts_and_the_environment_counts_more(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write('port = 9000\nhome = "state"\nautonomy_mode = "operate"\n')
    assert (read_settings().port, read_settings().home, read_settings().autonomy_mode) == (
        9000,
        Path("state"),
        Mode.OPERATE,
    )
    monkeypatch.setenv("REINS_PORT", "9001")
    monkeypatch.setenv("AUTONOMY_MODE", "off")
    assert (read_settings().port, read_settings().autonomy_mode) == (9001, Mode.OFF)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("prot = 1", "prot: Extra inputs are not permitted"),
        ("port = 99999", "port: "),
        ('autonomy_mode = "on"', "AUTONOMY_MODE: Input should be"),
        ('host = "0.0.0.0"', "a host beyond loopback needs public_url with https"),
        ('host = "0.0.0.0"\npublic_url = "http://bot.example"', "a host beyond loopback needs public_url with https"),
        ('public_url = "http://bot.example"', "must be https"),
        ('public_url = "http://127.0.0.1.bot.example"', "must be https"),
        ("port = [", "reins.toml cannot be read: "),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(write: Write, text: str, named: str) -> None:
    write(text)
    with pytest.raises(UserError, match="cannot be") as refused:
        read_settings()
    assert named in str(refused.value)


@pytest.mark.parametrize("mode", ["on", "OFF ", "", "operate-all"])
def test_a_mode_that_is_none_of_the_three_stops_the_start(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTONOMY_MODE", mode)
    with pytest.raises(UserError):
        read_settings()


def test_a_public_address_with_https_may_be_served(write: Write) -> None:
    write('host = "0.0.0.0"\npublic_url = "https://bot.example/"')
    assert read_settings().url == "https://bot.example"


def test_a_public_address_on_this_machine_needs_no_https(write: Write) -> None:
    write('public_url = "http://localhost:8710/"')
    assert read_settings().url == "http://localhost:8710"


def test_every_part_that_is_called_back_is_named_in_one_sentence(write: Write) -> None:
    write(
        f"""
        [sms]
        account_sid = "AC{"5" * 32}"
        auth_token = "canary-auth-token-0123456789"
        from_number = "+15005550006"
        countries = ["+41"]
        [telegram]
        token = "424242:canary-telegram-token_0123456789"
        webhook = true
        webhook_secret = "canary-webhook-secret"
        [ntfy]
        server = "https://ntfy.test"
        token = "tk_canaryntfytoken"
        [github]
        webhook_secret = "canary-github-secret"
        """
    )
    with pytest.raises(UserError) as refused:
        read_settings()
    needing = 'sms, telegram.webhook, ntfy.actions "hook", github.webhook_secret'
    assert f"{needing}: needs public_url" in str(refused.value)
    assert "canary" not in str(refused.value)


def test_a_problem_never_repeats_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REINS_PORT", "hunter2")
    with pytest.raises(UserError) as refused:
        read_settings()
    assert "hunter2" not in str(refused.value)


def test_the_address_people_open_is_one_a_browser_understands() -> None:
    assert Settings(host="::1", port=80).url == "http://[::1]:80"
    assert Settings(public_url="https://r.test/").url == "https://r.test"
