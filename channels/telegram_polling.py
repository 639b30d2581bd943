"""Fetching updates from Telegram: recorded first, confirmed afterwards, so that a crash loses none."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from channels.port import Cursors
from channels.pulse import Pulse
from channels.telegram_failures import Unclear
from channels.telegram_patience import Patience
from channels.telegram_updates import BadUpdate, Ignored, UpdateReader
from domain.clock import Clock, from_text, to_text
from domain.messages import Inbound

if TYPE_CHECKING:
    from channels.telegram_api import TelegramApi

POLL_SECONDS = 25  # Telegram holds a poll at most 50 s; proxies in between often less
UNRECORDED_WAIT_SECONDS = 2.0
# After a week without updates Telegram starts with random ids again (Bot API, Update), and our offset may lie above.
OFFSET_LIFETIME = timedelta(days=6)
Receive = Callable[[Inbound], Awaitable[bool]]
Wait = Callable[[asyncio.Event, float], Awaitable[None]]
Command = tuple[str, str]
log = structlog.get_logger("telegram")


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where updates are confirmed, and when the last of them came."""

    offset: int
    at: datetime

    def text(self) -> str:
        """Return the position as the cursor keeps it."""
        return f"{self.offset} {to_text(self.at)}"

    @classmethod
    def read(cls, text: str) -> "Position":
        """Read a kept position."""
        offset, _, at = text.partition(" ")
        return cls(int(offset), from_text(at))


@dataclass(slots=True)
class TelegramPolling:
    """Fetches updates until told to stop. `receive` answers True once a message is durable.

    The library's own updater confirms updates that are still in memory only, and gives up a whole batch for one odd
    update; this loop does neither. `commands` are the menu's pairs of verb and summary.
    """

    api: "TelegramApi"
    receive: Receive
    cursors: Cursors
    commands: Sequence[Command]
    clock: Clock
    pulse: Pulse
    wait: Wait

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Poll until `stop` is set."""
        patience = Patience(self.pulse, self.clock, self.wait)
        reader = await patience.until_done(stop, self._prepare)
        if reader is None:
            return
        cursor = f"telegram:{reader.us.id}"
        kept = await self.cursors.read(cursor)
        position = None if kept is None else Position.read(kept)
        while not stop.is_set():
            updates = await patience.until_done(stop, partial(self._poll, self._offset(position)))
            if updates and await self._all_recorded(updates, reader, stop):
                position = Position(max(update["update_id"] for update in updates) + 1, self.clock.now())
                await self.cursors.keep(cursor, position.text())

    async def _prepare(self) -> UpdateReader:
        us = await self.api.me()
        await self.api.forget_webhook()  # polls are refused while one is set
        await self.api.set_commands(self.commands)
        return UpdateReader(us, self.api.settings.groups)

    def _offset(self, position: Position | None) -> int | None:
        if position is None or self.clock.now() - position.at > OFFSET_LIFETIME:
            return None
        return position.offset

    async def _poll(self, offset: int | None) -> list[dict[str, Any]]:
        """Return the updates that have an id: one without can neither be recorded nor confirmed."""
        found = await self.api.updates(offset, POLL_SECONDS)
        named = [one for one in found if isinstance(one, dict) and type(one.get("update_id")) is int]
        if found and not named:
            raise Unclear("Telegram's updates have no ids")
        self.pulse.polled(self.clock.now())
        return named

    async def _all_recorded(self, updates: list[dict[str, Any]], reader: UpdateReader, stop: asyncio.Event) -> bool:
        """Have every update recorded, waiting where that is not possible now; False when stopped before the last."""
        for update in updates:
            message = read_or_log(reader, update, self.clock.now())
            while message is not None and not await self.receive(message):
                await self.wait(stop, UNRECORDED_WAIT_SECONDS)
                if stop.is_set():
                    return False
        return True


@dataclass(slots=True)
class TelegramWebhook:
    """The other way to get updates: asks Telegram, until that works, to post them to our public address."""

    api: "TelegramApi"
    public_url: str
    commands: Sequence[Command]
    clock: Clock
    pulse: Pulse
    wait: Wait

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Register, then wait for `stop`; Telegram keeps the registration.

        Raises:
            UserError: there is no secret, or Telegram would not post to that address.
        """
        url, secret = self.api.settings.webhook(self.public_url)

        async def register() -> None:
            await self.api.set_commands(self.commands)
            await self.api.set_webhook(url, secret)
            self.pulse.well()

        await Patience(self.pulse, self.clock, self.wait).until_done(stop, register)
        await stop.wait()


def read_or_log(reader: UpdateReader, update: object, now: datetime) -> Inbound | None:
    """Return the update's message; one that gives none is logged with its id, never with its text."""
    update_id = update.get("update_id") if isinstance(update, dict) else None
    try:
        message = reader.read(update, now)
    except BadUpdate as error:
        log.warning("update_unreadable", update_id=update_id, problem=str(error))
        return None
    if isinstance(message, Ignored):
        log.debug("update_ignored", update_id=update_id, reason=message.reason)
        return None
    return message
