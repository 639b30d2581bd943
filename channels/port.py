"""The Channel port: how a notice is handed to one address, and how a hand-over can fail."""

from typing import Protocol

from domain.notices import Notice


class DeliveryError(Exception):
    """The notice was not handed over; which of the three it is decides what the relay may do next."""


class NotNow(DeliveryError):  # noqa: N818 - the tree's root says Error, its leaves say what happened
    """Nothing was sent: trying again later is safe. `retry_after_seconds` is the provider's own wish, if any."""

    def __init__(self, reason: str, retry_after_seconds: int | None = None) -> None:
        """Keep the provider's wish."""
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class Never(DeliveryError):  # noqa: N818 - as above
    """A definite no: this address will not take this notice."""


class MaybeSent(DeliveryError):  # noqa: N818 - as above
    """It may have arrived: look before sending again."""


class Channel(Protocol):
    """One way to people."""

    name: str

    async def deliver(self, value: str, notice: Notice) -> None:
        """Hand a notice to the address `value` of this channel.

        Raises:
            NotNow: nothing was sent.
            Never: it cannot be sent.
            MaybeSent: nobody knows; ask `arrived`.
        """
        ...

    async def arrived(self, value: str, notice: Notice) -> bool | None:
        """Tell whether a notice got there: yes, no, or None when this channel cannot tell."""
        ...
