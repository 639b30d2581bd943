"""What conversations about runs on GitHub wait for, and how time passes in them."""

import asyncio
from collections.abc import Awaitable, Callable

from domain.runs import Run, RunState
from tests.fakes.connected_bot import ConnectedWorld
from tests.fakes.providers.github import FakeGitHub
from tests.fakes.served_bot import PATIENCE_SECONDS


async def eventually(look: Callable[[], Awaitable[bool]]) -> None:
    """Look until it is so; the bot works in between, because every look waits for the store."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await look():
            pass


async def the_run(world: ConnectedWorld) -> Run:
    (run,) = await world.bot.bot.store.read(lambda tables: tables.runs.latest(2))
    return run


async def dispatch_becomes(world: ConnectedWorld, outcome: str) -> None:
    async def look() -> bool:
        outcomes = [row["outcome"] for row in await world.audit() if row["action"] == "effect-dispatch"]
        return outcomes[-1:] == [outcome]

    await eventually(look)


async def becomes(world: ConnectedWorld, state: RunState) -> Run:
    async def look() -> bool:
        return (await the_run(world)).state is state

    await eventually(look)
    return await the_run(world)


async def later(world: ConnectedWorld, seconds: float) -> None:
    await world.pass_time(seconds)
    world.bot.bot.watch.wake()


def asked(github: FakeGitHub, operation: str) -> int:
    return [seen.operation for seen in github.seen].count(operation)
