"""A ntfy channel and its stream over a real loopback server, with our records played by memory.

async with ntfy_rig(version=(2, 13), actions="hook") as rig:
    handed = await rig.channel.deliver("ops", notice, repeat=False)
    rig.ntfy.notifications("ops")
    async with rig.streaming("ops") as taken: ...      # taken.inbound: what the bot was handed, ids once
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import aiohttp

from channels.ntfy import NtfyChannel
from channels.ntfy_server import NtfyServer
from channels.ntfy_settings import ButtonMode, NtfySettings
from channels.ntfy_stream import LOOK_SECONDS, NtfyStream, StreamParts
from channels.pulse import Pulse
from domain.messages import Inbound
from domain.notices import Notice
from tests.fakes.entropy import SeededEntropy
from tests.fakes.providers.ntfy import FakeNtfy
from tests.fakes.providers.ntfy_rules import Version
from tests.fakes.virtual_time import VirtualTime

BOT_TOKEN = "tk_bot"
PHONE_TOKEN = "tk_phone"


@dataclass
class MemoryDesk:
    """Tokens that can be foreseen, cards by hand, and one code for everybody."""

    minted: list[Notice] = field(default_factory=list)
    cards: dict[tuple[str, str], str] = field(default_factory=dict)
    the_code: str | None = None

    async def mint(self, to: str, notice: Notice) -> tuple[str, ...]:
        assert to.startswith("ntfy:")
        self.minted.append(notice)
        return tuple(f"{len(self.minted):04d}{i:028x}" for i, _ in enumerate(notice.choices))

    async def card(self, to: str, subject: str) -> str | None:
        return self.cards.get((to, subject))

    async def code(self, confirmation: str) -> str | None:
        assert confirmation
        return self.the_code


@dataclass
class MemoryCursors:
    """Positions, and every one that was ever kept."""

    positions: dict[str, str] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    kept_first: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, name: str) -> str | None:
        return self.positions.get(name)

    async def keep(self, name: str, position: str) -> None:
        self.positions[name] = position
        self.kept.append(position)
        self.kept_first.set()


class Taken:
    """The bot's door: claims each message id once, as the inbox does, and can be shut."""

    def __init__(self) -> None:
        self.inbound: list[Inbound] = []
        self.offers = 0
        self.recording = True
        self.failure: Exception | None = None
        self._changed = asyncio.Condition()

    async def receive(self, message: Inbound) -> bool:
        self.offers += 1
        if self.failure is not None:
            raise self.failure
        if self.recording and message.message_id not in {one.message_id for one in self.inbound}:
            self.inbound.append(message)
        async with self._changed:
            self._changed.notify_all()
        return self.recording

    async def offered(self, count: int) -> None:
        """Wait until that many messages were handed to us, new or not."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.offers >= count)

    @property
    def texts(self) -> list[str]:
        return [one.text for one in self.inbound]


class NtfyRig:
    """What `ntfy_rig` yields; see the module's docstring."""

    def __init__(self, ntfy: FakeNtfy, http: aiohttp.ClientSession, clock: VirtualTime, settings: NtfySettings) -> None:
        self.ntfy = ntfy
        self.http = http
        self.clock = clock
        self.settings = settings
        self.desk = MemoryDesk()
        self.cursors = MemoryCursors()
        self.pulse = Pulse("ntfy")
        self.stream_pulse = Pulse("ntfy commands", polls=True)
        self.topics = ["ops"]
        self.taken = Taken()
        self.pauses: asyncio.Queue[float] = asyncio.Queue()
        self.server = self.new_server()
        self.channel = NtfyChannel(self.server, settings, self.desk, self.pulse, clock)

    def new_server(self, timeout_seconds: float = 10.0, token: str | None = BOT_TOKEN) -> NtfyServer:
        return NtfyServer(self.http, self.settings.server, token, timeout_seconds)

    def new_channel(self, server: NtfyServer) -> NtfyChannel:
        return NtfyChannel(server, self.settings, self.desk, self.pulse, self.clock)

    async def pause_is_over(self) -> float:
        """Let the stream's next pause pass, and return how long it was."""
        seconds = await self.pauses.get()
        await self.clock.someone_waits(seconds)
        self.clock.advance(seconds)
        return seconds

    @asynccontextmanager
    async def streaming(self) -> AsyncIterator[asyncio.Event]:
        """Run the stream as a task; yields the event that stops it, and waits for its end."""
        stop = asyncio.Event()

        async def wait(stop: asyncio.Event, seconds: float) -> None:
            if seconds != LOOK_SECONDS:
                self.pauses.put_nowait(seconds)
            until = asyncio.ensure_future(self.clock.wait_until(self.clock.now() + timedelta(seconds=seconds)))
            stopped = asyncio.ensure_future(stop.wait())
            try:
                await asyncio.wait({until, stopped}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in (until, stopped):
                    one.cancel()
                await asyncio.gather(until, stopped, return_exceptions=True)

        parts = StreamParts(
            server=self.server,
            topics=lambda: self.topics,
            receive=self.taken.receive,
            cursors=self.cursors,
            pulse=self.stream_pulse,
            clock=self.clock,
            entropy=SeededEntropy(),
            wait=wait,
        )
        task = asyncio.create_task(NtfyStream(parts).run_forever(stop))
        try:
            yield stop
        finally:
            stop.set()
            await task


@asynccontextmanager
async def ntfy_rig(
    *,
    version: Version = (2, 17),
    actions: ButtonMode = "hook",
    public_url: str = "https://reins.example",
    bot_reads_out: bool = True,
    attachments: bool = True,
) -> AsyncIterator[NtfyRig]:
    """Start a server with a user for the bot and one for the phones."""
    clock = VirtualTime()
    async with FakeNtfy(clock, version=version, attachments=attachments) as ntfy, aiohttp.ClientSession() as http:
        ntfy.user(BOT_TOKEN, write=["ops", "sec"], read=["*-cmd", *(["ops", "sec"] if bot_reads_out else [])])
        ntfy.user(PHONE_TOKEN, write=["*-cmd"], read=["ops", "sec"])
        ntfy.phone_token = PHONE_TOKEN
        settings = NtfySettings(ntfy.url, public_url, BOT_TOKEN, PHONE_TOKEN, actions)
        yield NtfyRig(ntfy, http, clock, settings)
