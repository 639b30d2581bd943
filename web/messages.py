"""The chat as plain HTTP: send one line, get one answer; read what was said."""

from datetime import datetime

import orjson
from aiohttp import web

from channels import console
from channels import web as page
from commands.answer import Answer
from domain.clock import Clock
from domain.errors import UserError
from domain.messages import Inbound
from store.port import Store
from web.bodies import MessageBody, read_body
from web.caller import CALLER, Caller
from web.entries import HISTORY, history, reply_entry
from web.parts import PARTS
from web.problems import problem


async def send(request: web.Request) -> web.Response:
    """Answer `POST /v1/messages`; the answer is durable before it is sent. A repeated nonce gets the first answer."""
    parts = request.app[PARTS]
    caller = request[CALLER]
    body = await read_body(request, MessageBody)
    message = _to_inbound(request, caller, body.text, parts.clock)
    answer = await parts.dispatcher.handle(message)
    parts.hub.news_for(caller.person.id)
    at = await _first_received(parts.store, message) if answer.repeated else message.received_at
    return _respond(message, answer, at)


async def recent(request: web.Request) -> web.Response:
    """Answer `GET /v1/messages`: the newest entries, oldest first, and where the event stream goes on."""
    parts = request.app[PARTS]
    caller = request[CALLER]
    limit = request.query.get("limit", str(HISTORY))
    if not (limit.isascii() and limit.isdigit() and len(limit) < 4 and 1 <= int(limit) <= HISTORY):  # noqa: PLR2004 - keeps int() short
        raise UserError(f"limit must be a number from 1 to {HISTORY}")
    entries, newest = await parts.store.read(lambda tables: history(tables, caller.person.id, int(limit)))
    return web.Response(
        body=orjson.dumps({"entries": entries, "last_event_id": str(newest)}), content_type="application/json"
    )


def _to_inbound(request: web.Request, caller: Caller, text: str, clock: Clock) -> Inbound:
    nonce = request.headers.get("Reins-Nonce", "")
    timestamp = request.headers.get("Reins-Timestamp", "")
    if caller.user_id is not None:
        return console.to_inbound(caller.user_id, text, nonce, timestamp, clock.now())
    return page.to_inbound(caller.person.id, text, nonce, timestamp, clock.now())


async def _first_received(store: Store, message: Inbound) -> datetime:
    taken = await store.read(lambda tables: tables.inbox.taken(message))
    assert taken is not None, "a repeated message was taken in before"
    return taken.received_at


def _respond(message: Inbound, answer: Answer, at: datetime) -> web.Response:
    if answer.problem is not None:
        return problem(500, "fault", answer.text or "", answer.problem)
    if answer.text is None:
        if answer.rule == "rate_limited":
            return problem(429, "rate_limited", "You have been told already: too many messages in this hour.")
        return problem(403, "forbidden", "There is no answer for you here.")
    entry = reply_entry(message.message_id, answer, at)
    return web.Response(
        body=orjson.dumps({"entry": entry, "repeated": answer.repeated}), content_type="application/json"
    )
