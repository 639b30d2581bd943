"""Waiting: the first of several ends it, the others are cancelled, and a failure is not lost."""

import asyncio

import pytest

from forge.local_time import first_of


async def test_the_first_that_is_done_ends_the_wait_and_cancels_the_others() -> None:
    never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    await first_of(asyncio.sleep(0), never)
    assert never.cancelled()


async def test_the_failure_of_the_first_is_raised() -> None:
    async def failing() -> None:
        raise LookupError("the clock is gone")

    with pytest.raises(LookupError):
        await first_of(failing(), asyncio.Event().wait())
