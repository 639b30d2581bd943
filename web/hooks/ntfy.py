"""The ntfy buttons' webhook: a tapped button posts its single-use token, from the phone itself or from ntfy's web app."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlsplit

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.clock import Clock
from web.hooks.failures import Failures
from web.hooks.parts import HOOKS

MAX_PRESS_BYTES = 1024  # a token and the braces around it
PREFLIGHT_SECONDS = 600
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Acted:
    """What came of a press, for the phone.

    `status` is 200 for the first and every further tap that says the same, 409 where the opposite or everything is
    decided, 410 where the button is too old, 404 where nobody was ever given this token, 503 where nothing can be
    recorded now.
    """

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class NtfyHook:
    """The buttons' webhook. `server` is the ntfy server, whose web app posts from its own origin.

    `act(token)` has the press recorded before it returns; the token alone is the proof.
    """

    server: str
    act: Callable[[str], Awaitable[Acted]]
    clock: Clock
    failures: Failures = field(default_factory=Failures)


class PressBody(BaseModel):
    """What a button posts."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    token: Annotated[str, Field(pattern=r"^[-_A-Za-z0-9]{16,64}$")]


async def act(request: web.Request) -> web.Response:
    """Answer `POST /hooks/ntfy/act`, and `OPTIONS`, by which a browser asks whether ntfy's web app may post here.

    The iOS app shows nothing of the answer, so people tap twice: that is no error.
    """
    hook = request.app[HOOKS].ntfy
    if not isinstance(hook, NtfyHook):
        return web.Response(status=404)
    if request.method == "OPTIONS":
        return _preflight(request, hook)
    return await _press(request, hook)


async def _press(request: web.Request, hook: NtfyHook) -> web.Response:
    if request.content_type != "application/json":
        return _answer(request, hook, Acted(415, "Send the token as application/json."))
    raw = await _read(request)
    try:
        token = PressBody.model_validate_json(raw).token
    except ValidationError:
        return _answer(request, hook, Acted(400, "This is not what a button sends."))
    acted = await hook.act(token)
    if acted.status == _NOT_FOUND and hook.failures.note(request.remote or "", hook.clock.now()):
        acted = Acted(429, "Too many unknown buttons.")
    return _answer(request, hook, acted)


def _preflight(request: web.Request, hook: NtfyHook) -> web.Response:
    allowed = _cors(request, hook)
    if allowed:
        allowed |= {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "Content-Type",
            "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
        }
    return web.Response(status=204, headers=allowed | {"Vary": "Origin"})


async def _read(request: web.Request) -> bytes:
    """Return the body, or nothing in place of one that is too long for a press."""
    raw = b""
    async for chunk in request.content.iter_any():
        raw += chunk
        if len(raw) > MAX_PRESS_BYTES:
            return b""
    return raw


def _answer(request: web.Request, hook: NtfyHook, acted: Acted) -> web.Response:
    body = orjson.dumps({"text": acted.text})
    headers = _cors(request, hook) | {"Vary": "Origin"}
    return web.Response(status=acted.status, body=body, content_type="application/json", headers=headers)


def _cors(request: web.Request, hook: NtfyHook) -> dict[str, str]:
    """Return what lets ntfy's own web app, and no other page, read our answer."""
    server = urlsplit(hook.server)
    origin = f"{server.scheme}://{server.netloc}"
    return {"Access-Control-Allow-Origin": origin} if request.headers.get("Origin") == origin else {}
