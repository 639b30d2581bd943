"""Ending a server in a test without leaving a connection open, whose warning would hit another test."""

import asyncio

from aiohttp import web

ACCEPTING_TURNS = 5  # of the event loop, from a connection that the kernel took to a handler that knows of it


async def stop_serving(runner: web.AppRunner) -> None:
    """Take no more connections, let those that were just taken become known, and end them all.

    asyncio forgets a connection whose handler is still being made while its server closes: nobody would close it.
    """
    loop = asyncio.get_running_loop()
    for site in runner.sites:
        server = getattr(site, "_server", None)  # aiohttp shows its sockets nowhere else
        for listening in server.sockets if server is not None else ():
            loop.remove_reader(listening.fileno())
    for _ in range(ACCEPTING_TURNS):
        await asyncio.sleep(0)
    await runner.cleanup()
