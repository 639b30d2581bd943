"""Explaining a decision rule by rule, and asking what would be if something were different."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import UserError
from domain.modes import Mode, ModeSources
from domain.people import Person, Proof
from domain.requests import RequestKind
from policy.facts import Case
from policy.gate import RULES, evaluate
from policy.simulation import GATE_ERROR, NO_OBJECTION, NOT_JUDGED, WhatIf, explain, rule_name, simulate
from tests.policy.cases import DIMENSIONS, HARMLESS, typed

CASES = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in DIMENSIONS.items()}).map(typed)
DISPATCH = typed({**HARMLESS, "kind": ("dispatch", RequestKind.DISPATCH)})
BOB = Person("bob", "Bob", ("may-read",), ())


def codes(case: Case) -> dict[str, str]:
    return {step.rule: step.code for step in explain(case).steps}


def test_the_rules_are_named_after_their_modules_in_the_order_of_the_gate() -> None:
    assert [rule_name(rule) for rule in RULES] == [
        "person",
        "lowering",
        "policy file",
        "scope",
        "audit writable",
        "replay window",
        "rate",
        "confirmation",
        "action",
        "mode",
        "approval",
        "slot",
        "own run",
        "proof",
        "number match",
        "soak",
        "approvals needed",
    ]


def test_an_allowed_request_meets_no_objection() -> None:
    explanation = explain(DISPATCH)
    assert explanation.decision.allowed
    assert [step.rule for step in explanation.steps] == [rule_name(rule) for rule in RULES]
    assert {(step.code, step.sentence, step.decides) for step in explanation.steps} == {
        (NO_OBJECTION, "nothing speaks against it", False)
    }


def test_every_objection_is_shown_and_only_the_first_decides() -> None:
    facts = replace(DISPATCH.facts, audit_writable=False, slot_busy_with="7K", messages_this_hour=601)
    explanation = explain(replace(DISPATCH, facts=facts))
    objecting = [(step.code, step.decides) for step in explanation.steps if step.code != NO_OBJECTION]
    assert objecting == [("audit_unwritable", True), ("rate_limited", False), ("slot_busy", False)]
    assert explanation.decision.rule == "audit_unwritable"
    assert next(step.sentence for step in explanation.steps if step.rule == "slot") == "report is already running as 7K"


def test_a_rule_that_needs_what_is_missing_is_not_judged() -> None:
    explanation = explain(replace(DISPATCH, person=None))
    step = explanation.steps[3]
    assert (step.rule, step.code, step.decides) == ("scope", NOT_JUDGED, False)
    assert step.sentence == "cannot be told before person is mended"
    assert explanation.decision.rule == "unknown_person"


def test_a_broken_rule_is_shown_as_the_gates_own_error() -> None:
    broken: Any = replace(DISPATCH.facts, sent_age_seconds="yesterday")  # type: ignore[arg-type]  # broken on purpose
    explanation = explain(replace(DISPATCH, facts=broken))
    step = next(step for step in explanation.steps if step.decides)
    assert (step.rule, step.code, step.sentence) == (
        "replay window",
        GATE_ERROR,
        "the rule could not judge: TypeError",
    )
    assert explanation.decision.rule == GATE_ERROR


@settings(deadline=None)
@given(CASES)
def test_the_explanation_ends_as_the_gate_does(case: Case) -> None:
    explanation = explain(case)
    assert explanation.decision == evaluate(case.request, case.person, case.proof, case.facts, case.state)
    deciding = [(step.code, step.sentence) for step in explanation.steps if step.decides]
    assert deciding in ([], [(explanation.decision.rule, explanation.decision.reason)])
    assert bool(deciding) == (explanation.decision.rule != "allowed")


@settings(deadline=None)
@given(CASES)
def test_what_if_nothing_changes_is_what_is(case: Case) -> None:
    assert simulate(case, WhatIf()) == explain(case)


def test_what_if_the_mode_were_another_sets_every_source_aside() -> None:
    held = replace(DISPATCH, facts=replace(DISPATCH.facts, mode=ModeSources(Mode.OFF, Mode.OFF, halt_file=True)))
    assert explain(held).decision.rule == "mode_off"
    assert simulate(held, WhatIf(mode=Mode.OPERATE)).decision.allowed
    assert simulate(DISPATCH, WhatIf(mode=Mode.OFF)).decision.rule == "mode_off"


def test_what_if_the_proof_were_stronger_or_weaker() -> None:
    weak = replace(DISPATCH, proof=Proof.ADDRESS)
    assert explain(weak).decision.rule == "proof_too_weak"
    assert simulate(weak, WhatIf(proof=Proof.DEVICE)).decision.allowed
    assert simulate(DISPATCH, WhatIf(proof=Proof.NONE)).decision.rule == "no_proof"


def test_what_if_the_approvals_were_there_or_not() -> None:
    asked = replace(DISPATCH, request=replace(DISPATCH.request, action="report-asked"))
    assert simulate(asked, WhatIf(approved=False)).decision.rule == "approval_needed"
    waiting = replace(asked, facts=replace(asked.facts, approved=False))
    assert simulate(waiting, WhatIf(approved=True)).decision.allowed


def test_what_if_somebody_had_one_more_role() -> None:
    operate = replace(DISPATCH.request, scope=DIMENSIONS["scope"][1][1])
    case = replace(DISPATCH, person=BOB, request=operate)
    assert codes(case)["scope"] == "scope_missing"
    assert simulate(case, WhatIf(roles_added=("may-operate",))).decision.allowed
    assert BOB.roles == ("may-read",)


def test_a_role_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(UserError, match="the policy file has no role king; use one of: may, may-read, may-operate"):
        simulate(DISPATCH, WhatIf(roles_added=("may-read", "king")))
    missing = DIMENSIONS["policy"][2][1]
    with pytest.raises(UserError, match="no role king; use one of: none"):
        simulate(replace(DISPATCH, state=missing), WhatIf(roles_added=("king",)))


def test_a_role_cannot_be_added_to_nobody() -> None:
    with pytest.raises(UserError, match="no one to add a role to; name a person"):
        simulate(replace(DISPATCH, person=None), WhatIf(roles_added=("may-read",)))
