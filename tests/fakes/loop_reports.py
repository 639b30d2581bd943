"""Reports of loops made to order, with what a comment shows of them."""

from dataclasses import replace
from typing import Any

from domain.findings import Finding, HotSpot, MutantCounts, Severity
from domain.runs import AttemptState
from domain.snapshots import LoopReason, LoopStatus, MutationSnapshot, TriageSnapshot
from loops.report import (
    AttemptReport,
    Correlation,
    LoopMode,
    LoopName,
    LoopReport,
    MutationEvidence,
)
from tests.fakes.virtual_time import START

REPOSITORY = "acme/app"
SHA = "a1" * 20
RUN_URL = "https://github.example/acme/app/actions/runs/111"
ATTEMPT = AttemptReport(
    number=1,
    status=AttemptState.DONE,
    conclusion=LoopReason.UNRESOLVED,
    started_at=START,
    finished_at=START,
    source_run_url=RUN_URL,
    source_sha=SHA,
    correlation=Correlation.SHA_VALIDATED,
    source_run_id=111,
    source_run_attempt=2,
    source_conclusion="success",
    source_event="push",
    source_started_at=START,
    source_pull=7,
)
TRIAGE = TriageSnapshot(
    status=LoopStatus.WORK_REMAINS,
    reason=LoopReason.UNRESOLVED,
    detail="1 high severity; 2 h old",
    source="coderabbit: backlog-medium.json",
    taken_at=START,
    measured_at=START,
    high=1,
    medium=0,
    unknown_severity=0,
    findings=(Finding("security", Severity.HIGH, "a hole", "src/a.py", 3),),
)
MUTATION = MutationSnapshot(
    status=LoopStatus.WORK_REMAINS,
    reason=LoopReason.BELOW_THRESHOLD,
    detail="75.00% is below the threshold of 80.00%; 2 h old",
    source="outcomes.json",
    taken_at=START,
    measured_at=START,
    tool="cargo-mutants",
    score_basis_points=7_500,
    provisional=False,
    counts=MutantCounts(killed=3, survived=1),
    hot_spots=(HotSpot("src/lib.rs", "wins", 1),),
    categories=(),
)


def triage_report(**changes: Any) -> LoopReport:
    """Make a triage report with one finding; what is about the measurement changes in the snapshot too."""
    report = LoopReport(
        loop=LoopName.TRIAGE,
        repository=REPOSITORY,
        branch="develop",
        mode=LoopMode.REPORT_ONLY,
        status=TRIAGE.status,
        reason=TRIAGE.reason,
        detail=TRIAGE.detail,
        unresolved=1,
        summary="triage: 1 high, 0 medium; 2 h old",
        attempts=(ATTEMPT,),
        snapshot=TRIAGE,
    )
    return replace(report, **changes)


def mutation_report(**changes: Any) -> LoopReport:
    """Make a mutation report of 75 %, with 80 % wanted."""
    report = LoopReport(
        loop=LoopName.MUTATION,
        repository=REPOSITORY,
        branch="develop",
        mode=LoopMode.REPORT_ONLY,
        status=MUTATION.status,
        reason=MUTATION.reason,
        detail=MUTATION.detail,
        unresolved=1,
        summary="mutation 75.00%, needs 80.00%; 1 of 4 missed; 2 h old",
        attempts=(ATTEMPT,),
        snapshot=MUTATION,
        evidence=MutationEvidence(8_000, (), ()),
    )
    return replace(report, **changes)
