"""One SQLite connection: how it is opened, what its rows look like, and which of its errors mean that the disk is the trouble."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from store.rows import Row

LIBRARY_VERSION = sqlite3.sqlite_version_info
BUSY_TIMEOUT_SECONDS = 2.0  # another process (the command line) may hold the write lock for a moment
WAL_TRIES = 10  # each waits its turn; more would mean that somebody holds the file for good
CHECKPOINT_PAGES = 1000  # SQLite's own default: larger ones hold up messages for longer; only the writer checkpoints
WRITER_CACHE_KIB = 8192  # message ids are random, so the inbox is read and written all over

# What SQLite says when the disk, not the statement, is the trouble.
_UNWRITABLE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY})
_PRIMARY_CODE_MASK = 0xFF  # extended result codes carry the primary one in their low byte


def primary_code(error: BaseException) -> int | None:
    """Return SQLite's primary result code of an error, or None when it is not SQLite's."""
    code = getattr(error, "sqlite_errorcode", None)
    return code & _PRIMARY_CODE_MASK if isinstance(error, sqlite3.Error) and code is not None else None


def is_busy(error: BaseException) -> bool:
    """Tell whether another process holds the write lock."""
    return primary_code(error) == sqlite3.SQLITE_BUSY


def is_unwritable(error: BaseException) -> bool:
    """Tell whether nothing can be written now, whatever the statement."""
    return primary_code(error) in _UNWRITABLE


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Open the database: WAL, durable at every commit, no implicit transactions."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_SECONDS, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")  # an acknowledged message survives a power cut
    if read_only:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
    else:
        _use_wal(connection)
        connection.execute("PRAGMA temp_store = MEMORY")  # else every savepoint makes a file and writes pages to it
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA cache_size = -{WRITER_CACHE_KIB}")
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log. SQLite does not wait for other processes here, so that is done by hand."""
    for _ in range(WAL_TRIES):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            connection.execute("BEGIN IMMEDIATE")  # this does wait, for whoever is switching right now
            connection.execute("ROLLBACK")
        else:
            return
    connection.execute("PRAGMA journal_mode = WAL")


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
