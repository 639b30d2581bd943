"""A fake Telegram on loopback: the Bot API the bot talks to, and the phones of the people on the other side.

    async with FakeTelegram(clock) as telegram:
        telegram.start(7)                              # user 7 opens a chat with the bot
        telegram.say(7, "status")                      # waits in getUpdates, or for `post_updates` in webhook mode
        telegram.press(7, message_id, "Approve")
        telegram.faults.add(Fault.ACCEPT_THEN_DROP)    # the next call meets it; `poll_faults` are for getUpdates
        telegram.ledger.texts("7")

Every request and answer is held against the published Bot API; leaving the block fails on whatever did not conform.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

import aiohttp
from aiohttp import web

from domain.clock import Clock
from tests.fakes.leaving import stop_serving
from tests.fakes.providers.conformance import NotConformant, conformance_for
from tests.fakes.providers.faults import Fault, Faults, Planned
from tests.fakes.providers.ledger import Accepted, Ledger
from tests.fakes.providers.telegram_world import (
    ANONYMOUS_ADMIN,
    ANSWER_WINDOW,
    BOT_ID,
    BOT_NAME,
    PRESS_LIFETIME,
    UPDATE_LIFETIME,
    Chat,
    Refused,
    Shown,
    UpdateQueue,
    check_keyboard,
    check_length,
    visible,
)

TOKEN = f"{BOT_ID}:AAH-made-up-for-tests_0123456789abcdef"
MAX_TEXT, MAX_CAPTION = 4096, 1024
OUTDATED_QUERY = "Bad Request: query is too old and response timeout expired or query ID is invalid"
NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a "
    "current content and reply markup of the message"
)
SECOND_POLLER = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
WEBHOOK_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)
HUGE_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it arrived: the method and its fields, JSON read."""

    method: str
    fields: Mapping[str, Any]


class FakeTelegram:
    """See the module's docstring. `long_poll` passes the time of an empty getUpdates."""

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger | None = None,
        long_poll: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.faults, self.poll_faults = Faults(), Faults()
        self.ledger = Ledger() if ledger is None else ledger
        self.calls: list[Call] = []
        self.updates = UpdateQueue()
        self.chats: dict[int, Chat] = {}
        self.messages: dict[tuple[int, int], Shown] = {}
        self.commands: list[dict[str, str]] = []
        self.webhook: dict[str, Any] | None = None
        self.webhook_set = asyncio.Event()
        self.allowed: list[str] | None = None  # kinds of updates, as the bot last asked for; None is all
        self.violations: list[NotConformant] = []
        self.url = ""
        self.refuse_markup = False  # HTML cannot be read any more, as if our escaping had a hole
        self.nonsense = False  # answers are ok, but hold no result that anybody could read
        self._clock = clock
        self._long_poll = long_poll
        self._rules = conformance_for("telegram")
        self._queries: dict[str, Any] = {}
        self._next_message = 1
        self._poller: asyncio.Event | None = None
        self._runner: web.AppRunner | None = None
        self._methods: dict[str, Callable[[dict[str, Any]], object]] = {
            "getMe": lambda _fields: {"id": BOT_ID, "is_bot": True, "first_name": "Reins", "username": BOT_NAME},
            "getWebhookInfo": self._webhook_info,
            "deleteWebhook": self._delete_webhook,
            "setWebhook": self._set_webhook,
            "setMyCommands": self._set_commands,
            "sendMessage": self._send_message,
            "sendPhoto": self._send_photo,
            "editMessageText": self._edit_text,
            "editMessageReplyMarkup": self._edit_keyboard,
            "answerCallbackQuery": self._answer_press,
        }

    # --- its life -----------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_post("/bot{token}/{method}", self._handle)
        # A client that gives up ends what its call waits for.
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
        if self.violations:
            raise self.violations[0]

    async def close(self) -> None:
        """Go away: connections are refused from now on."""
        if self._runner is not None:
            await stop_serving(self._runner)
            self._runner = None

    # --- the Bot API --------------------------------------------------------------------------------------------

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        planned = (self.poll_faults if method == "getUpdates" else self.faults).next()
        if planned is not None and planned.fault in (Fault.RESET, Fault.OUTAGE):
            return _cut(request)
        fields = await _read_fields(request)
        if request.match_info["token"] != TOKEN:
            return self._answer(method, Refused(401, "Unauthorized"))
        self.calls.append(Call(method, fields))
        if method not in self._methods and method != "getUpdates":
            return self._answer(method, Refused(404, "Not Found"))
        self._check(lambda: self._rules.request(method, fields))
        if planned is not None and planned.fault in (Fault.TOO_MANY, Fault.ERROR):
            return self._answer(method, _refusal(planned))
        if self.nonsense:
            return self._answer(method, {"message_id": "none"})
        try:
            result = await self._get_updates(fields) if method == "getUpdates" else self._methods[method](fields)
        except Refused as refused:
            result = refused
        return await self._answer_faulty(request, method, result, planned.fault if planned else None)

    async def _answer_faulty(
        self, request: web.Request, method: str, result: object, fault: Fault | None
    ) -> web.StreamResponse:
        match fault:
            case Fault.ACCEPT_THEN_DROP:
                return _cut(request)
            case Fault.SLOW_AFTER_ACCEPT:
                await asyncio.Event().wait()
            case Fault.ERROR_AFTER_ACCEPT:
                return self._answer(method, Refused(500, "Internal Server Error"))
            case Fault.BAD_JSON_AFTER_ACCEPT:
                return web.Response(text="<html>bad gateway", content_type="application/json")
            case Fault.HUGE_BODY_AFTER_ACCEPT:
                return web.Response(body=b" " * HUGE_BYTES, content_type="application/json")
        return self._answer(method, result)

    def _answer(self, method: str, result: object) -> web.Response:
        if not isinstance(result, Refused):
            document: dict[str, Any] = {"ok": True, "result": result}
            self._check(lambda: self._rules.answer(method, document))
            return web.json_response(document)
        document = {"ok": False, "error_code": result.code, "description": result.description}
        if result.parameters:
            document["parameters"] = result.parameters
        return web.json_response(document, status=result.code)

    def _check(self, check: Callable[[], None]) -> None:
        try:
            check()
        except NotConformant as violation:
            self.violations.append(violation)

    async def _get_updates(self, fields: dict[str, Any]) -> list[dict[str, Any]]:
        if self.webhook is not None:
            raise Refused(409, WEBHOOK_ACTIVE)
        self.allowed = fields.get("allowed_updates", self.allowed)
        if self._poller is not None:
            self._poller.set()  # of two pollers the older one is sent away
        mine = self._poller = asyncio.Event()
        try:
            return await self._fetch(fields, mine)
        finally:
            if self._poller is mine:
                self._poller = None

    async def _fetch(self, fields: dict[str, Any], terminated: asyncio.Event) -> list[dict[str, Any]]:
        offset, limit = fields.get("offset"), fields.get("limit", 100)
        ended = asyncio.ensure_future(self._long_poll(min(fields.get("timeout", 0), 50)))
        sent_away = asyncio.ensure_future(terminated.wait())
        try:
            while not (found := self.updates.fetch(offset, limit, self._clock.now())) and not ended.done():
                self.updates.added.clear()
                added = asyncio.ensure_future(self.updates.added.wait())
                await asyncio.wait({ended, sent_away, added}, return_when=asyncio.FIRST_COMPLETED)
                added.cancel()
                if sent_away.done():
                    raise Refused(409, SECOND_POLLER)
            return found
        finally:
            ended.cancel()
            sent_away.cancel()

    def _webhook_info(self, _fields: dict[str, Any]) -> dict[str, Any]:
        url = self.webhook["url"] if self.webhook is not None else ""
        return {"url": url, "has_custom_certificate": False, "pending_update_count": len(self.updates.pending())}

    def _delete_webhook(self, _fields: dict[str, Any]) -> bool:
        self.webhook = None
        return True

    def _set_webhook(self, fields: dict[str, Any]) -> bool:
        self.webhook = fields
        self.webhook_set.set()
        self.allowed = fields.get("allowed_updates", self.allowed)
        return True

    def _set_commands(self, fields: dict[str, Any]) -> bool:
        for command in fields["commands"]:
            name = command["command"]
            if not 1 <= len(name) <= 32 or not all(c in "abcdefghijklmnopqrstuvwxyz0123456789_" for c in name):
                raise Refused(400, "Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= len(command["description"]) <= 256:
                raise Refused(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        self.commands = fields["commands"]
        return True

    def _send_message(self, fields: dict[str, Any]) -> dict[str, Any]:
        if self.refuse_markup and "parse_mode" in fields:
            raise Refused(400, "Bad Request: can't parse entities: Unsupported start tag at byte offset 0")
        text = visible(fields["text"], fields.get("parse_mode"))
        check_length(text, MAX_TEXT, "text")
        return self._show("sendMessage", fields, text)

    def _send_photo(self, fields: dict[str, Any]) -> dict[str, Any]:
        if not bytes(fields["photo"]).startswith(b"\x89PNG"):
            raise Refused(400, "Bad Request: IMAGE_PROCESS_FAILED")
        caption = visible(fields.get("caption", ""), fields.get("parse_mode"))
        check_length(caption, MAX_CAPTION, "caption")
        return self._show("sendPhoto", fields, caption)

    def _show(self, method: str, fields: dict[str, Any], text: str) -> dict[str, Any]:
        chat, keyboard = self._chat(int(fields["chat_id"])), _keyboard(fields)
        shown = Shown(self._next_message, chat.id, text, keyboard, bool(fields.get("disable_notification")))
        shown.photo = fields.get("photo")
        self._next_message += 1
        self.messages[chat.id, shown.id] = shown
        self._note(method, shown)
        return self._message(shown)

    def _edit_text(self, fields: dict[str, Any]) -> dict[str, Any]:
        text = visible(fields["text"], fields.get("parse_mode"))
        check_length(text, MAX_TEXT, "text")
        return self._change("editMessageText", fields, text)

    def _edit_keyboard(self, fields: dict[str, Any]) -> dict[str, Any]:
        return self._change("editMessageReplyMarkup", fields, None)

    def _change(self, method: str, fields: dict[str, Any], text: str | None) -> dict[str, Any]:
        shown = self.messages.get((self._chat(int(fields["chat_id"])).id, int(fields["message_id"])))
        if shown is None:
            raise Refused(400, "Bad Request: message to edit not found")
        keyboard, text = _keyboard(fields), shown.text if text is None else text
        if (shown.text, shown.keyboard) == (text, keyboard):
            raise Refused(400, NOT_MODIFIED)
        shown.text, shown.keyboard, shown.edits = text, keyboard, shown.edits + 1
        self._note(method, shown)
        return self._message(shown)

    def _answer_press(self, fields: dict[str, Any]) -> bool:
        asked_at = self._queries.pop(fields["callback_query_id"], None)
        if asked_at is None or self._clock.now() - asked_at[1] > ANSWER_WINDOW:
            raise Refused(400, OUTDATED_QUERY)
        extra = {"method": "answerCallbackQuery", "alert": bool(fields.get("show_alert"))}
        text = fields.get("text", "")
        self.ledger.append(Accepted("telegram", str(asked_at[0]), text, fields["callback_query_id"], extra))
        return True

    def _chat(self, chat_id: int) -> Chat:
        chat = self.chats.get(chat_id)
        if chat is None:
            raise Refused(400, "Bad Request: chat not found")
        if chat.refusal is not None:
            raise chat.refusal
        return chat

    def _note(self, method: str, shown: Shown) -> None:
        extra = {"method": method, "buttons": shown.labels, "silent": shown.silent, "photo": shown.photo}
        self.ledger.append(Accepted("telegram", str(shown.chat), shown.text, str(shown.id), extra))

    def _message(self, shown: Shown) -> dict[str, Any]:
        date, chat = int(self._clock.now().timestamp()), self.chats[shown.chat].document()
        return {"message_id": shown.id, "date": date, "chat": chat, "text": shown.text}

    # --- the phones ---------------------------------------------------------------------------------------------

    def start(self, user: int) -> None:
        """Let a user open their private chat with the bot."""
        self.chats[user] = Chat(user, "private")

    def group(self, chat: int, kind: str = "group") -> None:
        """Let the bot be a member of a group."""
        self.chats[chat] = Chat(chat, kind)

    def block(self, user: int, description: str = "Forbidden: bot was blocked by the user") -> None:
        """Let every send to a chat be refused as forbidden."""
        self.chats[user].refusal = Refused(403, description)

    def migrate(self, chat: int, new: int) -> None:
        """Turn a group into a supergroup, which has another id."""
        self.group(new, "supergroup")
        text = "Bad Request: group chat was upgraded to a supergroup chat"
        self.chats[chat].refusal = Refused(400, text, migrate_to_chat_id=new)

    def say(self, user: int, text: str, chat: int | None = None, **more: Any) -> int:
        """Let a user write, in private or in a group; `more` are further fields of the message."""
        return self.push({"message": self.message(user, text, chat, **more)})

    def edit(self, user: int, text: str, chat: int | None = None) -> int:
        """Let a user edit a message."""
        return self.push({"edited_message": self.message(user, text, chat, edit_date=self._seconds())})

    def forward(self, user: int, text: str) -> int:
        """Let a user forward somebody's message to the bot."""
        origin = {"type": "hidden_user", "sender_user_name": "Somebody", "date": self._seconds()}
        return self.say(user, text, forward_origin=origin)

    def post_to_channel(self, chat: int, text: str) -> int:
        """Let a channel carry a post."""
        message = self.message(777000, text)
        del message["from"]
        return self.push({"channel_post": {**message, "chat": {"id": chat, "type": "channel", "title": "News"}}})

    def say_as_anonymous_admin(self, chat: int, text: str) -> int:
        """Let an anonymous admin write in a group."""
        return self.say(ANONYMOUS_ADMIN, text, chat, sender_chat=self.chats[chat].document())

    def message(self, user: int, text: str, chat: int | None = None, **more: Any) -> dict[str, Any]:
        """Return a message as Telegram describes it."""
        message_id, self._next_message = self._next_message, self._next_message + 1
        where = self.chats[user if chat is None else chat].document() if (chat or user) in self.chats else {}
        message = {"message_id": message_id, "date": self._seconds(), "chat": where, "from": _user(user), "text": text}
        if text.startswith("/"):
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text.split(maxsplit=1)[0])}]
        return message | more

    def press(
        self, user: int, message_id: int, label: str, chat: int | None = None, *, inaccessible: bool = False
    ) -> int:
        """Let a user press a button that a message shows now."""
        where = user if chat is None else chat
        data = self.messages[where, message_id].button(label)["callback_data"]
        return self.press_data(user, where, message_id, data, inaccessible=inaccessible)

    def press_data(self, user: int, chat: int, message_id: int, data: str, *, inaccessible: bool = False) -> int:
        """Let a client send any data for a message: also one that never carried it."""
        query_id = str(900_000 + self.updates.next_id)
        self._queries[query_id] = (chat, self._clock.now())
        date = 0 if inaccessible else self._seconds()
        message = {"message_id": message_id, "date": date, "chat": self.chats[chat].document()}
        query = {"id": query_id, "from": _user(user), "chat_instance": "1", "message": message, "data": data}
        return self.push({"callback_query": query}, PRESS_LIFETIME)

    def push(self, body: Mapping[str, Any], lifetime: timedelta = UPDATE_LIFETIME) -> int:
        """Queue any update and return its id; 0 for a kind the bot did not ask for, which Telegram never keeps."""
        if self.allowed is not None and next(iter(body)) not in self.allowed:
            return 0
        return self.updates.add(body, self._clock.now() + lifetime)

    async def post_updates(self, secret: str | None = None) -> list[int]:
        """Post what waits to the webhook, as Telegram does: in order, again until taken; return the statuses.

        `secret` stands for somebody who guesses the header, "" for nobody sending one.
        """
        assert self.webhook is not None, "the bot has set no webhook"
        known = self.webhook.get("secret_token", "") if secret is None else secret
        headers = {"X-Telegram-Bot-Api-Secret-Token": known} if known else {}
        statuses = []
        async with aiohttp.ClientSession() as session:
            for update_id in self.updates.pending():
                document = self.updates.waiting[0].document
                async with session.post(self.webhook["url"], json=document, headers=headers) as answer:
                    statuses.append(answer.status)
                if statuses[-1] // 100 != 2:
                    break
                self.updates.fetch(update_id + 1, 0, self._clock.now())
        return statuses

    def _seconds(self) -> int:
        return int(self._clock.now().timestamp())


def _user(user: int) -> dict[str, Any]:
    name = {"first_name": "Group" if user == ANONYMOUS_ADMIN else f"User {user}"}
    return {"id": user, "is_bot": user in (ANONYMOUS_ADMIN, BOT_ID), **name}


def _keyboard(fields: Mapping[str, Any]) -> list[list[dict[str, str]]]:
    rows: list[list[dict[str, str]]] = fields.get("reply_markup", {}).get("inline_keyboard", [])
    check_keyboard(rows)
    return rows


def _refusal(planned: Planned) -> Refused:
    if planned.fault is Fault.ERROR:
        return Refused(503, "Service Unavailable")
    seconds = 1 if planned.retry_after_seconds is None else planned.retry_after_seconds
    return Refused(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _read_fields(request: web.Request) -> dict[str, Any]:
    """Read a form as Telegram does: nested values are JSON text, uploads are bytes."""
    fields: dict[str, Any] = {}
    for name, value in (await request.post()).items():
        fields[name] = value.file.read() if isinstance(value, web.FileField) else _read_value(name, str(value))
    return fields


def _read_value(name: str, value: str) -> object:
    if name in ("text", "caption", "url", "secret_token", "parse_mode", "callback_query_id"):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
