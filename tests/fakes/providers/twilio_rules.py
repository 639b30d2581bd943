"""What Twilio keeps of a text, which numbers it refuses, and how it signs: apart from the bot's own reading of it."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime

from tests.fakes.providers.segments import segments

OPTED_OUT = 21610
# The numbers of Twilio's test credentials: what sending to or from them answers.
BAD_RECEIVERS = {
    "+15005550001": (21211, "Invalid 'To' Phone Number"),
    "+15005550002": (21612, "The 'To' phone number is not currently reachable"),
    "+15005550003": (21408, "Permission to send an SMS has not been enabled for the region"),
    "+15005550004": (OPTED_OUT, "Attempt to send to unsubscribed recipient"),
    "+15005550009": (21614, "'To' number is not a valid mobile number"),
}
BAD_SENDERS = {
    "+15005550001": (21212, "Invalid 'From' Phone Number"),
    "+15005550007": (21606, "The 'From' phone number is not a valid, SMS-capable number"),
    "+15005550008": (21611, "This 'From' number has exceeded the maximum number of queued messages"),
}
OPT_OUT_WORDS = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
OPT_IN_WORDS = {"START", "YES", "UNSTOP"}
MAX_BODY = 1600


@dataclass(slots=True)
class Text:
    """One text that Twilio has: sent for us, or received for us."""

    sid: str
    account: str
    to: str
    sender: str | None
    body: str
    direction: str
    status: str
    created: datetime
    service: str | None = None
    callback: str | None = None
    sent: datetime | None = None
    error_code: int | None = None
    form: dict[str, str] = field(default_factory=dict)  # as it was posted to the bot; of a received text only

    def document(self) -> dict[str, object]:
        """Return the text as the API shows it."""
        uri = f"/2010-04-01/Accounts/{self.account}/Messages/{self.sid}"
        return {
            "account_sid": self.account,
            "api_version": "2010-04-01",
            "body": self.body,
            "date_created": format_datetime(self.created),
            "date_sent": None if self.sent is None else format_datetime(self.sent),
            "date_updated": format_datetime(self.sent or self.created),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": None,
            "from": self.sender,
            "messaging_service_sid": self.service,
            "num_media": "0",
            "num_segments": str(segments(self.body)),
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": self.to,
            "uri": f"{uri}.json",
        }


def sign(token: str, url: str, form: Mapping[str, str]) -> str:
    """Sign a form as Twilio does: HMAC-SHA1 over the address and all fields by name."""
    signed = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def refusal_of(fields: Mapping[str, str], opted_out: set[str]) -> tuple[int, str] | None:
    """Return why a text is not taken: code and words."""
    to, sender, text = fields.get("To", ""), fields.get("From", ""), fields.get("Body", "")
    if sender in BAD_SENDERS:
        return BAD_SENDERS[sender]
    if to in BAD_RECEIVERS:
        return BAD_RECEIVERS[to]
    if to in opted_out:
        return OPTED_OUT, "Attempt to send to unsubscribed recipient"
    if not sender and "MessagingServiceSid" not in fields:
        return 21603, "A 'From' phone number is required"
    if not text:
        return 21602, "Message body is required"
    return (21617, "The concatenated message body exceeds the 1600 character limit") if len(text) > MAX_BODY else None
