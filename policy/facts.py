"""Everything the gate looks at besides the request, as plain values that are stored with the decision."""

from dataclasses import dataclass
from enum import StrEnum

from domain.modes import ModeSources
from domain.people import Person, Proof
from domain.requests import Request, Risk
from policy.loading import PolicyState


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The run a request names."""

    state: str
    final: bool
    requested_by: str


class NumberState(StrEnum):
    """What became of the two-digit number that approving something of medium risk by a chat account takes."""

    NOT_ASKED = "not_asked"  # this approval, or this way to it, has no number
    MISSING = "missing"
    WRONG = "wrong"
    SPENT = "spent"  # this person gave a wrong one before
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class ApprovalFacts:
    """The approval a request answers. Expiry is read from the row: `expires_in_seconds <= 0` is expired.

    `decided_by` is the person whose vote closed it; None while it is open, or where nobody did (it expired).
    """

    state: str
    requested_by: str
    risk: Risk
    allow_self: bool
    expires_in_seconds: int
    voted_already: bool
    digest_matches: bool
    decided_by: str | None = None
    number: NumberState = NumberState.NOT_ASKED


class ConfirmationState(StrEnum):
    """What became of the one-time code that came with a message."""

    RIGHT = "right"
    WRONG = "wrong"
    LOCKED = "locked"
    EXPIRED = "expired"
    USED = "used"
    FOREIGN = "foreign"  # it was made for another person or address


@dataclass(frozen=True, slots=True)
class ConfirmationFacts:
    """The one-time code of a message, looked up; `tries_left` of its address, this try already taken off.

    A right code has raised the proof to `code` before the gate is asked: the gate itself raises none.
    """

    state: ConfirmationState
    tries_left: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true at the moment of the decision, counted and read inside the same transaction.

    `head_known`: where the branch of a dispatch stands was seen a moment ago; looked up only where an approval would be
    bound to that commit.
    """

    channel: str
    mode: ModeSources
    audit_writable: bool = True
    messages_this_hour: int = 0
    sent_age_seconds: int | None = None
    action_runs_this_hour: int = 0
    slot_busy_with: str | None = None
    approved: bool = False
    soak_days_passed: int = 0
    soak_clean_runs: int = 0
    run: RunFacts | None = None
    approval: ApprovalFacts | None = None
    confirmation: ConfirmationFacts | None = None  # None: the message carries no code
    head_known: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """One question to the gate."""

    request: Request
    person: Person | None
    proof: Proof
    facts: Facts
    state: PolicyState
