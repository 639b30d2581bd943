"""Tapped ntfy buttons over a real socket: from the phone's app, from ntfy's web app, and from anybody else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import orjson
import pytest
from aiohttp import web

from domain.notices import Choice, ChoiceStyle, Notice, NoticeKind
from tests.fakes.ntfy_rig import ntfy_rig
from tests.fakes.virtual_time import VirtualTime
from web.hooks.ntfy import Acted, NtfyHook, act
from web.hooks.parts import HOOKS, Hooks

PATH = "/hooks/ntfy/act"
TOKEN = "a" * 32
SERVER = "https://ntfy.example"
JSON = {"Content-Type": "application/json"}


class Desk:
    """Decides presses: one token is good, `answers` says what for the rest."""

    def __init__(self) -> None:
        self.pressed: list[str] = []
        self.answers: dict[str, Acted] = {TOKEN: Acted(200, "Approved. It runs.")}

    async def act(self, token: str) -> Acted:
        self.pressed.append(token)
        return self.answers.get(token, Acted(404, "This button is not known."))


@asynccontextmanager
async def served(hook: NtfyHook | None) -> AsyncIterator[aiohttp.ClientSession]:
    app = web.Application()
    app[HOOKS] = Hooks(ntfy=hook)
    app.router.add_post(PATH, act)
    app.router.add_route("OPTIONS", PATH, act)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as http:
            yield http
    finally:
        await runner.cleanup()


def hook_of(desk: Desk, clock: VirtualTime | None = None) -> NtfyHook:
    return NtfyHook(SERVER, desk.act, clock or VirtualTime())


async def test_a_press_is_acted_on_and_the_phone_is_told_what_came_of_it() -> None:
    desk = Desk()
    async with served(hook_of(desk)) as http, http.post(PATH, json={"token": TOKEN}) as response:
        assert (response.status, await response.json()) == (200, {"text": "Approved. It runs."})
        assert "Access-Control-Allow-Origin" not in response.headers
    assert desk.pressed == [TOKEN]


@pytest.mark.parametrize("status", [200, 404, 409, 410, 503])
async def test_what_came_of_it_decides_the_status(status: int) -> None:
    desk = Desk()
    desk.answers[TOKEN] = Acted(status, "so it is")
    async with served(hook_of(desk)) as http, http.post(PATH, json={"token": TOKEN}) as response:
        assert response.status == status


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"token":"' + b"a" * 32 + b'"}', "text/plain", 415),
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{}", "application/json", 400),
        (b'{"token":7}', "application/json", 400),
        (b'{"token":"short"}', "application/json", 400),
        (b'{"token":"' + b"a" * 65 + b'"}', "application/json", 400),
        (b'{"token":"' + b"a" * 32 + b'\\n"}', "application/json", 400),
        (b'{"token":"' + b"a" * 32 + b'","more":1}', "application/json", 400),
        (b'{"token":"' + b"a" * 32 + b'"' + b" " * 1024 + b"}", "application/json", 400),
    ],
)
async def test_what_no_button_sends_reaches_nobody(body: bytes, content_type: str, status: int) -> None:
    desk = Desk()
    async with served(hook_of(desk)) as http:
        async with http.post(PATH, data=body, headers={"Content-Type": content_type}) as response:
            assert response.status == status
        assert desk.pressed == []


async def test_a_flood_of_unknown_buttons_is_told_off_and_a_real_one_still_works() -> None:
    desk, clock = Desk(), VirtualTime()
    async with served(hook_of(desk, clock)) as http:

        async def press(token: str) -> int:
            async with http.post(PATH, json={"token": token}) as response:
                return response.status

        assert {await press(f"{n:032x}") for n in range(30)} == {404}
        assert await press("f" * 32) == 429
        assert await press(TOKEN) == 200
        clock.advance(60)
        assert await press("f" * 32) == 404


@pytest.mark.parametrize(("origin", "allowed"), [(SERVER, SERVER), ("https://evil.example", None), ("null", None)])
async def test_only_ntfys_own_web_app_may_post_from_a_browser(origin: str, allowed: str | None) -> None:
    async with served(hook_of(Desk())) as http:
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        async with http.options(PATH, headers=asked) as response:
            assert response.status == 204
            assert response.headers.get("Access-Control-Allow-Origin") == allowed
            assert response.headers.get("Access-Control-Allow-Methods") == (allowed and "POST")
            assert response.headers.get("Access-Control-Allow-Headers") == (allowed and "Content-Type")
        async with http.post(PATH, data=orjson.dumps({"token": TOKEN}), headers=JSON | {"Origin": origin}) as response:
            assert response.headers.get("Access-Control-Allow-Origin") == allowed
            assert response.headers["Vary"] == "Origin"


async def test_without_ntfy_there_is_no_such_place() -> None:
    async with served(None) as http:
        for method in ("POST", "OPTIONS"):
            async with http.request(method, PATH, json={"token": TOKEN}) as response:
                assert response.status == 404


async def test_a_button_as_it_was_published_is_one_the_hook_understands() -> None:
    desk = Desk()
    async with served(hook_of(desk)) as http, ntfy_rig(public_url=str(http._base_url).rstrip("/")) as rig:
        choices = (Choice("Approve", "ok 3K", ChoiceStyle.APPROVE), Choice("Deny", "no 3K", ChoiceStyle.DENY))
        asked = Notice("key", NoticeKind.APPROVAL_REQUEST, "May it?", subject="APPROVAL", choices=choices)
        handed = await rig.channel.deliver("ops", asked, repeat=False)
        desk.answers[handed.tokens[0]] = Acted(200, "Approved.")
        tapped = await rig.ntfy.tap("ops", rig.ntfy.notifications("ops")[0].key, "Approve")
        assert (tapped.status, tapped.text) == (200, '{"text":"Approved."}')
        assert rig.ntfy.notifications("ops") == []
