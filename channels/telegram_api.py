"""The few Bot API methods we use, through python-telegram-bot; the only module that imports it besides its HTTP."""

import logging
import re
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
import orjson
from telegram import Bot, BotCommand, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions
from telegram.error import TelegramError

from channels.telegram_failures import Unclear
from channels.telegram_request import ANSWER_SECONDS, Carried, TelegramRequest
from channels.telegram_settings import TelegramSettings
from channels.telegram_text import Message
from channels.telegram_updates import UPDATE_KINDS, OurBot
from domain.untrusted import clean_line

BATCH = 20  # updates a poll: together with the next figure it bounds what one answer may weigh
MAX_BATCH_BYTES = 2 * 1024 * 1024  # a message of 4,096 escaped characters that quotes another has under 100 KB
MENU_VERB = re.compile(r"[a-z0-9_]{1,32}")  # Bot API, BotCommand; one other verb, and the whole menu is refused
MAX_SUMMARY_CHARACTERS = 256
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
Result = TypeVar("Result")


@dataclass(slots=True)
class TelegramApi:
    """One bot at one API address. Every method raises a `TelegramFailure` when it does not go well."""

    settings: TelegramSettings
    session: aiohttp.ClientSession = field(repr=False)
    answer_seconds: float = ANSWER_SECONDS
    _me: OurBot | None = field(default=None, init=False)
    _request: TelegramRequest = field(init=False, repr=False)
    _bot: Bot = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Below WARNING the library writes the token and whole messages, one-time codes among them, into the log.
        logging.getLogger("telegram").setLevel(logging.WARNING)
        self._request = TelegramRequest(self.session, self.answer_seconds)
        self._bot = Bot(
            self.settings.token,
            base_url=f"{self.settings.api_base}/bot",
            base_file_url=f"{self.settings.api_base}/file/bot",
            request=self._request,
            get_updates_request=self._request,
        )

    async def me(self) -> OurBot:
        """Return who we are; asked once."""
        if self._me is None:
            user = await _ours(self._bot.get_me())
            self._me = OurBot(user.id, user.username or "")
        return self._me

    async def updates(self, offset: int | None, wait_seconds: int) -> list[Any]:
        """Return what has come in, as it came; waits that long for something.

        The library reads a whole batch or fails, so that one odd update would hold up all others: it is not asked.
        """
        form = {
            "timeout": str(wait_seconds),
            "limit": str(BATCH),
            "allowed_updates": orjson.dumps(UPDATE_KINDS).decode(),
        }
        if offset is not None:
            form["offset"] = str(offset)
        url = f"{self.settings.api_base}/bot{self.settings.token}/getUpdates"
        body = await self._request.call(url, form, wait_seconds + self.answer_seconds, MAX_BATCH_BYTES)
        found = orjson.loads(body)["result"]
        if not isinstance(found, list):
            raise Unclear("Telegram's updates are no list")
        return found

    async def forget_webhook(self) -> None:
        """Let updates wait for polls again; none is dropped."""
        await _ours(self._bot.delete_webhook(drop_pending_updates=False))

    async def set_webhook(self, url: str, secret: str) -> None:
        """Let Telegram post updates to an address, with a secret in a header."""
        await _ours(self._bot.set_webhook(url, secret_token=secret, allowed_updates=UPDATE_KINDS))

    async def set_commands(self, commands: Sequence[tuple[str, str]]) -> None:
        """Set the menu that phones offer: pairs of verb and summary. A verb Telegram has no form for is left out."""
        offered = [
            BotCommand(verb, clean_line(summary, MAX_SUMMARY_CHARACTERS))
            for verb, summary in commands
            if MENU_VERB.fullmatch(verb) and summary
        ]
        await _ours(self._bot.set_my_commands(offered))

    async def send(self, chat: int, message: Message) -> int:
        """Send a new message and return its id."""
        text, mode = (message.plain, None) if message.html is None else (message.html, "HTML")
        if message.picture is not None:
            call = self._bot.send_photo(
                chat,
                message.picture,
                caption=text,
                parse_mode=mode,
                reply_markup=_keyboard(message),
                disable_notification=message.silent,
                filename="trend.png",
            )
        else:
            call = self._bot.send_message(
                chat,
                text,
                parse_mode=mode,
                reply_markup=_keyboard(message),
                disable_notification=message.silent,
                link_preview_options=NO_PREVIEW,
            )
        return (await _ours(call)).message_id

    async def edit(self, chat: int, message_id: int, message: Message) -> None:
        """Bring a message up to date; buttons it had and `message` has not are taken away."""
        text, mode = (message.plain, None) if message.html is None else (message.html, "HTML")
        await _ours(
            self._bot.edit_message_text(
                text,
                chat,
                message_id,
                parse_mode=mode,
                reply_markup=_keyboard(message),
                link_preview_options=NO_PREVIEW,
            )
        )

    async def answer_press(self, press: str, text: str, *, alert: bool) -> None:
        """Show a short text to whoever pressed a button; `alert` makes them close it."""
        await _ours(self._bot.answer_callback_query(press, text, show_alert=alert))


async def _ours(call: Awaitable[Result]) -> Result:
    """Await a call and give what went wrong our own shape."""
    try:
        return await call
    except Carried as carried:
        raise carried.failure from None
    except (TelegramError, KeyError, TypeError, ValueError, AttributeError) as error:
        # The call went well; it is the answer that the library could not read.
        raise Unclear(f"Telegram's answer cannot be read ({type(error).__name__})") from error


def _keyboard(message: Message) -> InlineKeyboardMarkup | None:
    if not message.buttons:
        return None
    return InlineKeyboardMarkup(
        [
            [InlineKeyboardButton(one.label, callback_data=one.data, style=one.style) for one in row]
            for row in message.buttons
        ]
    )
