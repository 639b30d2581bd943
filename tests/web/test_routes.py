"""Every route is in the table, and every route asks for the scope that stands there."""

from pathlib import Path

import pytest
from aiohttp import web

from bot.serve import Role
from domain.people import Scope
from tests.fakes.served_bot import Browser, ServedBot, served_bot
from web.routes import ROUTES, Route

# Providers have no session: each webhook asks for a proof of its own, and is not there at all while it is not set up.
WEBHOOKS = {
    ("POST", "/hooks/twilio/sms"),
    ("POST", "/hooks/twilio/status"),
    ("POST", "/hooks/telegram"),
    ("POST", "/hooks/ntfy/act"),
    ("OPTIONS", "/hooks/ntfy/act"),
    ("POST", "/hooks/github"),
}
NEEDS_NOBODY = {("GET", "/v1/health"), ("POST", "/v1/sessions"), ("GET", "/"), ("GET", "/{file}")} | WEBHOOKS
ROLES: dict[str, tuple[str, ...]] = {"vic": ("viewer",), "olga": ("operator",), "nora": (), "rex": ("retired",)}


async def caller(bot: ServedBot, who: str) -> Browser:
    if who == "stranger":
        return bot.browser()
    if who == "local":
        return bot.console()
    if bot.bot.people.get(who) is None:
        await bot.enrol(who, *ROLES[who])
    return await bot.sign_in(who)


async def status_of(browser: Browser, method: str, path: str) -> int:
    async with browser.http.request(method, path.replace("{file}", "style.css")) as response:
        return response.status


def test_the_application_has_no_route_outside_the_table(bot: ServedBot) -> None:
    served = {
        (route.method, route.resource.canonical) for route in bot.app.router.routes() if route.resource is not None
    }
    assert served == {(route.method, route.path) for route in ROUTES}


def test_only_what_must_work_before_signing_in_needs_no_session() -> None:
    assert {(route.method, route.path) for route in ROUTES if route.scope is None} == NEEDS_NOBODY


@pytest.mark.parametrize(
    ("who", "refusal"),
    [("owner", None), ("olga", None), ("vic", None), ("local", None), ("stranger", 401), ("nora", 403), ("rex", 403)],
)
async def test_every_route_lets_in_whom_it_should(bot: ServedBot, who: str, refusal: int | None) -> None:
    for route in ROUTES:
        browser = await caller(bot, who)  # made anew: one of the routes signs out
        status = await status_of(browser, route.method, route.path)
        if (route.method, route.path) in WEBHOOKS:
            assert status == 404, route
            continue
        let_in = refusal is None or (route.method, route.path) in NEEDS_NOBODY
        assert status not in (401, 403, 404, 405, 500) if let_in else status == refusal, route


@pytest.mark.parametrize(
    ("who", "highest"),
    [("stranger", None), ("nora", None), ("vic", Scope.READ), ("olga", Scope.OPERATE), ("owner", Scope.APPROVE)],
)
async def test_a_route_asks_for_exactly_its_scope(tmp_path: Path, who: str, highest: Scope | None) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="in")

    scopes = list(Scope)
    probes = [Route("GET", f"/probe/{scope.value}", answer, scope) for scope in scopes]
    async with served_bot(tmp_path, role=Role.WEB, routes=[*ROUTES, *probes]) as bot:
        browser = await caller(bot, who)
        let_in = [scope for scope in scopes if await status_of(browser, "GET", f"/probe/{scope.value}") == 200]
    assert let_in == (scopes[: scopes.index(highest) + 1] if highest else [])


async def test_a_refusal_names_the_scope(bot: ServedBot) -> None:
    reply = await (await caller(bot, "nora")).ask("GET", "/v1/people/me")
    assert reply.body["code"] == "forbidden"
    assert reply.body["detail"] == "this needs the scope read"
