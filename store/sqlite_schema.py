"""Bringing a SQLite database's schema up to date, safe for processes that start together."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from store.migrations.runner import migrations_for, pending
from store.sqlite_connection import connect


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
