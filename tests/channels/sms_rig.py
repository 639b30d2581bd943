"""An SMS channel wired to a fake Twilio, and what it tells its surroundings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

import aiohttp

from channels.calls import Caller
from channels.port import Earlier
from channels.pulse import Pulse
from channels.sms import SmsChannel, SmsParts
from channels.sms_settings import SmsSettings
from domain.notices import Notice, NoticeKind
from tests.fakes.providers.twilio import ACCOUNT, NUMBER, PUBLIC_URL, TOKEN, FakeTwilio
from tests.fakes.virtual_time import VirtualTime

ANN = "+41790000001"
SETTINGS = SmsSettings(ACCOUNT, (TOKEN,), NUMBER, None, PUBLIC_URL, ("+41", "+1"))
REPLY = Notice("reply:1", NoticeKind.REPLY, "mode operate, nothing waits")
SOON_SECONDS = 0.2  # for the one fault in which nothing ever comes


class CodeDesk:
    """A desk that knows one code; SMS asks it for nothing else."""

    def __init__(self, code: str | None = "482913") -> None:
        self.asked: list[str] = []
        self._code = code

    async def mint(self, to: str, notice: Notice) -> tuple[str, ...]:
        raise AssertionError((to, notice))

    async def card(self, to: str, subject: str) -> str | None:
        raise AssertionError((to, subject))

    async def code(self, confirmation: str) -> str | None:
        self.asked.append(confirmation)
        return self._code


@dataclass
class SmsRig:
    """The channel, its fake provider, and what was noted."""

    twilio: FakeTwilio
    channel: SmsChannel
    clock: VirtualTime
    desk: CodeDesk
    pulse: Pulse
    opted_out: list[str] = field(default_factory=list)

    def since(self, provider_id: str | None = None, at: datetime | None = None) -> Earlier:
        return Earlier(at or self.clock.now(), provider_id)


@asynccontextmanager
async def sms_rig(
    settings: SmsSettings = SETTINGS,
    desk: CodeDesk | None = None,
    call_seconds: float = 10.0,
    narrowed: tuple[str, ...] = (),
) -> AsyncIterator[SmsRig]:
    clock, pulse, opted_out = VirtualTime(), Pulse("sms"), list[str]()

    async def note_opt_out(number: str) -> None:
        opted_out.append(number)

    async with FakeTwilio(clock) as twilio, aiohttp.ClientSession() as session:
        desk = desk or CodeDesk()
        parts = SmsParts(Caller(session, call_seconds), desk, clock, pulse, note_opt_out, lambda: narrowed)
        channel = SmsChannel(replace(settings, api_base=twilio.url), parts)
        yield SmsRig(twilio, channel, clock, desk, pulse, opted_out)
