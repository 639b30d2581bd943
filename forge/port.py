"""The Forge port: what the rest of Reins may ask of a place where workflows run, whichever vendor it is."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

from domain.effects import Dispatch
from domain.runs import Attempt


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
    """Why a job ended when the forge, not the workflow, ended it; a workflow's own conclusion is its loop's reason."""

    CANCELLED = "cancelled"
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


class ForgeError(Exception):
    """The forge did not do as asked; which of the three it is decides what the relay may do next."""


class Unreachable(ForgeError):  # noqa: N818 - the tree's root says Error, its leaves say what happened
    """Nothing has happened: asking again later is safe."""


class Refused(ForgeError):  # noqa: N818 - as above
    """A definite no: asking again gives the same answer. `reason` is a stable code, the message a sentence."""

    def __init__(self, reason: str, sentence: str) -> None:
        """Keep the code for programs and the sentence for people."""
        super().__init__(sentence)
        self.reason = reason


class Unclear(ForgeError):  # noqa: N818 - as above
    """It may or may not have happened: look it up with `find`, never repeat blindly."""


class Forge(Protocol):
    """A place where workflows run. Every method may raise `ForgeError`."""

    name: str

    async def dispatch(self, effect: Dispatch) -> Job:
        """Start the workflow, once for each correlation id.

        Raises:
            Unreachable: nothing was started.
            Refused: it will never be started; the reason says why.
            Unclear: it may have been started; ask `find`.
        """
        ...

    async def find(self, correlation: str) -> Job | None:
        """Return the job with this correlation id, or None when the forge has none.

        Raises:
            Unreachable: nobody can tell now.
            Refused: this is no correlation id.
        """
        ...

    async def cancel(self, correlation: str) -> None:
        """Ask for the job's end; one that is over stays as it is.

        Raises:
            Unreachable: nothing was asked.
            Refused: there is no such job.
            Unclear: the request may not have arrived; ask again, that is safe.
        """
        ...
