"""A forge's code and results in memory, for the watch over branches: what it shows, how often it was asked, its faults."""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from domain.ci import Branch
from forge.code import BranchRules, Comparison, WorkflowFile
from forge.port import ForgeError
from forge.results import Lane, RunsSought, SourceRun, Wanted
from tests.fakes.virtual_time import START

HEAD, OLD_HEAD = "a" * 40, "b" * 40
MAIN, DEV = Branch("acme/app", "main"), Branch("acme/app", "dev")
_RUN = SourceRun(
    id=1,
    attempt=1,
    workflow="ci.yml",
    repository=MAIN.repository,
    branch=MAIN.name,
    head_sha=HEAD,
    event="push",
    completed=True,
    conclusion="success",
    url="https://git.example/acme/app/actions/runs/1",
    started_at=START,
    updated_at=START,
)


def a_run(number: int = 1, conclusion: str | None = "success", **changes: Any) -> SourceRun:
    """Make a run; without a conclusion it goes on."""
    url = f"https://git.example/acme/app/actions/runs/{number}"
    return replace(_RUN, id=number, conclusion=conclusion, completed=conclusion is not None, url=url, **changes)


def a_lane(name: str, conclusion: str | None) -> Lane:
    """Make a job of a run."""
    return Lane(name, conclusion, f"https://git.example/job/{name}")


@dataclass(slots=True)
class FakeLanes:
    """Both ports at once. Each question takes one fault from `faults`; None, or none left, means none."""

    heads: dict[Branch, str] = field(default_factory=dict)
    shown: list[SourceRun] = field(default_factory=list)
    jobs: dict[int, tuple[Lane, ...]] = field(default_factory=dict)
    faults: deque[ForgeError | None] = field(default_factory=deque)
    asked: Counter[str] = field(default_factory=Counter)

    def _ask(self, what: str) -> None:
        self.asked[what] += 1
        fault = self.faults.popleft() if self.faults else None
        if fault is not None:
            raise fault

    async def head(self, repository: str, branch: str) -> str | None:
        self._ask(f"head {branch}")
        return self.heads.get(Branch(repository, branch))

    async def runs(self, sought: RunsSought) -> tuple[SourceRun, ...]:
        self._ask("runs")
        wanted = (sought.repository, sought.branch, sought.head_sha)
        return tuple(one for one in self.shown if (one.repository, one.branch, one.head_sha) == wanted)[: sought.most]

    async def lanes(self, run: SourceRun) -> tuple[Lane, ...]:
        self._ask(f"lanes {run.id}")
        return self.jobs.get(run.id, ())

    async def run(self, repository: str, run_id: int) -> SourceRun | None:
        raise NotImplementedError

    async def artifacts(self, run: SourceRun, wanted: Wanted) -> Mapping[str, bytes]:
        raise NotImplementedError

    async def compare(self, repository: str, base: str, head: str) -> Comparison:
        raise NotImplementedError

    async def workflow_file(self, repository: str, workflow: str, ref: str) -> WorkflowFile | None:
        raise NotImplementedError

    async def rules(self, repository: str, branch: str) -> BranchRules:
        raise NotImplementedError
