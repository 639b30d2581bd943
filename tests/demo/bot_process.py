"""The real bot as a process of its own, set up in a folder and told by its environment where its providers are."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
READY = b"Reins answers at"
STOPPING_SECONDS = 15.0  # the bot gives its own tasks ten


class BotFailedError(Exception):
    """The bot, or one of its commands, ended by itself; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Bot:
    """A running bot: where it answers, and what its commands need."""

    url: str
    environment: Mapping[str, str]
    folder: Path

    async def command(self, *arguments: str) -> str:
        """Run one of the bot's commands beside it, and return what it says."""
        return await run_command(self.environment, self.folder, *arguments)


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment_of(folder: Path, port: int, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a bot: nothing of ours that could change it, and these settings."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("REINS_", "AUTONOMY_"))}
    return ours | {
        "PYTHONPATH": str(CHECKOUT),
        "REINS_HOME": str(folder / "home"),
        "REINS_PORT": str(port),
        "REINS_PUBLIC_URL": f"http://127.0.0.1:{port}",
        **{f"REINS_{name}": value for name, value in settings.items()},
    }


async def set_up(environment: Mapping[str, str], folder: Path) -> None:
    """Let the bot make its state folder."""
    await run_command(environment, folder, "init")


@asynccontextmanager
async def running_bot(environment: Mapping[str, str], folder: Path) -> AsyncIterator[Bot]:
    """Run a bot that was set up; yields once it answers, and stops it at the end. Its words go to `bot.log`.

    Raises:
        BotFailedError: it ended before it answered.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "serve", "--no-link"),
        cwd=folder,  # a reins.toml in the checkout is somebody's own
        env=dict(environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    ready = asyncio.Event()
    listening = asyncio.create_task(_keep_words(process.stdout, folder / "bot.log", ready))
    try:
        await ready.wait()
        if process.returncode is not None or listening.done():
            raise BotFailedError((folder / "bot.log").read_text())
        yield Bot(environment["REINS_PUBLIC_URL"], environment, folder)
    finally:
        await _stop(process)
        await listening


async def _keep_words(output: asyncio.StreamReader, log: Path, ready: asyncio.Event) -> None:
    with log.open("wb", buffering=0) as file:
        async for line in output:
            file.write(line)
            if line.startswith(READY):
                ready.set()
    ready.set()  # it ended: whoever waits must look why


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOPPING_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


async def run_command(environment: Mapping[str, str], folder: Path, *arguments: str) -> str:
    """Run one of the bot's commands, and return what it says.

    Raises:
        BotFailedError: it did not end well.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *arguments),
        cwd=folder,
        env=dict(environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    if process.returncode != 0:
        raise BotFailedError(said.decode())
    return said.decode()
