"""Web sessions, stored as hashes of their cookies."""

from datetime import datetime

from domain.clock import to_text
from store.rows import Rows


class SessionsTable:
    """Who is signed in where."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def add(self, hashed: str, person: str, made_at: datetime, expires_at: datetime) -> None:
        """Keep a new session."""
        self._rows.run(
            "INSERT INTO sessions (hash, person, made_at, expires_at) VALUES (?, ?, ?, ?)",
            (hashed, person, to_text(made_at), to_text(expires_at)),
        )

    def person_of(self, hashed: str, now: datetime) -> str | None:
        """Return whose session this is, or None when it is unknown, ended or expired."""
        row = self._rows.one(
            "SELECT person FROM sessions WHERE hash = ? AND ended_at IS NULL AND expires_at > ?",
            (hashed, to_text(now)),
        )
        return row[0] if row else None

    def end(self, hashed: str, now: datetime) -> None:
        """End one session."""
        self._rows.run("UPDATE sessions SET ended_at = ? WHERE hash = ? AND ended_at IS NULL", (to_text(now), hashed))

    def end_all_of(self, person: str, now: datetime) -> int:
        """End every session of a person and return how many there were."""
        return self._rows.run(
            "UPDATE sessions SET ended_at = ? WHERE person = ? AND ended_at IS NULL", (to_text(now), person)
        )
