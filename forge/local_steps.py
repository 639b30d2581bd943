"""The pure steps of a local job from one state to the next; every rule about final states is here."""

from dataclasses import dataclass, replace
from datetime import datetime

from domain.runs import AttemptState
from domain.untrusted import clean_line
from forge.local_record import JobRecord
from forge.port import ForgeConclusion, JobAttempt, JobState

MAX_LINE_CHARACTERS = 300  # of a summary or conclusion: more than the longest channel shows
MAX_ATTEMPTS = 100  # over all starts; keeps the file small whatever a workflow does
MAX_DEATHS = 3  # a job that took the whole process with it this often is what kills it


@dataclass(frozen=True, slots=True)
class WorkflowResult:
    """How a workflow ended. `ok` tells whether it could do its work, not whether it liked what it saw (D19)."""

    conclusion: str
    summary: str
    unresolved: int | None
    ok: bool
    head_sha: str | None = None
    report: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """The right to write a job's progress: it ends when the job is over, given back or started again."""

    owner: str
    start: int

    def covers(self, record: JobRecord) -> bool:
        """Tell whether this holder still runs the job."""
        return not record.job.state.final and record.owner == self.owner and record.starts == self.start


def ask_cancel(record: JobRecord, now: datetime) -> JobRecord:
    """Cancel at once what nobody runs; ask the one who runs it otherwise."""
    if record.job.state.final or record.cancel_requested:
        return record
    if record.waiting:
        return end(record, JobState.CANCELLED, ForgeConclusion.CANCELLED, "cancelled before it ran", now)
    return replace(record, cancel_requested=True)


def claim(record: JobRecord, owner: str, now: datetime) -> JobRecord:
    """Give a job to a process that is not running it, even if its file says so: an earlier claim may have half failed.

    What was to be cancelled is cancelled instead. Attempts that an earlier start left open are closed as interrupted;
    nobody saw them end, so their `finished_at` stays None.
    """
    if record.job.state.final or record.owner not in (None, owner):
        return record
    if record.cancel_requested:
        return end(record, JobState.CANCELLED, ForgeConclusion.CANCELLED, "cancelled before it ran again", now)
    attempts = _closed(record.job.attempts, ForgeConclusion.INTERRUPTED, "the bot stopped during this attempt", None)
    job = replace(record.job, state=JobState.RUNNING, attempts=attempts)
    return replace(record, job=job, owner=owner, starts=record.starts + 1)


def give_back(record: JobRecord, hold: Hold) -> JobRecord:
    """Leave a job running without a runner, at a clean shutdown: the next start resumes it."""
    return replace(record, owner=None) if hold.covers(record) else record


def take_over(record: JobRecord, now: datetime) -> JobRecord:
    """Free a job whose process has died, unless it has killed too many of them."""
    if record.job.state.final or record.owner is None:
        return record
    freed = replace(record, owner=None, deaths=record.deaths + 1)
    if freed.deaths < MAX_DEATHS:
        return freed
    return end(freed, JobState.FAILED, ForgeConclusion.INTERRUPTED, f"the bot died {MAX_DEATHS} times running it", now)


def with_attempt(record: JobRecord, attempt: JobAttempt) -> JobRecord:
    """Add an attempt, or replace the one with the same number.

    Raises:
        ValueError: there are `MAX_ATTEMPTS` others already.
    """
    others = [known for known in record.job.attempts if known.number != attempt.number]
    if len(others) >= MAX_ATTEMPTS:
        raise ValueError(f"attempt {attempt.number} is one too many: a job keeps {MAX_ATTEMPTS}")
    kept = replace(attempt, summary=_line(attempt.summary), conclusion=_line(attempt.conclusion))
    attempts = tuple(sorted((*others, kept), key=lambda known: known.number))
    return replace(record, job=replace(record.job, attempts=attempts))


def with_result(record: JobRecord, result: WorkflowResult, now: datetime) -> JobRecord:
    """End a job as its workflow said, or as cancelled where that was asked for in the meantime."""
    if record.cancel_requested:
        return end(record, JobState.CANCELLED, ForgeConclusion.CANCELLED, "cancelled while it ran", now)
    state = JobState.SUCCEEDED if result.ok else JobState.FAILED
    ended = end(record, state, result.conclusion, result.summary, now)
    job = replace(ended.job, unresolved=result.unresolved, head_sha=result.head_sha, report=result.report)
    return replace(ended, job=job)


def expire(record: JobRecord, now: datetime) -> JobRecord:
    """End a job that did not stop by its deadline."""
    if record.cancel_requested:
        return end(record, JobState.CANCELLED, ForgeConclusion.CANCELLED, "cancelled; it did not stop by itself", now)
    summary = "it had not ended at its deadline"
    return end(record, JobState.FAILED, ForgeConclusion.DEADLINE_EXCEEDED, summary, now)


def end(record: JobRecord, state: JobState, conclusion: str, summary: str, now: datetime) -> JobRecord:
    """Bring a job to a final state, its open attempts with it."""
    conclusion = clean_line(conclusion, MAX_LINE_CHARACTERS)
    summary = clean_line(summary, MAX_LINE_CHARACTERS)
    attempts = _closed(record.job.attempts, conclusion, summary, now)
    job = replace(record.job, state=state, conclusion=conclusion, summary=summary, attempts=attempts)
    return replace(record, job=job, owner=None)


def _closed(
    attempts: tuple[JobAttempt, ...], conclusion: str, summary: str, finished_at: datetime | None
) -> tuple[JobAttempt, ...]:
    return tuple(
        attempt
        if attempt.state is AttemptState.DONE
        else replace(attempt, state=AttemptState.DONE, finished_at=finished_at, conclusion=conclusion, summary=summary)
        for attempt in attempts
    )


def _line(text: str | None) -> str | None:
    return None if text is None else clean_line(text, MAX_LINE_CHARACTERS)
