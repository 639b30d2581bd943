"""`reins chat`: talk to the bot from a terminal, as the local user or, with --url, as an ordinary session."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from bot.channel_settings import LOOPBACK_HOSTS
from bot.cli.background_loop import BackgroundLoop
from bot.cli.chat_screen import PROMPT, Screen
from bot.cli.exit_codes import CommandFailedError, ExitCode
from bot.cli.installation import Installation
from domain.clock import SystemClock
from domain.errors import UserError
from domain.ids import SystemEntropy

if TYPE_CHECKING:  # aiohttp is imported when a chat starts, not when the command line is read
    from bot.cli.chat_client import ChatClient, Entry

LOGIN_FRAGMENT = "login="
DEFAULT_WAIT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Door:
    """Where the bot is reached: its local socket, or an address and the one-time token that opens it."""

    name: str
    socket: Path | None
    token: str | None


def chat(
    url: Annotated[
        str | None, typer.Option(help="A bot elsewhere: its address, or a one-time link of `reins link`.")
    ] = None,
    token: Annotated[str | None, typer.Option(envvar="REINS_LOGIN_TOKEN", help="The one-time token for --url.")] = None,
    wait_seconds: Annotated[
        int, typer.Option(min=0, max=86_400, help="With piped input: how long to wait for the runs it started.")
    ] = DEFAULT_WAIT_SECONDS,
) -> None:
    """Talk to the bot: one command a line, `menu` shows which; Ctrl-D ends."""
    door = local_door(Installation.here().home.console_socket) if url is None else remote_door(url, token)
    interactive = sys.stdin.isatty()
    conversation = _Conversation(door, Screen(sys.stdout, interactive=interactive))
    with BackgroundLoop() as background:
        try:
            me = background.run(conversation.open())
            if interactive:
                typer.echo(f"You are {me['name']}, proof {me['proof']}. menu shows what you may do, Ctrl-D ends.")
            for line in _typed_lines() if interactive else _piped_lines():
                background.run(conversation.say(line, echo=not interactive))
            if not interactive:
                background.run(conversation.await_runs(wait_seconds))
        finally:
            background.run(conversation.close())


def local_door(socket: Path) -> Door:
    """Return the way in over the bot's local socket.

    Raises:
        CommandFailedError: there is no socket, so no bot runs here.
    """
    if not socket.is_socket():
        raise CommandFailedError(
            f"the bot does not run here: there is no {socket}; start it with `reins serve`", ExitCode.NOT_MEASURED
        )
    return Door(str(socket), socket, None)


def remote_door(url: str, token: str | None) -> Door:
    """Return the way in over the network.

    Raises:
        UserError: the address is none, would carry the session in the clear, or no token opens it.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserError("url: must be an address such as https://reins.example.org")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
        raise UserError("url: beyond this machine only https is used; the session would travel in the clear")
    found = parts.fragment.removeprefix(LOGIN_FRAGMENT) if parts.fragment.startswith(LOGIN_FRAGMENT) else token
    if not found:
        raise UserError("token: is missing; use the whole link that `reins link <person>` prints, or --token")
    return Door(f"{parts.scheme}://{parts.netloc}", None, found)


class _Conversation:
    """One connection and everything said over it; all methods run on the background loop."""

    def __init__(self, door: Door, screen: Screen) -> None:
        self._door = door
        self._screen = screen
        self._connection = AsyncExitStack()

    async def open(self) -> "Entry":
        """Connect and begin to listen; return whom the bot takes us for."""
        self._client = await self._connection.enter_async_context(_connected(self._door))
        me = await _recognised(self._client, self._door)
        listening = asyncio.create_task(self._listen(await self._client.newest_event()))
        self._connection.callback(listening.cancel)
        return me

    async def close(self) -> None:
        """Hang up."""
        await self._connection.aclose()

    async def say(self, line: str, *, echo: bool) -> None:
        """Send one line and show the answer; a refusal is shown like one."""
        if not line.strip():
            return
        if echo:
            self._screen.echo(line)
        try:
            self._screen.answer(await self._client.send(line))
        except CommandFailedError as failure:
            if failure.exit_code is not ExitCode.DENIED:
                raise
            self._screen.complain(str(failure))

    async def await_runs(self, wait_seconds: int) -> None:
        """Wait for the final notice of every run that was shown as going."""
        try:
            await asyncio.wait_for(self._screen.all_runs_over(), wait_seconds)
        except TimeoutError as error:
            what = f"still going after {wait_seconds} s: {', '.join(sorted(self._screen.open_runs))}"
            raise CommandFailedError(f"{what}; `last` shows how they end", ExitCode.BOUNDED_STOP) from error

    async def _listen(self, after: str) -> None:
        try:
            async for entry in self._client.notices(after):
                self._screen.notice(entry)
        except CommandFailedError as failure:
            self._screen.complain(f"no more notices: {failure}")


@asynccontextmanager
async def _connected(door: Door) -> AsyncIterator["ChatClient"]:
    import aiohttp  # noqa: PLC0415 - see above

    from bot.cli.chat_client import ChatClient  # noqa: PLC0415 - see above

    connector = aiohttp.UnixConnector(str(door.socket)) if door.socket else aiohttp.TCPConnector()
    base = "http://localhost" if door.socket else door.name
    cookies = aiohttp.CookieJar(unsafe=True)  # else cookies of a bare IP address such as 127.0.0.1 are dropped
    async with aiohttp.ClientSession(base, connector=connector, cookie_jar=cookies) as session:
        client = ChatClient(session, door.name, SystemClock(), SystemEntropy())
        if door.token is not None:
            await client.sign_in(door.token)
        yield client


async def _recognised(client: "ChatClient", door: Door) -> "Entry":
    try:
        return await client.who()
    except CommandFailedError as failure:
        if door.socket is None or failure.exit_code is not ExitCode.DENIED:
            raise
        address = f"console:{os.getuid()}"
        what = f"the bot knows nobody as {address}; `reins people address <person> {address}` says who you are"
        raise CommandFailedError(what, ExitCode.DENIED) from failure


def _typed_lines() -> Iterator[str]:
    with suppress(ImportError):  # a Python built without it still chats
        import readline  # noqa: F401, PLC0415 - importing it gives `input` history and editing
    while True:
        try:
            yield input(PROMPT)
        except EOFError:
            return


def _piped_lines() -> Iterator[str]:
    try:
        for line in sys.stdin:
            yield line.rstrip("\n")
    except UnicodeDecodeError as error:
        raise UserError(
            "standard input: holds bytes that are no UTF-8 text; send plain text, one command a line"
        ) from error
