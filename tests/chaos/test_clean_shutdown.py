"""SIGTERM in the middle of everything: a clean end in time, nothing acknowledged lost, and every run brought to its end."""

import asyncio
import subprocess
import time
from pathlib import Path

import aiohttp
import pytest

from bot.serve import SHUTDOWN_GRACE_SECONDS
from tests.chaos.installed_bot import Client, InstalledBot, Said

TEXTS = ["run mutation", "status", "run triage", "last", "whoami"]


async def talk_until_refused(client: Client, answered: asyncio.Semaphore) -> None:
    """Send messages until nobody takes them any more; each answer releases the semaphore."""
    number = 0
    while True:
        try:
            await client.say_once(TEXTS[number % len(TEXTS)])
        except (aiohttp.ClientError, ConnectionError):
            return
        answered.release()
        number += 1


async def ended(process: subprocess.Popen[str]) -> int:
    return await asyncio.to_thread(process.wait, 2 * SHUTDOWN_GRACE_SECONDS)


@pytest.mark.chaos
@pytest.mark.parametrize("messages_before", [0, 1, 40])
async def test_a_bot_that_is_told_to_stop(tmp_path: Path, messages_before: int) -> None:
    bot = await asyncio.to_thread(InstalledBot, tmp_path)
    said: list[Said] = []
    with bot.process() as process:
        async with bot.client() as client:
            clients = [Client(client.http) for _ in range(4)]
            answered = asyncio.Semaphore(0)
            talking = [asyncio.create_task(talk_until_refused(one, answered)) for one in clients]
            for _ in range(messages_before):
                await answered.acquire()
            began = time.monotonic()
            process.terminate()
            assert await ended(process) == 0
            assert time.monotonic() - began < SHUTDOWN_GRACE_SECONDS
            await asyncio.gather(*talking)
            said = [answer for one in clients for answer in one.said if answer.status == 200]
    assert len(said) >= messages_before
    bot.check_acknowledged(said)
    assert bot.verified().ok
    with bot.process() as process:
        async with bot.client() as client:
            await bot.at_rest()
            assert bot.check_runs() >= (1 if messages_before else 0)
            for one in said[-5:]:
                again = await client.say(one.text, one.nonce)
                assert (again.body["repeated"], again.kept) == (True, one.kept)
            process.terminate()
            assert await ended(process) == 0
    assert bot.verified().ok
    assert bot.faults_in_log() == []
