"""A call to a provider is bounded in time and size, goes nowhere else, and says what its failure leaves open."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from channels.calls import MAX_ANSWER_BYTES, Answer, Caller
from channels.port import MaybeSent, NotNow
from tests.fakes.providers.fault_middleware import Served


@asynccontextmanager
async def provider(handler: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[tuple[Caller, str]]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    server = Served(app)
    await server.start()
    try:
        async with aiohttp.ClientSession() as session:
            yield Caller(session), server.url
    finally:
        await server.stop()


async def test_what_is_sent_arrives_and_what_is_answered_comes_back() -> None:
    seen: list[tuple[str, str, str, str]] = []

    async def note(request: web.Request) -> web.Response:
        seen.append(
            (
                request.method,
                request.query.get("a", "") + request.headers.get("X", ""),
                request.content_type,
                await request.text(),
            )
        )
        return web.Response(status=201, body=b"done", headers={"Retry-After": "7"})

    async with provider(note) as (caller, url):
        assert await caller.get(url, {"a": "1 +"}, {"X": "y"}) == Answer(201, b"done", 7)
        assert await caller.post(url, {"To": "+41"}, {}) == Answer(201, b"done", 7)
        assert await caller.post_json(url, {"text": "é"}) == Answer(201, b"done", 7)
    assert [(method, kind, body) for method, _, kind, body in seen] == [
        ("GET", "application/octet-stream", ""),
        ("POST", "application/x-www-form-urlencoded", "To=%2B41"),
        ("POST", "application/json", '{"text":"é"}'),
    ]
    assert seen[0][1] == "1 +y"


@pytest.mark.parametrize(
    ("header", "wish"), [("30", 30), ("86400", 900), ("Sun, 22 Nov 2026 14:00:00 GMT", None), ("²", None)]
)
async def test_a_wish_to_wait_is_read_in_seconds_and_has_an_end(header: str, wish: int | None) -> None:
    async def busy(_request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": header})

    async with provider(busy) as (caller, url):
        assert (await caller.get(url, {}, {})).retry_after_seconds == wish


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    paths: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(status=307, headers={"Location": "/other"})

    async with provider(elsewhere) as (caller, url):
        assert (await caller.post(f"{url}/first", {}, {})).status == 307
    assert paths == ["/first"]


async def test_the_largest_answer_is_read_and_a_larger_one_is_not() -> None:
    async def large(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * (MAX_ANSWER_BYTES + int(request.query["more"])))

    async with provider(large) as (caller, url):
        assert len((await caller.get(url, {"more": "0"}, {})).body) == MAX_ANSWER_BYTES
        with pytest.raises(MaybeSent, match="64 KiB"):
            await caller.post(f"{url}/?more=1", {}, {})


async def test_asking_again_is_always_safe_whatever_went_wrong() -> None:
    async def large(_request: web.Request) -> web.Response:
        return web.Response(body=b"x" * (MAX_ANSWER_BYTES + 1))

    async with provider(large) as (caller, url):
        with pytest.raises(NotNow, match="64 KiB"):
            await caller.get(url, {}, {})
