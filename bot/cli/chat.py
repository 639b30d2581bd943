"""`reins chat`: talk to the bot from a terminal, as the local user or, with --url, as an ordinary session."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from bot.cli.chat_input import line_editing, lines_of, next_piped_line
from bot.cli.chat_screen import PROMPT, Screen
from bot.cli.exit_codes import CommandFailedError, ExitCode
from bot.cli.installation import Installation
from bot.settings import LOOPBACK_HOSTS
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
    with line_editing() if interactive else nullcontext():
        asyncio.run(_chat(door, interactive=interactive, wait_seconds=wait_seconds))


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


async def _chat(door: Door, *, interactive: bool, wait_seconds: int) -> None:
    screen = Screen(sys.stdout, interactive=interactive)
    async with _connected(door) as client:
        me = await _recognised(client, door)
        if interactive:
            typer.echo(f"You are {me['name']}, proof {me['proof']}. menu shows what you may do, Ctrl-D ends.")
        listening = asyncio.create_task(_listen(client, await client.newest_event(), screen))
        try:
            async for line in lines_of((lambda: input(PROMPT)) if interactive else next_piped_line):
                await _say(client, line, screen, interactive=interactive)
            if not interactive:
                await _await_runs(screen, wait_seconds)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def _recognised(client: "ChatClient", door: Door) -> "Entry":
    try:
        return await client.who()
    except CommandFailedError as failure:
        if door.socket is None or failure.exit_code is not ExitCode.DENIED:
            raise
        address = f"console:{os.getuid()}"
        what = f"the bot knows nobody as {address}; `reins people address <person> {address}` says who you are"
        raise CommandFailedError(what, ExitCode.DENIED) from failure


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


async def _say(client: "ChatClient", line: str, screen: Screen, *, interactive: bool) -> None:
    if not line.strip():
        return
    if not interactive:
        screen.echo(line)
    try:
        screen.answer(await client.send(line))
    except CommandFailedError as failure:
        if failure.exit_code is not ExitCode.DENIED:
            raise
        screen.complain(str(failure))


async def _listen(client: "ChatClient", after: str, screen: Screen) -> None:
    try:
        async for entry in client.notices(after):
            screen.notice(entry)
    except CommandFailedError as failure:
        screen.complain(f"no more notices: {failure}")


async def _await_runs(screen: Screen, wait_seconds: int) -> None:
    try:
        await asyncio.wait_for(screen.all_runs_over(), wait_seconds)
    except TimeoutError as error:
        still = ", ".join(sorted(screen.open_runs))
        what = f"still going after {wait_seconds} s: {still}"
        raise CommandFailedError(f"{what}; `last` shows how they end", ExitCode.BOUNDED_STOP) from error
