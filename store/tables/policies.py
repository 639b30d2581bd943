"""Every policy file that was ever in force, by its SHA-256, so that old decisions can be derived again."""

from datetime import datetime

from domain.clock import to_text
from store.rows import Rows


class PoliciesTable:
    """Policy texts."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def keep(self, version: str, body: bytes, now: datetime) -> None:
        """Keep a policy text; one that is known already is left alone."""
        self._rows.run(
            "INSERT INTO policies (version, first_seen, body) VALUES (?, ?, ?) ON CONFLICT (version) DO NOTHING",
            (version, to_text(now), body),
        )

    def get(self, version: str) -> bytes | None:
        """Return the text of a policy version."""
        row = self._rows.one("SELECT body FROM policies WHERE version = ?", (version,))
        return row[0] if row else None
