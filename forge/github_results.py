"""The results of GitHub Actions: runs whoever started them, the jobs of their newest attempt, and what they left behind."""

from collections.abc import Mapping
from contextlib import aclosing
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.untrusted import clean_line
from forge.github_archive import MIB, ArchiveBounds
from forge.github_artifacts import artifacts_of, fetch
from forge.github_client import GitHubClient, Variables
from forge.github_errors import GitHubRefused
from forge.github_pages import PER_PAGE, items
from forge.github_runs import MAX_NAME_CHARACTERS, MAX_WORD_CHARACTERS, WorkflowRun, read_run
from forge.github_settings import READ_ACTIONS
from forge.port import Refused, Unreachable
from forge.results import Lane, RunsSought, SourceRun, Wanted

EACH_BOUNDS = ArchiveBounds()
# Of all artifacts of one question together. They are held in memory until a loop has read them: a mutation run of
# sixteen shards, each with a report of four megabytes, fits.
TOTAL_BOUNDS = ArchiveBounds(download_bytes=64 * MIB, unpacked_bytes=64 * MIB, entries=4000)
MAX_FAILED_STEPS = 10  # usually one fails, and what is cleaning up after it
_FAILED = frozenset({"failure", "timed_out"})


class _Step(BaseModel):
    """One step of a job."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    conclusion: str | None = None


class _Job(BaseModel):
    """A job as GitHub lists it; status and conclusion are open lists there."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: int = Field(gt=0)
    name: str
    status: str
    conclusion: str | None = None
    steps: tuple[_Step, ...] | None = None


class GitHubResults:
    """The `Results` of GitHub Actions. What has not changed since it was read last costs nothing of the hourly limit."""

    def __init__(self, client: GitHubClient, total: ArchiveBounds = TOTAL_BOUNDS) -> None:
        """Use this client, and read no more than `total` of one run's artifacts together."""
        self._client = client
        self._total = total

    async def run(self, repository: str, run_id: int) -> SourceRun | None:
        """Return one run; None for one that was deleted, and for one that the token may not see."""
        variables: Variables = {"repository": repository, "id": run_id}
        try:
            document = await self._client.read("/repos/{+repository}/actions/runs/{id}", variables, READ_ACTIONS)
        except GitHubRefused as error:
            if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
                return None
            raise
        return self._source(repository, read_run(document))

    async def runs(self, sought: RunsSought) -> tuple[SourceRun, ...]:
        """Return runs, the newest first; a workflow that is not there is refused."""
        place = "/actions/workflows/{workflow}/runs" if sought.workflow else "/actions/runs"
        wanted = {"workflow": sought.workflow, "branch": sought.branch, "head_sha": sought.head_sha}
        variables: Variables = {
            "repository": sought.repository,
            "per_page": min(sought.most, PER_PAGE),
            **{name: value for name, value in wanted.items() if value is not None},
        }
        path = "/repos/{+repository}" + place + "{?branch,head_sha,per_page}"
        found: list[SourceRun] = []
        async with aclosing(items(self._client, path, variables, READ_ACTIONS, "workflow_runs")) as listed:
            async for one in listed:
                found.append(self._source(sought.repository, read_run(one)))
                if len(found) >= sought.most:
                    break
        return tuple(found)

    async def lanes(self, run: SourceRun) -> tuple[Lane, ...]:
        """Return the jobs of the run's newest attempt, in GitHub's order; jobs that it took over are among them."""
        path = "/repos/{+repository}/actions/runs/{id}/jobs{?filter,per_page}"
        variables: Variables = {"repository": run.repository, "id": run.id, "filter": "latest", "per_page": PER_PAGE}
        page = self._client.settings.run_page(run.repository, run.id)
        listed = items(self._client, path, variables, READ_ACTIONS, "jobs")
        return tuple([_lane(one, page) async for one in listed])

    async def artifacts(self, run: SourceRun, wanted: Wanted) -> Mapping[str, bytes]:
        """Return the files of this attempt's artifacts; see `Results.artifacts`. Their bytes are not to be trusted."""
        chosen = await artifacts_of(self._client, run, wanted)
        if chosen:
            await self._check_attempt(run)
        files: dict[str, bytes] = {}
        left = self._total
        for artifact in chosen:
            unpacked = await fetch(self._client, run, artifact, EACH_BOUNDS.within(left))
            left = left.after(artifact.size_in_bytes, unpacked)
            files |= {f"{artifact.name}/{path}": content for path, content in unpacked.items()}
        return files

    async def _check_attempt(self, run: SourceRun) -> None:
        """Make sure that what was listed is not of an attempt that began since the run was read."""
        now = await self.run(run.repository, run.id)
        if now is None or now.attempt != run.attempt:
            raise Refused("artifact_mismatch", f"run {run.id} is not at attempt {run.attempt} any more")

    def _source(self, repository: str, run: WorkflowRun) -> SourceRun:
        completed = run.status == "completed"
        word = clean_line(run.conclusion, MAX_WORD_CHARACTERS) if completed and run.conclusion else None
        return SourceRun(
            id=run.id,
            attempt=run.run_attempt,
            workflow=run.workflow,
            repository=repository,
            branch=run.branch,
            head_sha=run.head_sha,
            event=clean_line(run.event, MAX_WORD_CHARACTERS),
            completed=completed,
            conclusion=word,
            url=self._client.settings.run_page(repository, run.id),
            started_at=run.run_started_at or run.created_at,
            updated_at=run.updated_at,
            pull=run.pull,
            own_code=run.own_code,
        )


def _lane(document: object, page: str) -> Lane:
    try:
        job = _Job.model_validate(document)
    except ValidationError as error:
        raise Unreachable(f"GitHub's list of jobs cannot be read ({error.error_count()} fields)") from None
    failed = [clean_line(step.name, MAX_NAME_CHARACTERS) for step in job.steps or () if step.conclusion in _FAILED]
    ended = job.conclusion if job.status == "completed" else None
    return Lane(
        name=clean_line(job.name, MAX_NAME_CHARACTERS),
        conclusion=clean_line(ended, MAX_WORD_CHARACTERS) if ended else None,
        url=f"{page}/job/{job.id}",
        failed_steps=tuple(failed[:MAX_FAILED_STEPS]),
    )
