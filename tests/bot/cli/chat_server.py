"""A small bot behind a socket that can lose answers, break streams and refuse, for the chat's tests."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.cli.chat_client import ChatClient
from tests.fakes.entropy import SeededEntropy
from tests.fakes.virtual_time import VirtualTime

Misbehaviour = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


def entry(number: int, text: str, kind: str = "attempt-start") -> dict[str, Any]:
    return {"id": f"n:{number}", "kind": kind, "text": text, "verdict": None, "receipt": None, "keys": []}


def refusal(status: int, code: str, detail: str, log_id: str | None = None) -> web.Response:
    document = {"code": code, "detail": detail, **({"log_id": log_id} if log_id else {})}
    return web.json_response(document, status=status, content_type="application/problem+json")


async def hang_up(request: web.Request) -> None:
    """Read the request and close the connection without an answer."""
    await request.read()
    assert request.transport is not None
    request.transport.close()


@dataclass
class ChatServer:
    """What was asked of the server, and what it is to do wrong: each entry of `misbehave` is used up by one request.

    Texts in `refused` are refused.
    """

    misbehave: list[Misbehaviour] = field(default_factory=list)
    refused: frozenset[str] = frozenset()
    streams: list[list[dict[str, Any]]] = field(default_factory=list)
    messages: list[tuple[str, str, str]] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    async def _message(self, request: web.Request) -> web.StreamResponse:
        text = (await request.json())["text"]
        self.messages.append((text, request.headers["Reins-Nonce"], request.headers["Reins-Timestamp"]))
        if text in self.refused:
            return refusal(429, "rate_limited", "You have been told already.")
        answer = {**entry(0, f"you said {text}", "reply"), "receipt": "audit 1·AAAAAAAA", "keys": ["menu"]}
        return await self._wrong(request) or web.json_response({"entry": answer, "repeated": False})

    async def _recent(self, request: web.Request) -> web.StreamResponse:
        return await self._wrong(request) or web.json_response({"entries": [], "last_event_id": "7"})

    async def _session(self, request: web.Request) -> web.StreamResponse:
        self.tokens.append((await request.json())["token"])
        response = web.json_response({"name": "Ann", "proof": "session"})
        response.set_cookie("reins_session", "c00c1e")
        return response

    async def _me(self, request: web.Request) -> web.StreamResponse:
        if self.tokens and request.cookies.get("reins_session") != "c00c1e":
            return refusal(401, "signed_out", "You are not signed in here.")
        return web.json_response({"name": "Ann", "proof": "session"})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Tell one list of `streams` and close; with none left, the person is signed out."""
        self.after.append(request.query["after"])
        wrong = await self._wrong(request)
        if wrong is not None or not self.streams:
            return wrong or refusal(401, "signed_out", "You are not signed in here.")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        await response.write(b"retry: 2000\n\n: still here\n\n")
        for told in self.streams.pop(0):
            number = told["id"].removeprefix("n:")
            await response.write(f"event: entry\nid: {number}\ndata: {json.dumps(told)}\n\n".encode())
        return response

    async def _wrong(self, request: web.Request) -> web.StreamResponse | None:
        return await self.misbehave.pop(0)(request) if self.misbehave else None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve on a free port of this machine and yield the address."""
        app = web.Application()
        app.router.add_post("/v1/messages", self._message)
        app.router.add_get("/v1/messages", self._recent)
        app.router.add_post("/v1/sessions", self._session)
        app.router.add_get("/v1/people/me", self._me)
        app.router.add_get("/v1/events", self._events)
        server = TestServer(app)
        await server.start_server()
        try:
            yield str(server.make_url("")).rstrip("/")
        finally:
            await server.close()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[ChatClient]:
        """Serve, and yield a client that talks to this server."""
        async with self.serving() as url, aiohttp.ClientSession(url) as session:
            yield ChatClient(session, url, VirtualTime(), SeededEntropy())
