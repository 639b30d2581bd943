"""Killed at any moment, the bot loses nothing it acknowledged and does nothing twice."""

import asyncio
import os
import random
import signal
import subprocess
from pathlib import Path

import pytest

from tests.chaos.installed_bot import Client, InstalledBot

KILLS = 1000 if os.environ.get("REINS_FULL_SWEEP") == "1" else 200
CLIENTS = 4
LIVES_SECONDS = (0.0, 0.35)  # from before the first request is answered to long after
TEXTS = ["status", "whoami", "last", "run mutation", "run triage", "run mutation", "rnu mutation", "audit", "mutation"]


class Killer:
    """Starts the bot through the spawner, lets it live for a random moment, and kills it."""

    def __init__(self, spawner: subprocess.Popen[str], chance: random.Random) -> None:
        self._spawner = spawner
        self._chance = chance
        self.kills = 0

    async def run(self) -> int:
        """Kill and start again, and return the process id of the last one, which lives on."""
        while self.kills < KILLS:
            child = await self.start()
            await asyncio.sleep(self._chance.uniform(*LIVES_SECONDS))
            os.kill(child, signal.SIGKILL)
            assert await self.ended() == signal.SIGKILL
            self.kills += 1
        return await self.start()

    async def start(self) -> int:
        assert self._spawner.stdin is not None
        self._spawner.stdin.write("start\n")
        self._spawner.stdin.flush()
        return int(await self._line())

    async def ended(self) -> int:
        """Return the child's wait status once it has ended."""
        return int(await self._line())

    async def _line(self) -> str:
        assert self._spawner.stdout is not None
        return await asyncio.to_thread(self._spawner.stdout.readline)


async def talk(client: Client, chance: random.Random, killing: "asyncio.Task[int]") -> int:
    """Send messages until the killing is over, some of them a second time; return how many were repeats."""
    repeats = 0
    while not killing.done():
        if client.said and chance.random() < 0.2:
            earlier = chance.choice(client.said)
            again = await client.say(earlier.text, earlier.nonce)
            assert again.body["repeated"]
            assert again.kept == earlier.kept
            repeats += 1
        else:
            assert (await client.say(chance.choice(TEXTS))).status == 200
    return repeats


@pytest.mark.long
@pytest.mark.chaos
async def test_kills(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seed = random.SystemRandom().randrange(10**6)
    chance, bot = random.Random(seed), await asyncio.to_thread(InstalledBot, tmp_path)
    with bot.program("-m", "tests.chaos.spawner", str(bot.log)) as spawner:
        killer = Killer(spawner, chance)
        first = await killer.start()
        async with bot.client() as client:
            os.kill(first, signal.SIGKILL)
            await killer.ended()
            clients = [client, *(Client(client.http) for _ in range(CLIENTS - 1))]
            killing = asyncio.create_task(killer.run())
            repeats = await asyncio.gather(*(talk(one, chance, killing) for one in clients))
            last = await killing
            said = [one for speaker in clients for one in speaker.said]
            await bot.at_rest()
            runs = bot.check_runs()
            again = Client(client.http)
            for one in chance.sample(said, min(len(said), 200)):
                answer = await again.say(one.text, one.nonce)
                assert (answer.body["repeated"], answer.kept) == (True, one.kept)
            assert bot.check_runs() == runs
            os.kill(last, signal.SIGTERM)
            assert await killer.ended() == 0
    bot.check_acknowledged(said)
    report = bot.verified()
    assert report.ok, report.problem
    assert bot.faults_in_log() == []
    restarted = [
        job for job in (bot.home.forge_folder / "jobs").glob("*.json") if '"starts": 1,' not in job.read_text()
    ]
    with capsys.disabled():
        print(  # noqa: T201 - the figures are the point
            f"\nseed {seed}: {killer.kills + 1} kills, {len(said)} acknowledged messages, {sum(repeats)} repeats,"
            f" {runs} runs ({len(restarted)} interrupted and resumed), {report.rows} audit rows"
        )
    assert runs
