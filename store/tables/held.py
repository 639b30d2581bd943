"""Notices that wait for the end of somebody's quiet hours, or of an hour that was full."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from domain.clock import from_text, to_text
from domain.effects import Deliver
from store.rows import Rows

_DELIVER = TypeAdapter(Deliver)


@dataclass(frozen=True, slots=True)
class Held:
    """One notice that is held back for `person` at the address `to` until a moment."""

    id: int
    person: str
    to: str
    deliver: Deliver
    made_at: datetime
    until: datetime
    expires_at: datetime


class HeldTable:
    """A notice is held once per address, by its key."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def add(self, person: str, to: str, deliver: Deliver, now: datetime, until: datetime, expires_at: datetime) -> None:
        """Hold a notice back; the same key again at the same address changes nothing."""
        self._rows.run(
            "INSERT INTO held (key, address, person, body, made_at, until, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (key, address) DO NOTHING",
            (
                deliver.notice.key,
                to,
                person,
                _DELIVER.dump_json(deliver),
                to_text(now),
                to_text(until),
                to_text(expires_at),
            ),
        )

    def due(self, now: datetime) -> dict[tuple[str, str], list[Held]]:
        """Return what need not wait any longer, by person and address, oldest first; expired notices are among it."""
        found: dict[tuple[str, str], list[Held]] = {}
        for number, person, to, body, made_at, until, expires_at in self._rows.all(
            "SELECT id, person, address, body, made_at, until, expires_at FROM held WHERE until <= ? ORDER BY id",
            (to_text(now),),
        ):
            moments = (from_text(made_at), from_text(until), from_text(expires_at))
            held = Held(number, person, to, _DELIVER.validate_json(body), *moments)
            found.setdefault((person, to), []).append(held)
        return found

    def drop(self, ids: Iterable[int]) -> None:
        """Forget held notices: they were sent on, or their time is over."""
        for number in ids:
            self._rows.run("DELETE FROM held WHERE id = ?", (number,))
