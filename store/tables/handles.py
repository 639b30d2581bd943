"""The short ids people type, and what each one means at the moment."""

from datetime import datetime, timedelta
from typing import Literal

from domain.clock import to_text
from domain.ids import CROCKFORD, crockford
from store.rows import Rows

HandleKind = Literal["run", "approval", "decision", "confirmation", "answer"]
REUSE_AFTER = timedelta(hours=24)  # nobody acts on a message older than this by its two characters
_TWO, _THREE = len(CROCKFORD) ** 2, len(CROCKFORD) ** 3
_STRIDE = 397  # odd and coprime to both ranges: neighbours in time look different, so a slip of the thumb misses


class HandlesTable:
    """Two characters while they last, then three; the newest meaning of a handle counts."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def next(self, now: datetime) -> str:
        """Return a handle that nothing open or recent bears, without giving it away yet."""
        number = self._next_number()
        candidate = crockford(number * _STRIDE % _TWO, 2)
        return crockford(number * _STRIDE % _THREE, 3) if self._taken(candidate, now) else candidate

    def give(self, handle: str, kind: HandleKind, target: str, now: datetime) -> None:
        """Let a handle from `next` point at `target`."""
        self._rows.run(
            "INSERT INTO handles (number, handle, kind, target, made_at) VALUES (?, ?, ?, ?, ?)",
            (self._next_number(), handle, kind, target, to_text(now)),
        )

    def _next_number(self) -> int:
        row = self._rows.one("SELECT coalesce(max(number), 0) + 1 FROM handles")
        assert row is not None, "an aggregate returns its row"
        return int(row[0])

    def _taken(self, candidate: str, now: datetime) -> bool:
        row = self._rows.one(
            "SELECT 1 FROM handles h WHERE handle = ? AND (made_at > ?"
            " OR EXISTS (SELECT 1 FROM approvals WHERE id = h.target AND state = 'open')"
            " OR EXISTS (SELECT 1 FROM confirmations WHERE id = h.target AND consumed_at IS NULL AND expires_at > ?)"
            " OR EXISTS (SELECT 1 FROM runs WHERE id = h.target AND state IN ('accepted', 'dispatched', 'running')))",
            (candidate, to_text(now - REUSE_AFTER), to_text(now)),
        )
        return row is not None

    def meaning(self, handle: str, kind: HandleKind | None = None) -> tuple[str, str] | None:
        """Return kind and target of the newest bearer of a handle, of one kind if asked."""
        row = self._rows.one(
            "SELECT kind, target FROM handles WHERE handle = ? AND (? IS NULL OR kind = ?) ORDER BY number DESC LIMIT 1",
            (handle, kind, kind),
        )
        return (row[0], row[1]) if row else None
