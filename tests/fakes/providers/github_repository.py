"""The world of the fake GitHub: its repositories, and what all of them share."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domain.clock import Clock
from tests.fakes.providers.github_commits import CheckRun, Commits
from tests.fakes.providers.github_discussion import Discussion
from tests.fakes.providers.github_effects import Effects
from tests.fakes.providers.github_run_documents import run_document
from tests.fakes.providers.github_runs import Actions, Run
from tests.fakes.providers.github_shapes import Named, number_of
from tests.fakes.providers.github_tokens import Tokens

if TYPE_CHECKING:
    from tests.fakes.providers.github_artifacts import Downloads


class Repository:
    """One repository: `actions`, `discussion` and `commits` are where a test lets things happen."""

    def __init__(self, world: "World", full_name: str, *, private: bool) -> None:
        self.owner, _, self.name = full_name.partition("/")
        self.full_name, self.id, self.private = full_name, number_of(full_name), private
        self.actions = Actions(world.clock, world.ids)
        self.discussion = Discussion(world.clock, world.ids)
        self.commits = Commits(world.clock, world.ids)
        self.commits.push("main")
        self._world = world

    @property
    def named(self) -> Named:
        return Named(self.id, self.owner, self.name, self.private, f"{self._world.url}/repos/{self.full_name}")

    def run_by_others(self, file: str, event: str = "push", branch: str = "main", **more: Any) -> Run:
        """Let somebody else's run start; `more` are fields of `Run`, and `actor`."""
        sha = more.pop("head_sha", None) or self.commits.branches[branch]
        more.setdefault("actor", "bea")
        return self.actions.start(self.actions.workflows[file], event, branch, sha, **more)

    def short_pulls(self, run: Run) -> list[Mapping[str, Any]]:
        """Return the pull requests of a run in their short form; GitHub leaves them out for forks."""
        if run.head_repository is not None:
            return []
        pulls = [self.discussion.pulls[number] for number in run.pulls]
        return [
            {
                "id": pull.id,
                "number": pull.number,
                "url": f"{self.named.api}/pulls/{pull.number}",
                "head": self.named.reference(pull.head_branch, pull.head_sha),
                "base": self.named.reference(pull.base_branch, pull.base_sha),
            }
            for pull in pulls
        ]

    def run_document(self, run: Run, *, with_pulls: bool = True) -> dict[str, Any]:
        """Return a run as it is now."""
        pulls = self.short_pulls(run) if with_pulls else []
        return run_document(self.named, run, self._world.clock.now(), pulls)

    def checks_of(self, sha: str) -> list[CheckRun]:
        """Return the checks of a commit: other apps', and the jobs of the latest attempts of its runs."""
        now, found = self._world.clock.now(), [one for one in self.commits.checks if one.sha == sha]
        for run in self.actions.visible_runs():
            attempt = run.latest
            if run.head_sha == sha:
                found += [
                    CheckRun(job.id, sha, job.name, attempt.job_at(job, now), attempt.began_at(now), run.suite_id)
                    for job in attempt.jobs
                ]
        return found


@dataclass(slots=True)
class World:
    """Everything that GitHub knows. `old_server` is an Enterprise Server from before API version 2026-03-10."""

    clock: Clock
    ids: Iterator[int]
    tokens: Tokens
    effects: Effects
    repositories: dict[str, Repository]
    downloads: "Downloads"
    request_id_input: str = "request_id"
    old_server: bool = False
    url: str = ""

    def add(self, full_name: str, *, private: bool = True) -> Repository:
        self.repositories[full_name] = Repository(self, full_name, private=private)
        return self.repositories[full_name]

    def named(self, path: Mapping[str, str]) -> Repository | None:
        """Find the repository of a path, by its owner and name or by its id."""
        if "repository_id" in path:
            return next((one for one in self.repositories.values() if str(one.id) == path["repository_id"]), None)
        return self.repositories.get(f"{path['owner']}/{path['repo']}")
