"""What must hold for every case there is: the invariants, tried with generated cases."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.decisions import Decision, Verdict
from domain.people import Person, Proof, Scope
from domain.requests import RequestKind, Risk
from policy.facts import Case, ConfirmationFacts, ConfirmationState, NumberState
from policy.loading import PolicyState, PolicyStatus
from policy.rules.proof import needed_proof
from tests.policy.cases import FINE_APPROVAL, HARMLESS, STANDARD, typed
from tests.policy.generated import ANY_CASE, judge, mild_cases


@settings(deadline=None)
@given(ANY_CASE)
def test_lowering_the_mode_is_never_blocked_for_somebody_we_know(case: Case) -> None:
    assume(case.person is not None and case.proof is not Proof.NONE)
    decision = judge(replace(case, request=replace(case.request, kind=RequestKind.LOWER_MODE)))
    assert (decision.verdict, decision.rule) == (Verdict.ALLOW, "lowering_is_always_allowed")


@settings(deadline=None)
@given(ANY_CASE)
def test_a_bare_address_never_starts_approves_or_raises_anything(case: Case) -> None:
    decision = judge(replace(case, proof=Proof.ADDRESS))
    assert not decision.allowed or case.request.kind in (RequestKind.READ, RequestKind.LOWER_MODE)


@settings(deadline=None)
@given(ANY_CASE)
def test_nobody_unknown_and_nobody_unproven_gets_anything(case: Case) -> None:
    assert judge(replace(case, person=None)).rule == "unknown_person"
    if case.person is not None:
        assert judge(replace(case, proof=Proof.NONE)).rule == "no_proof"


@settings(deadline=None)
@given(ANY_CASE, st.sampled_from(Proof))
def test_a_stronger_proof_never_turns_allow_into_anything_else(case: Case, stronger: Proof) -> None:
    # As strong as a session, and yet asked for the number: whoever taps in a chat did not see the whole request.
    assume(stronger.rank >= case.proof.rank and (case.proof, stronger) != (Proof.SESSION, Proof.ACCOUNT))
    if judge(case).allowed:
        assert judge(replace(case, proof=stronger)).allowed


@settings(deadline=None)
@given(mild_cases(), st.sampled_from(ConfirmationState), st.integers(-1, 5))
def test_a_code_never_allows_what_was_not_allowed_without_it(case: Case, state: ConfirmationState, left: int) -> None:
    without = judge(replace(case, facts=replace(case.facts, confirmation=None)))
    decision = judge(replace(case, facts=replace(case.facts, confirmation=ConfirmationFacts(state, left))))
    assert without.allowed or not decision.allowed
    if state is ConfirmationState.RIGHT or without.rule == "lowering_is_always_allowed":
        assert decision == without
    else:
        assert not decision.allowed


@settings(deadline=None)
@given(mild_cases(), st.sampled_from(NumberState), st.sampled_from(Risk))
def test_a_chat_account_approves_medium_risk_with_the_right_number_only(
    case: Case, number: NumberState, risk: Risk
) -> None:
    approval = replace(case.facts.approval or FINE_APPROVAL[1], risk=risk, number=number)
    grant = replace(case.request, kind=RequestKind.GRANT)
    case = replace(case, request=grant, proof=Proof.ACCOUNT, facts=replace(case.facts, approval=approval))
    if judge(case).allowed:
        assert risk is Risk.REPORT or (risk, number) == (Risk.MEDIUM, NumberState.RIGHT)


@pytest.mark.parametrize("number", NumberState)
@pytest.mark.parametrize("proof", [Proof.SESSION, Proof.DEVICE, Proof.LOCAL])
def test_a_screen_that_shows_the_whole_request_is_asked_for_no_number(number: NumberState, proof: Proof) -> None:
    words = {"kind": ("grant", RequestKind.GRANT), "proof": (proof.value, proof), "number": (number.value, number)}
    assert judge(typed({**HARMLESS, **words})).allowed


@settings(deadline=None)
@given(mild_cases())
def test_the_proof_a_request_needs_is_enough_and_nothing_weaker_is(case: Case) -> None:
    assume(case.request.kind is not RequestKind.LOWER_MODE)
    needed = needed_proof(case)
    assert judge(replace(case, proof=needed)).rule != "proof_too_weak"
    for weaker in (proof for proof in Proof if proof.rank < needed.rank):
        decision = judge(replace(case, proof=weaker))
        assert not decision.allowed
        assert decision.needs == ((f"proof:{needed.value}",) if decision.rule == "proof_too_weak" else ())


@settings(deadline=None)
@given(ANY_CASE, st.lists(st.sampled_from(sorted(STANDARD["roles"])), max_size=4), st.data())
def test_taking_a_role_away_never_allows_more(case: Case, roles: list[str], data: st.DataObject) -> None:
    assume(roles)
    fewer = list(roles)
    fewer.remove(data.draw(st.sampled_from(roles)))
    before = judge(replace(case, person=Person("ann", "", tuple(roles), ())))
    after = judge(replace(case, person=Person("ann", "", tuple(fewer), ())))
    assert before.allowed or not after.allowed


@settings(deadline=None)
@given(ANY_CASE, st.sampled_from(Scope))
def test_taking_a_scope_out_of_every_role_never_allows_more(case: Case, scope: Scope) -> None:
    policy = case.state.policy
    if policy is None:
        return
    narrower = {name: tuple(kept for kept in scopes if kept is not scope) for name, scopes in policy.roles.items()}
    state = replace(case.state, policy=policy.model_copy(update={"roles": narrower}))
    assert judge(case).allowed or not judge(replace(case, state=state)).allowed


@settings(deadline=None)
@given(ANY_CASE)
def test_without_a_policy_only_reads_and_the_brake_work(case: Case) -> None:
    for status in (PolicyStatus.MISSING, PolicyStatus.INVALID):
        decision = judge(replace(case, state=PolicyState(status, None, "none")))
        assert not decision.allowed or case.request.kind in (RequestKind.READ, RequestKind.LOWER_MODE)


ODD_FACTS: dict[str, Any] = {
    "messages_this_hour": "many",
    "mode": None,
    "sent_age_seconds": "yesterday",
    "action_runs_this_hour": None,
}
ODD_REQUESTS: dict[str, Any] = {"kind": "dispatch", "inputs": {"tag": 7}, "action": ["report"], "scope": {}}


@pytest.mark.parametrize("field", ODD_FACTS)
def test_a_fact_that_no_rule_can_read_is_a_denial(field: str) -> None:
    case = typed({**HARMLESS, "kind": ("dispatch", RequestKind.DISPATCH)})
    assert judge(case).allowed
    odd: Any = {field: ODD_FACTS[field]}
    decision = judge(replace(case, facts=replace(case.facts, **odd)))
    assert (decision.verdict, decision.rule) == (Verdict.DENY, "gate_error")


@pytest.mark.parametrize("field", ODD_REQUESTS)
def test_a_request_that_no_rule_can_read_is_a_denial(field: str) -> None:
    case = typed({**HARMLESS, "kind": ("dispatch", RequestKind.DISPATCH)})
    odd: Any = {field: ODD_REQUESTS[field]}
    decision = judge(replace(case, request=replace(case.request, **odd)))
    assert (decision.verdict, decision.rule) == (Verdict.DENY, "gate_error")


def test_a_code_in_a_state_that_nobody_thought_of_is_a_denial() -> None:
    odd: Any = "melted"
    case = typed(HARMLESS)
    facts = replace(case.facts, confirmation=ConfirmationFacts(odd, 5))
    assert judge(replace(case, facts=facts)).rule == "gate_error"


def test_a_number_in_a_state_that_nobody_thought_of_is_a_denial() -> None:
    odd: Any = "melted"
    case = typed({**HARMLESS, "kind": ("grant", RequestKind.GRANT), "proof": ("account", Proof.ACCOUNT)})
    assert judge(case).allowed
    approval = replace(FINE_APPROVAL[1], number=odd)
    assert judge(replace(case, facts=replace(case.facts, approval=approval))).rule == "gate_error"


def test_a_kind_of_request_that_nobody_thought_of_has_no_proof_that_is_enough() -> None:
    odd: Any = {"kind": "teleport"}
    case = typed(HARMLESS)
    with pytest.raises(AssertionError, match="teleport"):
        needed_proof(replace(case, request=replace(case.request, **odd)))


def test_a_gate_error_names_the_kind_of_fault_and_nothing_from_inside() -> None:
    case = typed(HARMLESS)
    broken: Any = {"roles": None}
    assert case.state.policy is not None
    state = replace(case.state, policy=case.state.policy.model_copy(update=broken))
    decision = judge(replace(case, state=state))
    assert decision == Decision(Verdict.DENY, "gate_error", "the request could not be judged: AttributeError")


def test_a_state_that_says_loaded_and_holds_no_policy_denies_every_write() -> None:
    broken = PolicyState(PolicyStatus.LOADED, None, "none")
    for kind, scope in itertools.product(RequestKind, Scope):
        if kind.writes and kind is not RequestKind.LOWER_MODE:
            choice = {**HARMLESS, "kind": (kind.value, kind), "scope": (scope.value, scope)}
            assert judge(replace(typed(choice), state=broken)).rule == "gate_error"
