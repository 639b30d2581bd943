"""The event stream: replies and notices as they come, by server-sent events that go on where a connection broke."""

import asyncio
from contextlib import suppress
from functools import partial

import orjson
from aiohttp import web

from domain.errors import UserError
from store.tables import Tables
from store.tables.thread import Exchange, Told
from web.caller import CALLER, caller_of
from web.entries import entries_of
from web.parts import PARTS, Parts

POLL_SECONDS = 2.0  # another process may have appended; our own appends wake the stream at once
POLLS_PER_KEEPALIVE = 7  # about every 15 s, below the idle limit of common proxies
BATCH = 100


async def stream(request: web.Request) -> web.StreamResponse:
    """Answer `GET /v1/events` until the client or the bot goes away, or the session ends."""
    parts = request.app[PARTS]
    caller = request[CALLER]
    after = await _start(request, parts, caller.person.id)
    with parts.hub.listen(caller.person.id) as wake:
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        await response.prepare(request)
        await response.write(b"retry: 2000\n\n")
        with suppress(ConnectionResetError, UserError):  # the client went away, or was signed out meanwhile
            await _pump(request, response, wake, after)
    return response


async def _start(request: web.Request, parts: Parts, person: str) -> int:
    given = request.headers.get("Last-Event-ID") or request.query.get("after")
    if given is None:
        return await parts.store.read(lambda tables: tables.thread.newest(person))
    if not (given.isascii() and given.isdigit() and len(given) <= 15):  # noqa: PLR2004 - keeps int() short
        raise UserError("Last-Event-ID must be the id of an earlier event")
    return int(given)


async def _pump(request: web.Request, response: web.StreamResponse, wake: asyncio.Event, after: int) -> None:
    parts, quiet = request.app[PARTS], 0
    while not parts.hub.closing.is_set():
        wake.clear()
        person = (await caller_of(request)).person.id
        news = await parts.store.read(partial(_news, person, after))
        for row in news:
            await response.write(_to_events(row))
            after = row.seq
        if news:
            continue
        quiet += 1
        if quiet % POLLS_PER_KEEPALIVE == 0:
            await response.write(b": still here\n\n")
        with suppress(TimeoutError):
            await asyncio.wait_for(wake.wait(), POLL_SECONDS)


def _news(person: str, after: int, tables: Tables) -> list[Told | Exchange]:
    return tables.thread.after(person, after, BATCH)


def _to_events(row: Told | Exchange) -> bytes:
    """Write a row's entries. Only the last carries the id: who lost the connection in between gets them all again."""
    events = [b"event: entry\ndata: %s\n\n" % orjson.dumps(entry) for entry in entries_of(row)]
    return b"".join(events[:-1]) + b"id: %d\n" % row.seq + events[-1]
