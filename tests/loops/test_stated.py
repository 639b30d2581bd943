"""A report of a loop's own is believed for its figures only: never for its verdict, its time, or texts that steer a screen."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.clock import to_text
from domain.fixes import FixPlan
from domain.snapshots import LoopReason, LoopStatus, MutationSnapshot, TriageSnapshot
from forge.results import SourceRun
from loops.artifacts import ArtifactError
from loops.documents import documents
from loops.mutation.judge import MutationJudge
from loops.mutation.settings import MutationSettings
from loops.records import CLOCK_SKEW, MAX_COUNT
from loops.report import LoopName, LoopReport, started_attempt
from loops.snapshots import snapshot_values
from loops.stated import report_file, stated_report
from loops.triage.judge import TriageJudge
from loops.triage.settings import TriageSettings
from tests.fakes.loop_artifacts import outcomes, rows
from tests.fakes.source_runs import BRANCH, REPOSITORY, SourceRuns, backlog, sha
from tests.fakes.virtual_time import START

MUTATION, TRIAGE = MutationSettings(REPOSITORY, BRANCH), TriageSettings(REPOSITORY, BRANCH)
RUN = SourceRuns().add(1, sha("a"))
STARTED = started_attempt(START)
LATER = START + timedelta(minutes=5)
PLAN = FixPlan("mutation", "pytest", {"paths": "src"}, REPOSITORY, BRANCH, sha("a"), "f" * 64, "0" * 64)


def measured(killed: int = 8, survived: int = 2, threshold: int = MUTATION.threshold_basis_points) -> LoopReport:
    """Return what the mutation loop itself reports, over there."""
    files = {"outcomes.json": json.dumps(outcomes(rows(killed=killed, survived=survived))).encode()}
    settings = replace(MUTATION, threshold_basis_points=threshold)
    return MutationJudge(settings).report(files, RUN, STARTED, START)


def triaged(*severities: str, commit: str = "a") -> LoopReport:
    """Return what the triage loop itself reports, over there."""
    files = {"backlog-medium.json": backlog(sha(commit), severities, branch=BRANCH)}
    return TriageJudge(TRIAGE).report(files, replace(RUN, head_sha=sha(commit)), STARTED, START)


def written(report: LoopReport, **snapshot: Any) -> dict[str, Any]:
    """Return a report's JSON document with fields of its snapshot replaced."""
    document: dict[str, Any] = json.loads(documents(report)[".json"])
    document["snapshot"] |= snapshot
    return document


def read(document: object, settings: MutationSettings | TriageSettings = MUTATION, run: SourceRun = RUN) -> LoopReport:
    """Read one report as it comes out of an artifact, five minutes later."""
    loop = LoopName.MUTATION if isinstance(settings, MutationSettings) else LoopName.TRIAGE
    report = stated_report(packed(document, loop), settings, run, STARTED, LATER)
    assert report is not None
    return report


def packed(document: object, loop: LoopName = LoopName.MUTATION) -> Mapping[str, bytes]:
    return {f"bundle/{report_file(loop)}": json.dumps(document).encode()}


def refused(document: object, settings: MutationSettings | TriageSettings = MUTATION) -> ArtifactError:
    with pytest.raises(ArtifactError) as error:
        read(document, settings)
    return error.value


def test_a_mutation_report_that_says_the_truth_is_read_as_it_is() -> None:
    there, here = measured(), read(written(measured()))
    assert isinstance(there.snapshot, MutationSnapshot)
    assert isinstance(here.snapshot, MutationSnapshot)
    assert (here.status, here.reason, here.unresolved) == (there.status, there.reason, 2)
    kept = ("counts", "score_basis_points", "hot_spots", "categories", "measured_at", "tool")
    assert [getattr(here.snapshot, name) for name in kept] == [getattr(there.snapshot, name) for name in kept]
    assert (here.snapshot.taken_at, here.snapshot.source) == (LATER, "bundle/mutation-loop.json")


def test_a_triage_report_that_says_the_truth_is_read_as_it_is() -> None:
    there, here = triaged("high", "medium", "odd"), read(written(triaged("high", "medium", "odd")), TRIAGE)
    assert (here.status, here.reason, here.unresolved) == (LoopStatus.WORK_REMAINS, LoopReason.UNRESOLVED, 3)
    kept = ("high", "medium", "unknown_severity", "findings", "measured_at", "head_sha", "pr_number")
    assert [getattr(here.snapshot, name) for name in kept] == [getattr(there.snapshot, name) for name in kept]


def test_files_without_a_report_are_nobodys_report() -> None:
    assert stated_report({"bundle/other.json": b"{}"}, MUTATION, RUN, STARTED, LATER) is None
    assert stated_report(packed({}, LoopName.TRIAGE), MUTATION, RUN, STARTED, LATER) is None


def test_two_reports_are_ambiguous() -> None:
    files = {**packed(written(measured())), "again/mutation-loop.json": b"{}"}
    with pytest.raises(ArtifactError, match="is one of 2 files") as error:
        stated_report(files, MUTATION, RUN, STARTED, LATER)
    assert error.value.reason is LoopReason.AMBIGUOUS_ARTIFACT


def test_the_verdict_is_ours_whatever_the_report_says() -> None:
    lenient = measured(threshold=1)
    assert lenient.reason is LoopReason.THRESHOLD_MET
    assert read(written(lenient), replace(MUTATION, threshold_basis_points=9000)).reason is LoopReason.BELOW_THRESHOLD
    boasting = written(measured(), score_basis_points=10_000, status="ok", reason="threshold_met")
    ours = read(boasting, replace(MUTATION, threshold_basis_points=9000))
    assert isinstance(ours.snapshot, MutationSnapshot)
    assert (ours.reason, ours.snapshot.score_basis_points) == (LoopReason.BELOW_THRESHOLD, 8000)
    hiding = written(triaged("high"), status="ok", reason="resolved")
    assert read(hiding, TRIAGE).reason is LoopReason.UNRESOLVED


def test_what_was_measured_too_long_ago_is_stale_however_lately_it_was_reported() -> None:
    old = to_text(START - timedelta(days=30))
    stale = read(written(measured(), measured_at=old))
    assert (stale.status, stale.reason, stale.unresolved) == (LoopStatus.UNKNOWN, LoopReason.STALE_RUN, None)
    assert isinstance(stale.snapshot, MutationSnapshot)
    assert (stale.snapshot.score_basis_points, stale.snapshot.hot_spots) == (None, ())
    assert read(written(triaged("high"), measured_at=old), TRIAGE).reason is LoopReason.STALE_RUN


def test_a_report_from_the_future_is_refused_and_cannot_stand_before_all_later_ones() -> None:
    for settings, report in ((MUTATION, measured()), (TRIAGE, triaged("high"))):
        future = refused(written(report, measured_at=to_text(LATER + CLOCK_SKEW + timedelta(seconds=1))), settings)
        assert (future.reason, future.field) == (LoopReason.UNREADABLE_ARTIFACT, "snapshot.measured_at")
        refused(written(report, measured_at="2026-11-22T13:00:00"), settings)
        assert read(written(report, taken_at="2099-01-01T00:00:00Z"), settings).snapshot.taken_at == LATER
    assert read(written(measured(), measured_at=None)).snapshot.measured_at is None
    assert refused(written(triaged("high"), measured_at=None), TRIAGE).field == "snapshot.measured_at"


@pytest.mark.parametrize(
    ("field", "value"), [("repository", "acme/other"), ("branch", "main"), ("repository", "acme/app/x")]
)
def test_a_report_of_another_source_is_refused(field: str, value: str) -> None:
    error = refused(written(measured()) | {field: value})
    assert (error.reason, error.field) == (LoopReason.SOURCE_MISMATCH, field)


@pytest.mark.parametrize("reason", [LoopReason.BASELINE_FAILED, LoopReason.NO_ARTIFACT, LoopReason.INCOMPLETE_SHARDS])
def test_what_the_loop_could_not_measure_stays_unknown_with_its_reason(reason: LoopReason) -> None:
    for settings, report in ((MUTATION, measured()), (TRIAGE, triaged("high"))):
        unknown = written(report, status="unknown", reason=reason.value, detail="shard 3 is not there")
        error = refused(unknown, settings)
        assert (error.reason, "could not measure: shard 3 is not there" in str(error)) == (reason, True)


@pytest.mark.parametrize(
    ("settings", "changes"),
    [
        (MUTATION, {"status": "unknown", "reason": "threshold_met"}),
        (MUTATION, {"counts": None}),
        (MUTATION, {"counts": {"killed": -1}}),
        (MUTATION, {"counts": {"killed": MAX_COUNT + 1}}),
        (MUTATION, {"counts": {"killed": "many"}}),
        (MUTATION, {"hot_spots": [{"file": "a", "function": "b", "survivors": -1}]}),
        (MUTATION, {"categories": [["a", -1]]}),
        (TRIAGE, {"high": None}),
        (TRIAGE, {"medium": None}),
        (TRIAGE, {"unknown_severity": None}),
        (TRIAGE, {"high": -1}),
        (TRIAGE, {"status": "unknown", "reason": "resolved"}),
        (TRIAGE, {"findings": [{"category": "a", "severity": "high", "summary": "b", "line": -1}]}),
    ],
)
def test_a_report_that_contradicts_itself_is_unreadable(
    settings: MutationSettings | TriageSettings, changes: dict[str, Any]
) -> None:
    report = measured() if settings is MUTATION else triaged("high")
    assert refused(written(report, **changes), settings).reason is LoopReason.UNREADABLE_ARTIFACT


@pytest.mark.parametrize("document", [[], {"repository": 1, "branch": BRANCH}, {"repository": REPOSITORY}])
def test_a_report_of_no_shape_is_unreadable(document: object) -> None:
    assert refused(document).reason is LoopReason.UNREADABLE_ARTIFACT


def test_a_report_of_the_other_loop_is_unreadable() -> None:
    for other, settings in ((triaged("high"), MUTATION), (measured(), TRIAGE)):
        document = written(measured()) | {"snapshot": snapshot_values(other.snapshot)}
        error = refused(document, settings)
        assert (error.reason, error.field) == (LoopReason.UNREADABLE_ARTIFACT, "snapshot")


def test_texts_are_cleaned_and_lists_are_capped() -> None:
    hostile = "\u202e<b>\n\x07" + "x" * 1000
    spots = [{"file": hostile, "function": hostile, "survivors": 1}] * 1000
    shown = read(written(measured(), hot_spots=spots, categories=[[hostile, 1]] * 1000, tool=hostile)).snapshot
    assert isinstance(shown, MutationSnapshot)
    texts = [
        shown.tool or "",
        *(one.file + one.function for one in shown.hot_spots),
        *(name for name, _ in shown.categories),
    ]
    assert all(text.isprintable() and len(text) <= 320 for text in texts)
    assert (len(shown.hot_spots), len(shown.categories)) == (20, 20)
    item = {"category": hostile, "severity": "high", "summary": hostile, "path": hostile, "line": 1}
    listed = read(written(triaged("high"), findings=[item] * 1000, head_sha=hostile), TRIAGE).snapshot
    assert isinstance(listed, TriageSnapshot)
    texts = [listed.head_sha or "", *(one.category + one.summary + (one.path or "") for one in listed.findings)]
    assert all(text.isprintable() and len(text) <= 600 for text in texts)
    assert len(listed.findings) == 50


def planned(plan: FixPlan, **changes: Any) -> dict[str, Any]:
    report = measured(killed=1, survived=9)
    report = replace(report, snapshot=replace(report.snapshot, plan=plan))
    return written(report, **{"reason": "awaits_approval", **changes})


def test_what_the_loop_would_do_is_kept_with_where_it_stands() -> None:
    report = read(planned(PLAN))
    assert (report.status, report.reason, report.snapshot.reason) == (
        LoopStatus.WORK_REMAINS,
        LoopReason.AWAITS_APPROVAL,
        LoopReason.AWAITS_APPROVAL,
    )
    assert report.snapshot.plan == PLAN
    assert report.snapshot.plan.digest() == PLAN.digest()
    assert report.summary.endswith("; awaits approval")


@pytest.mark.parametrize(
    "plan",
    [
        replace(PLAN, loop="triage"),
        replace(PLAN, repository="acme/other"),
        replace(PLAN, branch="main"),
        replace(PLAN, action="a\u202eb"),
        replace(PLAN, arguments={"paths": "a\nb"}),
        replace(PLAN, arguments={"pa\x07ths": "a"}),
        replace(PLAN, work="x" * 161),
    ],
)
def test_a_plan_for_something_else_or_with_texts_that_mislead_is_left_out(plan: FixPlan) -> None:
    report = read(planned(plan))
    assert (report.reason, report.snapshot.plan) == (LoopReason.BELOW_THRESHOLD, None)


def test_nothing_is_planned_where_by_our_measure_nothing_is_left_or_the_loop_says_so() -> None:
    good = read(planned(PLAN), replace(MUTATION, threshold_basis_points=1))
    assert (good.reason, good.snapshot.plan) == (LoopReason.THRESHOLD_MET, None)
    boasting = read(planned(PLAN, reason="threshold_met", status="ok"))
    assert (boasting.reason, boasting.snapshot.plan) == (LoopReason.BELOW_THRESHOLD, None)
