"""How figures, ages and states are said to people: one place, so that every channel says the same."""

from datetime import datetime, timedelta

from domain.clock import describe_age
from domain.runs import Run, RunState
from domain.snapshots import LoopReason, MutationSnapshot, TriageSnapshot
from domain.untrusted import clean_line
from policy.file import LoopLimits
from policy.loading import PolicyState

NOT_KNOWN = "unknown"
STALE = "STALE"  # like nothing else in a line: what is too old to go by must not look like what is new
SOURCE_CHARACTERS = 70  # a run of a workflow with its commit; the report has the whole of it
_REASONS = {
    LoopReason.RESOLVED: "nothing left to do",
    LoopReason.UNRESOLVED: "work remains",
    LoopReason.THRESHOLD_MET: "threshold met",
    LoopReason.BELOW_THRESHOLD: "below the threshold",
    LoopReason.NO_MUTANTS: "there were no mutants to judge",
    LoopReason.BASELINE_FAILED: "the tests failed before any mutation",
    LoopReason.INCOMPLETE_SHARDS: "a part of the run is missing",
    LoopReason.UNFINISHED_RUN: "the run did not finish",
    LoopReason.STALE_RUN: "the run is too old",
    LoopReason.NO_ARTIFACT: "no report was found",
    LoopReason.AMBIGUOUS_ARTIFACT: "several reports were found",
    LoopReason.UNREADABLE_ARTIFACT: "the report cannot be read",
    LoopReason.SOURCE_MISMATCH: "the report belongs to something else",
}


def age(moment: datetime | None, now: datetime, limits: LoopLimits | None = None) -> str:
    """Say an age, or that it is unknown, and whether it is beyond what a loop's limits take for a measurement."""
    if moment is None:
        return "age unknown"
    hours = limits.max_age_hours if limits else None
    stale = hours is not None and now - moment > timedelta(hours=hours)
    return f"{describe_age(moment, now)} old{f', {STALE}' if stale else ''}"


def percent(basis_points: int | None) -> str:
    """Write a share such as `82.50 %`; unknown is never zero (I11)."""
    if basis_points is None:
        return NOT_KNOWN
    return f"{basis_points // 100}.{basis_points % 100:02d} %"


def number(value: int | None) -> str:
    """Write a count; unknown is never zero (I11)."""
    return NOT_KNOWN if value is None else str(value)


def reason(code: LoopReason) -> str:
    """Say a loop's reason in words; where there are no better ones, in its own."""
    return _REASONS.get(code, code.value.replace("_", " "))


def mutation_line(snapshot: MutationSnapshot | None, now: datetime, state: PolicyState) -> str:
    """Say the newest mutation score in one line, with its age and where it is from."""
    if snapshot is None:
        return "Mutation: unknown, never measured"
    limits = state.policy.loops.mutation if state.policy else None
    score = percent(snapshot.score_basis_points) + (" provisional" if snapshot.provisional else "")
    source = _source(snapshot) if snapshot.score_basis_points is not None else ""
    return f"Mutation: {score}, {reason(snapshot.reason)}, {age(snapshot.measured_at, now, limits)}{source}"


def backlog_line(snapshot: TriageSnapshot | None, now: datetime, state: PolicyState) -> str:
    """Say the newest backlog in one line, with its age and where it is from."""
    if snapshot is None:
        return "Backlog: unknown, never measured"
    if snapshot.high is None:
        return f"Backlog: unknown, {reason(snapshot.reason)}"
    unclear = f", {snapshot.unknown_severity} of unknown severity" if snapshot.unknown_severity else ""
    counts = f"{snapshot.high} high, {number(snapshot.medium)} medium{unclear}"
    limits = state.policy.loops.triage if state.policy else None
    return f"Backlog: {counts}, {age(snapshot.measured_at, now, limits)}{_source(snapshot)}"


def _source(snapshot: MutationSnapshot | TriageSnapshot) -> str:
    return f", from {clean_line(snapshot.source, SOURCE_CHARACTERS)}"


def run_line(run: Run, now: datetime) -> str:
    """Say where a run is: its handle, action, state, and what it found."""
    if not run.state.final:
        return f"{run.handle} {run.action}: {run.state.value} for {describe_age(run.created_at, now)}"
    found = run.summary or run.reason or ""
    return f"{run.handle} {run.action}: {run.state.value}, {describe_age(run.created_at, now)} ago. {found}".rstrip()


def run_details(run: Run) -> str:
    """Say what `last` shows beneath a run: where it can be read, and each attempt's conclusion."""
    where = run.url or "no page, it ran on this machine"
    attempts = "; ".join(
        f"attempt {attempt.number}: {attempt.conclusion or attempt.state.value}" for attempt in run.attempts
    )
    return f"  {attempts or 'no attempt yet'}; {where}"


def final_word(state: RunState) -> str:
    """Return the word a final notice begins with."""
    return {RunState.SUCCEEDED: "DONE", RunState.CANCELLED: "CANCELLED", RunState.REFUSED: "REFUSED"}.get(
        state, "FAILED"
    )
