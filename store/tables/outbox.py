"""Effects that are committed but not yet performed, leased to one relay at a time."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from domain.clock import from_text, to_text
from domain.effects import CancelRun, Deliver, Dispatch, Effect
from domain.notices import DeliveryState
from store.rows import Row, Rows

_KINDS: dict[str, TypeAdapter[Dispatch] | TypeAdapter[CancelRun] | TypeAdapter[Deliver]] = {
    "dispatch": TypeAdapter(Dispatch),
    "cancel": TypeAdapter(CancelRun),
    "deliver": TypeAdapter(Deliver),
}
_NAMES: dict[type[Effect], str] = {Dispatch: "dispatch", CancelRun: "cancel", Deliver: "deliver"}
_COLUMNS = "id, key, kind, body, state, made_at, expires_at, tries, epoch"


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One leased effect. `epoch` is the fencing token: only its holder may settle the row."""

    id: int
    key: str
    effect: Effect
    state: DeliveryState
    made_at: datetime
    expires_at: datetime
    tries: int
    epoch: int


class OutboxTable:
    """Rows go pending, sending, then delivered, expired or dead; ambiguous ones wait to be reconciled."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def add(self, key: str, effect: Effect, now: datetime, expires_at: datetime) -> None:
        """Commit an effect; a key that is there already adds nothing (one key, one effect)."""
        kind = _NAMES[type(effect)]
        self._rows.run(
            "INSERT INTO outbox (key, kind, body, state, made_at, due_at, expires_at) VALUES (?, ?, ?, 'pending', ?, ?, ?)"
            " ON CONFLICT (key) DO NOTHING",
            (key, kind, _KINDS[kind].dump_json(effect), to_text(now), to_text(now), to_text(expires_at)),  # type: ignore[arg-type]
        )

    def lease(self, owner: str, now: datetime, leased_until: datetime, limit: int) -> list[OutboxRow]:
        """Take what is due, oldest first. A row whose lease ran out comes back as `ambiguous`: nobody knows if it went.

        A row that cannot be read is set aside as dead: it must not hold up everything behind it.
        """
        rows = self._rows.all(
            "UPDATE outbox SET owner = ?, epoch = epoch + 1, leased_until = ?, tries = tries + 1,"
            " state = CASE WHEN state = 'pending' THEN 'sending' ELSE 'ambiguous' END"
            " WHERE id IN (SELECT id FROM outbox WHERE"
            "  (state IN ('pending', 'ambiguous') AND due_at <= ? AND (leased_until IS NULL OR leased_until <= ?))"
            "  OR (state = 'sending' AND leased_until <= ?) ORDER BY due_at, id LIMIT ?)"
            f" RETURNING {_COLUMNS}",
            (owner, to_text(leased_until), to_text(now), to_text(now), to_text(now), limit),
        )
        leased = []
        for row in sorted(rows):
            try:
                leased.append(_read(row))
            except ValidationError as error:
                self._rows.run(
                    "UPDATE outbox SET state = 'dead', settled_at = ?, error = ?, owner = NULL, leased_until = NULL"
                    " WHERE id = ?",
                    (to_text(now), f"unreadable: {error.error_count()} problems", row[0]),
                )
        return leased

    def settle(self, row: OutboxRow, state: DeliveryState, now: datetime, error: str | None) -> bool:
        """End a row in a final state; False when another holder has taken it meanwhile."""
        changed = self._rows.run(
            "UPDATE outbox SET state = ?, settled_at = ?, error = ?, owner = NULL, leased_until = NULL"
            " WHERE id = ? AND epoch = ? AND leased_until IS NOT NULL AND state IN ('sending', 'ambiguous')",
            (state.value, to_text(now), error, row.id, row.epoch),
        )
        return changed == 1

    def postpone(self, row: OutboxRow, state: DeliveryState, due_at: datetime, error: str) -> bool:
        """Give a row back for later, pending or ambiguous; False when another holder has taken it meanwhile."""
        changed = self._rows.run(
            "UPDATE outbox SET state = ?, due_at = ?, error = ?, owner = NULL, leased_until = NULL"
            " WHERE id = ? AND epoch = ? AND leased_until IS NOT NULL AND state IN ('sending', 'ambiguous')",
            (state.value, to_text(due_at), error, row.id, row.epoch),
        )
        return changed == 1

    def has(self, key: str) -> bool:
        """Tell whether an effect was ever committed under this key."""
        return self._rows.one("SELECT 1 FROM outbox WHERE key = ?", (key,)) is not None

    def next_due(self) -> datetime | None:
        """Return when the next row wants attention, or None when nothing waits."""
        row = self._rows.one(
            "SELECT min(coalesce(leased_until, due_at)) FROM outbox WHERE state IN ('pending', 'sending', 'ambiguous')"
        )
        return from_text(row[0]) if row and row[0] else None

    def waiting(self) -> tuple[int, datetime | None]:
        """Return how many rows are unsettled, and since when the oldest of them waits."""
        row = self._rows.one(
            "SELECT count(*), min(made_at) FROM outbox WHERE state IN ('pending', 'sending', 'ambiguous')"
        )
        return (int(row[0]), from_text(row[1]) if row[1] else None) if row else (0, None)

    def states(self) -> dict[str, int]:
        """Return how many rows are in each state."""
        return dict(self._rows.all("SELECT state, count(*) FROM outbox GROUP BY state"))


def _read(row: Row) -> OutboxRow:
    return OutboxRow(
        id=row[0],
        key=row[1],
        effect=_KINDS[row[2]].validate_json(row[3]),
        state=DeliveryState(row[4]),
        made_at=from_text(row[5]),
        expires_at=from_text(row[6]),
        tries=row[7],
        epoch=row[8],
    )
