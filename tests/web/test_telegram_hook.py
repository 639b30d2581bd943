"""Telegram's webhook over a real socket: only whoever knows the secret is heard, and nothing is lost."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import aiohttp
import pytest
from aiohttp import web

from channels.pulse import Pulse
from channels.telegram_failures import Unclear
from channels.telegram_settings import TelegramSettings
from channels.telegram_updates import OurBot
from tests.channels.telegram_rig import GROUP, USER, ClaimingReceiver
from tests.fakes.providers.telegram import TOKEN, FakeTelegram
from tests.fakes.providers.telegram_world import BOT_ID, BOT_NAME
from tests.fakes.virtual_time import START, VirtualTime
from web.hooks.parts import HOOKS, Hooks
from web.hooks.telegram import MAX_UPDATE_BYTES, SECRET_HEADER, TelegramHook, updates

SECRET = "a-secret-of-the-webhook"
JSON = {"Content-Type": "application/json"}


@dataclass(slots=True)
class Served:
    """The webhook on a socket, the fake Telegram that posts to it, and what came of it."""

    url: str
    fake: FakeTelegram
    time: VirtualTime
    receiver: ClaimingReceiver
    pulse: Pulse
    refusals: list[tuple[str, str, str | None]] = field(default_factory=list)
    down: bool = False

    async def us(self) -> OurBot:
        if self.down:
            raise Unclear("Telegram answered 502")
        return OurBot(BOT_ID, BOT_NAME)

    async def refused(self, channel: str, reason: str, masked: str | None) -> None:
        self.refusals.append((channel, reason, masked))

    async def post(self, body: bytes, headers: dict[str, str] | None = None) -> int:
        """Post something by hand."""
        known = {SECRET_HEADER: SECRET, **JSON} if headers is None else headers
        async with aiohttp.ClientSession() as session, session.post(self.url, data=body, headers=known) as answer:
            assert await answer.read() == b""
            return answer.status


async def serve(hooks: Hooks) -> tuple[web.AppRunner, str]:
    app = web.Application(client_max_size=1024)
    app[HOOKS] = hooks
    app.router.add_post("/hooks/telegram", updates)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    return runner, f"http://{host}:{port}/hooks/telegram"


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    time = VirtualTime()
    settings = TelegramSettings(TOKEN, frozenset({GROUP}), SECRET)
    async with FakeTelegram(time) as fake:
        fake.start(USER)
        held = Served("", fake, time, ClaimingReceiver(), Pulse("telegram"))
        hook = TelegramHook(settings, held.us, held.receiver, held.refused, time, held.pulse)
        runner, held.url = await serve(Hooks(telegram=hook))
        fake.webhook = {"url": held.url, "secret_token": SECRET}
        yield held
        await runner.cleanup()


async def test_what_telegram_posts_is_recorded_and_then_forgotten_there(served: Served) -> None:
    served.fake.say(USER, "status")
    served.fake.say(USER, "last")
    assert await served.fake.post_updates() == [200, 200]
    assert served.receiver.texts == ["status", "last"]
    assert served.fake.updates.pending() == []
    assert served.pulse.last_poll == START


async def test_what_cannot_be_recorded_now_is_asked_for_again(served: Served) -> None:
    served.fake.say(USER, "status")
    served.receiver.script = [False]
    assert await served.fake.post_updates() == [503]
    assert await served.fake.post_updates() == [200]
    assert served.receiver.texts == ["status"]


async def test_an_update_posted_twice_has_one_id_and_so_one_effect(served: Served) -> None:
    served.fake.say(USER, "status")
    [waiting] = served.fake.updates.waiting
    await served.fake.post_updates()
    served.fake.updates.waiting = [waiting]
    await served.fake.post_updates()
    assert len(served.receiver.calls) == 2
    assert len(served.receiver.effects) == 1


@pytest.mark.parametrize("secret", ["", "a-secret-of-the-webhooK", "é", SECRET[:-1]])
async def test_whoever_does_not_know_the_secret_is_not_heard(served: Served, secret: str) -> None:
    served.fake.say(USER, "status")
    assert await served.fake.post_updates(secret) == [403]
    assert served.receiver.calls == []
    assert served.refusals == [("telegram", "wrong webhook secret", None)]
    assert served.pulse.last_poll is None


async def test_a_flood_of_wrong_secrets_is_written_down_thirty_times_a_minute_and_shuts_nobody_out(
    served: Served,
) -> None:
    served.fake.say(USER, "status")
    statuses = [(await served.fake.post_updates("wrong-wrong-wrong"))[0] for _ in range(32)]
    assert statuses == [403] * 30 + [429] * 2
    assert len(served.refusals) == 30
    assert await served.fake.post_updates() == [200]
    served.time.advance(60)
    served.fake.say(USER, "status")
    assert await served.fake.post_updates("wrong-wrong-wrong") == [403]


@pytest.mark.parametrize("body", [b"", b"[1", b"null", b"[]", b'{"update_id": "x"}', b'{"update_id": 1, "message": 2}'])
async def test_what_no_reader_understands_is_passed_over_so_that_it_is_not_sent_for_a_day(
    served: Served, body: bytes
) -> None:
    assert await served.post(body) == 200
    assert served.receiver.calls == []


async def test_an_update_longer_than_any_real_one_is_passed_over(served: Served) -> None:
    assert await served.post(b" " * (MAX_UPDATE_BYTES + 1)) == 200
    assert served.receiver.calls == []


async def test_a_long_update_is_read_though_other_requests_may_not_be_that_long(served: Served) -> None:
    served.fake.say(USER, "status", reply_to_message=served.fake.message(USER, "я" * 4096))
    assert await served.fake.post_updates() == [200]
    assert served.receiver.texts == ["status"]


async def test_a_body_that_does_not_say_it_is_json_is_refused(served: Served) -> None:
    assert await served.post(b"{}", {SECRET_HEADER: SECRET, "Content-Type": "text/plain"}) == 415


async def test_as_long_as_we_do_not_know_who_we_are_updates_wait(served: Served) -> None:
    served.fake.say(USER, "status")
    served.down = True
    assert await served.fake.post_updates() == [503]
    served.down = False
    assert await served.fake.post_updates() == [200]


async def test_without_telegram_or_its_secret_there_is_no_such_place(served: Served) -> None:
    hook = TelegramHook(TelegramSettings(TOKEN), served.us, served.receiver, served.refused, served.time, served.pulse)
    for hooks in (Hooks(), Hooks(telegram=hook)):
        runner, url = await serve(hooks)
        assert await replace(served, url=url).post(b"{}") == 404
        await runner.cleanup()
