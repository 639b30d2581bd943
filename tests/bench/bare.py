"""The limit everything is compared with, `python -m tests.bench.bare PORT`: an aiohttp handler that keeps nothing."""

import sys

from aiohttp import web


async def answer(request: web.Request) -> web.Response:
    """Answer `POST /cmd`."""
    message = await request.json()
    return web.json_response({"reply": "pong" if message["text"] == "ping" else "what?"})


async def form(request: web.Request) -> web.Response:
    """Answer `POST /form`, as webhooks of Twilio are answered."""
    fields = await request.post()
    known = "MessageSid" in fields
    return web.Response(text="<Response />", content_type="text/xml", status=200 if known else 400)


async def health(_request: web.Request) -> web.Response:
    """Answer `GET /v1/health`, as the bot does, so that both starts are measured alike."""
    return web.json_response({"status": "ok"})


def main() -> None:
    """Serve until SIGTERM."""
    app = web.Application()
    app.router.add_post("/cmd", answer)
    app.router.add_post("/form", form)
    app.router.add_get("/v1/health", health)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)


if __name__ == "__main__":
    main()
