"""What a person reads for every rule: one exact sentence per code, from a case in which only that rule objects."""

import json
from dataclasses import replace
from typing import Any

import pytest

from domain.decisions import Decision, Verdict
from domain.people import Proof
from domain.requests import RequestKind
from policy.evidence import replay, to_evidence
from policy.facts import Case, ConfirmationFacts, ConfirmationState
from policy.gate import evaluate
from tests.policy.cases import DIMENSIONS, FINE_APPROVAL, HARMLESS, Pair, typed


def pick(dimension: str, words: object) -> Pair:
    """Return the pair whose words for the oracle are these, or hold all of these."""
    for pair in DIMENSIONS[dimension]:
        if isinstance(words, dict) and isinstance(pair[0], dict) and pair[0].items() >= words.items():
            return pair
        if pair[0] == words:
            return pair
    raise LookupError(words)


APPROVAL = FINE_APPROVAL[0]
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown_person": ({"person": None}, "this address belongs to nobody enrolled here"),
    "no_proof": ({"proof": "none"}, "nothing proves who sent this"),
    "lowering_is_always_allowed": ({"kind": "lower-mode"}, "lowering the mode is always allowed"),
    "policy_missing": (
        {"kind": "abort", "policy": ("policy_missing", None)},
        "policy_missing: there is no policy file",
    ),
    "policy_invalid": (
        {"kind": "abort", "policy": ("policy_invalid", None)},
        "policy_invalid: the file is no JSON we take: EOF while parsing an object at line 1 column 1",
    ),
    "scope_missing": ({"scope": "approve", "person": {"roles": ("may-read",)}}, "read needs the scope approve"),
    "channel_scope": (
        {"kind": "dispatch", "scope": "operate", "channel": "ntfy"},
        "the channel ntfy carries at most the scope read",
    ),
    "audit_unwritable": (
        {"kind": "abort", "audit_writable": False},
        "the audit log cannot be written, so nothing may be changed",
    ),
    "too_old": ({"age": 301}, "the message was sent 301 s ago; the limit is 300 s"),
    "from_the_future": ({"age": -31}, "the message says it was sent 31 s from now"),
    "rate_limited": ({"messages": 601}, "more than 600 messages in this hour"),
    "action_rate_limited": ({"kind": "dispatch", "action_runs": 12}, "report has run 12 times in this hour"),
    "code_locked": (
        {"code": "locked"},
        "five wrong codes: no codes from this address for 24 h; everything else still works",
    ),
    "code_wrong": ({"code": "wrong"}, "the code is wrong; 4 tries left"),
    "confirmation_expired": ({"code": "expired"}, "the confirmation has expired; send the command again"),
    "confirmation_used": ({"code": "used"}, "this was confirmed before; nothing is done twice"),
    "confirmation_foreign": (
        {"code": "foreign"},
        "this confirmation waits for somebody else, or at another address",
    ),
    "action_unknown": ({"kind": "dispatch", "action": "unknown"}, "the policy names no action unknown"),
    "ref_not_allowed": ({"kind": "dispatch", "ref": "evil"}, "report may not run on evil"),
    "input_invalid": (
        {"kind": "dispatch", "inputs": {"colour": "red"}},
        "there is no input colour; known: count, dry, level, tag",
    ),
    "mode_off": ({"kind": "dispatch", "mode": (None, "off", False)}, "the mode is off, held by the stored mode"),
    "mode_too_low": (
        {"kind": "dispatch", "action": "high", "mode": (None, "read-only", False)},
        "high needs the mode operate; it is read-only",
    ),
    "approval_unknown": ({"kind": "refuse", "approval": None}, "nothing called operate waits for an answer"),
    "approval_decided": (
        {"kind": "refuse", "approval": {"state": "denied"}},
        "operate is already denied, by cy",
    ),
    "approval_expired": (
        {"kind": "refuse", "approval": {"state": "open", "seconds_left": 0}},
        "operate has expired; ask again",
    ),
    "digest_changed": (
        {"kind": "grant", "approval": {"state": "open", "seconds_left": 1, "digest_matches": False}},
        "what operate would run has changed since it was asked for",
    ),
    "self_approval": (
        {"kind": "grant", "approval": APPROVAL | {"seconds_left": 1, "requested_by": "ann"}},
        "you asked for operate; somebody else must approve it",
    ),
    "voted_already": (
        {"kind": "grant", "approval": APPROVAL | {"seconds_left": 1, "voted_already": True}},
        "you have already approved operate",
    ),
    "slot_busy": ({"kind": "dispatch", "slot": "7K"}, "report is already running as 7K"),
    "run_unknown": ({"kind": "abort", "run": None}, "there is no run operate"),
    "run_is_over": ({"kind": "abort", "run": {"final": True}}, "run operate is over: succeeded"),
    "not_your_run": (
        {"kind": "abort", "run": {"final": False, "requested_by": "bob"}, "person": {"roles": ("may-read",)}},
        "run operate was asked for by bob",
    ),
    "soak_not_passed": (
        {"kind": "raise-mode", "soak_days": 6, "soak_runs": 20},
        "operate opens after the soak window: 6 of 7 days, 20 of 20 clean runs",
    ),
    "proof_too_weak": (
        {"kind": "dispatch", "action": "medium", "proof": "code"},
        "dispatch needs the proof account, this came with code: send it from the web page or a linked chat account",
    ),
    "number_needed": (
        {"kind": "grant", "proof": "account", "number": "missing"},
        "send `ok operate <number>`; the number is on the screen of who asked",
    ),
    "number_wrong": (
        {"kind": "grant", "proof": "account", "number": "wrong"},
        "that is not the number of operate; you can no longer approve it, others can",
    ),
    "number_spent": (
        {"kind": "grant", "proof": "account", "number": "spent"},
        "you gave a wrong number for operate before; others can still approve it",
    ),
    "head_unknown": (
        {"kind": "dispatch", "action": "hub-asked", "approved": False, "head_known": False},
        "nobody has seen for 15 min where main of local/sample stands, so no commit can be approved; see `reins doctor`",
    ),
    "approval_needed": (
        {"kind": "dispatch", "action": "report-asked", "approved": False},
        "report-asked needs 1 approval",
    ),
    "allowed": ({}, "the roles, the proof and the policy allow it"),
}
VERDICTS = {
    "lowering_is_always_allowed": Verdict.ALLOW,
    "allowed": Verdict.ALLOW,
    "proof_too_weak": Verdict.NEEDS,
    "number_needed": Verdict.NEEDS,
    "soak_not_passed": Verdict.NEEDS,
    "approval_needed": Verdict.NEEDS,
}


def case_of(changes: dict[str, Any]) -> Case:
    return typed({**HARMLESS, **{name: pick(name, words) for name, words in changes.items()}})


def decide(changes: dict[str, Any]) -> Decision:
    case = case_of(changes)
    return evaluate(case.request, case.person, case.proof, case.facts, case.state)


@pytest.mark.parametrize("code", CASES)
def test_every_decision_says_its_reason_in_one_sentence(code: str) -> None:
    changes, sentence = CASES[code]
    decision = decide(changes)
    assert (decision.verdict, decision.rule, decision.reason) == (VERDICTS.get(code, Verdict.DENY), code, sentence)


@pytest.mark.parametrize("code", CASES)
def test_the_evidence_of_every_decision_gives_the_same_sentence_again(code: str) -> None:
    changes, sentence = CASES[code]
    case = case_of(changes)
    stored = json.loads(json.dumps(to_evidence(case)))
    decision = replay(stored, case.proof.value, case.facts.channel, case.state)
    assert (decision.rule, decision.reason) == (code, sentence)


def test_a_dispatch_without_an_action_is_told_so() -> None:
    assert decide({"kind": "dispatch", "action": None}).reason == "no action is named"


def test_several_approvals_are_counted_in_the_sentence() -> None:
    decision = decide({"kind": "dispatch", "action": "medium-asked", "approved": False})
    assert (decision.reason, decision.needs) == ("medium-asked needs 2 approvals", ("approval",))


@pytest.mark.parametrize(
    ("left", "sentence"),
    [
        (2, "the code is wrong; 2 tries left"),
        (1, "the code is wrong; 1 try left"),
        (0, "the code is wrong; that was the last try for 24 h, everything else still works"),
    ],
)
def test_a_wrong_code_is_told_how_many_tries_are_left(left: int, sentence: str) -> None:
    case = case_of({})
    facts = replace(case.facts, confirmation=ConfirmationFacts(ConfirmationState.WRONG, left))
    decision = evaluate(case.request, case.person, case.proof, facts, case.state)
    assert (decision.rule, decision.reason) == ("code_wrong", sentence)


def test_an_approval_that_nobody_decided_is_told_with_its_state_alone() -> None:
    decision = decide({"kind": "refuse", "approval": {"state": "expired"}})
    assert (decision.rule, decision.reason) == ("approval_decided", "operate is already decided: expired")


def test_a_missing_number_is_named_as_what_is_needed() -> None:
    assert decide({"kind": "grant", "proof": "account", "number": "missing"}).needs == ("number",)


def test_who_holds_the_mode_down_is_named() -> None:
    halted = decide({"kind": "dispatch", "mode": (None, "operate", True)})
    narrowed = decide({"kind": "dispatch", "mode": ("off", "operate", False)})
    assert halted.reason == "the mode is off, held by the HALT file"
    assert narrowed.reason == "the mode is off, held by AUTONOMY_MODE in the environment"


@pytest.mark.parametrize(
    ("proof", "kind", "way"),
    [
        (Proof.ADDRESS, "abort", "confirm it with a one-time code"),
        (Proof.CODE, "grant", "send it from the web page or a linked chat account"),
        (Proof.SESSION, "raise-mode", "send it from `reins chat` on the bot's own machine"),
    ],
)
def test_a_weak_proof_is_told_how_to_get_a_stronger_one(proof: Proof, kind: str, way: str) -> None:
    assert way in decide({"kind": RequestKind(kind).value, "proof": proof.value}).reason
