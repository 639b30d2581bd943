"""Doing something with Telegram until it works, saying meanwhile what is wrong."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog

from channels.pulse import Pulse
from channels.telegram_failures import Refused, TelegramFailure
from domain.clock import Clock

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
SECOND_POLLER = "another process fetches this bot's updates, or a webhook is set: each takes the other's messages"
UNKNOWN_TOKEN = "Telegram does not know the bot's token"  # noqa: S105 - a sentence, no secret
Result = TypeVar("Result")
log = structlog.get_logger("telegram")


@dataclass(frozen=True, slots=True)
class Patience:
    """Tries again after 1, 2, 4 ... 60 seconds, or after what Telegram asks for; `wait` passes time until `stop`."""

    pulse: Pulse
    clock: Clock
    wait: Callable[[asyncio.Event, float], Awaitable[None]]

    async def until_done(self, stop: asyncio.Event, step: Callable[[], Awaitable[Result]]) -> Result | None:
        """Return what the step gave, None when `stop` was set first. A step under way is then given up."""
        seconds = FIRST_WAIT_SECONDS
        while not stop.is_set():
            try:
                return await _unless_stopped(stop, step)
            except TelegramFailure as failure:
                reason = _reason(failure)
                asked = failure.retry_after_seconds if isinstance(failure, Refused) else None
                log.warning("telegram_trouble", reason=reason, again_in_seconds=asked or seconds)
                self.pulse.trouble(reason, self.clock.now())
                await self.wait(stop, asked or seconds)
                seconds = min(seconds * 2, LONGEST_WAIT_SECONDS)
        return None


async def _unless_stopped(stop: asyncio.Event, step: Callable[[], Awaitable[Result]]) -> Result | None:
    """Await the step, but no longer than until `stop` is set: a long poll would hold up the end of the process."""
    trying, stopping = asyncio.ensure_future(step()), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({trying, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return trying.result() if trying.done() else None
    finally:
        trying.cancel()
        stopping.cancel()
        await asyncio.gather(trying, stopping, return_exceptions=True)


def _reason(failure: TelegramFailure) -> str:
    match failure:
        case Refused(status=409):
            return SECOND_POLLER
        case Refused(status=401 | 404):
            return UNKNOWN_TOKEN
        case _:
            return str(failure)
