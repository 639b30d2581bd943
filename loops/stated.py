"""A loop's own report out of an artifact: its figures are taken and cleaned, its verdict is made again by our policy and clock.

Whoever may write the workflow may write the report. So nothing in it makes a measurement look newer than it can be, or
better than the policy would call it.
"""

from collections.abc import Mapping
from dataclasses import astuple, replace
from datetime import datetime

from domain.findings import Finding, HotSpot, Severity
from domain.fixes import FixPlan
from domain.snapshots import LoopReason, LoopStatus, MutationSnapshot, TriageSnapshot
from domain.untrusted import clean_line
from forge.results import SourceRun
from loops.artifacts import ArtifactError, held_files
from loops.mutation import plan as mutation
from loops.mutation.model import MutationFacts
from loops.mutation.playbook import MAX_CATEGORIES, MAX_SPOTS
from loops.mutation.settings import MutationSettings
from loops.records import CLOCK_SKEW, MAX_COUNT, Record, read_record
from loops.report import SUMMARY_CHARACTERS as REPORT_SUMMARY_CHARACTERS
from loops.report import AttemptReport, LoopName, LoopReport
from loops.snapshots import read_snapshot
from loops.triage import plan as triage
from loops.triage.backlog import MAX_FINDINGS, SUMMARY_CHARACTERS, Backlog
from loops.triage.settings import TriageSettings
from loops.verdicts import status_of

NAME_CHARACTERS = 160
REPORTED = "report"


def report_file(loop: LoopName) -> str:
    """Return what a loop's own report is called in its bundle."""
    return f"{loop.value}-loop.json"


def stated_report(
    files: Mapping[str, bytes],
    settings: MutationSettings | TriageSettings,
    run: SourceRun,
    started: AttemptReport,
    now: datetime,
) -> LoopReport | None:
    """Judge the figures of the one report among the files of a run's artifacts; None where there is no report.

    Raises:
        ArtifactError: there are several, it is of another source, it could measure nothing, or it cannot be read.
    """
    loop = LoopName.MUTATION if isinstance(settings, MutationSettings) else LoopName.TRIAGE
    found = held_files(files, lambda name: name == report_file(loop))
    if not found:
        return None
    if len(found) > 1:
        problem = f"is one of {len(found)} files of that name, next to {found[1].name}"
        raise ArtifactError(found[0].name, None, problem, "keep that of one run", LoopReason.AMBIGUOUS_ARTIFACT)
    document = read_record(found[0])
    for field, wanted in (("repository", run.repository), ("branch", settings.branch)):
        if document.text(field).casefold() != wanted.casefold():
            problem = f"is of another {field} than the run"
            raise ArtifactError(document.file, field, problem, "upload its own", LoopReason.SOURCE_MISMATCH)
    stated = read_snapshot(document.values)
    if isinstance(settings, MutationSettings) and isinstance(stated, MutationSnapshot):
        report = _mutation(document, stated, settings, started, now)
    elif isinstance(settings, TriageSettings) and isinstance(stated, TriageSnapshot):
        report = _triage(document, stated, settings, started, now)
    else:
        raise document.wrong("snapshot", "is no measurement of this loop")
    return _with_plan(report, stated, run)


def _mutation(
    document: Record, stated: MutationSnapshot, settings: MutationSettings, started: AttemptReport, now: datetime
) -> LoopReport:
    counts = stated.counts
    if stated.status is LoopStatus.UNKNOWN or counts is None:
        raise _unmeasured(document, stated)
    _check_counts(document, *astuple(counts), *(spot.survivors for spot in stated.hot_spots))
    _check_counts(document, *(count for _, count in stated.categories))
    facts = MutationFacts(
        tool=_clean(stated.tool or ""),
        files=(document.file,),
        shards_found=settings.expected_shards or 1,  # whoever made the report has counted them
        counts=counts,
        undetected=(),
        baseline_failed=False,
        unfinished=None,
        finished_at=_measured_at(document, stated.measured_at, now),
        head_sha=None,
        run_url=None,
    )
    report = mutation.plan(facts, settings, started, now)
    shown = report.snapshot
    if report.status is LoopStatus.UNKNOWN or not isinstance(shown, MutationSnapshot):
        return report
    spots = tuple(HotSpot(_clean(one.file), _clean(one.function), one.survivors) for one in stated.hot_spots)
    categories = tuple((_clean(name), count) for name, count in stated.categories)
    shown = replace(shown, hot_spots=spots[:MAX_SPOTS], categories=categories[:MAX_CATEGORIES])
    return replace(report, snapshot=shown)


def _triage(
    document: Record, stated: TriageSnapshot, settings: TriageSettings, started: AttemptReport, now: datetime
) -> LoopReport:
    high, medium, unclear = stated.high, stated.medium, stated.unknown_severity
    if stated.status is LoopStatus.UNKNOWN or high is None or medium is None or unclear is None:
        raise _unmeasured(document, stated)
    _check_counts(document, high, medium, unclear, *(one.line for one in stated.findings if one.line is not None))
    measured_at = _measured_at(document, stated.measured_at, now)
    if measured_at is None:
        raise document.wrong("snapshot.measured_at", "is missing")
    backlog = Backlog(
        file=document.file,
        source=REPORTED,
        repository=document.text("repository"),
        branch=settings.branch,
        pr_number=stated.pr_number,
        head_sha=_clean(stated.head_sha) if stated.head_sha else None,
        generated_at=measured_at,
        counts={Severity.HIGH: high, Severity.MEDIUM: medium, Severity.UNKNOWN: unclear},
        findings=tuple(_finding(one) for one in stated.findings[:MAX_FINDINGS]),
    )
    return triage.plan(backlog, settings, started, now)


def _finding(stated: Finding) -> Finding:
    path = _clean(stated.path) if stated.path else None
    summary = clean_line(stated.summary, SUMMARY_CHARACTERS)
    return Finding(_clean(stated.category), stated.severity, summary, path, stated.line)


def _with_plan(report: LoopReport, stated: MutationSnapshot | TriageSnapshot, run: SourceRun) -> LoopReport:
    """Keep what the loop would do about what it found, and where that stands, if work remains by our own measure too."""
    plan, reason = stated.plan, stated.reason
    remains = report.status is LoopStatus.WORK_REMAINS and status_of(reason) is LoopStatus.WORK_REMAINS
    if plan is None or not remains or not _fits(plan, report, run):
        return report
    summary = clean_line(f"{report.summary}; {reason.value.replace('_', ' ')}", REPORT_SUMMARY_CHARACTERS)
    return replace(report, reason=reason, summary=summary, snapshot=replace(report.snapshot, reason=reason, plan=plan))


def _fits(plan: FixPlan, report: LoopReport, run: SourceRun) -> bool:
    """Tell whether a plan is for this run's branch, and says nothing that a screen would show otherwise."""
    texts = (plan.action, plan.source_sha, plan.work, plan.policy_version, *plan.arguments, *plan.arguments.values())
    place = (plan.loop, plan.repository, plan.branch) == (report.loop.value, run.repository, run.branch)
    return place and all(_clean(text) == text for text in texts)


def _unmeasured(document: Record, stated: MutationSnapshot | TriageSnapshot) -> ArtifactError:
    unknown = stated.status is LoopStatus.UNKNOWN and status_of(stated.reason) is LoopStatus.UNKNOWN
    reason = stated.reason if unknown else LoopReason.UNREADABLE_ARTIFACT
    return ArtifactError(document.file, None, f"could not measure: {stated.detail}", "see the run's page", reason)


def _measured_at(document: Record, moment: datetime | None, now: datetime) -> datetime | None:
    if moment is not None and (moment.tzinfo is None or moment > now + CLOCK_SKEW):
        raise document.wrong("snapshot.measured_at", "has no zone, or lies in the future", "check that machine's clock")
    return moment


def _check_counts(document: Record, *counts: int) -> None:
    if any(not 0 <= count <= MAX_COUNT for count in counts):
        raise document.wrong("snapshot", f"holds a count that is not from 0 to {MAX_COUNT}")


def _clean(text: str) -> str:
    return clean_line(text, NAME_CHARACTERS)
