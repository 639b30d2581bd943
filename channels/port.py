"""The Channel port: how a notice is handed to one address, how that can fail, and how to look back afterwards."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from domain.notices import Notice


class DeliveryError(Exception):
    """The notice was not handed over; which kind it is decides what the relay may do next."""


class NotNow(DeliveryError):  # noqa: N818 - the tree's root says Error, its leaves say what happened
    """Nothing was sent: trying again later is safe. `retry_after_seconds` is the provider's own wish, if any."""

    def __init__(self, reason: str, retry_after_seconds: int | None = None) -> None:
        """Keep the provider's wish."""
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class Paced(DeliveryError):  # noqa: N818 - as above
    """Our own pacing holds it back: nothing was tried, so this counts as no try."""

    def __init__(self, seconds: float) -> None:
        """Keep how long to wait, in seconds."""
        super().__init__(f"paced for {seconds:.1f} s")
        self.seconds = seconds


class Broken(DeliveryError):  # noqa: N818 - as above
    """The channel as a whole is set up wrong or shut (bad token, revoked webhook): nothing was sent to anybody."""


class Never(DeliveryError):  # noqa: N818 - as above
    """A definite no: this address will not take this notice."""


class MaybeSent(DeliveryError):  # noqa: N818 - as above
    """It may have arrived: look back before sending again."""


@dataclass(frozen=True, slots=True)
class Handed:
    """What a provider made of a notice: its own id for the message, and whether a receipt is still to come.

    `tokens` are the buttons' tokens as they were sent; they are worth something only once the relay has bound them to
    `provider_id`.
    """

    provider_id: str | None = None
    awaits_receipt: bool = False
    tokens: tuple[str, ...] = ()


class Arrival(Enum):
    """What looking back shows about an earlier try."""

    ARRIVED = "arrived"
    NOT_THERE = "not there"  # sending again is safe
    FAILED = "failed"  # the provider took it and could not bring it to the person
    UNDECIDED = "undecided"  # the provider has it and does not know yet
    CANNOT_TELL = "cannot tell"  # this channel has no way to look: send again, marked as a repeat


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier try: not before which moment it was made, and the provider's id where it told one."""

    since: datetime
    provider_id: str | None


class Channel(Protocol):
    """One way to people. `look_back_after_seconds` is how long a provider may need before a message can be found."""

    name: str
    look_back_after_seconds: float

    async def deliver(self, value: str, notice: Notice, *, repeat: bool) -> Handed:
        """Hand a notice to the address `value` of this channel; `repeat` marks one that may have arrived before.

        Raises:
            NotNow: nothing was sent.
            Paced: nothing was tried.
            Broken: nothing was sent, and nothing will be until somebody mends the channel.
            Never: it cannot be sent.
            MaybeSent: nobody knows; ask `look_back`.
        """
        ...

    async def look_back(self, value: str, notice: Notice, earlier: Earlier) -> Arrival:
        """Tell what became of an earlier try.

        Raises:
            NotNow: the provider cannot be asked now.
            Broken: it will not answer until somebody mends the channel.
        """
        ...


class Desk(Protocol):
    """What a channel needs from our own records while it sends; the composition root puts the store behind it."""

    async def mint(self, to: str, notice: Notice) -> tuple[str, ...]:
        """Make one single-use token for each of the notice's choices, in their order; only hashes are kept."""
        ...

    async def card(self, to: str, subject: str) -> str | None:
        """Return the provider's id of the message that shows this subject at `to` (`channel:value`), if one does."""
        ...

    async def code(self, confirmation: str) -> str | None:
        """Make a new six-digit code for a confirmation; None when it is over or the person uses an authenticator."""
        ...


class Cursors(Protocol):
    """How far an inbound stream has been read, kept durably."""

    async def read(self, name: str) -> str | None:
        """Return the last kept position of a stream, or None."""
        ...

    async def keep(self, name: str, position: str) -> None:
        """Keep a position."""
        ...
