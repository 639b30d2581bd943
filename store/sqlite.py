"""The SQLite store: one writer thread that commits waiting transactions together, readers on their own connections."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import structlog

from store.migrations.runner import migrations_for, pending
from store.port import StoreUnwritable
from store.rows import Row
from store.tables import Tables

T = TypeVar("T")

LIBRARY_VERSION = sqlite3.sqlite_version_info
GROUP_LIMIT = 128  # commits of 128 rows cost 10 times one row's (measured); more only adds waiting
BUSY_TIMEOUT_SECONDS = 2.0  # another process (the command line) may hold the write lock for a moment
ANSWER_TIMEOUT_SECONDS = 2.0  # a hung disk must end in a denial within 2 s (design section 8)
CHECKPOINT_PAGES = 1000  # SQLite's own default; only the writer checkpoints
READER_THREADS = 2

# What SQLite says when the disk, not the statement, is the trouble.
_UNWRITABLE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY})
_PRIMARY_CODE_MASK = 0xFF  # extended result codes carry the primary one in their low byte
log = structlog.get_logger("store")


def _is_unwritable(error: BaseException) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, sqlite3.Error) and code is not None and code & _PRIMARY_CODE_MASK in _UNWRITABLE


class SqliteRows:
    """One sqlite3 connection behind the `Rows` protocol."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use this connection; transactions are begun and ended by its owner."""
        self._execute = connection.execute

    def one(self, sql: str, values: Sequence[object] = ()) -> Row | None:
        """Return the first row, or None."""
        row: Row | None = self._execute(sql, values).fetchone()
        return row

    def all(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Return all rows."""
        return self._execute(sql, values).fetchall()

    def each(self, sql: str, values: Sequence[object] = ()) -> Iterator[Row]:
        """Return rows one by one."""
        return iter(self._execute(sql, values))

    def run(self, sql: str, values: Sequence[object] = ()) -> int:
        """Change rows and return how many."""
        return self._execute(sql, values).rowcount


@dataclass(slots=True)
class _Job:
    """One waiting transaction; `given_up` is set when its caller stopped waiting before it began."""

    fn: Callable[[Tables], Any]
    future: "asyncio.Future[Any]"
    result: Any = None
    error: BaseException | None = None
    given_up: bool = False


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Open the database: WAL, durable at every commit, no implicit transactions."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_SECONDS, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")  # an acknowledged message survives a power cut
    if read_only:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
    else:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    return connection


def migrate(path: Path) -> list[str]:
    """Bring the schema up to date, all files in one transaction, and return the names of those applied.

    Raises:
        UserError: the database is newer than this program.
    """
    files = migrations_for("sqlite")
    connection = connect(path, read_only=False)
    try:
        missing = pending(files, _schema_of(connection))
        if missing:
            connection.execute("BEGIN IMMEDIATE")
            missing = pending(files, _schema_of(connection))  # while we waited, another process may have done it
            for migration in missing:
                for statement in _statements(migration.sql):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {migration.number}")
            connection.execute("COMMIT")
    finally:
        connection.close()
    return [migration.name for migration in missing]


def _schema_of(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    """Split a script at the ends of its statements; sqlite3's own executescript would end the transaction first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


class SqliteStore:
    """The default store. Make it inside a running event loop, `open` it, `close` it."""

    def __init__(self, path: Path) -> None:
        """Remember where the database is; nothing is opened yet."""
        self._path = path
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._readers = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="store-reader")
        self._local = threading.local()
        self._reader_connections: list[sqlite3.Connection] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    async def open(self) -> None:
        """Migrate, then start the writer thread."""
        self._loop = asyncio.get_running_loop()
        migrate(self._path)
        connection = connect(self._path, read_only=False)
        self._thread = threading.Thread(target=self._write_forever, args=(connection,), name="store-writer")
        self._thread.start()

    async def close(self) -> None:
        """Finish what waits, then close."""
        self._jobs.put(None)
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
        self._readers.shutdown(wait=True)
        for connection in self._reader_connections:
            connection.close()

    async def transact(self, fn: Callable[[Tables], T]) -> T:
        """Run `fn` in a write transaction together with whatever else waits."""
        assert self._loop is not None, "open the store first"
        job = _Job(fn, self._loop.create_future())
        self._jobs.put(job)
        # A timer handle is far cheaper than asyncio.wait_for, and this is the hot path.
        timer = self._loop.call_later(ANSWER_TIMEOUT_SECONDS, self._give_up, job)
        try:
            return await job.future  # type: ignore[no-any-return]
        finally:
            timer.cancel()

    def _give_up(self, job: _Job) -> None:
        job.given_up = True
        if not job.future.done():
            job.future.set_exception(StoreUnwritable(f"not recorded within {ANSWER_TIMEOUT_SECONDS:.0f} s"))

    async def read(self, fn: Callable[[Tables], T]) -> T:
        """Run `fn` on a reader connection, inside one snapshot."""
        assert self._loop is not None, "open the store first"
        return await self._loop.run_in_executor(self._readers, self._read, fn)

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

    def _write_forever(self, connection: sqlite3.Connection) -> None:
        tables = Tables(SqliteRows(connection))
        stopping = False
        while not stopping:
            batch: list[_Job] = []
            job = self._jobs.get()
            # No timer: whatever waits is the group, so a lone write is not delayed.
            while job is not None:
                batch.append(job)
                if len(batch) == GROUP_LIMIT:
                    break
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
            stopping = job is None
            if batch:
                self._commit(connection, tables, batch)
        connection.close()

    def _commit(self, connection: sqlite3.Connection, tables: Tables, batch: list[_Job]) -> None:
        try:
            _run_group(connection, tables, batch)
        except Exception as error:  # noqa: BLE001 - the thread must live on; every waiting caller is told
            _undo(connection)
            reason: BaseException = error
            if _is_unwritable(error):
                log.warning("store_unwritable", error=str(error), waiting=len(batch))
                reason = StoreUnwritable(str(error))
            for job in batch:
                job.error = reason
        assert self._loop is not None, "the thread is started by open"
        self._loop.call_soon_threadsafe(_resolve, batch)


def _run_group(connection: sqlite3.Connection, tables: Tables, batch: list[_Job]) -> None:
    """Commit a group together; if one of it fails, run all again with a savepoint each, so that only that one fails.

    Savepoints from the start would cost every message two statements for a failure that hardly ever comes.
    """
    connection.execute("BEGIN IMMEDIATE")
    tables.forget()
    if not _all_went_well(tables, batch):
        _undo(connection)
        connection.execute("BEGIN IMMEDIATE")
        for job in batch:
            _run_in_savepoint(connection, tables, job)
    connection.execute("COMMIT")


def _all_went_well(tables: Tables, batch: list[_Job]) -> bool:
    running = [job for job in batch if not job.given_up]
    try:
        for job in running:
            job.result = job.fn(tables)
    except Exception as error:
        if _is_unwritable(error):
            raise
        return False
    # Whoever stopped waiting meanwhile was told that nothing was recorded, and that must stay true.
    return not any(job.given_up for job in running)


def _run_in_savepoint(connection: sqlite3.Connection, tables: Tables, job: _Job) -> None:
    if job.given_up:
        return
    connection.execute("SAVEPOINT job")
    tables.forget()
    try:
        job.result = job.fn(tables)
    except Exception as error:
        if _is_unwritable(error) or not connection.in_transaction:
            raise  # the disk is the trouble: the whole group fails, and SQLite may have rolled back already
        connection.execute("ROLLBACK TO job")
        job.error = error
    connection.execute("RELEASE job")


def _undo(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _resolve(batch: list[_Job]) -> None:
    for job in batch:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
