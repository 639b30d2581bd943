"""A person's chat thread: what the bot told them on the web page and the console, in order."""

from datetime import datetime

from domain.clock import from_text, to_text
from store.rows import Rows


class ThreadTable:
    """Notices handed to a person; a key is told once."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def add(self, person: str, key: str, body: bytes, now: datetime) -> None:
        """Append one notice; the same key again changes nothing."""
        self._rows.run(
            "INSERT INTO thread (person, at, key, body) VALUES (?, ?, ?, ?) ON CONFLICT (person, key) DO NOTHING",
            (person, to_text(now), key, body),
        )

    def after(self, person: str, seq: int, limit: int) -> list[tuple[int, datetime, bytes]]:
        """Return a person's notices behind `seq`, oldest first."""
        rows = self._rows.all(
            "SELECT seq, at, body FROM thread WHERE person = ? AND seq > ? ORDER BY seq LIMIT ?", (person, seq, limit)
        )
        return [(row[0], from_text(row[1]), row[2]) for row in rows]

    def latest(self, person: str, limit: int) -> list[tuple[int, datetime, bytes]]:
        """Return a person's newest notices, oldest first."""
        rows = self._rows.all(
            "SELECT seq, at, body FROM thread WHERE person = ? ORDER BY seq DESC LIMIT ?", (person, limit)
        )
        return [(row[0], from_text(row[1]), row[2]) for row in reversed(rows)]

    def newest(self, person: str) -> int:
        """Return the number of the newest notice of a person, 0 when there is none."""
        row = self._rows.one("SELECT max(seq) FROM thread WHERE person = ?", (person,))
        return int(row[0]) if row and row[0] is not None else 0
