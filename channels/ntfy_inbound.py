"""One line of a ntfy stream as our own message, or as what else it says."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from channels.ntfy_actions import PRESS_MARK
from channels.ntfy_settings import COMMAND_SUFFIX
from domain.messages import Inbound, Press
from domain.people import Address, AddressKind, Proof

_MESSAGE_ID = re.compile(r"[-_A-Za-z0-9]{1,64}")
_PRESS = re.compile(re.escape(PRESS_MARK) + r"([-_A-Za-z0-9]{16,64})")
_LAST_SECOND = 253_402_300_799  # of the year 9999, where Python's calendar ends


@dataclass(frozen=True, slots=True)
class Heard:
    """A line that is no message: the stream was opened or is kept open, or a notification was cleared or deleted."""

    event: str
    time_s: int | None


class UnusableLineError(ValueError):
    """A line that cannot be used; the text says why and holds nothing of the line."""


def read_line(raw: bytes, values: Collection[str], received_at: datetime) -> Inbound | Heard:
    """Read one line of the stream over the command topics of `values`, which are out topics.

    The server vouches for nobody: whoever may write to the command topic is taken for its person (proof `address`),
    and a button's single-use token proves the account that the button was sent to.

    Raises:
        UnusableLineError: the line is no message that a person's app or button sends.
    """
    document = _document(raw)
    event, time_s = document.get("event"), _seconds(document.get("time"))
    if event != "message":
        return Heard(str(event)[:40], time_s)
    value = str(document.get("topic")).removesuffix(COMMAND_SUFFIX)
    message_id, text = document.get("id"), document.get("message")
    if time_s is None or not isinstance(message_id, str) or not _MESSAGE_ID.fullmatch(message_id):
        raise UnusableLineError("id or time is missing or has a wrong shape")
    if value not in values or document.get("topic") != value + COMMAND_SUFFIX:
        raise UnusableLineError("the topic is nobody's command topic")
    if not isinstance(text, str) or "attachment" in document or "encoding" in document:
        raise UnusableLineError("it holds a file, or nothing to read")
    sender, pressed = Address(AddressKind.NTFY, value), _PRESS.fullmatch(text)
    return Inbound(
        channel=AddressKind.NTFY.value,
        account=value + COMMAND_SUFFIX,
        message_id=message_id,
        sender=sender,
        text="" if pressed else text,
        proof=Proof.ACCOUNT if pressed else Proof.ADDRESS,
        received_at=received_at,
        sent_at=datetime.fromtimestamp(time_s, UTC),
        reply_to=sender,
        press=Press(pressed[1]) if pressed else None,
    )


def _seconds(time: object) -> int | None:
    return time if isinstance(time, int) and 0 < time <= _LAST_SECOND and not isinstance(time, bool) else None


def _document(raw: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise UnusableLineError("it is no JSON") from error
    if not isinstance(document, dict):
        raise UnusableLineError("it is no JSON object")
    return document
