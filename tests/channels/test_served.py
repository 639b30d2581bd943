"""A stand-in that goes away leaves no connection open, also none that was taken in its last moment."""

import asyncio
import socket
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from tests.fakes.providers.fault_middleware import Served

PATIENCE_SECONDS = 5.0  # a connection that nobody closes is found by this


@pytest.mark.parametrize("turns", range(8))
async def test_a_connection_is_closed_however_far_its_taking_has_come(turns: int) -> None:
    served = Served(web.Application())
    await served.start()
    address = urlsplit(served.url)
    with socket.create_connection((address.hostname, address.port)) as caller:  # the kernel takes it by itself
        caller.settimeout(PATIENCE_SECONDS)
        for _ in range(turns):
            await asyncio.sleep(0)
        await served.stop()
        with suppress(ConnectionResetError):  # the port was closed before the loop had taken it
            assert await asyncio.to_thread(caller.recv, 1) == b""
