"""Our GitHub client and forge joined to a fake GitHub, and the order that most tests give."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, DummyCookieJar, web

from domain.effects import Dispatch
from forge.github import GitHubForge
from forge.github_client import GitHubClient
from forge.github_code import GitHubCode
from forge.github_settings import GitHubSettings
from forge.port import Sought
from tests.fakes.providers.fault_middleware import Handler, Served
from tests.fakes.providers.github import HOME, TOKEN, FakeGitHub
from tests.fakes.providers.github_graph import blob_sha
from tests.fakes.providers.github_runs import Input
from tests.fakes.virtual_time import START, VirtualTime

RUN_NAME = "CI [${{ inputs.request_id }}]"
SOURCE = "name: CI\n"  # what stands in the workflow's file matters only by being the same
PIN = blob_sha(SOURCE)
WORKFLOW_PATH = ".github/workflows/ci.yml"
DISPATCH = "actions/create-workflow-dispatch"
RUN, RUNS, CANCEL = "actions/get-workflow-run", "actions/list-workflow-runs-for-repo", "actions/cancel-workflow-run"


def correlation(number: int = 1) -> str:
    return f"01JD9ZK{number:019d}"


def order(number: int = 1, **changes: Any) -> Dispatch:
    fields: dict[str, Any] = {
        "run_id": f"run-{number}",
        "action": "build",
        "forge": "github",
        "repository": HOME,
        "workflow": "ci.yml",
        "ref": "main",
        "inputs": {"target": "all"},
        "correlation": correlation(number),
        "digest": "d" * 64,
        "pin": PIN,
    }
    return Dispatch(**{**fields, **changes})


def sought(number: int = 1, url: str | None = None) -> Sought:
    return Sought(correlation(number), HOME, "main", START, url)


@dataclass(slots=True)
class GitHubRig:
    """A fake GitHub whose workflow ci.yml takes `target`, and the forge in front of it; `expected` is what it noted down."""

    github: FakeGitHub
    clock: VirtualTime
    client: GitHubClient
    forge: GitHubForge
    expected: list[tuple[str, str]] = field(default_factory=list)

    def asked(self, operation: str) -> int:
        """Return how many calls of one operation came in."""
        return [seen.operation for seen in self.github.seen].count(operation)


@asynccontextmanager
async def github_rig(*, old_server: bool = False, checked_one_in: int = 1, **settings: Any) -> AsyncIterator[GitHubRig]:
    """Start both; `settings` are those of `GitHubSettings`, with the usual token unless told."""
    clock = VirtualTime()
    async with FakeGitHub(clock, old_server=old_server, checked_one_in=checked_one_in) as github:
        inputs = {"request_id": Input(), "target": Input()}
        github.workflow("ci.yml", run_name=RUN_NAME, inputs=inputs, source=SOURCE)
        async with ClientSession(cookie_jar=DummyCookieJar()) as session:
            settings = settings if "app" in settings else {"token": TOKEN, **settings}
            client = GitHubClient(session, GitHubSettings(api_base=github.url, **settings), clock)
            expected: list[tuple[str, str]] = []
            forge = GitHubForge(client, GitHubCode(client), clock, _noting(expected))
            yield GitHubRig(github, clock, client, forge, expected)


def _noting(expected: list[tuple[str, str]]) -> Callable[[str, str], Awaitable[None]]:
    async def note(run_id: str, head_sha: str) -> None:
        expected.append((run_id, head_sha))

    return note


@asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[GitHubClient]:
    """Yield a client of a server that answers every request like this."""
    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", handler)
    served = Served(app)
    await served.start()
    try:
        async with ClientSession() as session:
            yield GitHubClient(session, GitHubSettings(token=TOKEN, api_base=served.url), VirtualTime())
    finally:
        await served.stop()
