"""Signed checkpoints of the audit chain."""

from store.rows import Rows


class SealsTable:
    """Seals by the size they cover; two at one size are both kept, so that a conflict shows."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def add(self, size: int, at: str, body: bytes) -> None:
        """Keep one seal, `body` being its JSON."""
        self._rows.run("INSERT INTO seals (size, at, body) VALUES (?, ?, ?)", (size, at, body))

    def newest(self) -> tuple[int, str] | None:
        """Return size and time of the newest seal."""
        row = self._rows.one("SELECT size, at FROM seals ORDER BY size DESC, at DESC LIMIT 1")
        return (row[0], row[1]) if row else None

    def all(self) -> list[bytes]:
        """Return every seal's JSON, in order."""
        return [row[0] for row in self._rows.all("SELECT body FROM seals ORDER BY size, at")]
