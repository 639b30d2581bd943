"""Group commit: waiting transactions run together on the event loop, and one thread flushes them to disk.

Why the statements do not run on the thread too: every sqlite3 call gives Python's global lock away and takes it back.
While the loop is busy with requests, a second thread of Python pays for each call with a change of threads, which made
a message five times as dear. On the loop nobody competes; only what may wait for the disk or for another process is
left to the thread: COMMIT, and BEGIN where the lock is taken.
"""

import asyncio
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from store.port import StoreUnwritable
from store.sqlite_connection import BUSY_TIMEOUT_SECONDS, SqliteRows, is_busy, is_unwritable
from store.tables import Tables

GROUP_LIMIT = 128  # commits of 128 rows cost 10 times one row's (measured); more only adds waiting
log = structlog.get_logger("store")


@dataclass(slots=True)
class Job:
    """One waiting transaction; `given_up` is set when its caller was told that nothing was recorded."""

    fn: Callable[[Tables], Any]
    future: "asyncio.Future[Any]"
    result: Any = None
    error: BaseException | None = None
    given_up: bool = False


class GroupWriter:
    """The only writer of a process. Its methods are called on the event loop; private ones say where they are not."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Take over this connection, and start the thread."""
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._connection.execute("PRAGMA busy_timeout = 0")  # the loop never waits for a lock; the thread does
        self._tables = Tables(SqliteRows(connection))
        self._waiting: deque[Job] = deque()
        self._active = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._orders: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._obey, name="store-writer")
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Run a transaction in the next group. No timer: whatever is there when the group begins goes along."""
        self._waiting.append(job)
        if not self._active:
            self._active = True
            self._idle.clear()
            self._loop.call_soon(self._next_group)

    async def close(self) -> None:
        """Finish what waits, end the thread, close the connection."""
        await self._idle.wait()
        self._orders.put(None)
        await asyncio.to_thread(self._thread.join)
        self._connection.close()

    def _next_group(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), GROUP_LIMIT))]
        if not batch:
            self._active = False
            self._idle.set()
            return
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            if is_busy(error):
                self._orders.put(lambda: self._wait_for_lock(batch))
            else:
                self._fail(batch, error)
        else:
            self._run(batch)

    def _run(self, batch: list[Job]) -> None:
        try:
            _run_together(self._connection, self._tables, batch)
        except Exception as error:  # noqa: BLE001 - the writer must live on; every waiting caller is told
            self._fail(batch, error)
        else:
            self._orders.put(lambda: self._flush(batch))

    def _begun(self, batch: list[Job], error: sqlite3.Error | None) -> None:
        if error is not None:
            self._fail(batch, error)
        else:
            self._run(batch)

    def _flushed(self, batch: list[Job], error: sqlite3.Error | None) -> None:
        if error is not None:
            self._fail(batch, error)
            return
        _resolve(batch)
        self._next_group()

    def _fail(self, batch: list[Job], error: Exception) -> None:
        if self._connection.in_transaction:
            self._try("ROLLBACK")  # if even that fails, the next BEGIN says so to the next group
        reason = error
        if is_unwritable(error):
            log.warning("store_unwritable", error=str(error), waiting=len(batch))
            reason = StoreUnwritable(str(error))
        for job in batch:
            job.error = reason
        _resolve(batch)
        self._next_group()

    def _obey(self) -> None:
        """Do what the loop orders (on the thread)."""
        while (order := self._orders.get()) is not None:
            order()

    def _flush(self, batch: list[Job]) -> None:
        """Commit, which waits for the disk (on the thread)."""
        self._loop.call_soon_threadsafe(self._flushed, batch, self._try("COMMIT"))

    def _wait_for_lock(self, batch: list[Job]) -> None:
        """Begin once another process gives the lock away (on the thread)."""
        self._try(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_SECONDS * 1000)}")
        error = self._try("BEGIN IMMEDIATE")
        self._try("PRAGMA busy_timeout = 0")
        self._loop.call_soon_threadsafe(self._begun, batch, error)

    def _try(self, statement: str) -> sqlite3.Error | None:
        try:
            self._connection.execute(statement)
        except sqlite3.Error as error:
            return error
        return None


def _run_together(connection: sqlite3.Connection, tables: Tables, batch: list[Job]) -> None:
    """Run a group; if one of it fails, run all again with a savepoint each, so that only that one fails.

    Savepoints from the start would cost every message two statements for a failure that hardly ever comes.

    Raises:
        Exception: the disk is the trouble, or a function ended the transaction: the whole group fails.
    """
    connection.execute("SAVEPOINT whole_group")
    tables.forget()
    running = [job for job in batch if not job.given_up]  # what was told "not recorded" must never be
    try:
        for job in running:
            job.result = job.fn(tables)
    except Exception as error:
        if is_unwritable(error) or not connection.in_transaction:
            raise
        connection.execute("ROLLBACK TO whole_group")
        for job in running:
            _run_apart(connection, tables, job)


def _run_apart(connection: sqlite3.Connection, tables: Tables, job: Job) -> None:
    connection.execute("SAVEPOINT one_job")
    tables.forget()
    try:
        job.result = job.fn(tables)
    except Exception as error:
        if is_unwritable(error) or not connection.in_transaction:
            raise
        connection.execute("ROLLBACK TO one_job")
        job.error = error
    connection.execute("RELEASE one_job")


def _resolve(batch: list[Job]) -> None:
    for job in batch:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
