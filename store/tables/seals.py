"""Signed checkpoints of the audit chain."""

from collections.abc import Iterator

from store.rows import Rows


class SealsTable:
    """Seals by the size they cover; two at one size are both kept, so that a conflict shows."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows
        self._newest: tuple[int, str] | None = None

    def forget(self) -> None:
        """Forget what was read: a new transaction begins, or a part of this one was undone."""
        self._newest = None

    def add(self, size: int, at: str, body: bytes) -> None:
        """Keep one seal, `body` being its JSON."""
        self._rows.run("INSERT INTO seals (size, at, body) VALUES (?, ?, ?)", (size, at, body))
        self._newest = None

    def newest(self) -> tuple[int, str] | None:
        """Return size and time of the newest seal; read once in a transaction."""
        if self._newest is None:
            row = self._rows.one("SELECT size, at FROM seals ORDER BY size DESC, at DESC LIMIT 1")
            self._newest = (row[0], row[1]) if row else None
        return self._newest

    def each(self) -> Iterator[bytes]:
        """Return every seal's JSON, in order, without holding them all: an idle year makes half a million."""
        return (row[0] for row in self._rows.each("SELECT body FROM seals ORDER BY size, at"))
