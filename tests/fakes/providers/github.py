"""A fake GitHub on loopback: the REST API the bot calls, the runs behind it, and the webhooks it posts.

    async with FakeGitHub(clock) as github:                        # acme/app with the branch main, and TOKEN for it
        github.workflow("ci.yml", plan=[queued(5), in_progress(30), completed("success")],
                        run_name="CI [${{ inputs.request_id }}]", inputs={"request_id": Input()},
                        artifacts=[Artifact("backlog", zipped({"backlog.json": b"{}"}))])
        clock.advance(35)                                          # runs go by the clock alone
        github.home.commits.push("main")                           # branches move between dispatches
        github.home.commits.push("main", files={"a.py": "x = 1"})  # and hold files, by which commits are compared
        github.git.make(tmp_path, HOME, {"a.py": "x = 1"})         # or come from a real repository, which takes pushes
        github.home.run_by_others("ci.yml", actor="bea")
        github.home.discussion.comments_by_others(7, 150)
        github.webhooks.connect(bot_url); await github.webhooks.post_due()
        github.faults.add(Fault.ACCEPT_THEN_DROP)                  # the next call meets it
        github.faults_on("actions/create-workflow-dispatch").add(Fault.ERROR_AFTER_ACCEPT)
        github.downloads.faults.add(Fault.RESET)                   # the second host, where artifacts lie
        github.tokens.exhaust(github.token)                        # its hour is used up; `block` for the secondary limit
        github.effects.runs_of("q7f")                              # what one request really started

Every request and answer is held against GitHub's published description of the version asked for; leaving the block
fails on what did not conform, and on calls of anything that is not among the operations in use. A test of very many
calls may have one in so many looked at, `FakeGitHub(clock, checked_one_in=20)`: that is most of what a call costs here.
"""

import itertools
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from aiohttp import web

from domain.clock import Clock
from tests.fakes.providers import (
    github_actions,
    github_artifacts,
    github_checks,
    github_comments,
    github_hook_deliveries,
    github_looking,
)
from tests.fakes.providers.conformance import NotConformant
from tests.fakes.providers.fault_middleware import Handler, Served, playing
from tests.fakes.providers.faults import Fault, Faults, Planned
from tests.fakes.providers.github_artifacts import Downloads
from tests.fakes.providers.github_calls import Operation, Refused
from tests.fakes.providers.github_effects import Effects
from tests.fakes.providers.github_gate import Gate, refusal
from tests.fakes.providers.github_git import GitHosting
from tests.fakes.providers.github_repository import World
from tests.fakes.providers.github_runs import FIRST_ID, Workflow
from tests.fakes.providers.github_tokens import Tokens
from tests.fakes.providers.github_webhooks import Webhooks

HOME = "acme/app"
MINT = "apps/create-installation-access-token"
TOKEN = "github_pat_made_up_for_tests_0123456789"
MAX_REQUEST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived, whatever became of it; the operation is None for one nobody knows."""

    operation: str | None
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


class FakeGitHub:
    """See the module's docstring. `token` is the usual fine-grained one; more are made with `tokens.add`."""

    def __init__(
        self, clock: Clock, *, private: bool = True, old_server: bool = False, checked_one_in: int = 1
    ) -> None:
        self.faults = Faults()
        self.seen: list[Seen] = []
        self.effects = Effects()
        self.tokens = Tokens(clock)
        self.token = self.tokens.add(TOKEN)
        self.downloads = Downloads(clock)
        ids = itertools.count(FIRST_ID)
        self.world = World(clock, ids, self.tokens, self.effects, {}, self.downloads, old_server=old_server)
        self.home = self.world.add(HOME, private=private)
        self.git = GitHosting(self.world)
        self.webhooks = Webhooks(self.world)
        self._gate = Gate(self.world, checked_one_in)
        self._faults_on: defaultdict[str, Faults] = defaultdict(Faults)
        self._operations: dict[web.AbstractRoute, str] = {}
        self._served = Served(self._app())

    async def __aenter__(self) -> Self:
        await self._served.start()
        await self.downloads.served.start()
        self.world.url = self._served.url
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._served.stop()
        await self.downloads.served.stop()
        if self.violations:
            raise self.violations[0]

    @property
    def url(self) -> str:
        """The base of the API."""
        return self._served.url

    @property
    def violations(self) -> list[NotConformant]:
        """What was sent or answered and is not described; a test that provokes it clears the list."""
        return self._gate.violations

    def workflow(self, file: str, **settings: Any) -> Workflow:
        """Add a workflow to acme/app; the settings are those of `Workflow`."""
        return self.home.actions.workflow(file, **settings)

    def faults_on(self, operation: str) -> Faults:
        """Return the script of faults that only one operation's calls meet."""
        return self._faults_on[operation]

    async def close(self) -> None:
        """Go away: connections are refused from now on."""
        await self._served.stop()

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._meet_faults()], client_max_size=MAX_REQUEST_BYTES)
        of_repositories = (
            *github_actions.OPERATIONS,
            *github_artifacts.OPERATIONS,
            *github_checks.OPERATIONS,
            *github_comments.OPERATIONS,
            *github_hook_deliveries.operations(self.webhooks),
            *github_looking.OPERATIONS,
        )
        for operation in github_looking.EVERYWHERE:
            self._route(app, operation, operation.path)
        for operation in of_repositories:
            self._route(app, operation, "/repos/{owner}/{repo}" + operation.path)
            self._route(app, operation, "/repositories/{repository_id}" + operation.path)
        for name, method, path, handler in self.git.routes():
            self._operations[app.router.add_route(method, path, handler)] = name
        mint = app.router.add_post("/app/installations/{installation_id}/access_tokens", self._gate.mint)
        self._operations[mint] = MINT
        app.router.add_route("*", "/{anything:.*}", self._unknown)
        return app

    def _route(self, app: web.Application, operation: Operation, path: str) -> None:
        route = app.router.add_route(operation.method, path, partial(self._gate.answer, operation))
        self._operations[route] = operation.id

    async def _unknown(self, request: web.Request) -> web.Response:
        return self._gate.unknown(request)

    def _meet_faults(self) -> Any:
        @web.middleware
        async def meet(request: web.Request, handler: Handler) -> web.StreamResponse:
            operation = self._operations.get(request.match_info.route)
            self.seen.append(Seen(operation, request.method, request.path, dict(request.query), dict(request.headers)))
            everywhere = playing(self.faults, _unavailable)
            here = playing(self._faults_on[operation or ""], _unavailable)
            answer: web.StreamResponse = await everywhere(request, lambda one: here(one, handler))
            return answer

        return meet


def _unavailable(planned: Planned) -> web.Response:
    if planned.fault is Fault.ERROR:
        return web.Response(status=503, text="<html>Unicorn!</html>", content_type="text/html")
    headers = {} if planned.retry_after_seconds is None else {"retry-after": str(planned.retry_after_seconds)}
    reply = refusal(Refused(429, "You have exceeded a secondary rate limit.", headers))
    return web.json_response(reply.body, status=reply.status, headers=reply.headers)
