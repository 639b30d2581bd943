"""The furthest that each message got, by the providers' own receipts, which come in any order and more than once."""

from dataclasses import dataclass
from datetime import datetime

from domain.clock import from_text, to_text
from store.rows import Rows


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider last said of a message, in its own word; `rank` orders its words from queued to final."""

    rank: int
    status: str
    error: str | None
    at: datetime


class ReceiptsTable:
    """One receipt per message: the one with the highest rank."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def note(self, channel: str, provider_id: str, rank: int, status: str, error: str | None, now: datetime) -> bool:
        """Keep a receipt and return True, unless one of the same or a higher rank is there."""
        changed = self._rows.run(
            "INSERT INTO receipts (channel, provider_id, rank, status, error, at) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (channel, provider_id) DO UPDATE"
            " SET rank = excluded.rank, status = excluded.status, error = excluded.error, at = excluded.at"
            " WHERE excluded.rank > receipts.rank",
            (channel, provider_id, rank, status, error, to_text(now)),
        )
        return changed == 1

    def get(self, channel: str, provider_id: str) -> Receipt | None:
        """Return the furthest receipt of a message, or None when there was none."""
        row = self._rows.one(
            "SELECT rank, status, error, at FROM receipts WHERE channel = ? AND provider_id = ?",
            (channel, provider_id),
        )
        return Receipt(row[0], row[1], row[2], from_text(row[3])) if row else None
