"""Playing the faults of a script in front of a fake provider's API, as an aiohttp middleware, and serving the fake."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.fakes.leaving import stop_serving
from tests.fakes.providers.faults import Fault, Faults, Planned

HUGE_BYTES = 8 * 1024 * 1024
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def playing(faults: Faults, refusal: Callable[[Planned], web.Response]) -> Any:
    """Return a middleware that lets each request meet the script's next fault; `refusal` is how 429 and 503 look."""

    @web.middleware
    async def play(request: web.Request, handler: Handler) -> web.StreamResponse:
        planned = faults.next()
        if planned is None:
            return await handler(request)
        if planned.fault in (Fault.TOO_MANY, Fault.ERROR):
            return refusal(planned)
        if planned.fault.took_effect:
            await handler(request)
            return await _spoilt(request, planned.fault)
        return _cut(request)

    return play


async def _spoilt(request: web.Request, fault: Fault) -> web.Response:
    match fault:
        case Fault.ERROR_AFTER_ACCEPT:
            return web.Response(status=500, text="<html>Internal Server Error</html>", content_type="text/html")
        case Fault.BAD_JSON_AFTER_ACCEPT:
            return web.Response(text='{"sid": "SM', content_type="application/json")
        case Fault.HUGE_BODY_AFTER_ACCEPT:
            return web.Response(body=b"x" * HUGE_BYTES, content_type="application/json")
        case Fault.SLOW_AFTER_ACCEPT:
            await asyncio.Event().wait()  # until the client gives up: its going away cancels this
    return _cut(request)


def _cut(request: web.Request) -> web.Response:
    """Drop the connection; the response that aiohttp wants goes nowhere."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


class Served:
    """An application on a loopback port of its own. `stop` leaves the port closed: connections are refused."""

    def __init__(self, app: web.Application) -> None:
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        self.url = ""

    async def start(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        await stop_serving(self._runner)
