"""What a run of the fake GitHub goes through on the clock, attempt by attempt, and what a cancellation does to it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

FAILED = frozenset({"failure", "timed_out", "cancelled"})
WITHOUT_RESULTS = frozenset({"cancelled", "skipped", "startup_failure"})


@dataclass(frozen=True, slots=True)
class Phase:
    """One part of a plan; without `seconds` the run stays in it."""

    status: str
    seconds: float | None = None
    conclusion: str | None = None


def queued(seconds: float | None = None) -> Phase:
    return Phase("queued", seconds)


def waiting(seconds: float | None = None) -> Phase:
    """Wait for somebody to approve the deployment."""
    return Phase("waiting", seconds)


def in_progress(seconds: float | None = None) -> Phase:
    return Phase("in_progress", seconds)


def completed(conclusion: str) -> Phase:
    return Phase("completed", conclusion=conclusion)


USUAL_PLAN = (queued(5), in_progress(30), completed("success"))


@dataclass(frozen=True, slots=True)
class Moment:
    """Since when an attempt is where it is."""

    at: datetime
    status: str
    conclusion: str | None = None

    @property
    def completed(self) -> bool:
        return self.status == "completed"


@dataclass(frozen=True, slots=True)
class Job:
    """One job of an attempt. Its conclusion is the attempt's own unless it has one; `carried` is of an attempt before."""

    id: int
    name: str
    conclusion: str | None = None
    carried: Moment | None = None


@dataclass(slots=True)
class Attempt:
    """One pass of a run."""

    number: int
    started_at: datetime
    plan: Sequence[Phase]
    actor: str
    jobs: tuple[Job, ...] = ()
    cancelled_at: datetime | None = None

    def timeline(self) -> list[Moment]:
        """Return what happens and when: the plan, cut off by a cancellation."""
        moments, at = [], self.started_at
        for phase in self.plan:
            moments.append(Moment(at, phase.status, phase.conclusion))
            if phase.seconds is None:
                break
            at += timedelta(seconds=phase.seconds)
        if self.cancelled_at is not None and not (moments[-1].completed and moments[-1].at <= self.cancelled_at):
            moments = [one for one in moments if one.at < self.cancelled_at or one.at == self.started_at]
            moments.append(Moment(self.cancelled_at, "completed", "cancelled"))
        return moments

    def at(self, now: datetime) -> Moment:
        """Return where the attempt is."""
        return [one for one in self.timeline() if one.at <= now][-1]

    def began_at(self, now: datetime) -> datetime:
        """Return since when a runner works on it, or since when it waits for one."""
        begun = [one.at for one in self.timeline() if one.status == "in_progress" and one.at <= now]
        return begun[0] if begun else self.started_at

    def ended_at(self) -> Moment | None:
        """Return when it ends, as far as its plan says so."""
        last = self.timeline()[-1]
        return last if last.completed else None

    def job_at(self, job: Job, now: datetime) -> Moment:
        """Return where one of its jobs is."""
        if job.carried is not None:
            return job.carried
        moment = self.at(now)
        own = moment.completed and job.conclusion is not None and moment.conclusion != "cancelled"
        return replace(moment, conclusion=job.conclusion) if own else moment
