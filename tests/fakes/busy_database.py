"""A database that somebody else is writing to and does not let go."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store.sqlite_connection import connect


@contextmanager
def held_for_writing(database: Path) -> Iterator[None]:
    """Hold the write lock on a connection of one's own, as another process would."""
    connection = connect(database, read_only=False)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()
