"""A fake provider in a thread of its own: the command under test runs an event loop in this one.

with beside(FakeTwilio(SystemClock())) as twilio:
    reins.run("notify", "test", "ann")
"""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
PATIENCE_SECONDS = 10.0  # starting and ending take milliseconds


@contextmanager
def beside(provider: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Serve a provider until the block is left, which fails on whatever did not conform."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def there(coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(PATIENCE_SECONDS)

    async def leave() -> None:
        await provider.__aexit__(None, None, None)

    try:
        yield there(_enter(provider))
        asyncio.run_coroutine_threadsafe(leave(), loop).result(PATIENCE_SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _enter(provider: AbstractAsyncContextManager[T]) -> T:
    return await provider.__aenter__()
