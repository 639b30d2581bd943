"""Calls the fake GitHub by hand, and a bot that only notes the webhooks it is posted."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

from tests.fakes.providers.github import TOKEN, FakeGitHub
from tests.fakes.virtual_time import VirtualTime

REPO = "/repos/acme/app"
DISPATCH = f"{REPO}/actions/workflows/ci.yml/dispatches"
NEW, OLD = "2026-03-10", "2022-11-28"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; the body is read JSON, None for none, the text where it is no JSON."""

    status: int
    body: Any
    headers: Mapping[str, str]


def next_page(answer: Answer) -> str | None:
    """Return the address of the page after this one."""
    found = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
    return None if found is None else found[1]


class Client:
    """Calls the API as the bot would, with the usual token and the new version unless told."""

    def __init__(self, github: FakeGitHub, clock: VirtualTime, session: aiohttp.ClientSession) -> None:
        self.github, self.clock, self.session = github, clock, session
        self.headers = {"Authorization": f"Bearer {TOKEN}", "X-GitHub-Api-Version": NEW}

    async def call(self, method: str, path: str, body: object = None, **headers: str | None) -> Answer:
        url = path if path.startswith("http") else self.github.url + path
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in {**self.headers, **changed}.items() if value is not None}
        async with self.session.request(method, url, json=body, headers=sent, allow_redirects=False) as response:
            text = await response.text()
            known = response.content_type == "application/json" and text
            return Answer(response.status, json.loads(text) if known else text or None, response.headers.copy())

    async def get(self, path: str, **headers: str | None) -> Answer:
        return await self.call("GET", path, **headers)

    async def dispatch(self, request_id: str = "q7f", ref: str = "main", **body: object) -> Answer:
        return await self.call("POST", DISPATCH, {"ref": ref, "inputs": {"request_id": request_id}, **body})

    def run_path(self, request_id: str = "q7f") -> str:
        (run,) = self.github.effects.runs_of(request_id)
        return f"{REPO}/actions/runs/{run}"


@asynccontextmanager
async def world(**settings: Any) -> AsyncIterator[tuple[FakeGitHub, VirtualTime, Client]]:
    clock = VirtualTime()
    async with FakeGitHub(clock, **settings) as github, aiohttp.ClientSession() as session:
        yield github, clock, Client(github, clock, session)


@dataclass(frozen=True, slots=True)
class Posted:
    """One webhook as it arrived."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def what(self) -> str:
        return f"{self.headers['X-GitHub-Event']} {json.loads(self.body).get('action', '')}".strip()


@asynccontextmanager
async def a_bot(posted: list[Posted]) -> AsyncIterator[str]:
    """Serve what notes every webhook."""

    async def note(request: web.Request) -> web.Response:
        posted.append(Posted(request.headers.copy(), await request.read()))
        return web.Response(status=202)

    app = web.Application(client_max_size=1024 * 1024)
    app.router.add_post("/hooks/github", note)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield "http://{}:{}".format(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()
