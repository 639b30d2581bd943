"""Every route is in the table, and every route asks for the scope that stands there."""

from pathlib import Path

import pytest
from aiohttp import web

from bot.serve import Role
from domain.people import Scope
from tests.fakes.served_bot import Browser, ServedBot, served_bot
from web.routes import ROUTES, Route

NEEDS_NOBODY = {("GET", "/v1/health"), ("POST", "/v1/sessions"), ("GET", "/"), ("GET", "/{file}")}
NAMES = [f"{route.method} {route.path}" for route in ROUTES]


async def caller(bot: ServedBot, who: str) -> Browser:
    if who == "stranger":
        return bot.browser()
    if who == "local":
        return bot.console()
    if who != "owner":
        await bot.enrol(who, *({"vic": ["viewer"], "olga": ["operator"], "nora": [], "rex": ["retired"]}[who]))
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


@pytest.mark.parametrize("route", ROUTES, ids=NAMES)
@pytest.mark.parametrize("who", ["owner", "olga", "vic", "local"])
async def test_whoever_may_read_is_let_through(bot: ServedBot, who: str, route: Route) -> None:
    assert await status_of(await caller(bot, who), route.method, route.path) not in (401, 403, 404, 405, 500)


@pytest.mark.parametrize("route", ROUTES, ids=NAMES)
async def test_a_stranger_gets_only_what_needs_no_session(bot: ServedBot, route: Route) -> None:
    refused = await status_of(await caller(bot, "stranger"), route.method, route.path) == 401
    assert refused == ((route.method, route.path) not in NEEDS_NOBODY)


@pytest.mark.parametrize("route", ROUTES, ids=NAMES)
@pytest.mark.parametrize("who", ["nora", "rex"])
async def test_a_person_whose_roles_grant_nothing_is_refused(bot: ServedBot, who: str, route: Route) -> None:
    refused = await status_of(await caller(bot, who), route.method, route.path) == 403
    assert refused == ((route.method, route.path) not in NEEDS_NOBODY)


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
