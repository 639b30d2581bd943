"""One normalised message, whatever the channel it came through."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.people import Address, Proof

MAX_TEXT_CHARACTERS = 500  # a command is one line; the longest sensible one has under 200 characters


@dataclass(frozen=True, slots=True)
class Press:
    """A pressed button: its opaque token, the message it sat on where the channel tells, and the id to answer it by."""

    token: str
    message_id: str | None = None
    acknowledge: str | None = None


class CarrierWord(StrEnum):
    """A text that the carrier itself acts on before we see it (channels.md of the providers, CTIA guidelines)."""

    OPT_OUT = "opt-out"  # every later text to that number fails until it opts in again
    OPT_IN = "opt-in"
    HELP = "help"  # the carrier has answered it already


@dataclass(frozen=True, slots=True)
class Inbound:
    """What an adapter hands on after size, authenticity and field grammar were checked.

    `account` is our own receiving side at the provider (a phone number, a bot id), `message_id` the provider's id of
    the message: together with the channel they name the message for ever. `sent_at` is the sender's own clock where
    the channel carries one under the proof (API timestamps), else None. `reply_to` is where the answer goes through
    the outbox; None means that the caller shows the answer itself (web page, console). A `press` comes in place of
    text, and a `carrier_word` is no command.
    """

    channel: str
    account: str
    message_id: str
    sender: Address
    text: str
    proof: Proof
    received_at: datetime
    sent_at: datetime | None = None
    reply_to: Address | None = None
    press: Press | None = None
    carrier_word: CarrierWord | None = None
