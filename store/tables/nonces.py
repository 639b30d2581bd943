"""One-time tokens, stored as hashes, bound to a person and a purpose, spent once."""

from datetime import datetime

from domain.clock import to_text
from store.rows import Rows

LOGIN = "login"  # the purpose of a sign-in link


class NoncesTable:
    """Single-use secrets such as login links."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def add(self, hashed: str, purpose: str, person: str, binding: str, lifetime: tuple[datetime, datetime]) -> None:
        """Keep a token's hash; `lifetime` is when it was made and when it expires."""
        self._rows.run(
            "INSERT INTO nonces (hash, purpose, person, binding, made_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
            (hashed, purpose, person, binding, to_text(lifetime[0]), to_text(lifetime[1])),
        )

    def spend(self, hashed: str, purpose: str, now: datetime) -> tuple[str, str] | None:
        """Spend a token and return its person and binding; None when unknown, expired, spent or for another purpose.

        One conditional update decides (compare and set), so two callers never both win; `now == expires_at` is expired.
        """
        row = self._rows.one(
            "UPDATE nonces SET spent_at = ? WHERE hash = ? AND purpose = ? AND spent_at IS NULL AND expires_at > ?"
            " RETURNING person, binding",
            (to_text(now), hashed, purpose, to_text(now)),
        )
        return (row[0], row[1]) if row else None

    def pending(self, purpose: str, person: str, now: datetime) -> int:
        """Return how many tokens of a person could still be spent for this purpose."""
        row = self._rows.one(
            "SELECT count(*) FROM nonces WHERE purpose = ? AND person = ? AND spent_at IS NULL AND expires_at > ?",
            (purpose, person, to_text(now)),
        )
        assert row is not None, "an aggregate returns its row"
        return int(row[0])
