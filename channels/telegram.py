"""The Telegram channel: notices as messages with buttons, one card a run, short answers to presses."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from channels.marks import with_code
from channels.pace import Limit, Pace
from channels.port import Arrival, Broken, Desk, Earlier, Handed, Never, Paced
from channels.pulse import Pulse
from channels.telegram_failures import Refused, TelegramFailure, delivery_error
from channels.telegram_settings import TelegramSettings
from channels.telegram_text import (
    MAX_CAPTION_UNITS,
    MAX_TOAST_UNITS,
    TOO_LONG_TO_APPROVE,
    Button,
    Message,
    Written,
    button,
    cut,
    rows,
    units,
    write,
)
from domain.clock import Clock
from domain.notices import ChoiceStyle, Notice, NoticeKind, Urgency
from domain.people import Address, AddressKind
from domain.untrusted import clean_line

if TYPE_CHECKING:
    import aiohttp

    from channels.telegram_api import TelegramApi

# Bot API, "My bot is hitting limits": about one message a second per chat, 20 a minute per group, 30 a second overall.
CHAT_LIMIT = Limit(3, 3.0)  # one a second, with a short burst
GROUP_LIMITS = (CHAT_LIMIT, Limit(20, 60.0))
OVERALL_LIMIT = Limit(25, 1.0)
UNKNOWN_RETRY_SECONDS = 5
LOOK_BACK_AFTER_SECONDS = 5.0
_ON_THE_CARD = frozenset({NoticeKind.ATTEMPT_START, NoticeKind.ATTEMPT_DONE, NoticeKind.CARD})
Result = TypeVar("Result")
Draw = Callable[[str], Awaitable[bytes | None]]
OnMigrated = Callable[[int, int], Awaitable[None]]


def connect(settings: TelegramSettings, session: "aiohttp.ClientSession") -> "TelegramApi":
    """Return a bot's API. Only here is the library loaded: an installation without Telegram never pays for it."""
    from channels.telegram_api import TelegramApi  # noqa: PLC0415 - 37 MB and half a second, see above

    return TelegramApi(settings, session)


@dataclass(slots=True)
class TelegramChannel:
    """Hands notices to Telegram chats.

    `draw` makes a PNG of a notice's picture, None where it cannot; `on_migrated(old, new)` is told when a group got
    another id: people's settings still name the old one.
    """

    api: "TelegramApi"
    desk: Desk
    draw: Draw
    on_migrated: OnMigrated
    clock: Clock
    pulse: Pulse
    name: str = field(default=AddressKind.TELEGRAM.value, init=False)
    look_back_after_seconds: float = field(default=LOOK_BACK_AFTER_SECONDS, init=False)
    _pace: Pace = field(default_factory=lambda: Pace(OVERALL_LIMIT), init=False)
    _moved: dict[int, int] = field(default_factory=dict, init=False)
    _paused_until: datetime | None = field(default=None, init=False)

    async def deliver(self, value: str, notice: Notice, *, repeat: bool) -> Handed:
        """Hand over one notice (see the port); `value` is a numeric chat id.

        Raises:
            DeliveryError: as the port says.
        """
        self._respect_pause()
        try:
            if notice.kind is NoticeKind.TOAST:
                handed = await self._toast(notice)
            else:
                handed = await self._show(_chat_id(value), notice, repeat=repeat)
        except TelegramFailure as failure:
            raise self._noted(failure) from failure
        self.pulse.accepted(self.clock.now())
        if not self.pulse.polls:
            self.pulse.well()  # a poller knows better than a send whether updates come in
        return handed

    async def look_back(self, value: str, notice: Notice, earlier: Earlier) -> Arrival:  # noqa: ARG002 - the port's
        """Tell that doing it again is safe for answers and edits; Telegram cannot be asked about messages."""
        if notice.kind is NoticeKind.TOAST or notice.kind is NoticeKind.CARD:
            return Arrival.NOT_THERE
        edited = notice.kind in _ON_THE_CARD and await self._card(_chat_id(value), notice) is not None
        return Arrival.NOT_THERE if edited else Arrival.CANNOT_TELL

    async def _toast(self, notice: Notice) -> Handed:
        if notice.acknowledges is None:
            return Handed()
        text = cut(clean_line(notice.text, MAX_TOAST_UNITS), MAX_TOAST_UNITS)
        try:
            await self.api.answer_press(notice.acknowledges, text, alert=notice.urgency is Urgency.HIGH)
        except Refused as refused:
            if not refused.too_late:
                raise
        return Handed()

    async def _show(self, chat: int, notice: Notice, *, repeat: bool) -> Handed:
        card = await self._card(chat, notice) if notice.kind in _ON_THE_CARD else None
        if card is None and notice.kind is NoticeKind.CARD:
            return Handed()
        self._respect_pace(self._moved.get(chat, chat))
        message, tokens = await self._compose(chat, notice, repeat=repeat)
        if card is not None and await self._edited(chat, card, message):
            return Handed(str(card), tokens=tokens)
        if notice.kind is NoticeKind.CARD:
            return Handed()
        sent = await self._perform(chat, message, self.api.send)
        return Handed(str(sent), tokens=tokens)

    async def _card(self, chat: int, notice: Notice) -> int | None:
        if notice.subject is None:
            return None
        shown = await self.desk.card(_to(chat), notice.subject)
        return int(shown) if shown is not None else None

    async def _compose(self, chat: int, notice: Notice, *, repeat: bool) -> tuple[Message, tuple[str, ...]]:
        """Write the notice and have its buttons minted; a text that had to be cut offers no approving button."""
        text = notice.text
        if notice.kind is NoticeKind.CHALLENGE:
            code = await self.desk.code(notice.subject) if notice.subject is not None else None
            text = with_code(text, code)
        written = write(notice, text, repeat=repeat)
        offered = notice if notice.kind is not NoticeKind.CARD else replace(notice, choices=())
        if written.cut and any(choice.style is ChoiceStyle.APPROVE for choice in offered.choices):
            kept = tuple(choice for choice in offered.choices if choice.style is not ChoiceStyle.APPROVE)
            offered = replace(offered, choices=kept)
            written = write(notice, text, repeat=repeat, note=TOO_LONG_TO_APPROVE)
        tokens = await self.desk.mint(_to(chat), offered) if offered.choices else ()
        buttons = [
            button(choice.label, token, choice.style) for choice, token in zip(offered.choices, tokens, strict=True)
        ]
        return await self._message(notice, written, buttons), tokens

    async def _message(self, notice: Notice, written: Written, buttons: list[Button]) -> Message:
        picture = None
        if notice.picture is not None and not written.cut and units(written.plain) <= MAX_CAPTION_UNITS:
            picture = await self.draw(notice.picture)
        return Message(written.plain, written.html, rows(buttons), notice.urgency is Urgency.LOW, picture)

    async def _edited(self, chat: int, card: int, message: Message) -> bool:
        """Bring a card up to date; tell whether there was one."""

        async def edit(where: int, current: Message) -> bool:
            await self.api.edit(where, card, current)
            return True

        try:
            return await self._perform(chat, message, edit)
        except Refused as refused:
            if not refused.unchanged and not refused.card_gone:
                raise
            return refused.unchanged

    async def _perform(self, chat: int, message: Message, call: Callable[[int, Message], Awaitable[Result]]) -> Result:
        """Do one call, once more after a refusal that tells what to change: a new chat id, or plain text."""
        try:
            return await call(self._moved.get(chat, chat), message)
        except Refused as refused:
            if refused.moved_to is not None:
                self._moved[chat] = refused.moved_to
                await self.on_migrated(chat, refused.moved_to)
            elif refused.unreadable_markup:
                message = replace(message, html=None)
            else:
                raise
        return await call(self._moved.get(chat, chat), message)

    def _noted(self, failure: TelegramFailure) -> Exception:
        error = delivery_error(failure)
        now = self.clock.now()
        if isinstance(failure, Refused) and failure.status == 429:  # noqa: PLR2004 - RFC 6585, too many requests
            seconds = failure.retry_after_seconds
            self._paused_until = now + timedelta(seconds=UNKNOWN_RETRY_SECONDS if seconds is None else seconds)
        if isinstance(error, Broken):
            self.pulse.trouble(str(error), now)
        return error

    def _respect_pause(self) -> None:
        """Hold everything back while Telegram wants us to be silent: more calls only make it last longer."""
        now = self.clock.now()
        if self._paused_until is not None and now < self._paused_until:
            raise Paced((self._paused_until - now).total_seconds())

    def _respect_pace(self, chat: int) -> None:
        wait = self._pace.reserve(chat, GROUP_LIMITS if chat < 0 else (CHAT_LIMIT,), self.clock.now())
        if wait > 0:
            raise Paced(wait)


def _chat_id(value: str) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise Never("a Telegram address is a numeric chat id") from error


def _to(chat: int) -> str:
    return Address(AddressKind.TELEGRAM, str(chat)).text()
