"""Signing in with a link, once and in time; signing out; who one is."""

import asyncio
from pathlib import Path

import pytest

from bot.serve import Role
from domain.ids import fingerprint
from tests.fakes.served_bot import Reply, ServedBot, served_bot
from web.sessions import FAILED_LOGINS_PER_HOUR, SESSION_LIFETIME


async def spend(bot: ServedBot, token: str) -> Reply:
    return await bot.browser().ask("POST", "/v1/sessions", json={"token": token})


async def keep_token(bot: ServedBot, token: str, purpose: str) -> None:
    now = bot.clock.now()
    lifetime = (now, now + SESSION_LIFETIME)
    await bot.bot.store.transact(lambda tables: tables.nonces.add(fingerprint(token), purpose, "owner", "", lifetime))


async def test_a_link_signs_its_person_in(bot: ServedBot) -> None:
    await bot.enrol("vic", "viewer")
    browser = await bot.sign_in("vic")
    me = await browser.ask("GET", "/v1/people/me")
    assert me.body == {"id": "vic", "name": "Vic", "roles": ["viewer"], "scopes": ["read"], "proof": "session"}


async def test_the_console_is_the_person_of_the_user_who_runs_it(bot: ServedBot) -> None:
    me = await bot.console().ask("GET", "/v1/people/me")
    assert (me.body["id"], me.body["proof"]) == ("owner", "local")


async def test_a_link_works_once(bot: ServedBot) -> None:
    token = await bot.login_token()
    assert (await spend(bot, token)).status == 200
    again = await spend(bot, token)
    assert (again.status, again.body["code"]) == (410, "link_used")


async def test_of_eight_who_open_one_link_together_one_gets_in(bot: ServedBot) -> None:
    token = await bot.login_token()
    replies = await asyncio.gather(*(spend(bot, token) for _ in range(8)))
    assert sorted(reply.status for reply in replies) == [200] + [410] * 7
    assert sum("Set-Cookie" in reply.headers for reply in replies) == 1


@pytest.mark.parametrize(("seconds", "status"), [(599.999, 200), (600, 410)])
async def test_a_link_lives_for_exactly_ten_minutes(bot: ServedBot, seconds: float, status: int) -> None:
    token = await bot.login_token()
    bot.clock.advance(seconds)
    assert (await spend(bot, token)).status == status


async def test_an_unknown_token_is_refused_like_a_used_one(bot: ServedBot) -> None:
    token = await bot.login_token()
    await spend(bot, token)
    unknown, used = await spend(bot, "f" * 32), await spend(bot, token)
    assert (unknown.status, unknown.body) == (used.status, used.body)


async def test_a_token_for_another_purpose_signs_nobody_in(bot: ServedBot) -> None:
    await keep_token(bot, "for-something-else", "approve")
    assert (await spend(bot, "for-something-else")).status == 410
    await keep_token(bot, "for-signing-in", "login")
    assert (await spend(bot, "for-signing-in")).status == 200


async def test_the_link_of_somebody_removed_meanwhile_signs_nobody_in(bot: ServedBot) -> None:
    await bot.enrol("vic", "viewer")
    token = await bot.login_token("vic")
    await asyncio.to_thread(bot.bot.people.remove, "vic")
    reply = await spend(bot, token)
    assert reply.status == 410
    assert "Set-Cookie" not in reply.headers


@pytest.mark.parametrize("token", ["", "x" * 201])
async def test_a_token_of_an_impossible_length_is_a_bad_request(bot: ServedBot, token: str) -> None:
    reply = await spend(bot, token)
    assert reply.status == 400
    assert "token" in reply.body["detail"]


@pytest.mark.parametrize(("public_url", "secure"), [(None, False), ("https://reins.example.org", True)])
async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    tmp_path: Path, public_url: str | None, secure: bool
) -> None:
    async with served_bot(tmp_path, role=Role.WEB, public_url=public_url) as bot:
        reply = await spend(bot, await bot.login_token())
    value, *attributes = reply.headers["Set-Cookie"].split("; ")
    assert len(value.removeprefix("reins_session=")) == 32
    expected = {"HttpOnly", "SameSite=Strict", "Path=/", f"Max-Age={12 * 3600}"} | ({"Secure"} if secure else set())
    assert set(attributes) == expected


async def test_only_the_hash_of_a_cookie_is_stored(bot: ServedBot) -> None:
    reply = await spend(bot, await bot.login_token())
    cookie = reply.headers["Set-Cookie"].split("; ")[0].removeprefix("reins_session=")
    stored = bot.bot.home.database.with_name("reins.db-wal").read_bytes() + bot.bot.home.database.read_bytes()
    assert cookie.encode() not in stored
    assert fingerprint(cookie).encode() in stored


async def test_signing_out_ends_the_session_at_once(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    cookie = {"Cookie": f"reins_session={next(iter(browser.http.cookie_jar)).value}"}
    assert (await browser.ask("GET", "/v1/people/me")).status == 200
    reply = await browser.ask("DELETE", "/v1/sessions")
    assert reply.status == 204
    assert "Max-Age=0" in reply.headers["Set-Cookie"]
    kept = await bot.browser().ask("GET", "/v1/people/me", headers=cookie)
    assert (kept.status, kept.body["code"]) == (401, "signed_out")


async def test_signing_out_wakes_the_streams_that_must_end(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    with bot.bot.hub.listen("owner") as wake:
        await browser.ask("DELETE", "/v1/sessions")
        assert wake.is_set()


async def test_signing_out_leaves_other_sessions_alone(bot: ServedBot) -> None:
    phone, laptop = await bot.sign_in(), await bot.sign_in()
    await phone.ask("DELETE", "/v1/sessions")
    assert (await laptop.ask("GET", "/v1/people/me")).status == 200


async def test_the_console_has_no_session_to_end(bot: ServedBot) -> None:
    console = bot.console()
    assert (await console.ask("DELETE", "/v1/sessions")).status == 204
    assert (await console.ask("GET", "/v1/people/me")).status == 200


async def test_a_removed_person_is_out_at_the_next_request(bot: ServedBot) -> None:
    await bot.enrol("vic", "viewer")
    browser = await bot.sign_in("vic")
    assert (await browser.ask("GET", "/v1/people/me")).status == 200
    await asyncio.to_thread(bot.bot.people.remove, "vic")
    assert (await browser.ask("GET", "/v1/people/me")).status == 401


async def test_a_role_taken_away_counts_at_the_next_request(bot: ServedBot) -> None:
    await bot.enrol("vic", "viewer")
    browser = await bot.sign_in("vic")
    await asyncio.to_thread(bot.bot.people.set_roles, "vic", ())
    assert (await browser.ask("GET", "/v1/people/me")).status == 403


async def test_a_session_that_another_process_ended_is_refused_after_five_seconds(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    assert (await browser.ask("GET", "/v1/people/me")).status == 200
    now = bot.clock.now()
    assert await bot.bot.store.transact(lambda tables: tables.sessions.end_all_of("owner", now)) == 1
    bot.clock.advance(5)
    assert (await browser.ask("GET", "/v1/people/me")).status == 401


async def test_a_session_lasts_twelve_hours(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    bot.clock.advance(SESSION_LIFETIME.total_seconds() - 1)
    cookie = {"Cookie": f"reins_session={next(iter(browser.http.cookie_jar)).value}"}
    assert (await bot.browser().ask("GET", "/v1/people/me", headers=cookie)).status == 200
    bot.clock.advance(5)
    assert (await bot.browser().ask("GET", "/v1/people/me", headers=cookie)).status == 401


async def test_a_session_outlives_a_restart_of_the_bot(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    await bot.restart()
    assert (await browser.ask("GET", "/v1/people/me")).status == 200


async def test_signing_in_and_out_is_audited(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    await spend(bot, "f" * 32)
    await browser.ask("DELETE", "/v1/sessions")
    assert (await bot.audit_actions())[-4:] == ["login-link", "sign-in", "sign-in", "sign-out"]


async def test_guessing_tokens_does_not_flood_the_audit_log(bot: ServedBot) -> None:
    before = len(await bot.audit_actions())
    for _ in range(FAILED_LOGINS_PER_HOUR + 5):
        assert (await spend(bot, "f" * 32)).status == 410
    assert len(await bot.audit_actions()) - before == FAILED_LOGINS_PER_HOUR


async def test_no_session_starts_or_ends_while_nothing_can_be_recorded(bot: ServedBot) -> None:
    token, browser = await bot.login_token(), await bot.sign_in()
    async with bot.outage():
        refused = await spend(bot, token)
        assert (refused.status, refused.body["code"]) == (503, "unrecordable")
        assert (await browser.ask("DELETE", "/v1/sessions")).status == 503
        assert (await browser.ask("GET", "/v1/people/me")).status == 200
    assert (await spend(bot, token)).status == 200
