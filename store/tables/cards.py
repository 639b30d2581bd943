"""Which message shows a run, an approval or a confirmation at an address, so that it can be brought up to date."""

from datetime import datetime

from domain.clock import to_text
from store.rows import Rows


class CardsTable:
    """One card per subject and address."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def put(self, to: str, subject: str, provider_id: str, now: datetime) -> None:
        """Remember the provider's id of the message that shows a subject at `to`; the newest wins."""
        self._rows.run(
            "INSERT INTO cards (subject, address, provider_id, at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (subject, address) DO UPDATE SET provider_id = excluded.provider_id, at = excluded.at"
            " WHERE excluded.at >= cards.at",
            (subject, to, provider_id, to_text(now)),
        )

    def get(self, to: str, subject: str) -> str | None:
        """Return the provider's id of the message that shows a subject at `to`, or None."""
        row = self._rows.one("SELECT provider_id FROM cards WHERE subject = ? AND address = ?", (subject, to))
        return row[0] if row else None

    def showing(self, subject: str) -> list[str]:
        """Return the addresses, `channel:value`, where something shows this subject."""
        rows = self._rows.all("SELECT address FROM cards WHERE subject = ? ORDER BY address", (subject,))
        return [address for (address,) in rows]
