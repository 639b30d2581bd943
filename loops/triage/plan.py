"""From a backlog to its report: pure, so that every verdict can be derived again."""

from dataclasses import replace
from datetime import datetime

from domain.findings import Severity
from domain.runs import AttemptState
from domain.snapshots import LoopReason, LoopStatus, TriageSnapshot
from domain.untrusted import clean_line
from loops.artifacts import ArtifactError
from loops.rendering import NAME_CHARACTERS
from loops.report import (
    DETAIL_CHARACTERS,
    SUMMARY_CHARACTERS,
    AttemptReport,
    Correlation,
    LoopMode,
    LoopName,
    LoopReport,
)
from loops.triage.backlog import Backlog
from loops.triage.settings import TriageSettings
from loops.verdicts import age_words, status_of, too_old, words_for_unknown

NOTHING_READ = "nothing"
NOT_STATED = "not stated"
UNRESOLVED = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.UNKNOWN)


def plan(backlog: Backlog, settings: TriageSettings, started: AttemptReport, now: datetime) -> LoopReport:
    """Judge one backlog: of another source or too old is unknown, and empty is the only way to be resolved."""
    mismatch = _mismatch(backlog, settings)
    reason, detail = mismatch or _judge(backlog, settings, now)
    status = status_of(reason)
    known = status is not LoopStatus.UNKNOWN
    counts = backlog.counts
    snapshot = TriageSnapshot(
        status=status,
        reason=reason,
        detail=clean_line(detail, DETAIL_CHARACTERS),
        source=clean_line(f"{backlog.source}: {backlog.file}", DETAIL_CHARACTERS),
        taken_at=now,
        measured_at=backlog.generated_at,
        high=counts.get(Severity.CRITICAL, 0) + counts.get(Severity.HIGH, 0) if known else None,
        medium=counts.get(Severity.MEDIUM, 0) if known else None,
        unknown_severity=counts.get(Severity.UNKNOWN, 0) if known else None,
        findings=backlog.findings if known else (),
        head_sha=backlog.head_sha,
        pr_number=backlog.pr_number,
    )
    attempt = replace(
        started, source_sha=backlog.head_sha, correlation=_correlation(backlog, settings, mismatch is not None)
    )
    repository = settings.repository if settings.repository is not None else backlog.repository
    return _report(snapshot, repository, settings.branch, attempt, _unresolved(backlog) if known else None)


def plan_unread(error: ArtifactError, settings: TriageSettings, started: AttemptReport, now: datetime) -> LoopReport:
    """Report that nothing could be read; the error's sentence tells the mend."""
    snapshot = TriageSnapshot(
        status=status_of(error.reason),
        reason=error.reason,
        detail=clean_line(str(error), DETAIL_CHARACTERS),
        source=NOTHING_READ,
        taken_at=now,
        measured_at=None,
        high=None,
        medium=None,
        unknown_severity=None,
        findings=(),
    )
    attempt = replace(started, correlation=Correlation.UNREAD)
    return _report(snapshot, settings.repository or NOT_STATED, settings.branch, attempt, None)


def _mismatch(backlog: Backlog, settings: TriageSettings) -> tuple[LoopReason, str] | None:
    """Compare what the file says it is of with what was asked for; a commit it does not name is not proven."""
    pairs = (
        # GitHub treats owner and name without case, git treats branches and commits with it.
        ("repository", settings.repository and settings.repository.casefold(), backlog.repository.casefold()),
        ("branch", backlog.branch and settings.branch, backlog.branch),
        ("head_sha", settings.head_sha, backlog.head_sha),
    )
    for field, wanted, found in pairs:
        if wanted is not None and wanted != found:
            shown = clean_line(found or "nothing", NAME_CHARACTERS)
            sentence = f"{field} is {shown} in the file, {clean_line(wanted, NAME_CHARACTERS)} was asked for"
            return LoopReason.SOURCE_MISMATCH, f"{sentence}; fetch the artifact of that run"
    return None


def _judge(backlog: Backlog, settings: TriageSettings, now: datetime) -> tuple[LoopReason, str]:
    age = age_words(backlog.generated_at, now)
    if too_old(backlog.generated_at, now, settings.max_age_hours):
        limit = f"the limit is {settings.max_age_hours} h"
        return LoopReason.STALE_RUN, f"the backlog is {age}, {limit}; run the triage workflow again"
    unresolved = _unresolved(backlog)
    if unresolved == 0 and backlog.incomplete is not None:
        mend = "mend that, then run the triage workflow again"
        return LoopReason.INCOMPLETE_BACKLOG, f"nothing is open in what could be read, but {backlog.incomplete}; {mend}"
    if unresolved == 0:
        return LoopReason.RESOLVED, f"nothing of medium severity or worse is open; {age}"
    parts = [f"{backlog.counts[severity]} {severity}" for severity in UNRESOLVED if backlog.counts.get(severity)]
    missing = f"; not all could be read, {backlog.incomplete}" if backlog.incomplete is not None else ""
    return LoopReason.UNRESOLVED, f"{', '.join(parts)} severity; {age}{missing}"


def _unresolved(backlog: Backlog) -> int:
    return sum(backlog.counts.get(severity, 0) for severity in UNRESOLVED)


def _correlation(backlog: Backlog, settings: TriageSettings, mismatch: bool) -> Correlation:
    if mismatch:
        return Correlation.MISMATCH
    if backlog.head_sha is None:
        return Correlation.NOT_STATED
    return Correlation.STATED if settings.head_sha is None else Correlation.SHA_VALIDATED


def _report(
    snapshot: TriageSnapshot, repository: str, branch: str, attempt: AttemptReport, unresolved: int | None
) -> LoopReport:
    return LoopReport(
        loop=LoopName.TRIAGE,
        repository=clean_line(repository, NAME_CHARACTERS),
        branch=clean_line(branch, NAME_CHARACTERS),
        mode=LoopMode.REPORT_ONLY,
        status=snapshot.status,
        reason=snapshot.reason,
        detail=snapshot.detail,
        unresolved=unresolved,
        summary=clean_line(_summary(snapshot), SUMMARY_CHARACTERS),
        attempts=(
            replace(attempt, status=AttemptState.DONE, conclusion=snapshot.reason, finished_at=snapshot.taken_at),
        ),
        snapshot=snapshot,
    )


def _summary(snapshot: TriageSnapshot) -> str:
    if snapshot.status is LoopStatus.UNKNOWN:
        return f"triage unknown: {words_for_unknown(snapshot.reason)}"
    age = age_words(snapshot.measured_at, snapshot.taken_at)
    unsorted = f", {snapshot.unknown_severity} of unknown severity" if snapshot.unknown_severity else ""
    return f"triage: {snapshot.high} high, {snapshot.medium} medium{unsorted}; {age}"
