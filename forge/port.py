"""The Forge port: what the rest of Reins may ask of a place where workflows run, whichever vendor it is."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

from domain.effects import Dispatch
from domain.runs import Attempt, Run


class JobState(StrEnum):
    """Where a job is: a closed list, every forge maps its own words onto it."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Tell whether the job is over; a final state never changes again."""
        return self not in _OPEN


_OPEN = frozenset({JobState.QUEUED, JobState.RUNNING})

JobAttempt: TypeAlias = Attempt  # one pass of a job is the run's attempt: one word, one shape


class ForgeConclusion(StrEnum):
    """How a job ended where no loop of ours gave its reason: because the forge ended it, or in the forge's own words.

    Every forge maps its words onto these; one that it does not know is `unrecognised`, never taken for success (I11).
    """

    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"
    NEUTRAL = "neutral"
    SKIPPED = "skipped"
    ACTION_REQUIRED = "action_required"
    STALE = "stale"
    STARTUP_FAILURE = "startup_failure"
    UNRECOGNISED = "unrecognised"
    CRASHED = "crashed"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    INTERRUPTED = "interrupted"
    UNKNOWN_WORKFLOW = "unknown_workflow"
    UNREADABLE_JOB = "unreadable_job"


@dataclass(frozen=True, slots=True)
class Job:
    """One execution of a workflow as the forge knows it, named by the correlation id that Reins gave it.

    `external_id` is the forge's own id. `conclusion` is a closed value: a loop's reason or a `ForgeConclusion`;
    `summary` is one line for people. `unresolved` is None when nobody knows, never zero (I11). `report` is the loop's
    JSON document. Times are aware, in UTC.
    """

    correlation: str
    external_id: str
    workflow: str
    repository: str
    ref: str
    inputs: dict[str, str]
    state: JobState
    created_at: datetime
    updated_at: datetime
    attempts: tuple[JobAttempt, ...] = ()
    conclusion: str | None = None
    summary: str | None = None
    unresolved: int | None = None
    url: str | None = None
    head_sha: str | None = None
    report: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Sought:
    """What is known of a job that a forge is asked about: its correlation id, where it should be, since when at most.

    `url` is the page the forge gave for it, None where its answer got lost. `created_at` is when it was asked for, by
    our clock: the job was made after that.
    """

    correlation: str
    repository: str
    ref: str
    created_at: datetime
    url: str | None

    @classmethod
    def of(cls, run: Run) -> "Sought":
        """Return what our own record of a run tells about its job."""
        return cls(run.correlation, run.repository, run.ref, run.created_at, run.url)


class ForgeError(Exception):
    """The forge did not do as asked; which of the three it is decides what the relay may do next."""


class Unreachable(ForgeError):  # noqa: N818 - the tree's root says Error, its leaves say what happened
    """Nothing has happened: asking again later is safe. `retry_after_seconds` is the forge's wish, None for none."""

    def __init__(self, sentence: str, retry_after_seconds: float | None = None) -> None:
        """Keep the sentence for people and the forge's wish."""
        super().__init__(sentence)
        self.retry_after_seconds = retry_after_seconds


class Refused(ForgeError):  # noqa: N818 - as above
    """A definite no: asking again gives the same answer. `reason` is a stable code, the message a sentence."""

    def __init__(self, reason: str, sentence: str) -> None:
        """Keep the code for programs and the sentence for people."""
        super().__init__(sentence)
        self.reason = reason


class Unclear(ForgeError):  # noqa: N818 - as above
    """It may or may not have happened: look it up with `find`, never repeat blindly."""


class Forge(Protocol):
    """A place where workflows run. Every method may raise `ForgeError`.

    `repeats_safely` tells whether a second dispatch of one correlation id makes no second job: where it is false, a
    dispatch that may have happened is looked for and never sent again (I3). `poll_seconds` is the shortest time between
    two questions about one job, zero for a forge that tells of changes by itself and answers at once.
    """

    name: str
    repeats_safely: bool
    poll_seconds: float

    async def dispatch(self, effect: Dispatch) -> Job:
        """Start the workflow, once for each correlation id.

        Raises:
            Unreachable: nothing was started.
            Refused: it will never be started; the reason says why.
            Unclear: it may have been started; ask `find`.
        """
        ...

    async def find(self, sought: Sought) -> Job | None:
        """Return the job with this correlation id, or None when the forge shows none.

        Raises:
            Unreachable: nobody can tell now.
            Refused: this is no correlation id.
        """
        ...

    async def cancel(self, sought: Sought) -> None:
        """Ask for the job's end; one that is over stays as it is.

        Raises:
            Unreachable: nothing was asked.
            Refused: there is no such job.
            Unclear: the request may not have arrived; ask again, that is safe.
        """
        ...
