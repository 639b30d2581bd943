"""The web application, built from the route table."""

from collections.abc import Iterable

from aiohttp import web

from domain.errors import UserError
from domain.people import Scope
from policy.rules.scope import scopes_of
from web.bodies import MAX_BODY_BYTES
from web.caller import CALLER, caller_of
from web.guard import guard, harden
from web.hooks.parts import HOOKS, Hooks
from web.pages import FILES, page_files
from web.parts import PARTS, Parts
from web.routes import ROUTES, Handler, Route


def build_app(parts: Parts, routes: Iterable[Route] = ROUTES, hooks: Hooks = Hooks()) -> web.Application:  # noqa: B008 - it is frozen and empty
    """Return an application that serves these routes with these parts; `hooks` are the webhooks that are set up."""
    app = web.Application(middlewares=[guard], client_max_size=MAX_BODY_BYTES)
    app[PARTS] = parts
    app[FILES] = page_files()
    app[HOOKS] = hooks
    for route in routes:
        app.router.add_route(route.method, route.path, _needing(route.scope, route.handler))

    async def close_streams(_app: web.Application) -> None:
        parts.hub.close()

    app.on_response_prepare.append(harden)
    app.on_shutdown.append(close_streams)
    return app


def _needing(scope: Scope | None, handler: Handler) -> Handler:
    """Let only callers through whose roles grant the route's scope."""
    if scope is None:
        return handler

    async def checked(request: web.Request) -> web.StreamResponse:
        caller = await caller_of(request)
        if scope not in scopes_of(caller.person, request.app[PARTS].around.policy()):
            raise UserError(f"this needs the scope {scope.value}", "forbidden")
        request[CALLER] = caller
        return await handler(request)

    return checked
