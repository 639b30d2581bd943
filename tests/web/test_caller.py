"""Who is calling: a cookie's person, or the user behind the console's socket, and never one for the other."""

import asyncio
import os

from domain.people import Address, AddressKind
from tests.fakes.served_bot import Browser, ServedBot


async def known_as(browser: Browser, cookie: str | None = None) -> tuple[int, str | None]:
    headers = {} if cookie is None else {"Cookie": f"reins_session={cookie}"}
    reply = await browser.ask("GET", "/v1/people/me", headers=headers)
    return reply.status, reply.body.get("proof")


async def test_the_console_needs_no_cookie(bot: ServedBot) -> None:
    assert await known_as(bot.console()) == (200, "local")


async def test_a_user_of_this_machine_who_is_not_enrolled_is_a_stranger(bot: ServedBot) -> None:
    address = Address(AddressKind.CONSOLE, str(os.getuid()))
    await asyncio.to_thread(bot.bot.people.remove_address, "owner", address)
    assert await known_as(bot.console()) == (401, None)


async def test_a_cookie_at_the_console_means_its_session(bot: ServedBot) -> None:
    await bot.enrol("vic", "viewer")
    cookie = next(iter((await bot.sign_in("vic")).http.cookie_jar)).value
    assert await known_as(bot.console(), cookie) == (200, "session")


async def test_a_wrong_cookie_at_the_console_means_nobody(bot: ServedBot) -> None:
    assert await known_as(bot.console(), "f" * 32) == (401, None)


async def test_what_a_network_request_says_of_itself_makes_it_no_local_one(bot: ServedBot) -> None:
    headers = {"Host": "localhost", "X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1", "Forwarded": "for=unix:"}
    assert (await bot.browser().ask("GET", "/v1/people/me", headers=headers)).status == 401


async def test_a_refusal_says_how_to_get_in(bot: ServedBot) -> None:
    reply = await bot.browser().ask("GET", "/v1/people/me")
    assert reply.body["code"] == "signed_out"
    assert "reins link <person>" in reply.body["detail"]
