"""What a fake Telegram remembers: chats, messages, pressed buttons and the updates that wait to be fetched."""

import asyncio
import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

BOT_ID = 4242
BOT_NAME = "reins_test_bot"
ANONYMOUS_ADMIN = 1087968824  # GroupAnonymousBot, in whose name anonymous group admins write
UPDATE_LIFETIME = timedelta(hours=24)
PRESS_LIFETIME = timedelta(seconds=150)
ANSWER_WINDOW = timedelta(seconds=15)  # undocumented; users report ten seconds and a bit
FIRST_UPDATE_ID = 700_000_001
_TAG = re.compile(r"<(/?)([a-z][a-z0-9-]*)((?:\s[^<>]*)?)>")
_TAGS = frozenset({"b", "i", "u", "s", "a", "code", "pre", "blockquote", "tg-spoiler"})


class Refused(Exception):  # noqa: N818 - an answer of the provider, not a fault of the fake
    """What Telegram answers to a call it will not carry out."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


@dataclass(slots=True)
class Chat:
    """One chat; `refusal` is what every send to it meets."""

    id: int
    type: str
    refusal: Refused | None = None

    def document(self) -> dict[str, Any]:
        """Return the chat as updates and answers carry it."""
        name = {"first_name": f"User {self.id}"} if self.type == "private" else {"title": f"Group {self.id}"}
        return {"id": self.id, "type": self.type, **name}


@dataclass(slots=True)
class Shown:
    """One message as the phone shows it now."""

    id: int
    chat: int
    text: str
    keyboard: list[list[dict[str, str]]]
    silent: bool = False
    photo: bytes | None = None
    edits: int = 0

    @property
    def labels(self) -> list[list[str]]:
        """Return the buttons' labels, row by row."""
        return [[button["text"] for button in row] for row in self.keyboard]

    def button(self, label: str) -> dict[str, str]:
        """Return the button of this label."""
        return next(button for row in self.keyboard for button in row if button["text"] == label)


@dataclass(slots=True)
class Waiting:
    """One update in the queue."""

    document: dict[str, Any]
    expires_at: datetime


@dataclass(slots=True)
class UpdateQueue:
    """Updates that wait: confirmed by a later offset, forgotten after their lifetime."""

    next_id: int = FIRST_UPDATE_ID
    waiting: list[Waiting] = field(default_factory=list)
    added: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, body: Mapping[str, Any], expires_at: datetime) -> int:
        """Queue an update under the next id and return that id."""
        update_id, self.next_id = self.next_id, self.next_id + 1
        self.waiting.append(Waiting({"update_id": update_id, **body}, expires_at))
        self.added.set()
        return update_id

    def fetch(self, offset: int | None, limit: int, now: datetime) -> list[dict[str, Any]]:
        """Confirm what lies before `offset`, and return what comes next."""
        self.waiting = [one for one in self.waiting if one.expires_at > now]
        if offset is not None and offset < 0:
            self.waiting = self.waiting[offset:]
        elif offset:
            self.waiting = [one for one in self.waiting if one.document["update_id"] >= offset]
        return [one.document for one in self.waiting[:limit]]

    def pending(self) -> list[int]:
        """Return the ids that nobody has confirmed."""
        return [one.document["update_id"] for one in self.waiting]


def visible(text: str, parse_mode: str | None) -> str:
    """Return what a phone shows of a text.

    Raises:
        Refused: the text is no HTML that Telegram understands.
    """
    if parse_mode is None:
        return text
    open_tags: list[str] = []
    for closing, name, _attributes in _TAG.findall(text):
        if name not in _TAGS or (closing and (not open_tags or open_tags.pop() != name)):
            raise Refused(400, f'Bad Request: can\'t parse entities: Unsupported start tag "{name}" at byte offset 0')
        if not closing:
            open_tags.append(name)
    bare = _TAG.sub("", text)
    if open_tags or "<" in bare:
        raise Refused(400, "Bad Request: can't parse entities: Can't find end tag at byte offset 0")
    return html.unescape(bare)


def check_length(text: str, limit: int, what: str) -> None:
    """Refuse an empty or overlong text; Telegram counts UTF-16 units after reading the tags."""
    if what == "text" and not text.strip():
        raise Refused(400, "Bad Request: message text is empty")
    if len(text.encode("utf-16-le")) // 2 > limit:
        raise Refused(400, "Bad Request: message is too long" if what == "text" else "Bad Request: caption is too long")


def check_keyboard(rows: Sequence[Iterable[Mapping[str, str]]]) -> None:
    """Refuse buttons that Telegram refuses."""
    for row in rows:
        for button in row:
            if not 1 <= len(button["callback_data"].encode()) <= 64:
                raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
            if button.get("style", "primary") not in ("primary", "success", "danger"):
                raise Refused(400, "Bad Request: unknown button style")
    if any(len(list(row)) > 8 for row in rows):
        raise Refused(400, "Bad Request: BUTTON_COUNT_INVALID")
