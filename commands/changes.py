"""Changes of our own records, as frozen data: commands return them, the dispatcher writes them."""

from dataclasses import dataclass

from commands.preference_changes import PreferenceChange
from domain.approvals import Approval, ApprovalState, Vote
from domain.confirmations import Confirmation
from domain.effects import Dispatch
from domain.modes import Mode
from domain.runs import Run


@dataclass(frozen=True, slots=True)
class StartRun:
    """A new run in its slot; the dispatch goes through the outbox."""

    run: Run
    slot: str
    dispatch: Dispatch


@dataclass(frozen=True, slots=True)
class SetMode:
    """The stored mode becomes this."""

    mode: Mode
    person: str


@dataclass(frozen=True, slots=True)
class OpenApproval:
    """Somebody else is asked."""

    approval: Approval


@dataclass(frozen=True, slots=True)
class CastVote:
    """One person's answer, and the state it brings the approval to, if any."""

    approval: Approval
    vote: Vote
    closes: ApprovalState | None


@dataclass(frozen=True, slots=True)
class OpenConfirmation:
    """A command waits for its sender's one-time code."""

    confirmation: Confirmation


@dataclass(frozen=True, slots=True)
class SetReachable:
    """A carrier stopped or resumed texts to an address, written `channel:value`."""

    address: str
    reachable: bool


Change = StartRun | SetMode | OpenApproval | CastVote | OpenConfirmation | SetReachable | PreferenceChange
