"""Answers that go back through the outbox: as a message, as a toast for whoever pressed a button, cut to fit a text."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from commands.answer import Answer
from commands.command import Reply
from commands.paging import one_segment
from commands.parser import Parsed
from commands.reading import Reading
from domain.decisions import Verdict
from domain.effects import Deliver
from domain.messages import Inbound, Press
from domain.notices import Choice, Notice, NoticeKind, Urgency
from domain.people import Address, AddressKind
from store.tables import Tables

MAX_KEYS = 4  # a row of buttons that a thumb can tell apart
KEYS_LIVE = timedelta(hours=24)
_SAID_BY_THE_CARD = frozenset({"ok", "no"})  # their outcome changes the card itself: a message as well would be noise


@dataclass(frozen=True, slots=True)
class Kept:
    """A message and what it was answered with, kept in the inbox under `number`."""

    message: Inbound
    person: str
    answer: Answer
    reply: Reply
    number: int


def replies_to(kept: Kept, reading: Reading | None, tables: Tables, now: datetime) -> tuple[Deliver, ...]:
    """Return what has to be sent so that the sender sees the answer; nothing where the caller shows it, or in silence.

    `reading` is None for the second press of a button, which gets a toast and nothing else.
    """
    message, press, to = kept.message, kept.message.press, kept.message.reply_to
    if to is None or (kept.answer.text is None and press is None):
        return ()
    if press is not None and kept.answer.text is None:
        return (silent_toast(message, press, to),)
    if press is None:
        return (Deliver(to.text(), _message(kept, to, tables, now)),)
    if reading is None or _said_by_the_card(reading, kept.answer):
        return (Deliver(to.text(), _toast(message, press, kept.answer)),)
    return (silent_toast(message, press, to), Deliver(to.text(), _message(kept, to, tables, now)))


def _said_by_the_card(reading: Reading, answer: Answer) -> bool:
    votes = isinstance(reading.understood, Parsed) and reading.understood.command.verb in _SAID_BY_THE_CARD
    return votes or answer.verdict is Verdict.DENY


def _toast(message: Inbound, press: Press, answer: Answer) -> Notice:
    """Answer a press; what was refused has to be closed by hand, so that it is read."""
    urgency = Urgency.NORMAL if answer.verdict is Verdict.ALLOW else Urgency.HIGH
    key, text = f"toast:{message.channel}:{message.message_id}", answer.text or ""
    return Notice(key, NoticeKind.TOAST, text, urgency=urgency, acknowledges=press.acknowledge)


def silent_toast(message: Inbound, press: Press, to: Address) -> Deliver:
    """End the waiting sign on a button without a word: the answer is a message of its own, or there is none."""
    key = f"toast:{message.channel}:{message.message_id}"
    return Deliver(to.text(), Notice(key, NoticeKind.TOAST, "", urgency=Urgency.NORMAL, acknowledges=press.acknowledge))


def _message(kept: Kept, to: Address, tables: Tables, now: datetime) -> Notice:
    message, answer = kept.message, kept.answer
    return Notice(
        key=f"reply:{message.channel}:{message.account}:{message.message_id}",
        kind=NoticeKind.REPLY,
        text=_text(kept, to, tables, now),
        urgency=Urgency.HIGH,
        choices=tuple(Choice(key, key) for key in answer.keys[:MAX_KEYS]),
        choices_for=kept.person,
        choices_until=now + KEYS_LIVE,
        receipt=answer.receipt,
        picture=kept.reply.picture,
    )


def _text(kept: Kept, to: Address, tables: Tables, now: datetime) -> str:
    """Return the answer, on a phone without data as much of it as one text message holds."""
    text = kept.answer.text or ""
    if to.kind is AddressKind.SMS:
        return kept.reply.short or one_segment(text, kept.number, tables, now)
    return text
