"""One normalised message, whatever the channel it came through."""

from dataclasses import dataclass
from datetime import datetime

from domain.people import Address, Proof

MAX_TEXT_CHARACTERS = 500  # a command is one line; the longest sensible one has under 200 characters


@dataclass(frozen=True, slots=True)
class Inbound:
    """What an adapter hands on after size, authenticity and field grammar were checked.

    `account` is our own receiving side at the provider (a phone number, a bot id), `message_id` the provider's id of
    the message: together with the channel they name the message for ever. `sent_at` is the sender's own clock where
    the channel carries one under the proof (API timestamps), else None.
    """

    channel: str
    account: str
    message_id: str
    sender: Address
    text: str
    proof: Proof
    received_at: datetime
    sent_at: datetime | None = None
