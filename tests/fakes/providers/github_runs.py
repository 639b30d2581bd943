"""The workflows, runs and artifacts of one repository of the fake GitHub, and what a test lets happen to them."""

import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from domain.clock import Clock
from tests.fakes.providers.github_plan import FAILED, USUAL_PLAN, WITHOUT_RESULTS, Attempt, Job, Phase

_INPUT = re.compile(r"\$\{\{\s*inputs\.(\w+)\s*\}\}")
_BRACKETED_INPUT = re.compile(r"\$\{\{\s*inputs\.(\w+)\s*&&\s*format\('([^']*)',\s*inputs\.\1\)\s*\|\|\s*''\s*\}\}")
_WORKFLOW_NAME = re.compile(r"\$\{\{\s*github\.workflow\s*\}\}")
FIRST_ID = 30_000_000_000  # like today's ids, beyond 32 bits
ARTIFACT_DAYS = 90


@dataclass(frozen=True, slots=True)
class Input:
    """One declared input of a workflow."""

    required: bool = False
    default: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Artifact:
    """What a workflow uploads at its end. `change` replaces fields of the document: a size, a digest, whose run it is."""

    name: str
    content: "bytes | Callable[[Run], bytes]"
    days: float = ARTIFACT_DAYS
    change: Mapping[str, Any] = field(default_factory=dict)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Pack files as upload-artifact does; the same files give the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


@dataclass(slots=True)
class Workflow:
    """One workflow file. `plan` and `jobs` may be changed between runs and attempts.

    `source` is the file's text. `jobs` maps names to conclusions; None is the run's own. `visible_after_seconds` is how long a new run answers 404
    and is in no list; `cancel_seconds` is how long a cancelled run goes on.
    """

    id: int
    file: str
    name: str
    plan: Sequence[Phase] = USUAL_PLAN
    run_name: str | None = None
    inputs: Mapping[str, Input] = field(default_factory=dict)
    artifacts: Sequence[Artifact] = ()
    jobs: Mapping[str, str | None] = field(default_factory=lambda: {"build": None})
    source: str = ""
    state: str = "active"
    dispatchable: bool = True
    visible_after_seconds: float = 0
    cancel_seconds: float = 0

    @property
    def path(self) -> str:
        return f".github/workflows/{self.file}"

    def title(self, inputs: Mapping[str, str]) -> str:
        """Work out the run's name, as far as GitHub's expressions are understood here."""
        title = _BRACKETED_INPUT.sub(
            lambda found: found[2].replace("{0}", inputs[found[1]]) if inputs.get(found[1]) else "",
            _WORKFLOW_NAME.sub(self.name, self.run_name or ""),
        )
        title = _INPUT.sub(lambda found: inputs.get(found[1], ""), title).strip()
        assert "${{" not in title, f"the fake cannot work out {title}"
        return title or self.name


@dataclass(slots=True)
class Run:
    """One run. `head_repository` is a fork's full name; None is the repository itself."""

    id: int
    number: int
    workflow: Workflow
    event: str
    branch: str | None
    head_sha: str
    title: str
    created_at: datetime
    inputs: Mapping[str, str] = field(default_factory=dict)
    pulls: Sequence[int] = ()
    head_repository: str | None = None
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def latest(self) -> Attempt:
        return self.attempts[-1]

    @property
    def suite_id(self) -> int:
        return self.id + 1_000_000_000

    def visible(self, now: datetime) -> bool:
        """Tell whether GitHub admits yet that there is such a run."""
        return now >= self.created_at + timedelta(seconds=self.workflow.visible_after_seconds)


@dataclass(slots=True)
class Stored:
    """One artifact that an attempt uploads when it ends; `lost` is when somebody deleted it."""

    id: int
    declared: Artifact
    run: Run
    attempt: Attempt
    lost: bool = False

    def created_at(self) -> datetime | None:
        """Return when it is there, None for never."""
        end = self.attempt.ended_at()
        return end.at if end is not None and end.conclusion not in WITHOUT_RESULTS else None

    def expired(self, now: datetime) -> bool:
        created = self.created_at()
        return self.lost or created is None or now >= created + timedelta(days=self.declared.days)

    @property
    def content(self) -> bytes:
        content = self.declared.content
        return content if isinstance(content, bytes) else content(self.run)

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.content).hexdigest()


class Actions:
    """What GitHub Actions keeps of one repository."""

    def __init__(self, clock: Clock, ids: Iterator[int]) -> None:
        self.workflows: dict[str, Workflow] = {}
        self.runs: dict[int, Run] = {}
        self.artifacts: dict[int, Stored] = {}
        self._clock, self._ids = clock, ids

    def workflow(self, file: str, **settings: Any) -> Workflow:
        """Add a workflow, or replace it; the settings are `Workflow`'s."""
        name = settings.pop("name", file.rpartition(".")[0])
        self.workflows[file] = Workflow(next(self._ids), file, name, **settings)
        return self.workflows[file]

    def find_workflow(self, key: str) -> Workflow | None:
        """Find a workflow by its file's name or its id."""
        return next((one for one in self.workflows.values() if key in (one.file, str(one.id))), None)

    def start(self, workflow: Workflow, event: str, branch: str | None, head_sha: str, **more: Any) -> Run:
        """Start a run; `more` are fields of `Run`, and `actor`, who started it."""
        number = 1 + sum(one.workflow.file == workflow.file for one in self.runs.values())
        actor = more.pop("actor", "ann")
        inputs = more.get("inputs", {})
        title = more.pop("title", workflow.title(inputs) if event == "workflow_dispatch" else f"Change {number}")
        run = Run(next(self._ids), number, workflow, event, branch, head_sha, title, self._clock.now(), **more)
        self.runs[run.id] = run
        self._begin(run, actor, {})
        return run

    def rerun(self, run: Run, actor: str, *, failed_only: bool = False) -> None:
        """Let a run that is over have another attempt, of all its jobs or of those that failed."""
        now, last = self._clock.now(), run.latest
        places = {job.name: last.job_at(job, now) for job in last.jobs}
        carried = {name: place for name, place in places.items() if failed_only and place.conclusion not in FAILED}
        self._begin(run, actor, carried)

    def cancel(self, run: Run) -> None:
        """Let a run end soon."""
        if run.latest.cancelled_at is None:
            run.latest.cancelled_at = self._clock.now() + timedelta(seconds=run.workflow.cancel_seconds)

    def visible_runs(self) -> list[Run]:
        """Return the runs that GitHub admits to, the newest first."""
        now = self._clock.now()
        return sorted((one for one in self.runs.values() if one.visible(now)), key=lambda run: run.id, reverse=True)

    def uploaded(self, run: Run) -> list[Stored]:
        """Return the artifacts of a run that are there, the newest first."""
        now = self._clock.now()
        found = [one for one in self.artifacts.values() if one.run is run and _is_there(one, now)]
        return sorted(found, key=lambda one: one.id, reverse=True)

    def artifact(self, number: int) -> Stored | None:
        """Find an artifact that is there."""
        found = self.artifacts.get(number)
        return found if found is not None and _is_there(found, self._clock.now()) else None

    def _begin(self, run: Run, actor: str, carried: Mapping[str, Any]) -> None:
        workflow = run.workflow
        jobs = tuple(
            Job(next(self._ids), name, conclusion, carried.get(name)) for name, conclusion in workflow.jobs.items()
        )
        attempt = Attempt(len(run.attempts) + 1, self._clock.now(), tuple(workflow.plan), actor, jobs)
        run.attempts.append(attempt)
        for declared in workflow.artifacts:
            stored = Stored(next(self._ids), declared, run, attempt)
            self.artifacts[stored.id] = stored


def _is_there(stored: Stored, now: datetime) -> bool:
    created = stored.created_at()
    return created is not None and created <= now
