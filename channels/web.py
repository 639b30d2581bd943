"""The web page's channel: a signed-in person's text as our own message, notices into their thread."""

import re
from datetime import UTC, datetime

from channels.thread import AppendToThread, FindPerson, ThreadChannel
from domain.errors import UserError
from domain.messages import Inbound
from domain.people import Address, AddressKind, Proof

ACCOUNT = "page"
NONCE = re.compile(r"[0-9a-f]{32}")
_SECONDS = re.compile(r"[0-9]{9,11}")


def to_inbound(person_id: str, text: str, nonce: str, timestamp: str, received_at: datetime) -> Inbound:
    """Turn a page's message into ours. The person comes from the session, never from the message.

    Raises:
        UserError: the nonce or the time stamp has a wrong form.
    """
    message_id, sent_at = read_stamp(person_id, nonce, timestamp)
    sender = Address(AddressKind.WEB, person_id)
    return Inbound(AddressKind.WEB.value, ACCOUNT, message_id, sender, text, Proof.SESSION, received_at, sent_at)


def read_stamp(owner: str, nonce: str, timestamp: str) -> tuple[str, datetime]:
    """Return message id and sending time of a write; ids of different owners never meet.

    Raises:
        UserError: the nonce or the time stamp has a wrong form.
    """
    if not NONCE.fullmatch(nonce):
        raise UserError("Reins-Nonce must be 32 hex digits, made anew for each message and kept for its repeats")
    if not _SECONDS.fullmatch(timestamp):
        raise UserError("Reins-Timestamp must be the time of sending in whole seconds since 1970")
    return f"{owner}:{nonce}", datetime.fromtimestamp(int(timestamp), UTC)


def web_channel(find_person: FindPerson, append: AppendToThread) -> ThreadChannel:
    """Return the way back to the page."""
    return ThreadChannel(AddressKind.WEB, find_person, append)
