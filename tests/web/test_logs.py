"""No cookie, no login token and no nonce reaches a log line, whatever goes wrong."""

import json
import logging
from pathlib import Path

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from tests.fakes.served_bot import served_bot
from web.routes import ROUTES, Route

NONCE = "89abcdef0123456789abcdef01234567"


async def test_no_secret_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(_request: web.Request) -> web.Response:
        raise RuntimeError("broken on purpose")

    caplog.set_level(logging.DEBUG)
    with capture_logs() as lines:
        async with served_bot(tmp_path, routes=[*ROUTES, Route("GET", "/probe/fail", fail, None)]) as bot:
            token = await bot.login_token()
            owner = await bot.sign_in()
            cookie = next(iter(owner.http.cookie_jar)).value
            await owner.say("run mutation", NONCE)
            await owner.say("run mutation", NONCE)
            async with bot.outage():
                await owner.say("status", NONCE[::-1])
                await bot.browser().ask("POST", "/v1/sessions", json={"token": token})
            await owner.ask("GET", f"/probe/fail?login={token}")
            await owner.ask("GET", f"/{token}?login={token}")
            await owner.ask("POST", "/v1/sessions", json={"token": token, "more": cookie})
            await bot.browser().ask("POST", "/v1/sessions", json={"token": token})
            await bot.browser().ask("POST", "/v1/sessions", json={"token": token})
            await owner.ask("DELETE", "/v1/sessions")
            await owner.ask("GET", "/v1/people/me", headers={"Cookie": f"reins_session={cookie}"})
    written = json.dumps(lines, default=repr) + caplog.text
    assert {"request_failed", "unrecorded", "request_unrecorded"} <= {line["event"] for line in lines}
    assert [secret for secret in (token, cookie, NONCE, NONCE[::-1]) if secret in written] == []
