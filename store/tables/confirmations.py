"""Commands that wait for their one-time code, and the wrong codes of each address."""

from datetime import datetime

from domain.clock import from_text, to_text
from domain.confirmations import Confirmation
from store.rows import Rows

_COLUMNS = (
    "id, handle, person, address, text, made_at, expires_at, code_hash, code_expires_at, consumed_at, consumed_by"
)


class ConfirmationsTable:
    """A confirmation is consumed once, in time; a wrong code counts against the address it came from."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def open(self, confirmation: Confirmation) -> None:
        """Keep a new confirmation, which nobody has consumed and no code was made for."""
        self._rows.run(
            "INSERT INTO confirmations (id, handle, person, address, text, made_at, expires_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                confirmation.id,
                confirmation.handle,
                confirmation.person,
                confirmation.to,
                confirmation.text,
                to_text(confirmation.made_at),
                to_text(confirmation.expires_at),
            ),
        )

    def get(self, confirmation_id: str) -> Confirmation | None:
        """Return one confirmation, whatever became of it."""
        row = self._rows.one(f"SELECT {_COLUMNS} FROM confirmations WHERE id = ?", (confirmation_id,))
        if row is None:
            return None
        return Confirmation(
            id=row[0],
            handle=row[1],
            person=row[2],
            to=row[3],
            text=row[4],
            made_at=from_text(row[5]),
            expires_at=from_text(row[6]),
            code_hash=row[7],
            code_expires_at=from_text(row[8]) if row[8] else None,
            consumed_at=from_text(row[9]) if row[9] else None,
            consumed_by=row[10],
        )

    def set_code(self, confirmation_id: str, code_hash: str, now: datetime, until: datetime) -> bool:
        """Keep the newest code's hash, good until `until`; False when the confirmation is consumed or expired."""
        changed = self._rows.run(
            "UPDATE confirmations SET code_hash = ?, code_expires_at = ?"
            " WHERE id = ? AND consumed_at IS NULL AND expires_at > ?",
            (code_hash, to_text(until), confirmation_id, to_text(now)),
        )
        return changed == 1

    def consume(self, confirmation_id: str, message: int, now: datetime) -> bool:
        """Use a confirmation for the message with this inbox number; False when it was used or its time is up."""
        changed = self._rows.run(
            "UPDATE confirmations SET consumed_at = ?, consumed_by = ?"
            " WHERE id = ? AND consumed_at IS NULL AND expires_at > ?",
            (to_text(now), message, confirmation_id, to_text(now)),
        )
        return changed == 1

    def note_wrong(self, to: str, now: datetime) -> None:
        """Count a wrong code that came from this address."""
        self._rows.run("INSERT INTO wrong_codes (address, at) VALUES (?, ?)", (to, to_text(now)))

    def wrong_since(self, to: str, moment: datetime) -> int:
        """Return how many wrong codes came from this address after a moment."""
        row = self._rows.one("SELECT count(*) FROM wrong_codes WHERE address = ? AND at > ?", (to, to_text(moment)))
        assert row is not None, "an aggregate returns its row"
        return int(row[0])
