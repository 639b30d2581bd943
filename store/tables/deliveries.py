"""Webhook deliveries of forges, each claimed once by its id and its body, until what it says was looked after."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from domain.clock import to_text
from store.rows import Rows

DELIVERIES_AT_ONCE = 200  # what one look takes; the next one follows at once


@dataclass(frozen=True, slots=True)
class HookDelivery:
    """One delivery: the forge's id and word for it, the SHA-256 of its body in hex, and what we keep of that, in JSON."""

    id: str
    event: str
    digest: str
    body: bytes


class Claim(Enum):
    """What a delivery is to us."""

    NEW = auto()
    AGAIN = auto()  # it was kept before and is still to be looked after
    DONE = auto()
    COPY = auto()  # the same body has come under another id
    SWAPPED = auto()  # the same id has come with another body


class DeliveriesTable:
    """Claims by id. A redelivery has the same id; only what is done is not done again (GitHub, handling deliveries)."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def claim(self, delivery: HookDelivery, now: datetime) -> Claim:
        """Keep a delivery that is new, and tell what it is."""
        row = self._rows.one("SELECT digest, done_at FROM hook_deliveries WHERE id = ?", (delivery.id,))
        if row is not None:
            if row[0] != delivery.digest:
                return Claim.SWAPPED
            return Claim.AGAIN if row[1] is None else Claim.DONE
        kept = self._rows.run(
            "INSERT INTO hook_deliveries (id, event, digest, body, received_at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (digest) DO NOTHING",
            (delivery.id, delivery.event, delivery.digest, delivery.body, to_text(now)),
        )
        return Claim.NEW if kept else Claim.COPY

    def waiting(self) -> list[HookDelivery]:
        """Return the deliveries that are still to be looked after, the oldest first, as many as one look takes."""
        rows = self._rows.all(
            "SELECT id, event, digest, body FROM hook_deliveries WHERE done_at IS NULL ORDER BY received_at, id LIMIT ?",
            (DELIVERIES_AT_ONCE,),
        )
        return [HookDelivery(*row) for row in rows]

    def mark_done(self, ids: Iterable[str], now: datetime) -> None:
        """Note that these were looked after."""
        for one in ids:
            self._rows.run("UPDATE hook_deliveries SET done_at = ? WHERE id = ?", (to_text(now), one))

    def forget_before(self, moment: datetime) -> None:
        """Let go of what was done before a moment."""
        self._rows.run("DELETE FROM hook_deliveries WHERE done_at < ?", (to_text(moment),))
