"""What is stored with a decision gives the same decision again, also where it was stored by an earlier release."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings

from domain.requests import RequestKind
from policy.evidence import replay, to_evidence
from policy.facts import Case, NumberState
from tests.policy.cases import DIMENSIONS, HARMLESS, typed
from tests.policy.generated import ANY_CASE, judge

STATE = DIMENSIONS["policy"][0][1]


def floats_in(value: object) -> bool:
    if isinstance(value, dict):
        return any(floats_in(part) for part in value.values())
    if isinstance(value, list):
        return any(floats_in(part) for part in value)
    return isinstance(value, float)


@settings(deadline=None)
@given(ANY_CASE)
def test_a_stored_case_is_decided_again_exactly_as_it_was(case: Case) -> None:
    evidence = to_evidence(case)
    stored = json.loads(json.dumps(evidence))
    assert stored == evidence
    assert not floats_in(stored)
    assert replay(stored, case.proof.value, case.facts.channel, case.state) == judge(case)


@settings(deadline=None)
@given(ANY_CASE)
def test_evidence_leaves_out_names_and_addresses(case: Case) -> None:
    person = case.person
    assume(person is not None)
    assert person is not None
    named = replace(case, person=replace(person, name="Ann Example"))
    assert "Ann Example" not in json.dumps(to_evidence(named))


@pytest.mark.parametrize("missing", ["verb", "kind", "scope", "person", "roles", "mode", "facts"])
def test_evidence_with_a_hole_is_refused_instead_of_replayed(missing: str) -> None:
    case = typed(HARMLESS)
    evidence = to_evidence(case)
    del evidence[missing]
    with pytest.raises(KeyError, match=missing):
        replay(evidence, "local", "web", case.state)


# As release 0.1.0 wrote them: no number, nobody who decided, no one-time code.
BEFORE_NUMBERS: dict[str, Any] = {
    "verb": "ok",
    "kind": "grant",
    "scope": "approve",
    "person": "ann",
    "roles": ["may-read-operate-approve"],
    "mode": [None, "operate", 0],
    "facts": [1, 1, None, 0, None, 1, 7, 20],
    "target": "3K",
    "action": ["report", None, {}],
    "approval": ["open", "bob", "medium", 0, 600, 0, 1],
}


@pytest.mark.parametrize(
    ("approval", "proof", "rule", "reason"),
    [
        (["open", "bob", "medium", 0, 600, 0, 1], "account", "allowed", "the roles, the proof and the policy allow it"),
        (["open", "bob", "high", 0, 600, 0, 1], "local", "allowed", "the roles, the proof and the policy allow it"),
        (["approved", "bob", "medium", 0, 600, 1, 1], "session", "approval_decided", "3K is already decided: approved"),
        (
            ["open", "ann", "report", 0, 600, 0, 1],
            "session",
            "self_approval",
            "you asked for 3K; somebody else must approve it",
        ),
    ],
)
def test_a_decision_of_an_earlier_release_is_derived_as_it_was(
    approval: list[object], proof: str, rule: str, reason: str
) -> None:
    decision = replay(BEFORE_NUMBERS | {"approval": approval}, proof, "web", STATE)
    assert (decision.rule, decision.reason) == (rule, reason)


@settings(deadline=None)
@given(ANY_CASE)
def test_without_the_newer_facts_a_case_is_judged_as_if_they_spoke_for_it(case: Case) -> None:
    stored: dict[str, Any] = to_evidence(case)
    stored.pop("confirmation", None)
    approval = case.facts.approval
    if approval is not None:
        stored["approval"] = stored["approval"][:7]
        approval = replace(approval, decided_by=None, number=NumberState.RIGHT)
    older = replace(case, facts=replace(case.facts, approval=approval, confirmation=None))
    assert replay(stored, case.proof.value, case.facts.channel, case.state) == judge(older)


def test_an_approval_asked_for_before_commits_were_bound_is_judged_as_it_was() -> None:
    asked = {
        "kind": ("dispatch", RequestKind.DISPATCH),
        "action": ("hub-asked", "hub-asked"),
        "approved": (False, False),
    }
    case = typed({**HARMLESS, **asked, "head_known": (False, False)})
    stored: Any = to_evidence(case)
    assert replay(stored, "local", "web", STATE).rule == "head_unknown"
    stored["facts"] = stored["facts"][:8]
    assert replay(stored, "local", "web", STATE).rule == "approval_needed"


@pytest.mark.parametrize("fields", [6, 8])
def test_an_approval_with_a_hole_is_refused_instead_of_replayed(fields: int) -> None:
    stored: Any = to_evidence(typed({**HARMLESS, "kind": ("grant", RequestKind.GRANT)}))
    stored["approval"] = stored["approval"][:fields]
    with pytest.raises(ValueError, match="unpack"):
        replay(stored, "local", "web", STATE)


@pytest.mark.parametrize("confirmation", [["melted", 4], ["right"]])
def test_a_code_that_cannot_be_read_is_refused_instead_of_replayed(confirmation: list[object]) -> None:
    stored = to_evidence(typed(HARMLESS)) | {"confirmation": confirmation}
    with pytest.raises((ValueError, IndexError)):
        replay(stored, "local", "web", STATE)
