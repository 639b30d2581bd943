"""A whole bot behind real sockets: set up in a folder of its own, wired, served by TCP and by its console socket.

    async with served_bot(tmp_path) as bot:
        owner = await bot.sign_in()                      # the first person, with a session cookie
        reply = await owner.say("run mutation")          # reply.status, reply.body["entry"]["text"]
        console = bot.console()                          # the operating system user, by the Unix socket
        stranger = bot.browser()                         # nobody: no cookie
        await bot.enrol("vic", "viewer")
        vic = await bot.sign_in("vic")
        async with owner.events() as events:             # server-sent events
            event = await events.next()                  # event.id, event.entry, event.comment

`browser.http` is the plain aiohttp session with the bot's address as its base. The clock stands still unless
`clock=SystemClock()` is given: `bot.clock.advance(seconds)` moves it. `await bot.restart()` stops everything and starts
again on the same folder and port, as a new process would; `bot.outage()` makes the disk read-only for the writer;
`routes` and `role` go to the application and to the background tasks; `public_url` is the address behind a proxy.
"""

import asyncio
import secrets
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from multidict import CIMultiDictProxy

from bot.cli.initialise import FIRST_PERSON, set_up
from bot.cli.installation import Installation
from bot.home import Home
from bot.links import make_login_link
from bot.serve import Role, _console_socket, running
from bot.settings import Settings
from bot.wiring import Bot, web_parts, wire
from domain.clock import Clock
from domain.ids import SystemEntropy
from domain.people import Address, AddressKind, Person
from store.tables import Tables
from tests.fakes.leaving import stop_serving
from tests.fakes.virtual_time import VirtualTime
from web.app import build_app
from web.routes import ROUTES, Route

AFTER_THE_SAMPLES = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)  # the sample artifacts were measured at 14:43
PATIENCE_SECONDS = 30  # a test whose answer or event never comes ends as failed instead of hanging


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer: its JSON, or None where the body is none."""

    status: int
    body: Any
    headers: CIMultiDictProxy[str]


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event, or a comment that keeps the line open."""

    id: str | None
    entry: Any
    comment: str | None


class Events:
    """An open event stream."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def next(self) -> Event | None:
        """Return the next event or comment, or None at the stream's end."""
        fields: dict[str, str] = {}
        async for raw in self.response.content:
            line = raw.decode().rstrip("\n")
            if line:
                name, _, value = line.partition(": ") if not line.startswith(":") else ("comment", "", line[1:].strip())
                fields[name] = value
            elif fields.keys() & {"data", "comment"}:
                return Event(fields.get("id"), orjson.loads(fields.get("data", "null")), fields.get("comment"))
            else:
                fields.clear()  # a block of nothing but `retry`
        return None


class Browser:
    """One client with its own cookies; `http` is bound to the bot's address."""

    def __init__(self, http: aiohttp.ClientSession, clock: Clock) -> None:
        self.http = http
        self._clock = clock

    async def ask(self, method: str, path: str, **options: Any) -> Reply:
        """Send one request and read its answer."""
        async with self.http.request(method, path, **options) as response:
            raw = await response.read()
            body = orjson.loads(raw) if response.content_type.endswith("json") and raw else None
            return Reply(response.status, body, response.headers)

    async def say(self, text: str, nonce: str | None = None, late_seconds: int = 0) -> Reply:
        """Send one message; `late_seconds` is how old its time stamp is, negative for the future."""
        stamp = int(self._clock.now().timestamp()) - late_seconds
        headers = {"Reins-Nonce": nonce or secrets.token_hex(16), "Reins-Timestamp": str(stamp)}
        return await self.ask("POST", "/v1/messages", json={"text": text}, headers=headers)

    async def entries(self) -> list[Any]:
        """Return the chat as the page loads it."""
        return list((await self.ask("GET", "/v1/messages")).body["entries"])

    @asynccontextmanager
    async def events(self, query: str = "", last_event_id: str | None = None) -> AsyncIterator[Events]:
        """Open the event stream; leaving closes the connection."""
        headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
        async with self.http.get(f"/v1/events{query}", headers=headers) as response:
            yield Events(response)


class ServedBot:
    """What `served_bot` yields; see the module's docstring."""

    def __init__(self, settings: Settings, clock: Clock, role: Role, routes: Iterable[Route]) -> None:
        self.settings = settings
        self._clock = clock
        self._role = role
        self._routes = tuple(routes)
        self._running = AsyncExitStack()
        self._browsers = AsyncExitStack()
        self.port = settings.port
        self.bot: Bot
        self.app: web.Application

    @property
    def url(self) -> str:
        """Return the address on this machine, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def clock(self) -> VirtualTime:
        """Return the clock that stands still."""
        assert isinstance(self._clock, VirtualTime), "this bot was given another clock"
        return self._clock

    async def start(self) -> None:
        """Wire the bot, start its tasks and serve."""
        async with AsyncExitStack() as stack:
            self.bot = wire(self.settings, self._clock, files_trusted_seconds=0)
            probe = await stack.enter_async_context(running(self.bot, self._role))
            self.app = build_app(web_parts(self.bot, probe.report), self._routes, self.bot.connections.hooks)
            runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=2.0)
            await runner.setup()
            stack.push_async_callback(stop_serving, runner)
            network = _network_socket(self.port)
            self.port = network.getsockname()[1]
            await web.SockSite(runner, network).start()
            await web.SockSite(runner, _console_socket(self.bot.home.console_socket)).start()
            self._running = stack.pop_all()

    async def stop(self) -> None:
        """Stop serving and every task; clients keep their cookies."""
        await self._running.aclose()

    async def restart(self) -> None:
        """Stop and start again as a new process would; nothing in memory survives."""
        await self.stop()
        await self.start()

    async def close(self) -> None:
        """Close every client, then stop."""
        await self._browsers.aclose()
        await self.stop()

    def browser(self) -> Browser:
        """Return a client that is signed in as nobody."""
        return self._browser(self.url, aiohttp.TCPConnector())

    def console(self) -> Browser:
        """Return a client that speaks through the console's socket, as the user who runs the tests."""
        return self._browser("http://reins", aiohttp.UnixConnector(str(self.bot.home.console_socket)))

    def _browser(self, url: str, connector: aiohttp.BaseConnector) -> Browser:
        jar, timeout = aiohttp.CookieJar(unsafe=True), aiohttp.ClientTimeout(sock_read=PATIENCE_SECONDS)
        http = aiohttp.ClientSession(url, connector=connector, cookie_jar=jar, timeout=timeout)
        self._browsers.push_async_callback(http.close)
        return Browser(http, self._clock)

    async def login_link(self, person: str = FIRST_PERSON) -> str:
        """Make a one-time link."""
        return await make_login_link(self.bot.store, person, self.settings, self._clock, self.bot.entropy)

    async def login_token(self, person: str = FIRST_PERSON) -> str:
        """Make a one-time link and return its token."""
        return (await self.login_link(person)).partition("#login=")[2]

    async def sign_in(self, person: str = FIRST_PERSON) -> Browser:
        """Return a client with a session."""
        browser = self.browser()
        reply = await browser.ask("POST", "/v1/sessions", json={"token": await self.login_token(person)})
        assert reply.status == 200, reply
        return browser

    async def enrol(self, person: str, *roles: str) -> None:
        """Add somebody with a web address."""
        added = Person(person, person.capitalize(), roles, (Address(AddressKind.WEB, person),), self._clock.now())
        await asyncio.to_thread(self.bot.people.add, added)

    async def audit_actions(self) -> list[str]:
        """Return the actions of every audit row, oldest first."""
        rows = await self.bot.store.read(lambda tables: [body for _, body, _ in tables.audit.each()])
        return [orjson.loads(body)["action"] for body in rows]

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        """Let no write through, as on a disk that was remounted read-only; reads go on."""
        connection = await self.bot.store.transact(_connection_of)
        connection.execute("PRAGMA query_only = ON")
        try:
            yield
        finally:
            connection.execute("PRAGMA query_only = OFF")


@asynccontextmanager
async def served_bot(
    folder: Path,
    *,
    clock: Clock | None = None,
    role: Role = Role.ALL,
    routes: Iterable[Route] = ROUTES,
    public_url: str | None = None,
    channels: Callable[[str], dict[str, Any]] = lambda _url: {},
    prepare: Callable[[Settings], None] = lambda _settings: None,
) -> AsyncIterator[ServedBot]:
    """Set a bot up in `folder`, serve it on a free port, and take everything down at the end.

    `channels(url)` returns the channels' settings for a bot that is reached at this address; `prepare` is called once
    the state folder is there and before the bot starts.
    """
    time = clock or VirtualTime(AFTER_THE_SAMPLES)
    port = _free_port()
    more = channels(f"http://127.0.0.1:{port}")
    settings = Settings(
        home=folder / "home",
        host="127.0.0.1",
        port=port,
        public_url=public_url or (f"http://127.0.0.1:{port}" if more else None),
        **more,
        policy_file=None,
        AUTONOMY_MODE=None,
        mutation_artifacts=None,
        triage_artifacts=None,
    )
    await asyncio.to_thread(set_up, Installation(settings, Home.of(settings), time, SystemEntropy()))
    prepare(settings)
    bot = ServedBot(settings, time, role, routes)
    await bot.start()
    try:
        yield bot
    finally:
        await bot.close()


def _connection_of(tables: Tables) -> sqlite3.Connection:
    rows: Any = tables.thread._rows
    connection: sqlite3.Connection = rows._execute.__self__
    return connection


def _network_socket(port: int) -> socket.socket:
    network = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    network.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    network.bind(("127.0.0.1", port))
    return network


def _free_port() -> int:
    with _network_socket(0) as network:
        return int(network.getsockname()[1])
