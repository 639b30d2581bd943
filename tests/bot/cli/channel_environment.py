"""Switching channels on for a command line, with a fake provider behind each."""

from tests.bot.cli.command_line import CommandLine
from tests.fakes.providers.ntfy import FakeNtfy
from tests.fakes.providers.telegram import TOKEN as TELEGRAM_TOKEN
from tests.fakes.providers.telegram import FakeTelegram
from tests.fakes.providers.twilio import ACCOUNT, NUMBER, FakeTwilio
from tests.fakes.providers.twilio import TOKEN as TWILIO_TOKEN

PUBLIC_URL = "https://reins.example"
NTFY_TOKEN = "tk_botbotbotbot"
NOBODY = "http://127.0.0.1:1"  # port 1 is nobody's: connections are refused


def set_up_sms(reins: CommandLine, twilio: FakeTwilio | None = None, token: str = TWILIO_TOKEN) -> None:
    """Switch SMS on; without a fake, Twilio is at a port where nobody listens."""
    reins.set("REINS_PUBLIC_URL", PUBLIC_URL)
    reins.set("REINS_SMS__ACCOUNT_SID", ACCOUNT)
    reins.set("REINS_SMS__AUTH_TOKEN", token)
    reins.set("REINS_SMS__FROM_NUMBER", NUMBER)
    reins.set("REINS_SMS__COUNTRIES", '["+41"]')
    reins.set("REINS_SMS__API_BASE", twilio.url if twilio else NOBODY)


def set_up_telegram(reins: CommandLine, telegram: FakeTelegram | None = None, token: str = TELEGRAM_TOKEN) -> None:
    """Switch Telegram on, fetching updates."""
    reins.set("REINS_TELEGRAM__TOKEN", token)
    reins.set("REINS_TELEGRAM__API_BASE", telegram.url if telegram else NOBODY)


def set_up_ntfy(reins: CommandLine, server: str, token: str = NTFY_TOKEN) -> None:
    """Switch ntfy on, without buttons."""
    reins.set("REINS_NTFY__SERVER", server)
    reins.set("REINS_NTFY__TOKEN", token)
    reins.set("REINS_NTFY__ACTIONS", "none")


def guarded(ntfy: FakeNtfy) -> FakeNtfy:
    """Let the server know our token, and nobody else."""
    ntfy.user(NTFY_TOKEN, write=["*"], read=["*-cmd"])
    return ntfy
