"""The mode people set, one row, changed only with its version."""

from datetime import datetime

from domain.clock import from_text, to_text
from domain.modes import Mode, StoredMode
from store.rows import Rows


class ModeTable:
    """The stored mode; a store where nobody has set one is read-only (docs/design.md)."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows
        self._value: Mode | None = None

    def forget(self) -> None:
        """Forget what was read: a new transaction begins, or a part of this one was undone."""
        self._value = None

    def value(self) -> Mode:
        """Return only the mode: read inside the commit of every intent, once in a transaction."""
        if self._value is None:
            row = self._rows.one("SELECT mode FROM mode WHERE id = 1")
            self._value = Mode(row[0]) if row else Mode.READ_ONLY
        return self._value

    def current(self) -> StoredMode | None:
        """Return the mode with who set it and when, or None when nobody ever did."""
        row = self._rows.one("SELECT mode, version, changed_at, changed_by FROM mode WHERE id = 1")
        return StoredMode(Mode(row[0]), row[1], from_text(row[2]), row[3]) if row else None

    def set(self, mode: Mode, person: str, now: datetime) -> None:
        """Set the mode and raise its version by one."""
        self._value = mode
        self._rows.run(
            "INSERT INTO mode (id, mode, version, changed_at, changed_by) VALUES (1, ?, 1, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET mode = excluded.mode, version = mode.version + 1,"
            " changed_at = excluded.changed_at, changed_by = excluded.changed_by",
            (mode.value, to_text(now), person),
        )
