"""The gate: every request passes here and nowhere else. Default deny; any forbid wins; any error is deny."""

from collections.abc import Callable

from domain.decisions import Decision, Verdict
from domain.people import Person, Proof
from domain.requests import Request
from policy.facts import Case, Facts
from policy.loading import PolicyState
from policy.rules import (
    action,
    approval,
    approvals_needed,
    audit_writable,
    confirmation,
    lowering,
    mode,
    number_match,
    own_run,
    person,
    policy_file,
    proof,
    rate,
    replay_window,
    scope,
    slot,
    soak,
)

Rule = Callable[[Case], Decision | None]

# The order is part of the contract (docs/policy.md): who it is, then the brake that always works, then what forbids,
# and only for somebody who may do it at all, what is still missing.
RULES: tuple[Rule, ...] = (
    person.judge,
    lowering.judge,
    policy_file.judge,
    scope.judge,
    audit_writable.judge,
    replay_window.judge,
    rate.judge,
    confirmation.judge,
    action.judge,
    mode.judge,
    approval.judge,
    slot.judge,
    own_run.judge,
    proof.judge,
    number_match.judge,
    soak.judge,
    approvals_needed.judge,
)

ALLOWED = Decision(Verdict.ALLOW, "allowed", "the roles, the proof and the policy allow it")


def evaluate(sought: Request, who: Person | None, shown: Proof, facts: Facts, state: PolicyState) -> Decision:
    """Decide one request. Pure: the same arguments always give the same decision.

    Returns:
        The first decision a rule takes, in the order of `RULES`; `allowed` when no rule objects. The scope rule is
        what grants: a request whose scope nobody gave the person never gets past it.
    """
    case = Case(sought, who, shown, facts, state)
    try:
        for judge in RULES:
            decision = judge(case)
            if decision is not None:
                return decision
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the input or a rule, the answer is no (I5)
        return Decision(Verdict.DENY, "gate_error", f"the request could not be judged: {type(error).__name__}")
    return ALLOWED
