"""From the facts of a mutation run to its report: pure, so that every verdict can be derived again."""

from dataclasses import replace
from datetime import datetime

from domain.runs import AttemptState
from domain.snapshots import LoopReason, LoopStatus, MutationSnapshot
from domain.untrusted import clean_line
from loops.artifacts import ArtifactError
from loops.mutation.model import MutationFacts
from loops.mutation.playbook import advise, categories, hot_spots, survivors
from loops.mutation.settings import MutationSettings
from loops.rendering import NAME_CHARACTERS, percent
from loops.report import (
    DETAIL_CHARACTERS,
    SUMMARY_CHARACTERS,
    AttemptReport,
    Correlation,
    LoopMode,
    LoopName,
    LoopReport,
    MutationEvidence,
)
from loops.verdicts import age_words, status_of, too_old, words_for_unknown

NOTHING_READ = "nothing"
MAX_FILES_NAMED = 3


def plan(facts: MutationFacts, settings: MutationSettings, started: AttemptReport, now: datetime) -> LoopReport:
    """Judge one measurement: unknown before good, and good only when it is complete, fresh and above the threshold."""
    reason, detail = _judge(facts, settings, now)
    status = status_of(reason)
    unfinished = reason is LoopReason.UNFINISHED_RUN
    shown = status is not LoopStatus.UNKNOWN or unfinished
    score = facts.counts.score_basis_points if shown else None
    playbook = advise(facts.undetected) if shown else ()
    snapshot = MutationSnapshot(
        status=status,
        reason=reason,
        detail=clean_line(detail, DETAIL_CHARACTERS),
        source=_source(facts),
        taken_at=now,
        measured_at=facts.finished_at,
        tool=facts.tool,
        score_basis_points=score,
        provisional=unfinished and score is not None,
        counts=facts.counts if shown else None,
        hot_spots=hot_spots(playbook),
        categories=categories(facts.undetected) if shown else (),
    )
    attempt = replace(
        started,
        source_run_url=facts.run_url,
        source_sha=facts.head_sha,
        correlation=Correlation.STATED if facts.head_sha else Correlation.NOT_STATED,
    )
    evidence = MutationEvidence(settings.threshold_basis_points, playbook, survivors(facts.undetected) if shown else ())
    return _report(snapshot, settings, attempt, evidence)


def plan_unread(error: ArtifactError, settings: MutationSettings, started: AttemptReport, now: datetime) -> LoopReport:
    """Report that nothing could be read; the error's sentence tells the mend."""
    snapshot = MutationSnapshot(
        status=status_of(error.reason),
        reason=error.reason,
        detail=clean_line(str(error), DETAIL_CHARACTERS),
        source=NOTHING_READ,
        taken_at=now,
        measured_at=None,
        tool=None,
        score_basis_points=None,
        provisional=False,
        counts=None,
        hot_spots=(),
        categories=(),
    )
    evidence = MutationEvidence(settings.threshold_basis_points, (), ())
    return _report(snapshot, settings, replace(started, correlation=Correlation.UNREAD), evidence)


def _judge(facts: MutationFacts, settings: MutationSettings, now: datetime) -> tuple[LoopReason, str]:
    """Find the verdict and its sentence; the first doubt that applies wins."""
    doubt = _doubt(facts, settings, now)
    if doubt is not None:
        return doubt
    score = facts.counts.score_basis_points
    if score is None:
        return LoopReason.NO_MUTANTS, f"{facts.counts.total} mutants, none of them could be tested"
    needed = settings.threshold_basis_points
    reason = LoopReason.THRESHOLD_MET if score >= needed else LoopReason.BELOW_THRESHOLD
    side = "reaches" if score >= needed else "is below"
    counts = facts.counts
    return reason, (
        f"{percent(score)}% {side} the threshold of {percent(needed)}%: of {counts.scored} mutants "
        f"{counts.killed} were killed, {counts.timeout} timed out, {counts.survived} survived, "
        f"{counts.no_coverage} are run by no test; {age_words(facts.finished_at, now)}"
    )


def _doubt(facts: MutationFacts, settings: MutationSettings, now: datetime) -> tuple[LoopReason, str] | None:
    if facts.baseline_failed:
        return LoopReason.BASELINE_FAILED, "the tests failed on the unchanged code; mend them and measure again"
    shards = settings.expected_shards
    if shards is not None and facts.shards_found != shards:
        return _shard_doubt(facts.shards_found, shards)
    if facts.unfinished is not None:
        return LoopReason.UNFINISHED_RUN, facts.unfinished
    counts = facts.counts
    if counts.pending or counts.error:
        # The tool gave no verdict on these, and any of them may be a survivor.
        detail = f"of {counts.total} mutants {counts.pending} were never tested and {counts.error} ended in an error"
        return LoopReason.UNFINISHED_RUN, detail
    if too_old(facts.finished_at, now, settings.max_age_hours):
        age = age_words(facts.finished_at, now)
        return LoopReason.STALE_RUN, f"the run is {age}, the limit is {settings.max_age_hours} h; measure again"
    return None


def _shard_doubt(found: int, expected: int) -> tuple[LoopReason, str]:
    if found < expected:
        return LoopReason.INCOMPLETE_SHARDS, f"{found} of {expected} shards found; run those that are missing again"
    return LoopReason.AMBIGUOUS_ARTIFACT, f"{found} result files for {expected} shards; keep those of one run only"


def _report(
    snapshot: MutationSnapshot, settings: MutationSettings, attempt: AttemptReport, evidence: MutationEvidence
) -> LoopReport:
    known = None if snapshot.status is LoopStatus.UNKNOWN else snapshot.counts
    return LoopReport(
        loop=LoopName.MUTATION,
        repository=clean_line(settings.repository, NAME_CHARACTERS),
        branch=clean_line(settings.branch, NAME_CHARACTERS),
        mode=LoopMode.REPORT_ONLY,
        status=snapshot.status,
        reason=snapshot.reason,
        detail=snapshot.detail,
        unresolved=None if known is None else known.survived + known.no_coverage,
        summary=clean_line(_summary(snapshot, evidence.threshold_basis_points), SUMMARY_CHARACTERS),
        attempts=(
            replace(attempt, status=AttemptState.DONE, conclusion=snapshot.reason, finished_at=snapshot.taken_at),
        ),
        snapshot=snapshot,
        evidence=evidence,
    )


def _summary(snapshot: MutationSnapshot, threshold: int) -> str:
    counts, score = snapshot.counts, snapshot.score_basis_points
    if snapshot.status is LoopStatus.UNKNOWN or counts is None or score is None:
        why = words_for_unknown(snapshot.reason)
        provisional = f"; provisional {percent(score)}%" if score is not None else ""
        return f"mutation unknown: {why}{provisional}"
    missed = counts.survived + counts.no_coverage
    age = age_words(snapshot.measured_at, snapshot.taken_at)
    return f"mutation {percent(score)}%, needs {percent(threshold)}%; {missed} of {counts.scored} missed; {age}"


def _source(facts: MutationFacts) -> str:
    named = ", ".join(facts.files[:MAX_FILES_NAMED])
    more = len(facts.files) - MAX_FILES_NAMED
    return clean_line(f"{named} and {more} more" if more > 0 else named, DETAIL_CHARACTERS)
