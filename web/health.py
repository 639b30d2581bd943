"""Health: whether the bot is alive and able to record, for supervisors; nothing here needs a session."""

import orjson
from aiohttp import web

from web.parts import PARTS


async def health(request: web.Request) -> web.Response:
    """Answer `GET /v1/health`: 200 when everything works, 503 when something does not; ages, never secrets."""
    document = dict(request.app[PARTS].health())
    status = 200 if document["status"] == "ok" else 503
    return web.Response(status=status, body=orjson.dumps(document), content_type="application/json")
