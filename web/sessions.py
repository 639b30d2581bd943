"""Signing in with a one-time link and out again; who one is."""

from datetime import timedelta

import orjson
from aiohttp import web

from commands.ledger import event
from domain.errors import UserError
from domain.ids import fingerprint, secret
from domain.people import Proof, Scope
from policy.rules.scope import scopes_of
from store.tables import Tables
from store.tables.nonces import LOGIN
from web.bodies import SessionBody, read_body
from web.caller import CALLER, COOKIE, Caller, session_cookie
from web.parts import PARTS

SESSION_LIFETIME = timedelta(hours=12)  # a working day; the next link is one command away
FAILED_LOGINS_PER_HOUR = 100  # tokens have 128 bits: this only keeps the log readable
USED = "This link was used or is too old. Get a new one on the bot's machine: reins link <person>"


async def sign_in(request: web.Request) -> web.Response:
    """Answer `POST /v1/sessions`: spend the link's token, start a session, set its cookie."""
    parts = request.app[PARTS]
    body = await read_body(request, SessionBody)
    cookie = secret(parts.entropy)
    now = parts.clock.now()

    def start(tables: Tables) -> str | None:
        spent = tables.nonces.spend(fingerprint(body.token), LOGIN, now)
        if spent is None:
            if tables.rates.count("login-failed", now) <= FAILED_LOGINS_PER_HOUR:
                tables.audit.append(event(now, "sign-in", "unknown", "refused", {}))
            return None
        tables.sessions.add(fingerprint(cookie), spent[0], now, now + SESSION_LIFETIME)
        tables.audit.append(event(now, "sign-in", spent[0], "done", {}))
        return spent[0]

    person_id = await parts.store.transact(start)
    person = parts.people.get(person_id) if person_id else None
    if person is None:
        raise UserError(USED, "link_used")
    response = _describe(request, Caller(person, Proof.SESSION, None))
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        httponly=True,
        samesite="Strict",
        # Without https only loopback is served (bot/settings.py): there a Secure cookie would never come back.
        secure=parts.url.startswith("https://"),
        path="/",
    )
    return response


async def sign_out(request: web.Request) -> web.Response:
    """Answer `DELETE /v1/sessions`: end this session everywhere."""
    parts = request.app[PARTS]
    caller = request[CALLER]
    cookie = session_cookie(request)
    response = web.Response(status=204)
    if cookie is not None:
        now = parts.clock.now()

        def end(tables: Tables) -> None:
            tables.sessions.end(fingerprint(cookie), now)
            tables.audit.append(event(now, "sign-out", caller.person.id, "done", {}))

        await parts.store.transact(end)
        parts.sessions.forget(cookie)
        parts.hub.news_for(caller.person.id)  # the session's event streams look again, and end
        response.del_cookie(COOKIE, path="/")
    return response


async def me(request: web.Request) -> web.Response:
    """Answer `GET /v1/people/me`."""
    return _describe(request, request[CALLER])


def _describe(request: web.Request, caller: Caller) -> web.Response:
    scopes = scopes_of(caller.person, request.app[PARTS].around.policy())
    document = {
        "id": caller.person.id,
        "name": caller.person.name,
        "roles": list(caller.person.roles),
        "scopes": [scope.value for scope in Scope if scope in scopes],
        "proof": caller.proof.value,
    }
    return web.Response(body=orjson.dumps(document), content_type="application/json")
