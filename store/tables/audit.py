"""The audit chain's rows: bytes as they were hashed, appended in the transaction of what they describe."""

from collections.abc import Iterator

from audit.row import GENESIS, Entry, encode, link
from store.rows import Rows


class AuditTable:
    """Appending and reading; nothing here changes a row."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows
        self._head: tuple[int, str] | None = None

    def forget(self) -> None:
        """Forget what was read: a new transaction begins, or a part of this one was undone."""
        self._head = None

    def head(self) -> tuple[int, str]:
        """Return the newest row's number and hash, `(0, GENESIS)` for an empty log; read once in a transaction."""
        if self._head is None:
            row = self._rows.one("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
            self._head = (row[0], row[1]) if row else (0, GENESIS)
        return self._head

    def append(self, entry: Entry) -> tuple[int, str]:
        """Append one row to the chain and return its number and hash."""
        size, previous = self.head()
        body = encode(entry, size + 1, previous)
        digest = link(body)
        self._rows.run("INSERT INTO audit (seq, body, hash) VALUES (?, ?, ?)", (size + 1, body, digest))
        self._head = (size + 1, digest)
        return self._head

    def row(self, seq: int) -> bytes | None:
        """Return one row's bytes."""
        row = self._rows.one("SELECT body FROM audit WHERE seq = ?", (seq,))
        return row[0] if row else None

    def latest(self, limit: int) -> list[bytes]:
        """Return the newest rows' bytes, oldest first."""
        rows = self._rows.all("SELECT body FROM audit ORDER BY seq DESC LIMIT ?", (limit,))
        return [row[0] for row in reversed(rows)]

    def each(self) -> Iterator[tuple[int, bytes, str]]:
        """Return number, bytes and stored hash of every row, in order, without holding them all."""
        return (
            (seq, body, digest)
            for seq, body, digest in self._rows.each("SELECT seq, body, hash FROM audit ORDER BY seq")
        )
