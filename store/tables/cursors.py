"""How far each inbound stream was read, so that a restart goes on from there."""

from datetime import datetime

from domain.clock import to_text
from store.rows import Rows


class CursorsTable:
    """One position per stream, in the provider's own words."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def read(self, name: str) -> str | None:
        """Return the last kept position of a stream, or None when none was ever kept."""
        row = self._rows.one("SELECT position FROM cursors WHERE name = ?", (name,))
        return row[0] if row else None

    def keep(self, name: str, position: str, now: datetime) -> None:
        """Keep a position in place of the one before."""
        self._rows.run(
            "INSERT INTO cursors (name, position, at) VALUES (?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET position = excluded.position, at = excluded.at",
            (name, position, to_text(now)),
        )
