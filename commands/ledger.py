"""The audit row of a message: who asked what, how it was decided, on which facts."""

from datetime import datetime

from audit.row import Entry
from commands.changes import (
    CastVote,
    Change,
    OpenApproval,
    OpenConfirmation,
    SetMode,
    SetReachable,
    StartRun,
)
from commands.preference_changes import describe_preference
from domain.clock import to_text
from domain.decisions import Decision, Verdict
from domain.ids import fingerprint
from domain.messages import Inbound
from domain.people import Address, AddressKind
from policy.evidence import to_evidence
from policy.facts import Case

_OUTCOMES = {Verdict.ALLOW: "done", Verdict.DENY: "refused", Verdict.NEEDS: "waiting"}


def entry_of(message: Inbound, case: Case, decision: Decision, changes: tuple[Change, ...], now: datetime) -> Entry:
    """Describe one decided message. The text itself stays out: its digest proves it, the request says what it meant."""
    evidence = to_evidence(case)
    if changes:
        evidence["changes"] = [_describe(change) for change in changes]
    started = next((change for change in changes if isinstance(change, StartRun)), None)
    return Entry(
        at=to_text(now),
        actor=case.person.id if case.person else "unknown",
        address_kind=message.sender.kind.value,
        channel=message.channel,
        proof=case.proof.value,
        action=case.request.verb,
        target=case.request.target,
        digest=started.dispatch.digest if started else fingerprint(message.text),
        decision=decision.verdict.value,
        rule=decision.rule,
        reason=decision.reason,
        policy_version=case.state.version,
        outcome=_OUTCOMES[decision.verdict],
        correlation=started.run.id if started else message.message_id,
        evidence=evidence,
    )


def _describe(change: Change) -> str:
    match change:
        case StartRun(run=run):
            said = f"run {run.id} accepted"
        case SetMode(mode=mode):
            said = f"mode {mode.value}"
        case OpenApproval(approval=approval):
            said = f"approval {approval.id} opened"
        case CastVote(approval=approval, vote=vote, closes=closes):
            said = f"approval {approval.id} {'granted' if vote.grants else 'refused'}{', closed' if closes else ''}"
        case OpenConfirmation(confirmation=confirmation):
            said = f"confirmation {confirmation.id} opened"
        case SetReachable(address=address, reachable=reachable):
            kind, _, value = address.partition(":")
            said = f"{Address(AddressKind(kind), value).masked()} {'reachable' if reachable else 'opted out'}"
        case _:
            said = describe_preference(change)
    return said


def event(now: datetime, action: str, target: str, outcome: str, evidence: dict[str, object]) -> Entry:
    """Describe something the bot did by itself: an effect tried, a gap, a start."""
    return Entry(
        at=to_text(now),
        actor="reins",
        address_kind=None,
        channel=None,
        proof=None,
        action=action,
        target=target,
        digest=None,
        decision=None,
        rule=None,
        reason=None,
        policy_version=None,
        outcome=outcome,
        correlation=target,
        evidence=evidence,
    )
