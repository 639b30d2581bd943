"""GitHub's webhook: what happened to runs, proven by a signature, kept before it is answered, worked off after that."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from domain.clock import Clock
from store.tables.deliveries import Claim
from web.hooks.failures import Failures
from web.hooks.parts import HOOKS, Refused

if TYPE_CHECKING:  # its models cost memory; a bot without GitHub never loads them
    from forge.github_webhooks import Delivery

# GitHub posts up to 25 MB, but only for pushes of thousands of commits; what tells of a run has some 40 KB.
MAX_DELIVERY_BYTES = 5 * 1024 * 1024
CHANNEL = "github"
_STATUSES = {Claim.NEW: 202, Claim.AGAIN: 202, Claim.DONE: 200, Claim.COPY: 200}


@dataclass(frozen=True, slots=True)
class GitHubHook:
    """GitHub's webhook. `take` keeps a delivery, or raises `StoreUnwritable`; `refused(channel, reason, sender)`."""

    secret: str = field(repr=False)
    take: "Callable[[Delivery], Awaitable[Claim]]"
    refused: Refused
    clock: Clock
    failures: Failures = field(default_factory=Failures)


async def deliver(request: web.Request) -> web.Response:
    """Answer `POST /hooks/github`: 202 once the delivery is kept, 200 where nothing (more) is to be done for it.

    One that cannot be kept is answered with 503. GitHub waits for ten seconds, and sends nothing again by itself: a lost
    delivery is made up for by polling.
    """
    hook = request.app[HOOKS].github
    if not isinstance(hook, GitHubHook):
        return web.Response(status=404)
    from forge.github_webhooks import Refusal, read_delivery  # noqa: PLC0415 - see above

    delivery = read_delivery(request.headers, await _read(request), hook.secret)
    if isinstance(delivery, Refusal):
        return await _refuse(request, hook, delivery.reason)
    if delivery.said is None:  # a ping, or an event that nobody here needs
        return web.Response(status=200)
    claim = await hook.take(delivery)
    if claim is Claim.SWAPPED:
        return await _refuse(request, hook, "another delivery's id")
    return web.Response(status=_STATUSES[claim])


async def _read(request: web.Request) -> bytes:
    """Return the body; the application's own cap is far lower.

    Raises:
        web.HTTPRequestEntityTooLarge: it is longer than what GitHub tells of a run, by what it says or by what it is.
        web.HTTPUnsupportedMediaType: it does not say that it is JSON.
    """
    if request.content_length is not None and request.content_length > MAX_DELIVERY_BYTES:
        raise web.HTTPRequestEntityTooLarge(MAX_DELIVERY_BYTES)
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MAX_DELIVERY_BYTES:
            raise web.HTTPRequestEntityTooLarge(MAX_DELIVERY_BYTES)
    return bytes(body)


async def _refuse(request: web.Request, hook: GitHubHook, reason: str) -> web.Response:
    """Answer what GitHub did not send; a flood of it is not written down."""
    if hook.failures.note(request.remote or "", hook.clock.now()):
        return web.Response(status=429)
    await hook.refused(CHANNEL, reason, None)
    return web.Response(status=403)
