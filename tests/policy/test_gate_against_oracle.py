"""The gate and a second gate, written from docs/policy.md alone, decide alike in every case that can be combined."""

import ast
import itertools
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from domain.modes import Mode
from domain.requests import Risk
from policy.gate import evaluate
from tests.policy import oracle
from tests.policy.cases import FEW_INPUTS, FINE_APPROVAL, MODES, Choice, at_random, every, kinds, plain, typed

ROOT = Path(__file__).resolve().parents[2]
FULL = os.environ.get("REINS_FULL_SWEEP") == "1"
RANDOM_CASES = 3_000_000 if FULL else 60_000
FEWEST_CASES = 300_000
EFFECTIVE_MODES = tuple(pair for pair in MODES if pair[0] in {(None, mode, False) for mode in Mode})


def who_may() -> Iterator[Choice]:
    return every("person", "scope", "kind", "proof", "mode", "policy", "audit_writable")


def what_starts() -> Iterator[Choice]:
    starts = kinds("dispatch", "grant")
    yield from every("action", "ref", "inputs", "proof", kind=starts, mode=EFFECTIVE_MODES)
    few_inputs = tuple((given, given) for given in FEW_INPUTS)
    several = ("action", "proof", "approved", "head_known", "action_runs", "slot")
    yield from every(*several, kind=starts, mode=EFFECTIVE_MODES, inputs=few_inputs)


def what_is_answered() -> Iterator[Choice]:
    few_actions = ((None, None), ("report", "report"))
    return every("approval", "proof", "slot", kind=kinds("grant", "refuse"), action=few_actions, mode=EFFECTIVE_MODES)


def what_takes_a_number_or_came_with_a_code() -> Iterator[Choice]:
    risks = [(FINE_APPROVAL[0] | {"risk": risk.value}, replace(FINE_APPROVAL[1], risk=risk)) for risk in Risk]
    yield from every("number", "proof", "kind", "slot", "code", approval=[(None, None), *risks])
    yield from every("code", "kind", "proof", "messages", "age", "policy")
    yield from every("code", "kind", "action", "mode", "run")


def what_is_limited() -> Iterator[Choice]:
    return every("kind", "scope", "channel", "messages", "age", "policy", "audit_writable")


def what_ends_or_rises() -> Iterator[Choice]:
    yield from every("run", "person", "scope", "proof", "policy", kind=kinds("abort"))
    yield from every("target", "soak_days", "soak_runs", "person", "proof", "policy", kind=kinds("raise-mode"))


@dataclass
class Sweep:
    cases: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def sweep() -> Sweep:
    result = Sweep()
    groups = (
        who_may(),
        what_starts(),
        what_is_answered(),
        what_takes_a_number_or_came_with_a_code(),
        what_is_limited(),
        what_ends_or_rises(),
    )
    for choice in itertools.chain(*groups, at_random(RANDOM_CASES, seed=20_261_122)):
        case = typed(choice)
        decision = evaluate(case.request, case.person, case.proof, case.facts, case.state)
        expected = oracle.decide(plain(choice))
        result.cases += 1
        result.codes[decision.rule] += 1
        if (decision.verdict.value, decision.rule) != expected and len(result.disagreements) < 20:
            result.disagreements.append(f"{decision.verdict} {decision.rule} is not {expected}: {plain(choice)}")
    return result


def documented() -> list[tuple[int, str]]:
    """Return number and codes of each line of the document's table of rules."""
    text = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\| (\d+) \|[^|]+\| ([^|]+) \|", text, re.MULTILINE)
    return [(int(number), ", ".join(re.findall(r"`(\w+)`", codes))) for number, codes in lines]


def documented_codes() -> set[str]:
    return {code for _, codes in documented() for code in codes.split(", ")}


def test_gate_and_oracle_decide_alike(sweep: Sweep, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{sweep.cases:,} cases put to the gate and to the oracle, {len(sweep.codes)} codes seen")  # noqa: T201 - the number is the claim
    assert sweep.disagreements == []
    assert sweep.cases >= FEWEST_CASES


def test_every_rule_decides_somewhere(sweep: Sweep) -> None:
    assert documented_codes() - set(sweep.codes) == set()


def test_the_gate_gives_only_codes_that_the_document_names(sweep: Sweep) -> None:
    assert set(sweep.codes) - documented_codes() == {"allowed"}


def test_no_case_of_the_sweep_is_an_error_inside_the_gate(sweep: Sweep) -> None:
    assert "gate_error" not in sweep.codes


def test_the_oracle_has_the_documents_rules_in_the_documents_order() -> None:
    assert documented() == list(enumerate((code for _, code, _, _ in oracle.TABLE), 1))


def test_every_code_in_the_rules_stands_in_the_document() -> None:
    files = [ROOT / "policy" / "gate.py", *sorted((ROOT / "policy" / "rules").glob("*.py"))]
    calls = (
        node
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Decision"
    )
    written = {code.value for call in calls if isinstance(code := call.args[1], ast.Constant)}
    assert written == (documented_codes() - {"policy_missing", "policy_invalid"}) | {"allowed", "gate_error"}
