"""What a job's state on its forge means for our run: pure, so that every order of events can be tried."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from commands.wording import final_word, number
from domain.effects import Deliver
from domain.notices import Choice, Notice, NoticeKind, Urgency
from domain.runs import Attempt, AttemptState, Run, RunState
from domain.snapshots import LoopReason, MutationSnapshot, TriageSnapshot
from domain.untrusted import clean_line
from forge.port import Job, JobState
from loops.heads import HEAD_MISMATCH, stray_words, strayed
from loops.verdicts import NEEDS_PEOPLE

SUMMARY_CHARACTERS = 160
LOST_AFTER = timedelta(seconds=120)  # a forge that still knows nothing this long after the deadline has lost the job
_STATES = {
    JobState.QUEUED: RunState.DISPATCHED,
    JobState.RUNNING: RunState.RUNNING,
    JobState.SUCCEEDED: RunState.SUCCEEDED,
    JobState.FAILED: RunState.FAILED,
    JobState.CANCELLED: RunState.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Progress:
    """A run brought up to date, and what people should learn about it."""

    run: Run
    notices: tuple[Notice, ...]


def follow(run: Run, job: Job, mode: str, now: datetime) -> Progress:
    """Bring a run up to date with its job. A run that is over stays as it is.

    What ran at another commit than expected is no success, and what it found is not known, whatever its forge says.
    """
    if run.state.final:
        return Progress(run, ())
    if strayed(run, job):
        job = _discounted(run, job)
    state = _STATES[job.state]
    if state is RunState.DISPATCHED and run.state is RunState.RUNNING:
        state = run.state  # a forge may show an older view; what was told is not taken back
    current = replace(
        run,
        state=state,
        attempts=_merged(run.attempts, job.attempts),
        finished_at=now if state.final else None,
        reason=job.conclusion,
        summary=clean_line(job.summary, SUMMARY_CHARACTERS) if job.summary else None,
        unresolved=job.unresolved,
        url=job.url,
        head_sha=job.head_sha,
    )
    notices = [*_attempt_notices(run, current, mode)]
    if state.final:
        notices.append(final_notice(current, mode))
    return Progress(current, tuple(notices))


def _discounted(run: Run, job: Job) -> Job:
    state = JobState.FAILED if job.state is JobState.SUCCEEDED else job.state
    reason = HEAD_MISMATCH if state.final else job.conclusion
    return replace(job, state=state, conclusion=reason, summary=stray_words(run, job), unresolved=None, report=None)


def given_up(run: Run, now: datetime) -> bool:
    """Tell whether it is so long after the deadline that nobody waits for an answer any more."""
    return now >= run.deadline_at + LOST_AFTER


def lose(run: Run, mode: str, now: datetime) -> Progress | None:
    """Give up a run that its forge does not know long after its deadline: how it ended is unknown, and said to be."""
    if run.state.final or not given_up(run, now):
        return None
    lost = replace(run, state=RunState.UNKNOWN, finished_at=now, reason="lost", summary="nobody can tell how it ended")
    return Progress(lost, (final_notice(lost, mode),))


def refuse(run: Run, reason: str, sentence: str, mode: str, now: datetime) -> Progress:
    """End a run that never reached its forge."""
    refused = replace(run, state=RunState.REFUSED, finished_at=now, reason=reason, summary=sentence)
    return Progress(refused, (final_notice(refused, mode),))


def final_notice(run: Run, mode: str) -> Notice:
    """Say how a run ended, with every field a loop notice carries (docs/design.md)."""
    found = run.summary or run.reason or "no reason given"
    text = f"{final_word(run.state)} {run.handle} {run.action} on {run.repository}@{run.ref}: {found}."
    return _notice(run, NoticeKind.FINAL, 0, f"{text} Unresolved {number(run.unresolved)}, mode {mode}.", mode)


def closing_cards(progress: Progress, showing: Iterable[str]) -> tuple[Deliver, ...]:
    """Bring the messages that show a run up to date with its end; `showing` are their addresses, `channel:value`."""
    final = next((notice for notice in progress.notices if notice.kind is NoticeKind.FINAL), None)
    if final is None:
        return ()
    run = progress.run
    text = f"{run.handle} {run.action}: {run.state.value}."  # the news itself is a message of its own
    key = f"{run.id}:{NoticeKind.CARD.value}"
    card = replace(final, key=key, kind=NoticeKind.CARD, text=text, urgency=Urgency.LOW, subject=run.id, choices=())
    return tuple(Deliver(to, card) for to in showing)


def offering_fix(progress: Progress, snapshot: MutationSnapshot | TriageSnapshot | None) -> Progress:
    """Put a button under a run's final notice where its measurement comes with a plan that waits for people.

    That notice is none of the run's cards: bringing those up to date would take the button away again.
    """
    if snapshot is None or snapshot.plan is None or snapshot.reason is not LoopReason.AWAITS_APPROVAL:
        return progress
    loop = "triage" if isinstance(snapshot, TriageSnapshot) else "mutation"
    choices = (Choice("Fix", f"fix {loop}"),)
    notices = (
        replace(one, choices=choices, subject=None) if one.kind is NoticeKind.FINAL else one for one in progress.notices
    )
    return replace(progress, notices=tuple(notices))


def _merged(known: tuple[Attempt, ...], seen: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """Return all attempts there ever were, by number; one that was done stays as it is."""
    attempts = {attempt.number: attempt for attempt in known}
    for attempt in seen:
        if attempt.number not in attempts or attempts[attempt.number].state is AttemptState.STARTED:
            attempts[attempt.number] = attempt
    return tuple(attempts[number] for number in sorted(attempts))


def _attempt_notices(before: Run, after: Run, mode: str) -> Iterator[Notice]:
    told = {attempt.number: attempt.state for attempt in before.attempts}
    for attempt in after.attempts:
        name = f"{after.handle} {after.action}"
        if attempt.number not in told:
            text = f"{name}: attempt {attempt.number} started on {after.repository}@{after.ref}."
            yield _notice(after, NoticeKind.ATTEMPT_START, attempt.number, text, mode)
        if attempt.state is AttemptState.DONE and told.get(attempt.number) is not AttemptState.DONE:
            text = f"{name}: attempt {attempt.number} done, {_conclusion(attempt)}."
            yield _notice(after, NoticeKind.ATTEMPT_DONE, attempt.number, text, mode)


def _conclusion(attempt: Attempt) -> str:
    return (attempt.conclusion or "no conclusion").replace("_", " ")


def _notice(run: Run, kind: NoticeKind, attempt: int, text: str, mode: str) -> Notice:
    return Notice(
        key=f"{run.id}:{kind.value}:{attempt}",
        kind=kind,
        text=text,
        run_handle=run.handle,
        repository=run.repository,
        branch=run.ref,
        run_url=run.url,
        unresolved=run.unresolved,
        mode=mode,
        reason=run.reason,
        urgency=_urgency(run, kind),
        subject=run.id,
    )


def _urgency(run: Run, kind: NoticeKind) -> Urgency:
    """Return how much a loop notice matters: an end that is no success, or that people have to decide about, is urgent."""
    if kind is not NoticeKind.FINAL:
        return Urgency.LOW
    if run.state is not RunState.SUCCEEDED or run.reason in NEEDS_PEOPLE:
        return Urgency.HIGH
    return Urgency.NORMAL
