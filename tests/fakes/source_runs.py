"""A forge in memory whose runs come and go between any two questions, and somebody who fixes on it."""

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from domain.clock import to_text
from domain.fixes import FixPlan
from domain.snapshots import LoopReason
from forge.code import BranchRules, Comparison, WorkflowFile
from forge.port import ForgeError
from forge.results import Lane, RunsSought, SourceRun, Wanted
from loops.attempts import Attempts, FixLimits
from loops.finding_source import Patience, SourceFinder
from loops.fixing.port import FixOrder, FixOutcome
from loops.judging import Judge
from loops.source import SourcePin, SourceSought
from loops.triage.judge import TriageJudge
from loops.triage.settings import TriageSettings
from tests.fakes.virtual_time import VirtualTime

REPOSITORY, BRANCH, WORKFLOW = "acme/app", "develop", "bridge.yml"
POLL_SECONDS, TIMEOUT_SECONDS, DEADLINE_SECONDS = 20.0, 600.0, 1800.0
Event = Callable[[], object]


def sha(letter: str) -> str:
    """Make a commit id that tests can tell apart."""
    return (letter * 40)[:40]


def backlog(commit: str | None, severities: tuple[str, ...], **changes: object) -> bytes:
    """Make a backlog of one commit with an item of each severity."""
    items = [{"category": "quality", "severity": one, "summary": f"item {n}"} for n, one in enumerate(severities)]
    document = {
        "source": "coderabbit",
        "repository": REPOSITORY,
        "pr_number": 7,
        "head_sha": commit,
        "generated_at": "2026-11-22T13:59:00Z",
        "items": items,
    }
    return json.dumps(document | changes).encode()


@dataclass
class SourceRuns:
    """The runs of one branch. Before every answer the next `beats` events of the script happen."""

    clock: VirtualTime = field(default_factory=VirtualTime)
    shown: dict[int, SourceRun] = field(default_factory=dict)
    files: dict[int, Mapping[str, bytes]] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    script: deque[Event] = field(default_factory=deque)
    beats: deque[int] = field(default_factory=deque)
    failures: deque[ForgeError] = field(default_factory=deque)
    read: list[int] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def add(
        self, run_id: int, commit: str, severities: tuple[str, ...] = (), *, completed: bool = True, **changes: object
    ) -> SourceRun:
        """Show a run whose artifact is a backlog of its own commit."""
        now = self.clock.now()
        run = SourceRun(
            id=run_id,
            attempt=1,
            workflow=WORKFLOW,
            repository=REPOSITORY,
            branch=BRANCH,
            head_sha=commit,
            event="push",
            completed=completed,
            conclusion=("failure" if severities else "success") if completed else None,
            url=f"https://github.example/{REPOSITORY}/actions/runs/{run_id}",
            started_at=now - timedelta(minutes=2),
            updated_at=now,
            pull=7,
        )
        self.shown[run_id] = replace(run, **changes)  # type: ignore[arg-type]
        self.files[run_id] = {f"reins-backlog-{run_id}-1/backlog-medium.json": backlog(commit, severities)}
        return self.shown[run_id]

    def complete(self, run_id: int) -> None:
        self.shown[run_id] = replace(self.shown[run_id], completed=True, conclusion="success")

    async def run(self, repository: str, run_id: int) -> SourceRun | None:
        self._meanwhile()
        return self.shown.get(run_id) if repository == REPOSITORY else None

    async def runs(self, sought: RunsSought) -> tuple[SourceRun, ...]:
        self._meanwhile()
        found = [
            run
            for run in self.shown.values()
            if (run.workflow, run.branch) == (sought.workflow, sought.branch)
            and sought.head_sha in (None, run.head_sha)
        ]
        return tuple(sorted(found, key=lambda run: -run.id)[: sought.most])

    async def lanes(self, run: SourceRun) -> tuple[Lane, ...]:
        raise NotImplementedError(run)

    async def artifacts(self, run: SourceRun, wanted: Wanted) -> Mapping[str, bytes]:
        self._meanwhile()
        self.read.append(run.id)
        return {name: held for name, held in self.files[run.id].items() if wanted(name.partition("/")[0])}

    async def compare(self, repository: str, base: str, head: str) -> Comparison:
        assert repository == REPOSITORY
        self._meanwhile()
        at: str | None = head
        while at is not None and at != base:
            at = self.parents.get(at)
        return Comparison(at == base, (), complete=True)

    async def head(self, repository: str, branch: str) -> str | None:
        raise NotImplementedError(repository, branch)

    async def workflow_file(self, repository: str, workflow: str, ref: str) -> WorkflowFile | None:
        raise NotImplementedError(repository, workflow, ref)

    async def rules(self, repository: str, branch: str) -> BranchRules:
        raise NotImplementedError(repository, branch)

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.clock.advance(seconds)
        self._happen(1)

    def finder(self, pin: SourcePin, **changes: float) -> SourceFinder:
        """Return what finds runs here, with a patience that is counted on the virtual clock."""
        seconds = {"poll": POLL_SECONDS, "timeout": TIMEOUT_SECONDS, "deadline": DEADLINE_SECONDS, **changes}
        until = self.clock.now() + timedelta(seconds=seconds["deadline"])
        patience = Patience(seconds["poll"], seconds["timeout"], until)
        return SourceFinder(
            self, self, SourceSought(REPOSITORY, WORKFLOW, BRANCH, pin), patience, self.clock, self.wait
        )

    def attempts(
        self, pin: SourcePin, fixer: "Fixes | None" = None, judge: Judge | None = None, **limits: Any
    ) -> Attempts:
        """Return a loop over these runs, the triage loop unless told."""
        judge = judge or TriageJudge(TriageSettings(REPOSITORY, BRANCH))
        return Attempts(judge, self.finder(pin), self.clock, FixLimits(**limits), fixer)

    def _meanwhile(self) -> None:
        self._happen(self.beats.popleft() if self.beats else 0)
        if self.failures:
            raise self.failures.popleft()

    def _happen(self, events: int) -> None:
        for _ in range(min(events, len(self.script))):
            self.script.popleft()()


@dataclass
class Fixes:
    """Somebody who fixes: each try gives the next outcome, and what it does to the forge happens first."""

    outcomes: deque[tuple[FixOutcome, Event]] = field(default_factory=deque)
    orders: list[FixOrder] = field(default_factory=list)

    def pushes(self, commit: str, then: Event = lambda: None) -> "Fixes":
        self.outcomes.append((FixOutcome(None, f"pushed {commit[:7]}", commit, 0), then))
        return self

    def ends(self, reason: LoopReason) -> "Fixes":
        self.outcomes.append((FixOutcome(reason, "it did not work", None, 1), lambda: None))
        return self

    def plan(self, order: FixOrder) -> FixPlan:
        return FixPlan("triage", "mend", {}, REPOSITORY, BRANCH, order.source.head_sha, order.report.detail[:9], "p1")

    async def fix(self, order: FixOrder) -> FixOutcome:
        self.orders.append(order)
        outcome, then = self.outcomes.popleft()
        then()
        return outcome


def moment_before(world: SourceRuns, hours: float) -> str:
    return to_text(world.clock.now() - timedelta(hours=hours))
