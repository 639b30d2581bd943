"""What Twilio reports of a text that we sent: the provider's word, and how far it has come."""

from collections.abc import Mapping
from dataclasses import dataclass

from channels.sms_fields import wrong_field
from channels.sms_settings import SmsSettings
from channels.sms_signature import Pairs, Refusal, refuse_forged
from domain.notices import DeliveryState

_REQUIRED = ("AccountSid", "MessageSid", "MessageStatus")
# Reports come late, twice and in any order: one of a lower rank than what is known says nothing new.
_RANKS = {
    "accepted": 0,
    "scheduled": 0,
    "queued": 1,
    "sending": 2,
    "sent": 3,  # the carrier has it; some carriers never report more
    "delivered": 4,
    "read": 4,
    "undelivered": 4,
    "failed": 4,
    "canceled": 4,
}
_STATES = {
    "delivered": DeliveryState.DELIVERED,
    "read": DeliveryState.DELIVERED,
    "undelivered": DeliveryState.DEAD,
    "failed": DeliveryState.DEAD,
    "canceled": DeliveryState.DEAD,
}


@dataclass(frozen=True, slots=True)
class SmsStatus:
    """One report: `state` is None while it may still change; `rank` never goes down for one message."""

    sid: str
    rank: int
    state: DeliveryState | None
    status: str
    error_code: int | None


def read_status(url: str, pairs: Pairs, headers: Mapping[str, str], settings: SmsSettings) -> SmsStatus | Refusal:
    """Turn a posted report into ours, or say why not. `url` is the configured address with the path as received."""
    forged = refuse_forged(url, pairs, headers, settings.auth_tokens)
    if forged is not None:
        return forged
    fields = dict(pairs)
    wrong = wrong_field(fields, _REQUIRED)
    if wrong is not None:
        return Refusal(wrong)
    status = fields["MessageStatus"]
    if fields["AccountSid"] != settings.account_sid or status not in _RANKS:
        return Refusal("for another account, or an unknown status")
    error = fields.get("ErrorCode")
    return SmsStatus(fields["MessageSid"], _RANKS[status], _STATES.get(status), status, int(error) if error else None)
