"""What only reads of GitHub, joined to a fake GitHub whose workflow ci.yml others start."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession, DummyCookieJar

from forge.github_client import GitHubClient
from forge.github_code import GitHubCode
from forge.github_results import GitHubResults
from forge.github_settings import GitHubSettings
from forge.results import SourceRun
from tests.fakes.providers.github import HOME, TOKEN, FakeGitHub
from tests.fakes.providers.github_runs import Artifact
from tests.fakes.virtual_time import VirtualTime

RUN_SECONDS = 60  # any run of the usual plan is over by then


@dataclass(slots=True)
class GitHubReading:
    """A fake GitHub, and what reads from it."""

    github: FakeGitHub
    clock: VirtualTime
    client: GitHubClient

    @property
    def results(self) -> GitHubResults:
        return GitHubResults(self.client)

    @property
    def code(self) -> GitHubCode:
        return GitHubCode(self.client)

    def asked(self, operation: str) -> int:
        """Return how many calls of one operation came in."""
        return [seen.operation for seen in self.github.seen].count(operation)

    def leaves(self, *artifacts: Artifact) -> None:
        """Let the next attempts of ci.yml upload these."""
        self.github.home.actions.workflows["ci.yml"].artifacts = artifacts

    async def ended_run(self, *artifacts: Artifact, **more: Any) -> SourceRun:
        """Let somebody run ci.yml to its end, which leaves these artifacts, and return the run as we read it."""
        self.leaves(*artifacts)
        run = self.github.home.run_by_others("ci.yml", **more)
        self.clock.advance(RUN_SECONDS)
        return await self.read(run.id)

    async def rerun(self, run: SourceRun) -> SourceRun:
        """Let somebody run it again to its end."""
        self.github.home.actions.rerun(self.github.home.actions.runs[run.id], "bea")
        self.clock.advance(RUN_SECONDS)
        return await self.read(run.id)

    async def read(self, run_id: int) -> SourceRun:
        """Return a run that is there."""
        run = await self.results.run(HOME, run_id)
        assert run is not None
        return run


@asynccontextmanager
async def github_reading(**settings: Any) -> AsyncIterator[GitHubReading]:
    """Start both; `settings` are those of `GitHubSettings`, with the usual token unless told."""
    clock = VirtualTime()
    async with FakeGitHub(clock) as github:
        github.workflow("ci.yml")
        async with ClientSession(cookie_jar=DummyCookieJar()) as session:
            client = GitHubClient(session, GitHubSettings(api_base=github.url, **{"token": TOKEN, **settings}), clock)
            yield GitHubReading(github, clock, client)
