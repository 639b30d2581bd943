"""The SQLite store: one writer that commits waiting transactions together, readers on their own connections."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from store.port import StoreUnwritable
from store.sqlite_connection import SqliteRows, connect
from store.sqlite_schema import migrate
from store.sqlite_writer import GroupWriter, Job
from store.tables import Tables

T = TypeVar("T")

ANSWER_TIMEOUT_SECONDS = 2.0  # a hung disk must end in a denial within 2 s (docs/design.md)
READER_THREADS = 2


class SqliteStore:
    """The default store. Make it inside a running event loop, `open` it, `close` it."""

    def __init__(self, path: Path) -> None:
        """Remember where the database is; nothing is opened yet."""
        self._path = path
        self._writer: GroupWriter | None = None
        self._readers = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="store-reader")
        self._local = threading.local()
        self._reader_connections: list[sqlite3.Connection] = []

    async def open(self) -> None:
        """Migrate, then start the writer."""
        await asyncio.to_thread(migrate, self._path)
        self._writer = GroupWriter(connect(self._path, read_only=False))

    async def close(self) -> None:
        """Finish what waits, then close."""
        if self._writer is not None:
            await self._writer.close()
        self._readers.shutdown(wait=True)
        for connection in self._reader_connections:
            connection.close()

    async def transact(self, fn: Callable[[Tables], T]) -> T:
        """Run `fn` in a write transaction together with whatever else waits."""
        assert self._writer is not None, "open the store first"
        loop = asyncio.get_running_loop()
        job = Job(fn, loop.create_future())
        self._writer.submit(job)
        # A timer handle is far cheaper than asyncio.wait_for, and this is the hot path.
        timer = loop.call_later(ANSWER_TIMEOUT_SECONDS, _give_up, job)
        try:
            return await job.future  # type: ignore[no-any-return]
        finally:
            timer.cancel()

    async def read(self, fn: Callable[[Tables], T]) -> T:
        """Run `fn` on a reader connection, inside one snapshot."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, fn)

    def _read(self, fn: Callable[[Tables], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect(self._path, read_only=True)
            self._reader_connections.append(connection)
            self._local.tables = Tables(SqliteRows(connection))
        connection.execute("BEGIN")
        tables: Tables = self._local.tables
        tables.forget()
        try:
            return fn(tables)
        finally:
            connection.execute("ROLLBACK")


def _give_up(job: Job) -> None:
    job.given_up = True
    if not job.future.done():
        job.future.set_exception(StoreUnwritable(f"not recorded within {ANSWER_TIMEOUT_SECONDS:.0f} s"))
