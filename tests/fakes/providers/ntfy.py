"""A ntfy server on loopback with a phone that is subscribed to it.

    async with FakeNtfy(clock) as ntfy:                       # or version=(2, 13): no updates, no clearing
        ntfy.user("tk_bot", write=["out*"], read=["*-cmd"])   # without users the server is open to everybody
        ...                                                   # the bot publishes to ntfy.url
        ntfy.notifications("out")                             # what a phone shows: [Shown(key, title, message, ...)]
        await ntfy.tap("out", ntfy.notifications("out")[0].key, "Approve")   # performs the http action for real
        await ntfy.type("out-cmd", "status")                  # what somebody types in the app
        ntfy.keepalive(); ntfy.hang_up(); ntfy.cut_next_line(); ntfy.forget()
        ntfy.faults.add(Fault.TOO_MANY)                       # tests/fakes/providers/faults.py
        ntfy.ledger                                           # what was published and taken

`requests` names every request in order, `await ntfy.opened(n)` waits until n streams have been opened since the start,
`await ntfy.closed()` until none is open.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Self

import aiohttp
import orjson
from aiohttp import web

from domain.clock import Clock
from tests.fakes.providers.fault_middleware import Handler, Served, playing
from tests.fakes.providers.faults import Fault, Faults, Planned
from tests.fakes.providers.ledger import Accepted, Ledger
from tests.fakes.providers.ntfy_rules import (
    HAS_SEQUENCES,
    JSON_LIMIT_BYTES,
    Message,
    RefusedError,
    Version,
    cached_since,
    check_topic,
    new_event,
    new_message,
)

KEEPALIVE_SECONDS = 45.0
MAX_AUTH_FAILURES = 30
_WEB_APP_ORIGIN = {"Access-Control-Allow-Origin": "*"}


@dataclass(frozen=True, slots=True)
class Shown:
    """One notification as a phone shows it; `key` is its sequence id, or the message's own id without one."""

    key: str
    id: str
    title: str
    message: str
    priority: int
    tags: tuple[str, ...]
    click: str | None
    actions: tuple[Mapping[str, Any], ...]

    @property
    def labels(self) -> list[str]:
        """Return what its buttons show."""
        return [action["label"] for action in self.actions]


@dataclass(frozen=True, slots=True)
class Tapped:
    """What a tapped button led to: the answer of the http action, or the address that a view action opens."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class _User:
    write: tuple[str, ...]
    read: tuple[str, ...]


class FakeNtfy:
    """What the module's docstring shows; `attachments` False is a server that takes no files."""

    def __init__(
        self, clock: Clock, *, version: Version = (2, 17), ledger: Ledger | None = None, attachments: bool = True
    ) -> None:
        self.version = version
        self.ledger = Ledger() if ledger is None else ledger
        self.faults = Faults()
        self.requests: list[str] = []
        self.phone_token: str | None = None
        self._clock = clock
        self._attachments = attachments
        self._users: dict[str, _User] = {}
        self._auth_failures = 0
        self._cache: list[Message] = []
        self._dismissed: set[str] = set()
        self._streams: list[_Stream] = []
        self._streams_opened = 0
        self._stream_changed = asyncio.Condition()
        app = web.Application(middlewares=[self._note, playing(self.faults, _unavailable)])
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._served = Served(app)

    async def __aenter__(self) -> Self:
        await self._served.start()
        self._phone = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
        await self._phone.close()

    async def close(self) -> None:
        """Go away: connections are refused from now on."""
        self.hang_up()
        await self._served.stop()

    @property
    def url(self) -> str:
        """The server's address, without a slash at its end."""
        return self._served.url

    # The phone's side

    def notifications(self, topic: str) -> list[Shown]:
        """Return what a phone shows, oldest first: the same sequence id replaces, cleared and deleted ones are gone."""
        shown: dict[str, Shown] = {}
        for message in self._cache:
            if message["topic"] != topic:
                continue
            key: str = message.get("sequence_id") or message["id"]
            shown.pop(key, None)
            if message["event"] == "message":
                shown[key] = _as_shown(key, message)
        return [one for one in shown.values() if one.id not in self._dismissed]

    async def tap(self, topic: str, key: str, label: str) -> Tapped:
        """Tap a button: http actions are performed, and on success dismiss their notification where they say so."""
        shown = next(one for one in self.notifications(topic) if one.key == key)
        action = next(action for action in shown.actions if action["label"] == label)
        if action["action"] == "view":
            return Tapped(0, action["url"])
        headers, body = action.get("headers"), action.get("body")
        async with self._phone.request(action.get("method", "POST"), action["url"], headers=headers, data=body) as got:
            if got.ok and action["clear"]:
                self._dismissed.add(shown.id)
            return Tapped(got.status, await got.text())

    async def type(self, topic: str, text: str) -> int:
        """Publish what somebody types in the app; return the status."""
        headers = {"Authorization": f"Bearer {self.phone_token}"} if self.phone_token else {}
        async with self._phone.post(f"{self.url}/{topic}", data=text.encode(), headers=headers) as got:
            return got.status

    # The server's side

    def user(self, token: str, *, write: Iterable[str] = (), read: Iterable[str] = ()) -> None:
        """Give a token its topics, with `*`; from the first user on everybody else is refused."""
        self._users[token] = _User(tuple(write), tuple(read))

    async def opened(self, streams: int) -> None:
        """Wait until that many streams have been opened since the start."""
        async with self._stream_changed:
            await self._stream_changed.wait_for(lambda: self._streams_opened >= streams)

    async def closed(self) -> None:
        """Wait until no stream is open."""
        async with self._stream_changed:
            await self._stream_changed.wait_for(lambda: not self._streams)

    def keepalive(self) -> None:
        """Send every stream the line that keeps it open."""
        for stream in self._streams:
            stream.send(new_event("keepalive", stream.name, self._now_s()))

    def say_raw(self, line: bytes) -> None:
        """Send every stream a line that no sane server would."""
        for stream in self._streams:
            stream.lines.put_nowait(line)

    def hang_up(self) -> None:
        """End every stream in good order."""
        for stream in self._streams:
            stream.lines.put_nowait(None)

    def cut_next_line(self) -> None:
        """Let the connection of every stream break in the middle of its next line."""
        for stream in self._streams:
            stream.cut = True

    def forget(self) -> None:
        """Lose the cache, as a server does that keeps it in memory and is started again."""
        self._cache.clear()

    def _now_s(self) -> int:
        return int(self._clock.now().timestamp())

    @web.middleware
    async def _note(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.rel_url}")
        return await handler(request)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._answer(request)
        except RefusedError as refused:
            return _refusal(refused.code)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        parts = request.path.strip("/").split("/")
        if request.method in ("POST", "PUT") and len(parts) == 1:
            return await self._publish(request, parts[0])
        if request.method == "GET" and len(parts) == 2 and parts[1] in ("json", "auth"):
            topics = [check_topic(topic) for topic in parts[0].split(",")]
            self._allow(request, topics, "read")
            return web.json_response({"success": True}) if parts[1] == "auth" else await self._read(request, topics)
        if self.version >= HAS_SEQUENCES and len(parts) in (2, 3):
            return await self._change(request, parts)
        raise RefusedError(40401)

    async def _publish(self, request: web.Request, topic: str, sequence: str | None = None) -> web.Response:
        raw = await request.read()
        document: dict[str, Any] = {"topic": topic, "message": raw.decode("utf-8", "replace")}
        if topic == "":  # JSON goes to the root; sent to a topic it is shown as it stands
            if len(raw) > JSON_LIMIT_BYTES:
                raise RefusedError(41303)
            document = _read_json(raw)
        else:
            document |= _headers_of(request) | ({} if sequence is None else {"sequence_id": sequence})
        message = new_message(document, self._now_s(), self.version, attachments=self._attachments)
        self._allow(request, [message["topic"]], "write")
        self._keep(message)
        extra = {key: message.get(key) for key in ("title", "priority", "tags", "actions", "click", "sequence_id")}
        self.ledger.append(Accepted("ntfy", message["topic"], message["message"], message["id"], extra))
        return web.json_response(message, headers=_WEB_APP_ORIGIN)

    async def _change(self, request: web.Request, parts: list[str]) -> web.Response:
        topic, sequence = check_topic(parts[0]), parts[1]
        if request.method in ("POST", "PUT") and len(parts) == 2:
            return await self._publish(request, topic, sequence)
        clears = request.method == "PUT" and len(parts) == 3 and parts[2] in ("clear", "read")
        if not clears and not (request.method == "DELETE" and len(parts) == 2):
            raise RefusedError(40401)
        event = new_event("message_clear" if clears else "message_delete", topic, self._now_s(), sequence)
        self._allow(request, [topic], "write")
        self._keep(event)
        return web.json_response(event)

    async def _read(self, request: web.Request, topics: list[str]) -> web.StreamResponse:
        poll = request.query.get("poll") == "1"
        cached = cached_since(self._cache, topics, request.query.get("since", "all" if poll else "none"), self._now_s())
        lines = {"Content-Type": "application/x-ndjson; charset=utf-8"}
        if poll:
            return web.Response(body=b"".join(map(_line, cached)), headers=lines)
        response = web.StreamResponse(headers=lines)
        await response.prepare(request)
        stream = _Stream(frozenset(topics), ",".join(topics))
        stream.send(new_event("open", stream.name, self._now_s()))
        for message in cached:
            stream.send(message)
        async with self._listed(stream):
            await self._feed(request, response, stream)
        return response

    @asynccontextmanager
    async def _listed(self, stream: "_Stream") -> AsyncIterator[None]:
        self._streams.append(stream)
        async with self._stream_changed:
            self._streams_opened += 1
            self._stream_changed.notify_all()
        try:
            yield
        finally:
            self._streams.remove(stream)
            async with self._stream_changed:
                self._stream_changed.notify_all()

    async def _feed(self, request: web.Request, response: web.StreamResponse, stream: "_Stream") -> None:
        while True:
            try:
                line = await asyncio.wait_for(stream.lines.get(), KEEPALIVE_SECONDS)
            except TimeoutError:
                line = _line(new_event("keepalive", stream.name, self._now_s()))
            if line is None:
                return
            await response.write(line[: len(line) // 2] if stream.cut else line)
            if stream.cut:
                assert request.transport is not None
                request.transport.close()  # sends what was written first
                return

    def _keep(self, message: Message) -> None:
        self._cache.append(message)
        for stream in self._streams:
            if message["topic"] in stream.topics:
                stream.send(message)

    def _allow(self, request: web.Request, topics: list[str], right: str) -> None:
        if not self._users:
            return
        if self._auth_failures >= MAX_AUTH_FAILURES:
            raise RefusedError(42909)  # also with good credentials: the address is shut out
        token = _token_of(request)
        user = self._users.get(token) if token is not None else _User((), ())
        if user is None:
            self._auth_failures += 1
            raise RefusedError(40101)
        patterns = user.write if right == "write" else user.read
        if not all(any(fnmatchcase(topic, pattern) for pattern in patterns) for topic in topics):
            raise RefusedError(40301)


class _Stream:
    def __init__(self, topics: frozenset[str], name: str) -> None:
        self.topics = topics
        self.name = name
        self.cut = False
        self.lines: asyncio.Queue[bytes | None] = asyncio.Queue()

    def send(self, message: Message) -> None:
        self.lines.put_nowait(_line(message))


def _unavailable(planned: Planned) -> web.Response:
    return _refusal(42901 if planned.fault is Fault.TOO_MANY else 50301)  # and no Retry-After: ntfy sends none


def _refusal(code: int) -> web.Response:
    refused = RefusedError(code)
    return web.json_response(refused.document(), status=refused.status, headers=_WEB_APP_ORIGIN)


def _line(message: Message) -> bytes:
    return orjson.dumps(message) + b"\n"


def _read_json(raw: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise RefusedError(40024) from error
    if not isinstance(document, dict):
        raise RefusedError(40024)
    return document


def _headers_of(request: web.Request) -> dict[str, Any]:
    """Return the options that publishing as text takes from headers; just those a phone or a script uses here."""
    found: dict[str, Any] = {}
    if title := request.headers.get("X-Title", request.headers.get("Title")):
        found["title"] = title
    if priority := request.headers.get("X-Priority", request.headers.get("Priority")):
        found["priority"] = int(priority) if priority.isdigit() else 9
    return found


def _token_of(request: web.Request) -> str | None:
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind == "Basic":
        return base64.b64decode(value).decode().partition(":")[2]
    return value if kind == "Bearer" else None


def _as_shown(key: str, message: Message) -> Shown:
    return Shown(
        key=key,
        id=message["id"],
        title=message.get("title") or message["topic"],
        message=message["message"],
        priority=message.get("priority", 3),
        tags=tuple(message.get("tags", ())),
        click=message.get("click"),
        actions=tuple(message.get("actions", ())),
    )
