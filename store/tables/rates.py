"""Counters per hour."""

from datetime import datetime

from domain.clock import to_text
from store.rows import Rows

_HOUR_TEXT = 13  # `2026-11-22T14` of a written time


class RatesTable:
    """How often something happened in the present hour."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def count(self, key: str, now: datetime) -> int:
        """Count one more and return how many there are now."""
        row = self._rows.one(
            "INSERT INTO rates (hour, key, count) VALUES (?, ?, 1)"
            " ON CONFLICT (hour, key) DO UPDATE SET count = count + 1 RETURNING count",
            (to_text(now)[:_HOUR_TEXT], key),
        )
        assert row is not None, "an upsert returns its row"
        return int(row[0])

    def current(self, key: str, now: datetime) -> int:
        """Return the count without raising it."""
        row = self._rows.one("SELECT count FROM rates WHERE hour = ? AND key = ?", (to_text(now)[:_HOUR_TEXT], key))
        return int(row[0]) if row else 0

    def forget_before(self, moment: datetime) -> int:
        """Drop the counters of hours before this moment."""
        return self._rows.run("DELETE FROM rates WHERE hour < ?", (to_text(moment)[:_HOUR_TEXT],))
