"""What a pressed button means: its token is looked up by hash and must fit the person, the chat and the message."""

from dataclasses import dataclass
from datetime import datetime

from domain.approvals import ApprovalState
from domain.decisions import Decision, Verdict
from domain.ids import fingerprint
from domain.messages import Inbound, Press
from domain.people import Person
from store.tables import Tables
from store.tables.buttons import Button


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button by its hash: the command it stands for, or why it is worth nothing, or that it was pressed before."""

    hash: str
    command: str = ""
    objection: Decision | None = None
    first_press: int | None = None


def read_press(message: Inbound, press: Press, person: Person, tables: Tables, now: datetime) -> Pressed:
    """Look a button up. Whatever does not fit exactly is an objection; nothing is spent here.

    A token is worth nothing to another person, in another chat, on another message, after its time, or when what it
    stands for has changed. One person's second press of the same button is told what the first one did.
    """
    hashed = fingerprint(press.token)
    button = tables.buttons.get(hashed)
    if button is None:
        return Pressed(hashed, objection=_no("button_unknown", "this button is not one of ours"))
    first = tables.buttons.pressed(hashed, person.id)
    objection = _misplaced(button, message, press, person)
    if objection is None and first is not None:
        return Pressed(hashed, button.command, first_press=first)
    return Pressed(hashed, button.command, objection or _overtaken(button, tables, now))


def _misplaced(button: Button, message: Inbound, press: Press, person: Person) -> Decision | None:
    place = (message.reply_to or message.sender).text()
    # A message without an id of ours was sent while we died: its buttons were never bound, and the text form remains.
    moved = press.message_id is not None and press.message_id != button.message_id
    if button.to != place or moved:
        return _no("button_misplaced", f"this button belongs to another message; send {button.command} instead")
    if button.person is not None and button.person != person.id:
        return _no("button_not_yours", "this button was made for somebody else")
    return None


def _overtaken(button: Button, tables: Tables, now: datetime) -> Decision | None:
    approval = tables.approvals.get(button.subject) if button.subject else None
    if approval is not None:
        if approval.state is not ApprovalState.OPEN:
            who = f", by {approval.decided_by}" if approval.decided_by else ""
            return _no("approval_decided", f"{approval.handle} is already {approval.state.value}{who}")
        if button.digest != approval.digest:
            return _no("button_changed", "what this button stands for has changed since it was shown")
    if now >= button.expires_at:
        return _no("button_expired", f"this button is too old; send {button.command} instead")
    return None


def _no(rule: str, reason: str) -> Decision:
    return Decision(Verdict.DENY, rule, reason)
