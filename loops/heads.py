"""Whether a run runs at the commit it was dispatched for: pure. Where it does not, it is ended and people are told."""

from domain.git_names import short
from domain.notices import Notice, NoticeKind, Urgency
from domain.runs import Run
from forge.port import Job

HEAD_MISMATCH = "head_mismatch"  # the reason of such a run, however its forge says that it ended


def strayed(run: Run, job: Job) -> bool:
    """Tell whether a job runs at another commit than its run was approved or dispatched for; unknown is no other."""
    return None not in (run.expected_sha, job.head_sha) and job.head_sha != run.expected_sha


def newly_strayed(run: Run, job: Job) -> bool:
    """Tell whether that is news: the run as it was read does not know the job's commit yet."""
    return strayed(run, job) and run.head_sha != job.head_sha


def stray_words(run: Run, job: Job) -> str:
    """Say what happened."""
    found, expected = short(job.head_sha or ""), short(run.expected_sha or "")
    return f"{run.ref} moved before the start: it ran at {found}, not at {'the approved ' if run.approval else ''}{expected}"


def alarm(run: Run, job: Job, mode: str) -> Notice:
    """Tell that a run strayed; its key keeps that from being told twice."""
    then = "It is over" if run.state.final else "It is being cancelled"
    return Notice(
        key=f"{run.id}:{NoticeKind.ALARM.value}:{HEAD_MISMATCH}",
        kind=NoticeKind.ALARM,
        text=f"{run.handle} {run.action}: {stray_words(run, job)}. {then}; its result does not count.",
        run_handle=run.handle,
        repository=run.repository,
        branch=run.ref,
        run_url=job.url,
        mode=mode,
        reason=HEAD_MISMATCH,
        urgency=Urgency.HIGH,
        subject=run.id,
    )
