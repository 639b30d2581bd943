"""Our GitHub client and forge joined to a fake GitHub, and the order that most tests give."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession, DummyCookieJar, web

from domain.effects import Dispatch
from forge.github import GitHubForge
from forge.github_client import GitHubClient
from forge.github_settings import GitHubSettings
from forge.port import Sought
from tests.fakes.providers.fault_middleware import Handler, Served
from tests.fakes.providers.github import HOME, TOKEN, FakeGitHub
from tests.fakes.providers.github_runs import Input
from tests.fakes.virtual_time import START, VirtualTime

RUN_NAME = "CI [${{ inputs.request_id }}]"
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
    }
    return Dispatch(**{**fields, **changes})


def sought(number: int = 1, url: str | None = None) -> Sought:
    return Sought(correlation(number), HOME, "main", START, url)


@dataclass(slots=True)
class GitHubRig:
    """A fake GitHub whose workflow ci.yml takes `target`, and the forge in front of it."""

    github: FakeGitHub
    clock: VirtualTime
    client: GitHubClient
    forge: GitHubForge

    def asked(self, operation: str) -> int:
        """Return how many calls of one operation came in."""
        return [seen.operation for seen in self.github.seen].count(operation)


@asynccontextmanager
async def github_rig(*, old_server: bool = False, **settings: Any) -> AsyncIterator[GitHubRig]:
    """Start both; `settings` are those of `GitHubSettings`, with the usual token unless told."""
    clock = VirtualTime()
    async with FakeGitHub(clock, old_server=old_server) as github:
        github.workflow("ci.yml", run_name=RUN_NAME, inputs={"request_id": Input(), "target": Input()})
        async with ClientSession(cookie_jar=DummyCookieJar()) as session:
            settings = settings if "app" in settings else {"token": TOKEN, **settings}
            client = GitHubClient(session, GitHubSettings(api_base=github.url, **settings), clock)
            yield GitHubRig(github, clock, client, GitHubForge(client, clock))


@asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[GitHubClient]:
    """Yield a client of a server that answers every request like this."""
    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", handler)
    served = Served(app)
    await served.start()
    async with ClientSession() as session:
        yield GitHubClient(session, GitHubSettings(token=TOKEN, api_base=served.url), VirtualTime())
    await served.stop()
