"""The console's channel: the operating system user at the bot's own machine, and notices into their thread."""

from datetime import datetime

from channels.thread import AppendToThread, FindPerson, ThreadChannel
from channels.web import read_stamp
from domain.messages import Inbound
from domain.people import Address, AddressKind, Proof

ACCOUNT = "socket"


def address_of(user_id: int) -> Address:
    """Return the address of an operating system user."""
    return Address(AddressKind.CONSOLE, str(user_id))


def to_inbound(user_id: int, text: str, nonce: str, timestamp: str, received_at: datetime) -> Inbound:
    """Turn a console line into our message; the kernel vouches for the user id of a local socket's peer.

    Raises:
        UserError: the nonce or the time stamp has a wrong form.
    """
    message_id, sent_at = read_stamp(str(user_id), nonce, timestamp)
    sender = address_of(user_id)
    return Inbound(AddressKind.CONSOLE.value, ACCOUNT, message_id, sender, text, Proof.LOCAL, received_at, sent_at)


def console_channel(find_person: FindPerson, append: AppendToThread) -> ThreadChannel:
    """Return the way back to the console."""
    return ThreadChannel(AddressKind.CONSOLE, find_person, append)
