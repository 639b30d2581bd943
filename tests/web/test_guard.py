"""What no request gets past: foreign hosts, writes from other sites, and answers without safe headers."""

from pathlib import Path

import pytest
from aiohttp import web

from bot.serve import Role
from tests.fakes.served_bot import ServedBot, served_bot
from web.guard import HEADERS
from web.routes import ROUTES, Route

PUBLIC = "https://reins.example.org"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8710", "127.0.0.1.evil.example", "[::2]:8710", "::1", ""]
)
async def test_a_foreign_host_name_is_misdirected(bot: ServedBot, host: str) -> None:
    for path in ("/", "/v1/health", "/v1/people/me"):
        reply = await (await bot.sign_in()).ask("GET", path, headers={"Host": host})
        assert (reply.status, reply.body["code"]) == (421, "wrong_host")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LocalHost:1", "[::1]", "[::1]:8710"])
async def test_every_name_of_this_machine_is_right(bot: ServedBot, host: str) -> None:
    assert (await bot.browser().ask("GET", "/", headers={"Host": host})).status == 200


async def test_behind_a_proxy_the_public_name_is_right(tmp_path: Path) -> None:
    async with served_bot(tmp_path, role=Role.WEB, public_url=PUBLIC) as bot:
        assert (await bot.browser().ask("GET", "/", headers={"Host": "reins.example.org"})).status == 200
        assert (await bot.browser().ask("GET", "/", headers={"Host": "example.org"})).status == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "OWN"},
    ],
)
async def test_a_write_from_another_site_is_refused(bot: ServedBot, headers: dict[str, str]) -> None:
    browser = await bot.sign_in()
    sent = {name: bot.url if value == "OWN" else value for name, value in headers.items()}
    for method, path in (("POST", "/v1/messages"), ("POST", "/v1/sessions"), ("DELETE", "/v1/sessions")):
        reply = await browser.ask(method, path, headers=sent)
        assert (reply.status, reply.body["code"]) == (403, "cross_site")
    assert (await browser.ask("GET", "/v1/people/me")).status == 200  # still signed in


@pytest.mark.parametrize("site", ["same-origin", "none"])
async def test_a_write_from_the_page_itself_passes(bot: ServedBot, site: str) -> None:
    browser = await bot.sign_in()
    headers = {"Origin": bot.url, "Sec-Fetch-Site": site}
    assert (await browser.ask("DELETE", "/v1/sessions", headers=headers)).status == 204


async def test_reading_from_a_link_on_another_site_is_no_write(bot: ServedBot) -> None:
    assert (await bot.browser().ask("GET", "/", headers={"Sec-Fetch-Site": "cross-site"})).status == 200


async def test_every_answer_carries_the_safe_headers(tmp_path: Path) -> None:
    async def fail(_request: web.Request) -> web.Response:
        raise RuntimeError("broken on purpose")

    async with served_bot(tmp_path, role=Role.WEB, routes=[*ROUTES, Route("GET", "/probe/fail", fail, None)]) as bot:
        owner = await bot.sign_in()
        tried = [
            (owner, "GET", "/", {}, 200),
            (owner, "GET", "/app.js", {}, 200),
            (owner, "GET", "/v1/people/me", {}, 200),
            (owner, "GET", "/v1/events", {}, 200),
            (bot.browser(), "GET", "/v1/people/me", {}, 401),
            (owner, "DELETE", "/v1/sessions", {"Origin": "https://evil.example"}, 403),
            (owner, "GET", "/nothing", {}, 404),
            (owner, "PUT", "/v1/messages", {}, 405),
            (owner, "POST", "/v1/messages", {}, 415),
            (owner, "GET", "/", {"Host": "evil.example"}, 421),
            (owner, "GET", "/probe/fail", {}, 500),
        ]
        for browser, method, path, headers, status in tried:
            async with browser.http.request(method, path, headers=headers) as response:
                assert response.status == status, path
                assert {name: response.headers.get(name) for name in HEADERS} == HEADERS, path
                assert response.headers["Cache-Control"] in ("no-store", "no-cache"), path


def test_the_page_may_load_nothing_from_elsewhere_and_stand_in_no_frame() -> None:
    policy = dict(one.split(" ", 1) for one in HEADERS["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'self'",
        "img-src": "'self' data:",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert HEADERS["X-Content-Type-Options"] == "nosniff"
    assert HEADERS["Referrer-Policy"] == "no-referrer"
