"""Something people should learn, and what became of telling them."""

from dataclasses import dataclass
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
    """One notice. `key` is its idempotency key (run id, kind, attempt): telling twice with one key tells once."""

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
