"""Something people should learn, the buttons that come with it, and what became of telling them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class NoticeKind(StrEnum):
    """Why somebody is told something (docs/design.md)."""

    ATTEMPT_START = "attempt-start"
    ATTEMPT_DONE = "attempt-done"
    FINAL = "final"
    APPROVAL_REQUEST = "approval-request"
    APPROVAL_RESOLVED = "approval-resolved"
    MODE_CHANGED = "mode-changed"
    ALARM = "alarm"
    DIGEST = "digest"
    REPLY = "reply"  # the answer to a message, on channels that are answered through the outbox
    CHALLENGE = "challenge"  # asks for a one-time code; the channel has it made while it sends, so that it lies nowhere
    CARD = "card"  # brings a message that was shown before up to date; nobody is alerted, its buttons die
    TOAST = "toast"  # tells somebody who pressed a button what came of it


class Urgency(StrEnum):
    """How much it matters that it is read now; it decides which channels are tried, and in which order."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class ChoiceStyle(StrEnum):
    """What a button does, so that a channel can colour it, or leave it out where it must not be offered."""

    PLAIN = "plain"
    APPROVE = "approve"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Choice:
    """One button: what it shows, and the command that pressing it gives."""

    label: str
    command: str
    style: ChoiceStyle = ChoiceStyle.PLAIN


class DeliveryState(StrEnum):
    """What became of an outbox row; `ambiguous` waits to be reconciled, never to be repeated blindly."""

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    EXPIRED = "expired"
    DEAD = "dead"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice. `key` is its idempotency key (run id, kind, attempt): telling twice with one key tells once.

    `subject` is the id of the run, approval or confirmation it is about: a channel that edits keeps one card for it.
    The buttons of `choices` belong to the person `choices_for` (None: to anybody in that chat who may), die at
    `choices_until` (None: a day), and stand for exactly what `digest` names. A channel that has to cut `text` offers
    no approving button. `acknowledges` is the press a toast answers; `picture` names a chart to draw and attach.
    """

    key: str
    kind: NoticeKind
    text: str
    run_handle: str | None = None
    repository: str | None = None
    branch: str | None = None
    run_url: str | None = None
    unresolved: int | None = None
    mode: str | None = None
    reason: str | None = None
    urgency: Urgency = Urgency.NORMAL
    subject: str | None = None
    choices: tuple[Choice, ...] = ()
    choices_for: str | None = None
    choices_until: datetime | None = None
    digest: str | None = None
    receipt: str | None = None
    picture: str | None = None
    acknowledges: str | None = None
