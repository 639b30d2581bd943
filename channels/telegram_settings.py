"""What the Telegram channel needs to know: the bot's token, the groups it listens in, how updates come."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from domain.errors import UserError

PUBLIC_API = "https://api.telegram.org"
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
WEBHOOK_PORTS = frozenset({443, 80, 88, 8443})  # Bot API, setWebhook
WEBHOOK_PATH = "/hooks/telegram"
_TOKEN = re.compile(r"[0-9]{1,16}:[A-Za-z0-9_-]{20,100}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}")  # Telegram takes 1 to 256; short ones could be guessed


@dataclass(frozen=True, slots=True)
class TelegramSettings:
    """One bot. `groups` are the numeric ids of chats with several people that it serves; they are negative.

    Raises:
        UserError: a field has a wrong shape; the message never quotes a secret.
    """

    token: str = field(repr=False)
    groups: frozenset[int] = frozenset()
    webhook_secret: str | None = field(default=None, repr=False)
    api_base: str = PUBLIC_API

    def __post_init__(self) -> None:
        if not _TOKEN.fullmatch(self.token):
            raise UserError("the Telegram token must look like 123456:ABC…, as BotFather shows it")
        if any(group >= 0 for group in self.groups):
            raise UserError("telegram groups are named by their numeric ids, which are negative")
        if self.webhook_secret is not None and not _SECRET.fullmatch(self.webhook_secret):
            raise UserError("the Telegram webhook secret must have 16 to 256 characters of A-Z a-z 0-9 _ -")
        base = urlsplit(self.api_base)
        if base.scheme != "https" and base.hostname not in LOOPBACK_HOSTS:
            raise UserError("the Telegram API address must begin with https://: the token is part of every call")
        if self.api_base.endswith("/"):
            raise UserError("the Telegram API address must not end with a slash")

    def webhook(self, public_url: str) -> tuple[str, str]:
        """Return where Telegram is to post updates, and the secret that proves it is Telegram.

        Raises:
            UserError: there is no secret, or Telegram would not post to such an address.
        """
        if self.webhook_secret is None:
            raise UserError("Telegram's webhook mode needs a webhook secret: anybody could post updates without one")
        address = urlsplit(public_url)
        if address.scheme != "https" or (address.port or 443) not in WEBHOOK_PORTS:
            raise UserError("Telegram posts to https addresses on port 443, 80, 88 or 8443 only: mend the public URL")
        return public_url.rstrip("/") + WEBHOOK_PATH, self.webhook_secret
