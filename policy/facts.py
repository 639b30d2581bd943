"""Everything the gate looks at besides the request, as plain values that are stored with the decision."""

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class ApprovalFacts:
    """The approval a request answers. Expiry is read from the row: `expires_in_seconds <= 0` is expired."""

    state: str
    requested_by: str
    risk: Risk
    allow_self: bool
    expires_in_seconds: int
    voted_already: bool
    digest_matches: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true at the moment of the decision, counted and read inside the same transaction."""

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


@dataclass(frozen=True, slots=True)
class Case:
    """One question to the gate."""

    request: Request
    person: Person | None
    proof: Proof
    facts: Facts
    state: PolicyState
