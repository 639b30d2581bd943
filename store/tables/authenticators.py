"""Authenticator apps: each person's secret, and the last time step that was spent."""

from datetime import datetime

from domain.clock import to_text
from store.rows import Rows


class AuthenticatorsTable:
    """One authenticator a person; a code is good once (RFC 6238, 5.2)."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def put(self, person: str, secret: str, now: datetime) -> None:
        """Keep a person's secret in place of an earlier one; what was spent stays spent."""
        self._rows.run(
            "INSERT INTO authenticators (person, secret, made_at) VALUES (?, ?, ?)"
            " ON CONFLICT (person) DO UPDATE SET secret = excluded.secret, made_at = excluded.made_at",
            (person, secret, to_text(now)),
        )

    def secret_of(self, person: str) -> str | None:
        """Return a person's secret as it was put, or None when they use no authenticator."""
        row = self._rows.one("SELECT secret FROM authenticators WHERE person = ?", (person,))
        return row[0] if row else None

    def spend_step(self, person: str, step: int) -> bool:
        """Spend the code of a time step; False when this or a later one was spent before, or there is no secret."""
        changed = self._rows.run(
            "UPDATE authenticators SET last_step = ? WHERE person = ? AND (last_step IS NULL OR last_step < ?)",
            (step, person, step),
        )
        return changed == 1

    def remove(self, person: str) -> bool:
        """Forget a person's authenticator; False when there was none."""
        return self._rows.run("DELETE FROM authenticators WHERE person = ?", (person,)) == 1
