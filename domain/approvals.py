"""A request that waits for other people's agreement, bound to the digest of exactly what will run (I7)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.requests import Risk


class ApprovalState(StrEnum):
    """Where an approval is; everything but `open` is final."""

    OPEN = "open"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's answer."""

    person: str
    grants: bool
    at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Approval:
    """What was asked, by whom, what it takes, and until when; the threshold is fixed when it is asked.

    `match_number` is what an approver has to pick from the screen of who asked, where that is wanted. `decided_by` is
    the person who decided, `reins` where the time ran out, None while it is open. `head_sha` is the commit that is
    approved, None where the digest names none.
    """

    id: str
    handle: str
    state: ApprovalState
    action: str
    ref: str
    inputs: dict[str, str]
    digest: str
    risk: Risk
    requested_by: str
    reply_to: str
    needed: int
    allow_self: bool
    made_at: datetime
    expires_at: datetime
    votes: tuple[Vote, ...] = ()
    match_number: str | None = None
    decided_by: str | None = None
    head_sha: str | None = None

    @property
    def granted(self) -> int:
        """Return how many people have agreed so far."""
        return sum(1 for vote in self.votes if vote.grants)
