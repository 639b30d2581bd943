"""How the bot is set up at Twilio."""

import re
from dataclasses import dataclass, field

from domain.errors import UserError

API_BASE = "https://api.twilio.com"
INBOUND_PATH = "/hooks/twilio/sms"
STATUS_PATH = "/hooks/twilio/status"
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
_TOKEN = re.compile(r"[!-~]{16,}")
_MAX_TOKENS = 2  # the one in use, and the one before it or after it while they are changed over


@dataclass(frozen=True, slots=True)
class SmsSettings:
    """One account and its number. `countries` are calling codes such as `+41`: nothing is sent to any other.

    `auth_tokens` are one, or two during a change-over: the first signs what we send, either may have signed what comes
    in. `public_url` is where Twilio reaches us, without a slash at its end: signatures are over this, never over what a
    request says of itself.
    """

    account_sid: str
    auth_tokens: tuple[str, ...] = field(repr=False)
    from_number: str
    messaging_service_sid: str | None
    public_url: str
    countries: tuple[str, ...]
    api_base: str = API_BASE

    def __post_init__(self) -> None:
        """Refuse what would let anybody sign, or nobody be reached.

        Raises:
            UserError: a field of a wrong shape.
        """
        if not _ACCOUNT_SID.fullmatch(self.account_sid):
            raise UserError("the Twilio account must be AC and 32 hex digits, as the console shows it")
        tokens = self.auth_tokens
        if not 1 <= len(tokens) <= _MAX_TOKENS or not all(_TOKEN.fullmatch(token) for token in tokens):
            raise UserError("Twilio needs one auth token, or two while they are changed over, of 16 characters or more")
        if not E164.fullmatch(self.from_number):
            raise UserError("the Twilio number must look like +15005550006: a plus and digits only")
        if not self.countries or not all(re.fullmatch(r"\+[1-9][0-9]{0,6}", code) for code in self.countries):
            raise UserError("name the calling codes that may be texted, such as +41: at least one, a plus and digits")

    @property
    def status_url(self) -> str:
        """Where Twilio posts what becomes of the texts that we send."""
        return self.public_url + STATUS_PATH
