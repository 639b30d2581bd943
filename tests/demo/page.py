"""The demonstration's page: four phones on one screen, and what people do on them as plain posts."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from tests.demo.bot_process import BotFailedError
from tests.demo.world import World

PAGE = Path(__file__).with_name("page_files")
STYLE = Path(__file__).resolve().parents[2] / "web" / "pwa"
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
FILES = {
    "/": PAGE / "index.html",
    "/demo.css": PAGE / "demo.css",
    "/demo.js": PAGE / "demo.js",
    "/style.css": STYLE / "style.css",
    "/icon.svg": STYLE / "icon.svg",
}
Act = Callable[[World, dict[str, Any]], Awaitable[object]]


async def _text(world: World, body: dict[str, Any]) -> object:
    await world.text(body["text"])
    return None


async def _say(world: World, body: dict[str, Any]) -> object:
    world.say(int(body["user"]), body["text"])
    return None


async def _press(world: World, body: dict[str, Any]) -> object:
    world.press(int(body["user"]), int(body["message"]), body["label"])
    return None


async def _type(world: World, body: dict[str, Any]) -> object:
    await world.type(body["text"])
    return None


async def _tap(world: World, body: dict[str, Any]) -> object:
    tapped = await world.tap(body["key"], body["label"])
    return {"status": tapped.status, "text": tapped.text}


async def _link(world: World, _body: dict[str, Any]) -> object:
    """Make a one-time link into the bot's own page, as its command prints it."""
    try:
        said = await world.bot.command("link", "owner", "--no-qr")
    except BotFailedError as error:
        raise web.HTTPServiceUnavailable(text=str(error)) from error
    return {"url": said.splitlines()[0]}


async def _resolve(world: World, _body: dict[str, Any]) -> object:
    """Let the author of the change mend one finding."""
    return {"path": world.project.resolve()}


ACTS: dict[str, Act] = {
    "/sms/text": _text,
    "/telegram/say": _say,
    "/telegram/press": _press,
    "/ntfy/type": _type,
    "/ntfy/tap": _tap,
    "/link": _link,
    "/github/resolve": _resolve,
}


WORLD: web.AppKey[World] = web.AppKey("world", World)


def build_page(world: World) -> web.Application:
    """Return the page over a running world."""
    app = web.Application()
    app[WORLD] = world
    app.on_response_prepare.append(_harden)
    app.router.add_get("/shown", _shown)
    app.router.add_get(r"/photo/{chat:\d+}/{message:\d+}", _photo)
    for path, file in FILES.items():
        app.router.add_get(path, partial(_serve, file))
    for path, act in ACTS.items():
        app.router.add_post(path, partial(_act, act))
    return app


async def _shown(request: web.Request) -> web.Response:
    return _json(request.app[WORLD].shown())


async def _photo(request: web.Request) -> web.Response:
    chat, message = (int(request.match_info[name]) for name in ("chat", "message"))
    return web.Response(body=request.app[WORLD].telegram.messages[chat, message].photo, content_type="image/png")


async def _serve(file: Path, _request: web.Request) -> web.FileResponse:
    return web.FileResponse(file)


async def _act(act: Act, request: web.Request) -> web.Response:
    if request.content_type != "application/json":  # no foreign page can send that without asking
        raise web.HTTPUnsupportedMediaType
    return _json(await act(request.app[WORLD], orjson.loads(await request.read())))


async def _harden(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


def _json(document: object) -> web.Response:
    return web.Response(body=orjson.dumps(document), content_type="application/json")
