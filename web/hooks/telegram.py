"""Telegram's webhook: updates that Telegram posts, proven by the secret it was given when it was asked to."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import orjson
import structlog
from aiohttp import web

from channels.pulse import Pulse
from channels.telegram_failures import TelegramFailure
from channels.telegram_polling import read_or_log
from channels.telegram_settings import TelegramSettings
from channels.telegram_updates import OurBot, UpdateReader
from domain.clock import Clock
from domain.people import AddressKind
from web.hooks.failures import Failures
from web.hooks.parts import HOOKS, Receive, Refused

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name
MAX_UPDATE_BYTES = 262_144  # a message of 4,096 escaped characters that quotes another has under 100 KB
log = structlog.get_logger("telegram")


@dataclass(frozen=True, slots=True)
class TelegramHook:
    """Telegram's webhook. `us` tells who our bot is; `receive` returns whether the message is recorded."""

    settings: TelegramSettings
    us: Callable[[], Awaitable[OurBot]]
    receive: Receive
    refused: Refused
    clock: Clock
    pulse: Pulse
    failures: Failures = field(default_factory=Failures)


async def updates(request: web.Request) -> web.Response:
    """Answer `POST /hooks/telegram`: 200 once the update is recorded or gives no command, 503 to have it sent again.

    Telegram sends whatever is not answered with 2xx again for a day, and holds that chat's later updates back: an
    update that cannot be read is passed over.
    """
    hook = request.app[HOOKS].telegram
    if not isinstance(hook, TelegramHook) or hook.settings.webhook_secret is None:
        return web.Response(status=404)
    if not hmac.compare_digest(_bytes(request.headers.get(SECRET_HEADER, "")), hook.settings.webhook_secret.encode()):
        return await _refuse(request, hook)
    if request.content_type != "application/json":
        return web.Response(status=415)
    hook.pulse.polled(hook.clock.now())
    return web.Response(status=200 if await _taken(request, hook) else 503)


async def _taken(request: web.Request, hook: TelegramHook) -> bool:
    """Have the update recorded; tell whether Telegram may forget it."""
    body = await _read(request)
    try:
        update = None if body is None else orjson.loads(body)
    except orjson.JSONDecodeError:
        update = None
    if update is None:
        log.warning("update_unreadable", problem=f"no JSON of at most {MAX_UPDATE_BYTES} bytes")
        return True
    try:
        reader = UpdateReader(await hook.us(), hook.settings.groups)
    except TelegramFailure as failure:
        log.warning("telegram_trouble", reason=str(failure))
        return False
    message = read_or_log(reader, update, hook.clock.now())
    return message is None or await hook.receive(message)


async def _read(request: web.Request) -> bytes | None:
    """Return the body, None for one that is too long; the application's own cap would answer that with a refusal."""
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MAX_UPDATE_BYTES:
            return None
    return bytes(body)


async def _refuse(request: web.Request, hook: TelegramHook) -> web.Response:
    """Answer somebody who does not know the secret; a flood of them is not written down."""
    if hook.failures.note(request.remote or "", hook.clock.now()):
        return web.Response(status=429)
    await hook.refused(AddressKind.TELEGRAM.value, "wrong webhook secret", None)
    return web.Response(status=403)


def _bytes(header: str) -> bytes:
    return header.encode("utf-8", "surrogateescape")  # compare_digest takes no text beyond ASCII
