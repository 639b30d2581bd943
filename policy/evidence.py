"""A case as it is stored with its decision, so that `reins audit replay` can derive the decision again."""

from collections.abc import Mapping
from typing import Any

from domain.decisions import Decision
from domain.modes import Mode, ModeSources
from domain.people import Person, Proof, Scope
from domain.requests import Request, RequestKind, Risk
from policy.facts import ApprovalFacts, Case, ConfirmationFacts, ConfirmationState, Facts, NumberState, RunFacts
from policy.gate import evaluate
from policy.loading import PolicyState

# An approval stored before numbers were asked for: it was judged as if the number were right, and is so again.
FIELDS_BEFORE_NUMBERS = 7
# Facts stored before approvals were bound to commits: they were judged as if the commit were known, and are so again.
FACTS_BEFORE_HEADS = 8


def to_evidence(case: Case) -> dict[str, object]:
    """Return a case as strings, integers, lists and objects, without the policy (its version is in the audit row)."""
    request, facts, mode = case.request, case.facts, case.facts.mode
    evidence: dict[str, object] = {
        "verb": request.verb,
        "kind": request.kind.value,
        "scope": request.scope.value,
        "person": case.person.id if case.person else None,
        "roles": list(case.person.roles) if case.person else [],
        "mode": [mode.environment.value if mode.environment else None, mode.stored.value, int(mode.halt_file)],
        "facts": [
            int(facts.audit_writable),
            facts.messages_this_hour,
            facts.sent_age_seconds,
            facts.action_runs_this_hour,
            facts.slot_busy_with,
            int(facts.approved),
            facts.soak_days_passed,
            facts.soak_clean_runs,
            int(facts.head_known),
        ],
    }
    if request.target:
        evidence["target"] = request.target
    if request.action is not None:
        evidence["action"] = [request.action, request.ref, dict(request.inputs)]
    if facts.run is not None:
        evidence["run"] = [facts.run.state, int(facts.run.final), facts.run.requested_by]
    if facts.approval is not None:
        evidence["approval"] = _approval_to_list(facts.approval)
    if facts.confirmation is not None:
        evidence["confirmation"] = [facts.confirmation.state.value, facts.confirmation.tries_left]
    return evidence


def replay(evidence: Mapping[str, Any], proof: str, channel: str, state: PolicyState) -> Decision:
    """Ask the gate again what it was asked when the evidence was stored.

    Raises:
        KeyError, ValueError, TypeError, IndexError: the evidence does not have the stored shape.
    """
    action, ref, inputs = evidence.get("action", [None, None, {}])
    request = Request(
        verb=evidence["verb"],
        kind=RequestKind(evidence["kind"]),
        scope=Scope(evidence["scope"]),
        target=evidence.get("target", ""),
        action=action,
        ref=ref,
        inputs=inputs,
    )
    person = Person(evidence["person"], "", tuple(evidence["roles"]), ()) if evidence["person"] is not None else None
    return evaluate(request, person, Proof(proof), _facts(evidence, channel), state)


def _facts(evidence: Mapping[str, Any], channel: str) -> Facts:
    environment, stored, halted = evidence["mode"]
    stored_facts = evidence["facts"]
    known = [*stored_facts, True] if len(stored_facts) == FACTS_BEFORE_HEADS else stored_facts
    writable, messages, age, runs, busy, approved, days, clean, head_known = known
    run, approval, code = evidence.get("run"), evidence.get("approval"), evidence.get("confirmation")
    return Facts(
        channel=channel,
        mode=ModeSources(Mode(environment) if environment else None, Mode(stored), bool(halted)),
        audit_writable=bool(writable),
        messages_this_hour=messages,
        sent_age_seconds=age,
        action_runs_this_hour=runs,
        slot_busy_with=busy,
        approved=bool(approved),
        soak_days_passed=days,
        soak_clean_runs=clean,
        head_known=bool(head_known),
        run=RunFacts(run[0], bool(run[1]), run[2]) if run else None,
        approval=_approval_from_list(approval) if approval else None,
        confirmation=ConfirmationFacts(ConfirmationState(code[0]), code[1]) if code else None,
    )


def _approval_to_list(facts: ApprovalFacts) -> list[object]:
    return [
        facts.state,
        facts.requested_by,
        facts.risk.value,
        int(facts.allow_self),
        facts.expires_in_seconds,
        int(facts.voted_already),
        int(facts.digest_matches),
        facts.decided_by,
        facts.number.value,
    ]


def _approval_from_list(stored: list[Any]) -> ApprovalFacts:
    if len(stored) == FIELDS_BEFORE_NUMBERS:
        stored = [*stored, None, NumberState.RIGHT.value]
    state, requested_by, risk, allow_self, expires_in_seconds, voted, matches, decided_by, number = stored
    return ApprovalFacts(
        state=state,
        requested_by=requested_by,
        risk=Risk(risk),
        allow_self=bool(allow_self),
        expires_in_seconds=expires_in_seconds,
        voted_already=bool(voted),
        digest_matches=bool(matches),
        decided_by=decided_by,
        number=NumberState(number),
    )
