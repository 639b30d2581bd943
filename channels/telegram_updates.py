"""One Telegram update as our own message, or why it is none: pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from domain.messages import Inbound, Press
from domain.people import Address, AddressKind, Proof

UPDATE_KINDS = ("message", "callback_query", "my_chat_member")
ANONYMOUS_ADMIN = 1087968824  # GroupAnonymousBot: whoever hides behind it cannot be told
MAX_TEXT_CHARACTERS = 4096
MAX_ID = 2**52  # Bot API: ids have at most 52 significant bits
# Any of these means that the text, or the wish to send it, is not the sender's own.
_NOT_THEIR_OWN = {
    "forward_origin": "forwarded",
    "forward_date": "forwarded",
    "is_automatic_forward": "forwarded",
    "via_bot": "written by another bot",
    "sender_chat": "sent in the name of a chat",
    "sender_business_bot": "written by another bot",
    "business_connection_id": "of a business account",
    "edit_date": "edited",
}
_TOKEN = re.compile(r"[\x21-\x7e]{1,64}")
_COMMAND = re.compile(r"/(?P<verb>[^\s@]{1,64})(?:@(?P<bot>\w{1,64}))?(?P<rest>\s.*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class OurBot:
    """Who we are at Telegram: updates name the bot they are for."""

    id: int
    username: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """An update that gives no command, and why; the reason holds nothing of its text."""

    reason: str


class BadUpdate(ValueError):  # noqa: N818 - it is the update that is bad
    """An update that is not of the published shape; the message names the field."""


@dataclass(frozen=True, slots=True)
class UpdateReader:
    """Reads updates for one bot that serves private chats and the listed groups."""

    us: OurBot
    groups: frozenset[int]

    def read(self, update: object, received_at: datetime) -> Inbound | Ignored:
        """Return our message, or why there is none.

        Raises:
            BadUpdate: the update is not of the published shape.
        """
        fields = _mapping(update, "update")
        update_id = _integer(fields, "update_id")
        if "message" in fields:
            return self._message(_mapping(fields["message"], "message"), update_id, received_at)
        if "callback_query" in fields:
            return self._press(_mapping(fields["callback_query"], "callback_query"), update_id, received_at)
        kinds = sorted(key for key in fields if key != "update_id" and key.isidentifier())
        return Ignored(f"not for us: {', '.join(kinds)[:60]}")

    def _message(self, message: Mapping[str, Any], update_id: int, received_at: datetime) -> Inbound | Ignored:
        for key, reason in _NOT_THEIR_OWN.items():
            if key in message:
                return Ignored(reason)
        if "from" not in message:
            return Ignored("without a sender")
        chat, user = _mapping(message.get("chat"), "chat"), _mapping(message["from"], "from")
        refusal = self._refusal(chat, user)
        if refusal is not None:
            return refusal
        if "text" not in message:
            return Ignored("without text")
        text = self._command(_text(message, "text", MAX_TEXT_CHARACTERS), private=chat.get("type") == "private")
        if isinstance(text, Ignored):
            return text
        sent_at = _moment(_integer(message, "date"))
        return self._inbound(update_id, user, chat, received_at, text=text, sent_at=sent_at)

    def _press(self, query: Mapping[str, Any], update_id: int, received_at: datetime) -> Inbound | Ignored:
        if "inline_message_id" in query or "message" not in query:
            return Ignored("pressed on a message that is not in a chat of ours")
        # A message that is too old comes without its content; chat and id are all we need of it.
        message, user = _mapping(query["message"], "message"), _mapping(query.get("from"), "from")
        chat = _mapping(message.get("chat"), "chat")
        refusal = self._refusal(chat, user)
        if refusal is not None:
            return refusal
        data = query.get("data")
        if not isinstance(data, str) or not _TOKEN.fullmatch(data):
            return Ignored("pressed without a token of ours")
        press = Press(data, str(_integer(message, "message_id")), _text(query, "id", MAX_TEXT_CHARACTERS))
        return self._inbound(update_id, user, chat, received_at, press=press)

    def _refusal(self, chat: Mapping[str, Any], user: Mapping[str, Any]) -> Ignored | None:
        chat_id, user_id = _integer(chat, "id"), _integer(user, "id")
        if user.get("is_bot") is not False or user_id == ANONYMOUS_ADMIN:
            return Ignored("not from a person")
        match chat.get("type"):
            case "private":
                return None if chat_id == user_id else Ignored("from a private chat of somebody else")
            case "group" | "supergroup":
                return None if chat_id in self.groups else Ignored("from a group that is not listed")
            case _:
                return Ignored("from a chat that takes no commands")

    def _command(self, text: str, *, private: bool) -> str | Ignored:
        command = _COMMAND.fullmatch(text)
        if command is None:
            return text if private else Ignored("talk of a group")
        named = command["bot"]
        if named is not None and named.lower() != self.us.username.lower():
            return Ignored("for another bot")
        rest = command["rest"] or ""
        if private and command["verb"] == "start":
            # Telegram's own first button sends this; a link `t.me/<bot>?start=<code>` puts the code behind it.
            return f"link{rest}" if rest.strip() else "menu"
        return command["verb"] + rest

    def _inbound(  # noqa: PLR0913 - one argument per thing that differs between a text and a press
        self,
        update_id: int,
        user: Mapping[str, Any],
        chat: Mapping[str, Any],
        received_at: datetime,
        *,
        text: str = "",
        sent_at: datetime | None = None,
        press: Press | None = None,
    ) -> Inbound:
        return Inbound(
            channel=AddressKind.TELEGRAM.value,
            account=str(self.us.id),
            message_id=f"u{update_id}",
            sender=Address(AddressKind.TELEGRAM, str(user["id"])),
            text=text,
            proof=Proof.ACCOUNT,
            received_at=received_at,
            sent_at=sent_at,
            reply_to=Address(AddressKind.TELEGRAM, str(chat["id"])),
            press=press,
        )


def _mapping(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadUpdate(f"{name} is no object")
    return value


def _integer(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    if type(value) is not int or abs(value) > MAX_ID:  # exactly: True is no number here
        raise BadUpdate(f"{name} is no whole number of at most 52 bits")
    return value


def _text(fields: Mapping[str, Any], name: str, most: int) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or len(value) > most:
        raise BadUpdate(f"{name} is no text of at most {most} characters")
    return value


def _moment(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise BadUpdate("date is no time") from error
