"""GitHub's workflow runs in our words: the fields we read, and how status and conclusion map onto a job."""

from collections.abc import Mapping

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from domain.git_names import COMMIT
from domain.runs import Attempt, AttemptState
from domain.untrusted import clean_line
from forge.github_settings import GitHubSettings
from forge.port import ForgeConclusion, Job, JobState, Sought, Unreachable

DISPATCH_EVENT = "workflow_dispatch"
MAX_WORD_CHARACTERS = 40
MAX_COMPARED_CHARACTERS = 255  # file systems and git know no longer names
MAX_NAME_CHARACTERS = 120  # of a job, a step or a check: a line on a screen
_NOT_BEGUN = frozenset({"queued", "waiting", "requested", "pending"})
# What GitHub's own words mean; `success` alone is success: a skipped or neutral run has done nothing that one could rely on.
_ENDS = {
    "success": (JobState.SUCCEEDED, ForgeConclusion.SUCCESS),
    "failure": (JobState.FAILED, ForgeConclusion.FAILURE),
    "cancelled": (JobState.CANCELLED, ForgeConclusion.CANCELLED),
    "timed_out": (JobState.FAILED, ForgeConclusion.DEADLINE_EXCEEDED),
    "neutral": (JobState.FAILED, ForgeConclusion.NEUTRAL),
    "skipped": (JobState.FAILED, ForgeConclusion.SKIPPED),
    "action_required": (JobState.FAILED, ForgeConclusion.ACTION_REQUIRED),
    "stale": (JobState.FAILED, ForgeConclusion.STALE),
    "startup_failure": (JobState.FAILED, ForgeConclusion.STARTUP_FAILURE),
}


class Repository(BaseModel):
    """Which repository something belongs to."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: int


class _Base(BaseModel):
    """What a pull request is to be merged into."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    repo: Repository


class _Pull(BaseModel):
    """A pull request as runs list it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    number: int = Field(gt=0)
    base: _Base


class WorkflowRun(BaseModel):
    """A run as GitHub's REST API shows it; status and conclusion are open lists there, so they are text here."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    id: int = Field(gt=0)
    head_sha: str = Field(pattern=f"^{COMMIT}$")
    head_branch: str | None = None
    path: str
    event: str = ""
    run_attempt: int = Field(default=1, ge=1, le=1000)
    status: str | None
    conclusion: str | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    run_started_at: AwareDatetime | None = None
    pull_requests: tuple[_Pull, ...] | None = None
    repository: Repository | None = None
    head_repository: Repository | None = None

    @property
    def workflow(self) -> str:
        """Return the workflow's file name; the path may end in `@` and a ref."""
        return _told_apart(self.path.partition("@")[0].rpartition("/")[2])

    @property
    def branch(self) -> str | None:
        """Return the branch it is of, None where GitHub names none."""
        return None if self.head_branch is None else _told_apart(self.head_branch)

    @property
    def own_code(self) -> bool:
        """Tell whether its code is the repository's own; where that is not said, or a fork is gone, it is not."""
        return self.repository is not None and self.head_repository == self.repository

    @property
    def pull(self) -> int | None:
        """Return its only pull request. GitHub lists those of forks too, which have pulled the same branch."""
        here = [one.number for one in self.pull_requests or () if one.base.repo == self.repository]
        return here[0] if len(here) == 1 else None


def _told_apart(name: str) -> str:
    """Return a name that is compared with others: cleaned it could become another one, so what does not show is written out."""
    return (
        name if name.isprintable() and len(name) <= MAX_COMPARED_CHARACTERS else ascii(name)[:MAX_COMPARED_CHARACTERS]
    )


def carries(document: Mapping[str, object], sought: Sought) -> bool:
    """Tell whether a listed run was dispatched and carries the correlation id in its name."""
    return document.get("event") == DISPATCH_EVENT and f"[{sought.correlation}]" in str(document.get("display_title"))


def read_run(document: object) -> WorkflowRun:
    """Return a run.

    Raises:
        Unreachable: the document is no run; which fields are wrong is said.
    """
    try:
        return WorkflowRun.model_validate(document)
    except ValidationError as error:
        fields = ", ".join(sorted({str(one["loc"][0]) if one["loc"] else "all" for one in error.errors()}))
        raise Unreachable(f"GitHub's answer is no workflow run: {clean_line(fields, 200)}") from None


def job_of(run: WorkflowRun, sought: Sought, settings: GitHubSettings) -> Job:
    """Return a run as a job. What it was given as inputs GitHub does not tell."""
    state, conclusion = _end(run) if run.status == "completed" else (_open_state(run), None)
    return Job(
        correlation=sought.correlation,
        external_id=str(run.id),
        workflow=run.workflow,
        repository=sought.repository,
        ref=sought.ref,
        inputs={},
        state=state,
        created_at=run.created_at,
        updated_at=run.updated_at,
        attempts=_attempts(run, state, conclusion),
        conclusion=conclusion.value if conclusion else None,
        summary=_summary(run, conclusion),
        url=settings.run_page(sought.repository, run.id),
        head_sha=run.head_sha,
    )


def _end(run: WorkflowRun) -> tuple[JobState, ForgeConclusion]:
    return _ENDS.get(run.conclusion or "", (JobState.FAILED, ForgeConclusion.UNRECOGNISED))


def _open_state(run: WorkflowRun) -> JobState:
    """Return running for every word that is not known to mean waiting."""
    return JobState.QUEUED if run.status in _NOT_BEGUN else JobState.RUNNING


def _attempts(run: WorkflowRun, state: JobState, conclusion: ForgeConclusion | None) -> tuple[Attempt, ...]:
    """Return every pass: a rerun keeps the run's id and counts on; how an earlier pass ended the run does not tell."""
    earlier = [Attempt(number, AttemptState.DONE, run.created_at) for number in range(1, run.run_attempt)]
    if state is JobState.QUEUED:
        return tuple(earlier)
    begun = run.run_started_at or run.created_at
    if not state.final:
        return (*earlier, Attempt(run.run_attempt, AttemptState.STARTED, begun))
    word = conclusion.value if conclusion else None
    return (*earlier, Attempt(run.run_attempt, AttemptState.DONE, begun, run.updated_at, word))


def _summary(run: WorkflowRun, conclusion: ForgeConclusion | None) -> str | None:
    if conclusion is None:
        return None
    if conclusion is ForgeConclusion.UNRECOGNISED:
        return f"GitHub calls its end {clean_line(run.conclusion or 'nothing', MAX_WORD_CHARACTERS)!r}"
    return f"{conclusion.value.replace('_', ' ')} on GitHub"
