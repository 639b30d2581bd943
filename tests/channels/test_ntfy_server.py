"""A ntfy server that hangs, or cannot even be connected to: no call and no stream waits for ever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from channels.ntfy_server import Forbidden, NtfyServer
from channels.port import DeliveryError, NotNow

SOON_SECONDS = 0.05


@asynccontextmanager
async def hanging(words: bytes) -> AsyncIterator[str]:
    """Serve somebody who takes every request, says these words and then nothing more."""
    closing = asyncio.Event()

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        await closing.wait()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        closing.set()
        server.close()
        await server.wait_closed()


async def refused(server: NtfyServer) -> DeliveryError:
    """Return how subscribing fails."""
    with pytest.raises(DeliveryError) as caught:
        async with server.subscription(["ops-cmd"], "none"):
            pass
    return caught.value


async def test_a_stream_that_never_begins_is_given_up() -> None:
    async with hanging(b"") as url, aiohttp.ClientSession() as http:
        error = await refused(NtfyServer(http, url, None, SOON_SECONDS))
        assert isinstance(error, NotNow)
        assert str(error) == "ntfy cannot be reached: TimeoutError"


async def test_a_refusal_whose_words_never_come_is_a_refusal() -> None:
    words = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\n"
    async with hanging(words) as url, aiohttp.ClientSession() as http:
        assert isinstance(await refused(NtfyServer(http, url, None, SOON_SECONDS)), Forbidden)


async def test_what_never_got_a_connection_was_not_sent() -> None:
    headers = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    one_connection = aiohttp.TCPConnector(limit=1)
    async with hanging(headers) as url, aiohttp.ClientSession(connector=one_connection) as http:
        server = NtfyServer(http, url, None, 20 * SOON_SECONDS)
        async with server.subscription(["ops-cmd"], "none"):
            with pytest.raises(NotNow, match="cannot be reached: ConnectionTimeoutError"):
                await server.publish({"topic": "ops"})
