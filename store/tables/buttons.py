"""Buttons that were sent, by the hashes of their tokens, and who has pressed them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from domain.clock import from_text, to_text
from store.rows import Rows


@dataclass(frozen=True, slots=True)
class Button:
    """One button and all that its token is bound to; `to` is `channel:value`, `hash` the token's fingerprint.

    `person` is None on a group's card: whoever may use it presses it once each. `message_id` is None until the
    provider has named the message it sits on.
    """

    hash: str
    to: str
    person: str | None
    subject: str | None
    command: str
    digest: str | None
    message_id: str | None
    made_at: datetime
    expires_at: datetime


class ButtonsTable:
    """Tokens are looked up by hash; every person presses a button once."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def add(self, button: Button) -> None:
        """Keep a new button."""
        self._rows.run(
            "INSERT INTO buttons (hash, address, person, subject, command, digest, message_id, made_at, expires_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                button.hash,
                button.to,
                button.person,
                button.subject,
                button.command,
                button.digest,
                button.message_id,
                to_text(button.made_at),
                to_text(button.expires_at),
            ),
        )

    def bind(self, hashes: Iterable[str], message_id: str) -> None:
        """Bind buttons to the message they were sent on."""
        for hashed in hashes:
            self._rows.run("UPDATE buttons SET message_id = ? WHERE hash = ?", (message_id, hashed))

    def get(self, hashed: str) -> Button | None:
        """Return a button, also one that has expired, or None when no such token was ever sent."""
        row = self._rows.one(
            "SELECT hash, address, person, subject, command, digest, message_id, made_at, expires_at"
            " FROM buttons WHERE hash = ?",
            (hashed,),
        )
        if row is None:
            return None
        return Button(
            hash=row[0],
            to=row[1],
            person=row[2],
            subject=row[3],
            command=row[4],
            digest=row[5],
            message_id=row[6],
            made_at=from_text(row[7]),
            expires_at=from_text(row[8]),
        )

    def pressed(self, hashed: str, person: str) -> int | None:
        """Return the inbox number of the message by which a person pressed this button, or None."""
        row = self._rows.one("SELECT message FROM presses WHERE hash = ? AND person = ?", (hashed, person))
        return int(row[0]) if row else None

    def press(self, hashed: str, person: str, message: int, now: datetime) -> None:
        """Keep a press by the number the inbox gave it; a second one of the same person breaks the transaction."""
        self._rows.run(
            "INSERT INTO presses (hash, person, message, at) VALUES (?, ?, ?, ?)",
            (hashed, person, message, to_text(now)),
        )

    def kill(self, subject: str, now: datetime) -> int:
        """Let every button of a subject expire now, and return how many were still alive."""
        return self._rows.run(
            "UPDATE buttons SET expires_at = ? WHERE subject = ? AND expires_at > ?",
            (to_text(now), subject, to_text(now)),
        )
