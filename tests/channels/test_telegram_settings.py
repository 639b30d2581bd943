"""Telegram's settings refuse what could not work or would not be safe, and an unused channel costs nothing."""

import subprocess
import sys

import pytest

from channels.telegram_settings import TelegramSettings
from domain.errors import UserError
from tests.fakes.providers.telegram import TOKEN


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"token": "abc"}, "token"),
        ({"token": f"{TOKEN}/../getMe"}, "token"),
        ({"groups": frozenset({5})}, "negative"),
        ({"webhook_secret": "short"}, "16 to 256"),
        ({"webhook_secret": "spaces are not allowed"}, "16 to 256"),
        ({"api_base": "http://api.telegram.org"}, "https://"),
        ({"api_base": "https://api.telegram.org/"}, "slash"),
    ],
)
def test_a_wrong_setting_is_refused_by_name_and_never_quoted(fields: dict[str, object], named: str) -> None:
    with pytest.raises(UserError, match=named) as caught:
        TelegramSettings(**({"token": TOKEN} | fields))  # type: ignore[arg-type]  # a table of wrong values
    assert str(fields.get("token", fields.get("webhook_secret", "?"))) not in str(caught.value)


def test_webhook_mode_needs_a_secret() -> None:
    with pytest.raises(UserError, match="secret"):
        TelegramSettings(TOKEN).webhook("https://reins.example")


def test_no_secret_shows_in_the_representation() -> None:
    shown = repr(TelegramSettings(TOKEN, webhook_secret="a-secret-of-the-webhook"))
    assert TOKEN not in shown
    assert "a-secret" not in shown


def test_an_installation_without_telegram_never_loads_its_library() -> None:
    program = (
        "import sys, channels.telegram, channels.telegram_polling, web.hooks.telegram\n"
        "sys.exit('telegram' in sys.modules or 'httpx' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
