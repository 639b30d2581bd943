"""What people write: one stream over everybody's command topics, read on from where it ended."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from channels.ntfy_inbound import UnusableLineError, read_line
from channels.ntfy_server import Forbidden, NtfyServer
from channels.ntfy_settings import TOPIC, command_topic
from channels.port import Broken, Cursors, NotNow
from channels.pulse import Pulse
from domain.clock import Clock
from domain.ids import Entropy
from domain.messages import Inbound
from domain.people import Address, AddressKind

CURSOR = "ntfy"
SILENCE = timedelta(seconds=2 * 45 + 30)  # the server says something every 45 s
LOOK_SECONDS = 5.0  # how often silence and changed topics are noticed
ASK_AGAIN = timedelta(minutes=10)  # whether topics that were refused may be read by now
REFUSED_SECONDS = 60.0  # a token that is refused 30 times shuts our whole address out
BUSY_SECONDS = 60.0
UNRECORDED_SECONDS = 2.0
MAX_BACKOFF_SECONDS = 60.0
_MAX_DOUBLINGS = 6  # 2**6 s is past the most we wait
log = structlog.get_logger("ntfy")


@dataclass(frozen=True, slots=True)
class StreamParts:
    """What the stream works with.

    `topics` names the out topics of all people and is asked again and again; `receive` says whether a message is
    durably recorded, and knows messages it has seen: a server that lost our place sends everything it has kept.
    """

    server: NtfyServer
    topics: Callable[[], Sequence[str]]
    receive: Callable[[Inbound], Awaitable[bool]]
    cursors: Cursors
    pulse: Pulse
    clock: Clock
    entropy: Entropy
    wait: Callable[[asyncio.Event, float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Connection:
    values: frozenset[str]  # everybody's topics when it was opened, refused ones too
    refused: frozenset[str]
    opened_at: datetime


class NtfyStream:
    """Reads commands and presses; each is recorded before the stream goes on after it."""

    def __init__(self, parts: StreamParts) -> None:
        """Wire the stream; nothing is read until `run_forever`."""
        self._parts = parts
        self._refused: frozenset[str] = frozenset()
        self._failures = 0

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Follow the topics until `stop` is set, whatever the server does."""
        while not stop.is_set():
            seconds = await self._follow(stop)
            if seconds:
                await self._parts.wait(stop, seconds)

    async def _follow(self, stop: asyncio.Event) -> float:
        """Follow the stream until it ends, and return how long to wait before the next one."""
        values = self._values()
        if not values:
            self._parts.pulse.polls = False  # silence means nothing while nobody could write
            return LOOK_SECONDS
        try:
            return await self._subscribe(values, stop)
        except Broken as error:
            self._trouble(str(error))
            return REFUSED_SECONDS
        except NotNow as error:
            self._trouble(str(error))
            backoff = self._backoff()
            return backoff if error.retry_after_seconds is None else max(BUSY_SECONDS, backoff)

    async def _subscribe(self, values: frozenset[str], stop: asyncio.Event) -> float:
        since = await self._parts.cursors.read(CURSOR) or "none"  # the first time, what was written before stays undone
        if values <= self._refused:
            self._refused = frozenset()
        readable = sorted(values - self._refused)
        try:
            async with self._parts.server.subscription([command_topic(value) for value in readable], since) as lines:
                return await self._read(lines, _Connection(values, self._refused, self._parts.clock.now()), stop)
        except Forbidden:
            # One topic that may not be read makes the server refuse all of them: nobody could halt any more.
            may = {value: await self._parts.server.may_read(command_topic(value)) for value in readable}
            if not any(may.values()) or all(may.values()):
                self._refused = frozenset()
                raise
            self._refused |= {value for value, allowed in may.items() if not allowed}
            return 0.0

    async def _read(self, lines: AsyncIterator[bytes], connection: _Connection, stop: asyncio.Event) -> float:
        heard_at = connection.opened_at
        line = asyncio.ensure_future(_next(lines))
        try:
            while not self._is_over(connection, stop):
                await self._wait_for(line, stop)
                now = self._parts.clock.now()
                if line.done():
                    raw = line.result()
                    if raw is None:
                        return self._backoff()
                    heard_at = now
                    self._heard(connection)
                    if not await self._take(raw, connection.values):
                        return UNRECORDED_SECONDS
                    line = asyncio.ensure_future(_next(lines))
                elif now - heard_at > SILENCE:
                    raise NotNow(f"nothing heard for {SILENCE.seconds} s")
            return 0.0
        finally:
            await _end(line)

    async def _wait_for(self, line: asyncio.Future[bytes | None], stop: asyncio.Event) -> None:
        look: asyncio.Future[None] = asyncio.ensure_future(self._parts.wait(stop, LOOK_SECONDS))
        either: set[asyncio.Future[Any]] = {line, look}
        try:
            done, _ = await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if look in done:
                look.result()
        finally:
            await _end(look)

    async def _take(self, raw: bytes, values: frozenset[str]) -> bool:
        """Hand one line on; return False when it could not be recorded."""
        try:
            read = read_line(raw, values, self._parts.clock.now())
        except UnusableLineError as error:
            log.warning("ntfy_line_passed_over", reason=str(error), size_bytes=len(raw))
            return True
        if isinstance(read, Inbound):
            if not await self._parts.receive(read):
                return False
            await self._parts.cursors.keep(CURSOR, read.message_id)
        elif read.event == "open" and read.time_s is not None and await self._parts.cursors.read(CURSOR) is None:
            # What is written from now on must not be lost when this first stream breaks before its first message.
            await self._parts.cursors.keep(CURSOR, str(read.time_s))
        return True

    def _heard(self, connection: _Connection) -> None:
        self._failures = 0
        self._parts.pulse.polls = True
        self._parts.pulse.polled(self._parts.clock.now())
        if connection.refused:
            # Masked: where the server is open to everybody, a topic's name is all that guards it.
            whose = ", ".join(Address(AddressKind.NTFY, value).masked() for value in sorted(connection.refused))
            self._trouble(f"ntfy does not let us read the command topic of {whose}")

    def _is_over(self, connection: _Connection, stop: asyncio.Event) -> bool:
        """Tell whether to hang up, so that the topics are looked at again."""
        if stop.is_set() or self._values() != connection.values:
            return True
        if connection.refused and self._parts.clock.now() - connection.opened_at > ASK_AGAIN:
            self._refused = frozenset()
            return True
        return False

    def _values(self) -> frozenset[str]:
        return frozenset(value for value in self._parts.topics() if TOPIC.fullmatch(value))

    def _trouble(self, reason: str) -> None:
        if self._parts.pulse.problem != reason:
            log.warning("ntfy_stream_trouble", reason=reason)
        self._parts.pulse.trouble(reason, self._parts.clock.now())

    def _backoff(self) -> float:
        """Return a random time in the upper half of 2, 4, 8 ... 60 s."""
        self._failures += 1
        longest = min(2.0 ** min(self._failures, _MAX_DOUBLINGS), MAX_BACKOFF_SECONDS)
        share = int.from_bytes(self._parts.entropy.token(4), "big") / 2**32
        return longest * (1 + share) / 2


async def _next(lines: AsyncIterator[bytes]) -> bytes | None:
    return await anext(lines, None)


async def _end(task: asyncio.Future[Any]) -> None:
    """Cancel what is still under way, and leave nothing running behind."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
