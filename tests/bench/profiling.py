"""Where the time of a message goes: the dispatcher's whole work under a profiler, in one thread."""

import asyncio
import cProfile
import pstats
import secrets
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Connection
from typing import TextIO, TypeVar

from bot.wiring import wire
from channels.web import to_inbound
from commands.dispatcher import Dispatcher
from store.sqlite_connection import SqliteRows, connect
from store.tables import Tables
from tests.bench.home import make_home, settings_for

T = TypeVar("T")
PEOPLE = 20
GROUP = 16  # messages a commit, as with sixteen clients
SHOWN_FUNCTIONS = 25


class OneThreadStore:
    """A store without its threads, which a profiler would not see: runs each function where it is called."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tables = Tables(SqliteRows(connection))
        self._waiting = 0

    async def transact(self, fn: Callable[[Tables], T]) -> T:
        if self._waiting == 0:
            self._connection.execute("BEGIN IMMEDIATE")
        result = fn(self._tables)
        self._waiting = (self._waiting + 1) % GROUP
        if self._waiting == 0:
            self._connection.commit()  # by its own name, so that it stands apart in the profile
        return result

    async def read(self, fn: Callable[[Tables], T]) -> T:
        return fn(self._tables)


def profile(folder: Path, text: str, messages: int, output: TextIO) -> None:
    """Handle so many messages of one text and print the functions that took most time of their own."""
    home = make_home(folder, PEOPLE)
    profiler = cProfile.Profile()
    with closing(connect(home.paths.database, read_only=False)) as connection:
        answered = asyncio.run(_handle(home.paths.root, OneThreadStore(connection), text, messages, profiler))
    output.write(f"{messages:,} messages {text!r}; the last was answered: {answered}\n")
    pstats.Stats(profiler, stream=output).sort_stats("tottime").print_stats(SHOWN_FUNCTIONS)


async def _handle(
    home: Path, store: OneThreadStore, text: str, messages: int, profiler: cProfile.Profile
) -> str | None:
    bot = wire(settings_for(home))
    dispatcher = Dispatcher(store, bot.around, lambda: None)
    answer = None
    for number in range(messages):
        now = datetime.now(UTC)
        stamp = str(int(now.timestamp()))
        message = to_inbound(f"person-{number % PEOPLE}", text, secrets.token_hex(16), stamp, now)
        profiler.enable()
        answer = await dispatcher.handle(message)
        profiler.disable()
    return answer.text if answer else None
