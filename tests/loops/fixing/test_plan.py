"""A plan is the same for the same measurement, whatever the order, and another one for any other (I7)."""

from dataclasses import replace

import pytest

from domain.findings import Finding, Severity, Survivor
from domain.snapshots import LoopReason, LoopStatus, MutationSnapshot
from loops.fixing.order import NamedFix
from loops.fixing.plan import plan_of, work_of
from loops.fixing.port import FixOrder
from loops.report import LoopName, LoopReport, MutationEvidence
from policy.loading import PolicyState, load_policy
from tests.fakes.virtual_time import START
from tests.fakes.workshop import BRANCH, REPOSITORY, backlog_report
from tests.loops.fixing.test_gate import policy

BUG = Finding("bug", Severity.HIGH, "Total is off by one", "app.py", 1)
STYLE = Finding("style", Severity.MEDIUM, "Long line", "app.py", 2)
UNCLEAR = Finding("other", Severity.UNKNOWN, "Unclear")
NIT = Finding("style", Severity.LOW, "A nit")
MUTANT = Survivor("app.py", "total", 3, "binary", "replaced + by -")


def survivors(*found: Survivor, unresolved: int = 2) -> LoopReport:
    snapshot = MutationSnapshot(
        status=LoopStatus.WORK_REMAINS,
        reason=LoopReason.BELOW_THRESHOLD,
        detail="below",
        source="mutants",
        taken_at=START,
        measured_at=START,
        tool="cargo-mutants",
        score_basis_points=7000,
        provisional=False,
        counts=None,
        hot_spots=(),
        categories=(),
    )
    evidence = MutationEvidence(8000, (), found)
    report = backlog_report()
    return replace(report, loop=LoopName.MUTATION, snapshot=snapshot, evidence=evidence, unresolved=unresolved)


def test_the_order_of_findings_does_not_matter() -> None:
    assert work_of(backlog_report(BUG, STYLE, UNCLEAR)) == work_of(backlog_report(UNCLEAR, BUG, STYLE))


@pytest.mark.parametrize(
    "changed",
    [
        replace(BUG, category="security"),
        replace(BUG, severity=Severity.CRITICAL),
        replace(BUG, summary="Total is off by two"),
        replace(BUG, path="shop.py"),
        replace(BUG, line=2),
        replace(BUG, path=None, line=None),
    ],
)
def test_any_field_of_a_finding_matters(changed: Finding) -> None:
    assert work_of(backlog_report(BUG, STYLE)) != work_of(backlog_report(changed, STYLE))


def test_what_is_not_to_be_fixed_does_not_matter() -> None:
    assert work_of(backlog_report(BUG)) == work_of(backlog_report(BUG, NIT))


def test_a_finding_more_matters_also_where_the_list_is_capped() -> None:
    assert work_of(backlog_report(BUG)) != work_of(backlog_report(BUG, UNCLEAR))
    assert work_of(backlog_report(BUG, unresolved=51)) != work_of(backlog_report(BUG, unresolved=52))


@pytest.mark.parametrize(
    "changed",
    [
        replace(MUTANT, file="b.py"),
        replace(MUTANT, function="sum"),
        replace(MUTANT, line=None),
        replace(MUTANT, operator="unary"),
        replace(MUTANT, replacement="*"),
    ],
)
def test_any_field_of_a_survivor_matters_and_their_order_does_not(changed: Survivor) -> None:
    assert work_of(survivors(MUTANT, changed)) == work_of(survivors(changed, MUTANT))
    assert work_of(survivors(MUTANT)) != work_of(survivors(changed))


def test_a_report_without_evidence_is_told_by_its_number() -> None:
    bare = replace(survivors(), evidence=None)
    assert work_of(bare) == work_of(survivors()) != work_of(replace(bare, unresolved=3))


def order(report: LoopReport | None = None) -> FixOrder:
    from tests.fakes.source_runs import SourceRuns, sha  # noqa: PLC0415 - one test needs a run

    source = replace(SourceRuns().add(7, sha("a")), repository=REPOSITORY, branch=BRANCH)
    return FixOrder(report or backlog_report(BUG), source, 1, START)


def plan_under(state: PolicyState, fix: NamedFix) -> dict[str, str]:
    return dict(plan_of(fix, state, order()).arguments)


def test_a_plan_names_everything_that_decides_what_is_done() -> None:
    state = policy()
    plan = plan_of(NamedFix("mend", {"path": "a.py"}), state, order())
    assert (plan.loop, plan.action, plan.arguments) == ("triage", "mend", {"level": "1", "path": "a.py"})
    assert (plan.repository, plan.branch, plan.source_sha) == (REPOSITORY, BRANCH, "a" * 40)
    assert (plan.work, plan.policy_version) == (work_of(backlog_report(BUG)), state.version)
    assert plan.digest() == plan_of(NamedFix("mend", {"level": "1", "path": "a.py"}), state, order()).digest()


@pytest.mark.parametrize(
    ("state", "fix"),
    [
        (policy(), NamedFix("mend", {"level": "99"})),
        (policy(), NamedFix("rm", {"level": "99"})),
        (load_policy(None), NamedFix("mend", {"level": "99"})),
    ],
)
def test_what_would_be_refused_is_planned_as_it_was_said(state: PolicyState, fix: NamedFix) -> None:
    assert plan_under(state, fix) == {"level": "99"}
