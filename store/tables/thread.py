"""A person's conversation in order, whatever the channel: messages with their answers, and what the bot told them."""

from dataclasses import dataclass
from datetime import datetime

from domain.clock import from_text, to_text
from store.rows import Row, Rows
from store.tables.inbox import Taken

_SELECT = (
    "SELECT t.seq, t.at, t.body, i.message_id, i.person, i.text, i.answer, i.received_at FROM thread t"
    " LEFT JOIN inbox i ON i.seq = t.message"
)


@dataclass(frozen=True, slots=True)
class Told:
    """One notice; `body` is the JSON its channel made of it."""

    seq: int
    at: datetime
    body: bytes


@dataclass(frozen=True, slots=True)
class Exchange:
    """One message of the person and what it was answered with."""

    seq: int
    message_id: str
    taken: Taken


class ThreadTable:
    """Notices and exchanges; a notice's key is told once, a message stands once because the inbox claims it once."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def add(self, person: str, key: str, body: bytes, now: datetime) -> None:
        """Append one notice; the same key again changes nothing."""
        self._rows.run(
            "INSERT INTO thread (person, at, key, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (person, to_text(now), key, body),
        )

    def add_exchange(self, person: str, message: int, now: datetime) -> None:
        """Append a message by the number the inbox gave it; its answer is read from there."""
        self._rows.run("INSERT INTO thread (person, at, message) VALUES (?, ?, ?)", (person, to_text(now), message))

    def after(self, person: str, seq: int, limit: int) -> list[Told | Exchange]:
        """Return what came behind `seq`, oldest first."""
        rows = self._rows.all(
            f"{_SELECT} WHERE t.person = ? AND t.seq > ? ORDER BY t.seq LIMIT ?", (person, seq, limit)
        )
        return [_read(row) for row in rows]

    def latest(self, person: str, limit: int) -> list[Told | Exchange]:
        """Return the newest, oldest first."""
        rows = self._rows.all(f"{_SELECT} WHERE t.person = ? ORDER BY t.seq DESC LIMIT ?", (person, limit))
        return [_read(row) for row in reversed(rows)]

    def newest(self, person: str) -> int:
        """Return the number of the newest row of a person, 0 when there is none."""
        row = self._rows.one("SELECT max(seq) FROM thread WHERE person = ?", (person,))
        return int(row[0]) if row and row[0] is not None else 0


def _read(row: Row) -> Told | Exchange:
    seq, at, body, message_id, person, text, answer, received_at = row
    if message_id is None:
        return Told(seq, from_text(at), body)
    return Exchange(seq, message_id, Taken(person, text, answer, from_text(received_at)))
