"""Effects that are committed but not yet performed, leased to one relay at a time."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from domain.clock import from_text, to_text
from domain.effects import CancelRun, Deliver, Dispatch, Effect, LinkAddress
from domain.notices import DeliveryState
from store.rows import Row, Rows

_Adapter = TypeAdapter[Dispatch] | TypeAdapter[CancelRun] | TypeAdapter[Deliver] | TypeAdapter[LinkAddress]
_KINDS: dict[str, _Adapter] = {
    "dispatch": TypeAdapter(Dispatch),
    "cancel": TypeAdapter(CancelRun),
    "deliver": TypeAdapter(Deliver),
    "link": TypeAdapter(LinkAddress),
}
_NAMES: dict[type[Effect], str] = {Dispatch: "dispatch", CancelRun: "cancel", Deliver: "deliver", LinkAddress: "link"}
_COLUMNS = (
    "id, key, kind, body, state, made_at, expires_at, tries, epoch, provider_id,"
    " due_at, settled_at, error, channel, urgent"
)
# Word for word what the partial indexes say: else SQLite does not use them, and reads every settled row.
_WAITING = "state IN ('pending', 'sending', 'ambiguous')"
# When a row wants attention: while it is leased that is the end of the lease, and a waiting row has no lease.
_ATTENTION = "coalesce(leased_until, due_at)"
_GIVEN_BACK = "owner = NULL, leased_until = NULL"
_HELD = "id = ? AND epoch = ? AND leased_until IS NOT NULL AND state IN ('sending', 'ambiguous')"


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One leased effect. `epoch` is the fencing token: only its holder may settle the row.

    `provider_id` is the provider's own id of the message that may be under way.
    """

    id: int
    key: str
    effect: Effect
    state: DeliveryState
    made_at: datetime
    expires_at: datetime
    tries: int
    epoch: int
    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """One row as people look at it, settled or not; `effect` is None where the row's body cannot be read."""

    id: int
    key: str
    kind: str
    effect: Effect | None
    state: DeliveryState
    made_at: datetime
    due_at: datetime
    expires_at: datetime
    settled_at: datetime | None
    tries: int
    epoch: int
    provider_id: str | None
    error: str | None
    channel: str | None
    urgent: bool


class OutboxTable:
    """Rows go pending, sending, then delivered, expired or dead; ambiguous ones wait to be reconciled.

    `closed` names channels whose notices are left where they are; other effects belong to no channel.
    """

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def add(self, key: str, effect: Effect, now: datetime, expires_at: datetime, *, urgent: bool = False) -> None:
        """Commit an effect; a key that is there already adds nothing (one key, one effect)."""
        kind = _NAMES[type(effect)]
        deliver = effect if isinstance(effect, Deliver) else None
        self._rows.run(
            "INSERT INTO outbox (key, kind, body, state, made_at, due_at, expires_at, channel, urgent, fallbacks)"
            " VALUES (?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
            (
                key,
                kind,
                _KINDS[kind].dump_json(effect),  # type: ignore[arg-type]  # the adapter is the one of this very type
                to_text(now),
                to_text(now),
                to_text(expires_at),
                deliver.to.partition(":")[0] if deliver else None,
                int(urgent),
                int(deliver is not None and bool(deliver.fallbacks)),
            ),
        )

    def lease(
        self, owner: str, now: datetime, leased_until: datetime, limit: int, closed: Collection[str] = ()
    ) -> list[OutboxRow]:
        """Take what is due, urgent rows first, then the oldest.

        A row whose lease ran out comes back as `ambiguous`: nobody knows if it went. A row that cannot be read is set
        aside as dead: it must not hold up everything behind it.
        """
        of_open, names = _of_open_channels(closed)
        chosen = (
            f"SELECT id FROM outbox WHERE {_WAITING} AND {_ATTENTION} <= ?{of_open}"
            " ORDER BY urgent DESC, due_at, id LIMIT ?"
        )
        return self._readable(self._take(owner, leased_until, chosen, (to_text(now), *names, limit)), now)

    def lease_expired(
        self, owner: str, now: datetime, leased_until: datetime, limit: int, closed: Collection[str]
    ) -> list[OutboxRow]:
        """Take notices of closed channels whose time is up, to be ended: nobody waits for a channel to end them."""
        names = tuple(closed)
        chosen = (
            f"SELECT id FROM outbox WHERE {_WAITING} AND {_ATTENTION} <= ? AND expires_at <= ?"
            f" AND channel IN ({', '.join('?' * len(names))}) LIMIT ?"
        )
        return self._readable(self._take(owner, leased_until, chosen, (to_text(now), to_text(now), *names, limit)), now)

    def probe(self, owner: str, channel: str, now: datetime, leased_until: datetime) -> OutboxRow | None:
        """Take the oldest waiting notice of a channel before it is due, to see whether the channel works again.

        One that may have arrived is taken only when it is due: who looks back too early finds nothing and sends twice.
        """
        chosen = (
            f"SELECT id FROM outbox WHERE {_WAITING} AND channel = ? AND (state = 'pending' OR {_ATTENTION} <= ?)"
            " ORDER BY made_at, id LIMIT 1"
        )
        while taken := self._take(owner, leased_until, chosen, (channel, to_text(now))):
            if readable := self._readable(taken, now):
                return readable[0]
        return None

    def hasten(self, channel: str, now: datetime) -> int:
        """Let a channel's notices that wait for a later try be due now, and return how many those were.

        Those that may have arrived keep their moment: who looks back too early finds nothing and sends twice.
        """
        return self._rows.run(
            f"UPDATE outbox SET due_at = ? WHERE {_WAITING} AND state = 'pending' AND channel = ? AND due_at > ?",
            (to_text(now), channel, to_text(now)),
        )

    def settle(
        self, row: OutboxRow, state: DeliveryState, now: datetime, error: str | None, provider_id: str | None = None
    ) -> bool:
        """End a row in a final state; False when another holder has taken it meanwhile."""
        changed = self._rows.run(
            "UPDATE outbox SET state = ?, settled_at = ?, error = ?, provider_id = coalesce(?, provider_id),"
            f" {_GIVEN_BACK} WHERE {_HELD}",
            (state.value, to_text(now), error, provider_id, row.id, row.epoch),
        )
        return changed == 1

    def await_receipt(self, row: OutboxRow, provider_id: str, until: datetime) -> bool:
        """Keep a row that the provider took, until its receipt settles it or the time for that is up.

        False when another holder has taken it meanwhile. After `until` it comes back as ambiguous.
        """
        changed = self._rows.run(
            f"UPDATE outbox SET state = 'sending', provider_id = ?, leased_until = ? WHERE {_HELD}",
            (provider_id, to_text(until), row.id, row.epoch),
        )
        return changed == 1

    def postpone(
        self, row: OutboxRow, state: DeliveryState, due_at: datetime, error: str, *, counts: bool = True
    ) -> bool:
        """Give a row back for later, pending or ambiguous; False when another holder has taken it meanwhile.

        Where it does not count, nothing was tried. A pending row has no message under way, so its provider's id goes.
        """
        changed = self._rows.run(
            "UPDATE outbox SET state = ?, due_at = ?, error = ?, tries = tries - ?,"
            f" provider_id = CASE WHEN ? = 'pending' THEN NULL ELSE provider_id END, {_GIVEN_BACK} WHERE {_HELD}",
            (state.value, to_text(due_at), error, int(not counts), state.value, row.id, row.epoch),
        )
        return changed == 1

    def settle_by_receipt(
        self, channel: str, provider_id: str, state: DeliveryState, now: datetime, error: str | None
    ) -> OutboxRow | None:
        """End the unsettled row of a message by its provider's word; None when there is none.

        Whoever holds the row holds it no longer: its epoch is raised.
        """
        row = self._rows.one(
            f"UPDATE outbox SET state = ?, settled_at = ?, error = ?, epoch = epoch + 1, {_GIVEN_BACK}"
            f" WHERE {_WAITING} AND provider_id = ? AND channel = ? RETURNING {_COLUMNS}",
            (state.value, to_text(now), error, provider_id, channel),
        )
        return _read(row) if row else None

    def to_fan_out(self, made_before: datetime, limit: int) -> list[OutboxRow]:
        """Return unsettled notices made at that moment or before, whose next channel was not tried yet, oldest first.

        One that cannot be read is left out: the next lease sets it aside.
        """
        rows = self._rows.all(
            f"SELECT {_COLUMNS} FROM outbox WHERE {_WAITING} AND fallbacks = 1 AND fanned_at IS NULL AND made_at <= ?"
            " ORDER BY made_at, id LIMIT ?",
            (to_text(made_before), limit),
        )
        return [_read(row) for row in rows if _effect(row) is not None]

    def mark_fanned(self, row_id: int, now: datetime) -> bool:
        """Note that a row's next channel is tried; False when it was before."""
        changed = self._rows.run(
            "UPDATE outbox SET fanned_at = ? WHERE id = ? AND fanned_at IS NULL", (to_text(now), row_id)
        )
        return changed == 1

    def retry(self, row_id: int, now: datetime, expires_at: datetime) -> bool:
        """Let a row be tried again from now on that is dead, expired, or ambiguous and in nobody's hands; else False.

        Somebody has looked and says so: a dispatch or notice that did arrive happens twice.
        """
        changed = self._rows.run(
            "UPDATE outbox SET state = 'pending', due_at = ?, expires_at = ?, settled_at = NULL, provider_id = NULL,"
            f" epoch = epoch + 1, {_GIVEN_BACK} WHERE id = ? AND (state IN ('dead', 'expired')"
            " OR (state = 'ambiguous' AND (leased_until IS NULL OR leased_until <= ?)))",
            (to_text(now), to_text(expires_at), row_id, to_text(now)),
        )
        return changed == 1

    def drop(self, row_id: int, now: datetime, why: str) -> bool:
        """Give an unsettled row up as dead, whoever holds it; False when it is settled."""
        changed = self._rows.run(
            f"UPDATE outbox SET state = 'dead', settled_at = ?, error = ?, epoch = epoch + 1, {_GIVEN_BACK}"
            f" WHERE id = ? AND {_WAITING}",
            (to_text(now), why, row_id),
        )
        return changed == 1

    def has(self, key: str) -> bool:
        """Tell whether an effect was ever committed under this key."""
        return self._rows.one("SELECT 1 FROM outbox WHERE key = ?", (key,)) is not None

    def get(self, row_id: int) -> Listed | None:
        """Return one row, settled or not."""
        row = self._rows.one(f"SELECT {_COLUMNS} FROM outbox WHERE id = ?", (row_id,))
        return _list(row) if row else None

    def by_key(self, key: str) -> Listed | None:
        """Return the row that was committed under a key, settled or not."""
        row = self._rows.one(f"SELECT {_COLUMNS} FROM outbox WHERE key = ?", (key,))
        return _list(row) if row else None

    def listing(self, state: str | None, limit: int) -> list[Listed]:
        """Return the newest rows, of one state if asked, newest first."""
        rows = self._rows.all(
            f"SELECT {_COLUMNS} FROM outbox WHERE (? IS NULL OR state = ?) ORDER BY id DESC LIMIT ?",
            (state, state, limit),
        )
        return [_list(row) for row in rows]

    def next_due(self, closed: Collection[str] = ()) -> datetime | None:
        """Return when `lease` has something to take, or None when nothing waits."""
        of_open, names = _of_open_channels(closed)
        row = self._rows.one(f"SELECT min({_ATTENTION}) FROM outbox WHERE {_WAITING}{of_open}", names)
        return from_text(row[0]) if row and row[0] else None

    def waiting(self) -> tuple[int, datetime | None]:
        """Return how many rows are unsettled, and since when the oldest of them waits."""
        row = self._rows.one(f"SELECT count(*), min(made_at) FROM outbox WHERE {_WAITING}")
        return (int(row[0]), from_text(row[1]) if row[1] else None) if row else (0, None)

    def oldest_by_channel(self) -> dict[str, datetime]:
        """Return since when the oldest unsettled notice of each channel waits."""
        rows = self._rows.all(
            f"SELECT channel, min(made_at) FROM outbox WHERE {_WAITING} AND channel IS NOT NULL GROUP BY channel"
        )
        return {channel: from_text(made_at) for channel, made_at in rows}

    def states(self) -> dict[str, int]:
        """Return how many rows are in each state."""
        return dict(self._rows.all("SELECT state, count(*) FROM outbox GROUP BY state"))

    def _take(self, owner: str, leased_until: datetime, chosen: str, values: tuple[object, ...]) -> list[Row]:
        """Lease the rows whose ids the query `chosen` gives, and return them in the order of `lease`."""
        rows = self._rows.all(
            "UPDATE outbox SET owner = ?, epoch = epoch + 1, leased_until = ?, tries = tries + 1,"
            " state = CASE WHEN state = 'pending' THEN 'sending' ELSE 'ambiguous' END"
            f" WHERE id IN ({chosen}) RETURNING -urgent, due_at, {_COLUMNS}",
            (owner, to_text(leased_until), *values),
        )
        return [row[2:] for row in sorted(rows)]  # whatever the database returns first

    def _readable(self, taken: list[Row], now: datetime) -> list[OutboxRow]:
        """Return the rows that can be read, and set the others aside."""
        leased = []
        for row in taken:
            try:
                leased.append(_read(row))
            except ValidationError as error:
                self._rows.run(
                    f"UPDATE outbox SET state = 'dead', settled_at = ?, error = ?, {_GIVEN_BACK} WHERE id = ?",
                    (to_text(now), f"unreadable: {error.error_count()} problems", row[0]),
                )
        return leased


def _of_open_channels(closed: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """Return the condition that leaves out the notices of closed channels, and its values."""
    names = tuple(closed)
    if not names:
        return "", ()
    return f" AND (channel IS NULL OR channel NOT IN ({', '.join('?' * len(names))}))", names


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
        provider_id=row[9],
    )


def _list(row: Row) -> Listed:
    return Listed(
        id=row[0],
        key=row[1],
        kind=row[2],
        effect=_effect(row),
        state=DeliveryState(row[4]),
        made_at=from_text(row[5]),
        expires_at=from_text(row[6]),
        tries=row[7],
        epoch=row[8],
        provider_id=row[9],
        due_at=from_text(row[10]),
        settled_at=from_text(row[11]) if row[11] else None,
        error=row[12],
        channel=row[13],
        urgent=bool(row[14]),
    )


def _effect(row: Row) -> Effect | None:
    try:
        return _KINDS[row[2]].validate_json(row[3])
    except ValidationError:
        return None
