"""Remembering for a moment whose cookie it is, without remembering too much or too long."""

from pathlib import Path

from domain.ids import fingerprint
from tests.fakes.chat import Chat, chat
from web.session_cache import MAX_REMEMBERED, REMEMBERED, SessionCache
from web.sessions import SESSION_LIFETIME


async def start_session(bot: Chat, cookie: str) -> None:
    now = bot.clock.now()
    await bot.store.transact(
        lambda tables: tables.sessions.add(fingerprint(cookie), "owner", now, now + SESSION_LIFETIME)
    )


async def end_session(bot: Chat, cookie: str) -> None:
    now = bot.clock.now()
    await bot.store.transact(lambda tables: tables.sessions.end(fingerprint(cookie), now))


async def test_an_ended_session_is_remembered_for_less_than_five_seconds(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        cache = SessionCache(bot.store, bot.clock)
        await start_session(bot, "cookie")
        assert await cache.person_of("cookie") == "owner"
        await end_session(bot, "cookie")
        bot.clock.advance(REMEMBERED.total_seconds() - 0.001)
        assert await cache.person_of("cookie") == "owner"
        bot.clock.advance(0.001)
        assert await cache.person_of("cookie") is None


async def test_a_forgotten_session_is_looked_up_again_at_once(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        cache = SessionCache(bot.store, bot.clock)
        await start_session(bot, "cookie")
        assert await cache.person_of("cookie") == "owner"
        await end_session(bot, "cookie")
        cache.forget("cookie")
        cache.forget("never seen")
        assert await cache.person_of("cookie") is None


async def test_random_cookies_cannot_fill_the_memory(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        cache = SessionCache(bot.store, bot.clock)
        for number in range(MAX_REMEMBERED + 10):
            assert await cache.person_of(str(number)) is None
        assert len(cache._known) <= MAX_REMEMBERED


async def test_no_cookie_is_kept_in_memory(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        cache = SessionCache(bot.store, bot.clock)
        await start_session(bot, "cookie")
        await cache.person_of("cookie")
        assert list(cache._known) == [fingerprint("cookie")]
