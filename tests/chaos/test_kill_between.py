"""Killed between what the world saw and what we wrote down: the next process loses nothing and says nothing twice unmarked."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from tests.chaos.relay_spawner import PHONE, TOPIC, USER
from tests.chaos.short_lives import ShortLives, short_lives

pytestmark = pytest.mark.chaos

KILLS = 50
TO = {"sms": PHONE, "telegram": str(USER), "ntfy": TOPIC, "slack": "team"}
NOTICES = [f"notice {number:05d}" for number in range(KILLS)]
Say = Callable[[str], None]


@pytest.fixture
def say(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Say:
    """Print figures: they are the point."""

    def show(figures: str) -> None:
        with capsys.disabled():
            print(f"\n{request.node.name}: {KILLS} kills, {figures}")  # noqa: T201 - see above

    return show


def copies(world: ShortLives, provider: str, to: str) -> dict[str, list[str]]:
    """Return the texts that a provider took for an address, by the notice they hold."""
    texts = world.ledgers[provider].texts(to)
    return {notice: [text for text in texts if notice in text] for notice in NOTICES}


async def kill_while_sending(world: ShortLives, provider: str) -> None:
    """Let a provider take each notice, kill the process that sent it, and start another one."""
    for number in range(KILLS):
        async with world.life(to=f"{provider}:{TO[provider]}", number=number, killed_by=provider):
            pass
        assert world.rows("SELECT count(*) FROM outbox WHERE state = 'sending'") == [(1,)]
        async with world.life():
            pass
    assert world.rows("SELECT state, count(*) FROM outbox GROUP BY state") == [("delivered", KILLS)]


@pytest.mark.parametrize("provider", ["sms", "ntfy"])
async def test_a_provider_that_can_be_asked_has_each_notice_once(tmp_path: Path, provider: str, say: Say) -> None:
    async with short_lives(tmp_path) as world:
        await kill_while_sending(world, provider)
        found = copies(world, provider, TO[provider])
        assert {notice: len(texts) for notice, texts in found.items()} == dict.fromkeys(NOTICES, 1)
        assert not any("(repeat)" in text for texts in found.values() for text in texts)
        say(f"{sum(map(len, found.values()))} texts of {len(found)} notices, none lost, none doubled")


@pytest.mark.parametrize("provider", ["telegram", "slack"])
async def test_a_provider_that_cannot_be_asked_has_a_second_copy_that_says_so(
    tmp_path: Path, provider: str, say: Say
) -> None:
    async with short_lives(tmp_path) as world:
        await kill_while_sending(world, provider)
        found = copies(world, provider, TO[provider])
        for first, second in found.values():
            assert not first.startswith("(repeat)")
            assert second.startswith("(repeat)")
        say(f"{sum(map(len, found.values()))} messages of {len(found)} notices, every second one marked as a repeat")


async def test_a_thread_has_each_notice_once(tmp_path: Path, say: Say) -> None:
    async with short_lives(tmp_path) as world:
        for number in range(KILLS):
            async with world.life(to="web:ann", number=number, dies="appended"):
                pass
            async with world.life():
                pass
        told = Counter(key for (key,) in world.rows("SELECT key FROM thread"))
        assert told == Counter(f"told:{number:05d}" for number in range(KILLS))
        assert world.rows("SELECT state, count(*) FROM outbox GROUP BY state") == [("delivered", KILLS)]
        say(f"{len(told)} notices in the thread, none lost, none doubled")


def check_unsent(world: ShortLives, provider: str, number: int) -> None:
    """Check that the last process has recorded a message with its answer, and that the answer has not gone."""
    assert world.rows("SELECT count(*) FROM inbox") == [(number + 1,)]
    assert world.rows("SELECT count(*) FROM outbox WHERE state = 'pending'") == [(1,)]
    assert len(world.ledgers[provider].texts(TO[provider])) == number


async def check_answered_once(world: ShortLives, provider: str, say: Say) -> None:
    """Check that each message was taken in once, and that its one answer came once."""
    async with world.life():  # to learn what became of the last text
        pass
    assert world.rows("SELECT count(*), count(DISTINCT message_id) FROM inbox") == [(KILLS, KILLS)]
    assert len(world.audit("status")) == KILLS
    answers = world.ledgers[provider].texts(TO[provider])
    assert len(answers) == KILLS
    assert not any("(repeat)" in text for text in answers)
    assert world.rows("SELECT DISTINCT state FROM outbox") == [("delivered",)]
    say(f"{KILLS} messages came in twice, {len(answers)} answers went out")


async def test_a_telegram_message_that_was_recorded_and_not_confirmed_acts_once(tmp_path: Path, say: Say) -> None:
    async with short_lives(tmp_path) as world:
        for number in range(KILLS):
            world.telegram.say(USER, "status")
            async with world.life(listens="telegram", dies="received"):
                pass
            check_unsent(world, "telegram", number)
            async with world.life(listens="telegram"):
                pass
        await check_answered_once(world, "telegram", say)
        assert len(world.telegram.updates.pending()) == 1  # the next poll would confirm it


async def test_a_text_that_was_recorded_and_not_answered_acts_once_when_twilio_posts_it_again(
    tmp_path: Path, say: Say
) -> None:
    async with short_lives(tmp_path) as world:
        for number in range(KILLS):
            async with world.life(listens="sms", dies="received"):
                await world.serves()
                with pytest.raises(aiohttp.ClientError):
                    await world.twilio.text(PHONE, "status")
            check_unsent(world, "sms", number)
            async with world.life(listens="sms"):
                await world.serves()
                assert (await world.twilio.text_again(PHONE)).status == 200
        await check_answered_once(world, "sms", say)


async def test_a_line_of_the_ntfy_stream_that_was_recorded_and_not_noted_acts_once(tmp_path: Path, say: Say) -> None:
    async with short_lives(tmp_path) as world:
        for number in range(KILLS):
            async with world.life(listens="ntfy", dies="received"):
                await world.ntfy.opened(2 * number + 1)
                await world.ntfy.type(f"{TOPIC}-cmd", "status")
            check_unsent(world, "ntfy", number)
            async with world.life(listens="ntfy"):
                pass
        await check_answered_once(world, "ntfy", say)
