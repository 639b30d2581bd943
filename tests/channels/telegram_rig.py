"""A Telegram channel against the fake Telegram, with what it needs from our records held in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import aiohttp

from channels.port import Channel
from channels.pulse import Pulse
from channels.telegram import TelegramChannel, connect
from channels.telegram_api import TelegramApi
from channels.telegram_settings import TelegramSettings
from domain.messages import Inbound
from domain.notices import Choice, ChoiceStyle, Notice, NoticeKind
from tests.fakes.providers.telegram import TOKEN, FakeTelegram
from tests.fakes.virtual_time import VirtualTime

USER, GROUP = 7001, -5001
APPROVE = Choice("Approve", "ok K7M", ChoiceStyle.APPROVE)
DENY = Choice("Deny", "no K7M", ChoiceStyle.DENY)
WHY = Choice("Why", "why K7M")
PNG = b"\x89PNG\r\n\x1a\n made up"


@dataclass(slots=True)
class MemoryDesk:
    """Mints numbered tokens, knows the cards a test lays down and one code."""

    cards: dict[tuple[str, str], str] = field(default_factory=dict)
    one_time_code: str | None = "482913"
    minted: list[tuple[str, Notice]] = field(default_factory=list)
    token: Callable[[int], str] = "token-{}".format

    async def mint(self, to: str, notice: Notice) -> tuple[str, ...]:
        self.minted.append((to, notice))
        return tuple(self.token(len(self.minted) * 10 + number) for number in range(len(notice.choices)))

    async def card(self, to: str, subject: str) -> str | None:
        return self.cards.get((to, subject))

    async def code(self, confirmation: str) -> str | None:
        assert confirmation
        return self.one_time_code


@dataclass(slots=True)
class MemoryCursors:
    """Positions that outlive what reads them."""

    kept: dict[str, str] = field(default_factory=dict)

    async def read(self, name: str) -> str | None:
        return self.kept.get(name)

    async def keep(self, name: str, position: str) -> None:
        self.kept[name] = position


@dataclass(slots=True)
class ClaimingReceiver:
    """Records messages as the bot does: each id once. `script` says what the next calls answer, then all are recorded."""

    effects: list[Inbound] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    script: list[bool] = field(default_factory=list)
    after: Callable[[Inbound], None] = lambda _message: None

    async def __call__(self, message: Inbound) -> bool:
        self.calls.append(message.message_id)
        recorded = self.script.pop(0) if self.script else True
        if recorded and message.message_id not in [effect.message_id for effect in self.effects]:
            self.effects.append(message)
        self.after(message)
        return recorded

    @property
    def texts(self) -> list[str]:
        return [effect.text for effect in self.effects]


@dataclass(slots=True)
class Rig:
    """Everything a delivery test looks at."""

    time: VirtualTime
    fake: FakeTelegram
    session: aiohttp.ClientSession
    desk: MemoryDesk = field(default_factory=MemoryDesk)
    pulse: Pulse = field(default_factory=lambda: Pulse("telegram"))
    pictures: dict[str, bytes | None] = field(default_factory=dict)
    migrated: list[tuple[int, int]] = field(default_factory=list)

    def api(self, token: str = TOKEN) -> TelegramApi:
        settings = TelegramSettings(token, frozenset({GROUP}), "a-secret-of-the-webhook", self.fake.url)
        return connect(settings, self.session)

    def channel(self, api: TelegramApi | None = None) -> Channel:
        return TelegramChannel(api or self.api(), self.desk, self._draw, self._moved, self.time, self.pulse)

    async def _draw(self, document: str) -> bytes | None:
        return self.pictures[document]

    async def _moved(self, old: int, new: int) -> None:
        self.migrated.append((old, new))


@asynccontextmanager
async def telegram_rig() -> AsyncIterator[Rig]:
    """Serve a fake Telegram with one user, who has started the bot, and one group."""
    time = VirtualTime()
    async with FakeTelegram(time, long_poll=long_poll(time)) as fake, aiohttp.ClientSession() as session:
        fake.start(USER)
        fake.group(GROUP)
        yield Rig(time, fake, session)


def long_poll(time: VirtualTime) -> Callable[[float], asyncio.Future[None]]:
    """Return what passes the time of an empty poll: a test moves the clock."""
    return lambda seconds: asyncio.ensure_future(time.wait_until(time.now() + timedelta(seconds=seconds)))


def notice(kind: NoticeKind = NoticeKind.REPLY, text: str = "All quiet.", **more: object) -> Notice:
    """Return a notice."""
    return Notice(f"key:{kind.value}:{text[:20]}", kind, text, **more)  # type: ignore[arg-type]  # a test names what it needs
