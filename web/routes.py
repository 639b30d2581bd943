"""Every route with the scope it needs, in one table; the application is built from it, so none can be forgotten."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from domain.people import Scope
from web import events, health, messages, pages, sessions
from web.hooks import github, ntfy, telegram, twilio

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """One route. `scope` None means that it needs no session; the gate judges messages by what they ask for."""

    method: str
    path: str
    handler: Handler
    scope: Scope | None


ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/health", health.health, None),
    Route("POST", "/v1/sessions", sessions.sign_in, None),
    Route("DELETE", "/v1/sessions", sessions.sign_out, Scope.READ),
    Route("GET", "/v1/people/me", sessions.me, Scope.READ),
    Route("POST", "/v1/messages", messages.send, Scope.READ),
    Route("GET", "/v1/messages", messages.recent, Scope.READ),
    Route("GET", "/v1/events", events.stream, Scope.READ),
    Route("POST", "/hooks/twilio/sms", twilio.inbound, None),
    Route("POST", "/hooks/twilio/status", twilio.status, None),
    Route("POST", "/hooks/telegram", telegram.updates, None),
    Route("POST", "/hooks/ntfy/act", ntfy.act, None),
    Route("OPTIONS", "/hooks/ntfy/act", ntfy.act, None),
    Route("POST", "/hooks/github", github.deliver, None),
    Route("GET", "/", pages.show, None),
    Route("GET", "/{file}", pages.show, None),
)
