"""What every request passes: the right host, no cross-site writes, safe headers, errors in one shape."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from domain.errors import UserError
from domain.ids import ulid
from store.port import StoreUnwritable
from web.caller import local_user
from web.parts import PARTS, Parts
from web.problems import from_http_error, from_outage, from_user_error, problem

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
WEBHOOKS = "/hooks/"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
log = structlog.get_logger("web")


@web.middleware
async def guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Let a request through to its handler, and give whatever went wrong its shape."""
    try:
        refusal = _refuse(request, request.app[PARTS])
        response = refusal if refusal is not None else await handler(request)
    except web.HTTPException as error:
        response = from_http_error(error)
    except UserError as error:
        response = from_user_error(error)
    except StoreUnwritable as error:
        response = from_outage(error)
    except Exception:
        parts = request.app[PARTS]
        log_id = ulid(parts.clock.now(), parts.entropy)
        log.exception("request_failed", log_id=log_id, path=request.path)  # never the query: it may hold secrets
        response = problem(500, "fault", f"Something went wrong on our side. Log id {log_id}.", log_id)
    return response


async def harden(_request: web.Request, response: web.StreamResponse) -> None:
    """Give a response its headers just before it is sent: event streams, too, are sent before their handler returns."""
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")


def _refuse(request: web.Request, parts: Parts) -> web.Response | None:
    name, _, port = request.host.rpartition(":")
    host = (name if port.isdigit() else request.host).strip("[]").lower()  # an IPv6 address stands in brackets
    if host not in parts.extra_hosts and host != urlsplit(parts.url).hostname and local_user(request) is None:
        # A foreign name that resolves to us would let any web page speak to this port (DNS rebinding).
        return problem(421, "wrong_host", "This address is not where Reins is served.")
    if request.method in _SAFE_METHODS or request.path.startswith(WEBHOOKS):
        return None  # providers have no session to ride on: every webhook asks for its own proof
    origin = request.headers.get("Origin")
    same_site = request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")
    if not same_site or (origin is not None and urlsplit(origin).netloc != request.host):
        return problem(403, "cross_site", "Writes are taken from Reins' own page only.")
    return None
