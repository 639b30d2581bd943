"""Addresses that asked to get nothing more, such as numbers that texted STOP to the carrier."""

from dataclasses import dataclass
from datetime import datetime

from domain.clock import from_text, to_text
from store.rows import Rows


@dataclass(frozen=True, slots=True)
class OptOut:
    """Since when an address gets nothing, and why."""

    at: datetime
    why: str


class ReachabilityTable:
    """Opt-outs by address, written `channel:value`."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def opt_out(self, address: str, now: datetime, why: str) -> bool:
        """Note that an address must get nothing; False when that is known already: the first reason stays."""
        changed = self._rows.run(
            "INSERT INTO opt_outs (address, at, why) VALUES (?, ?, ?) ON CONFLICT (address) DO NOTHING",
            (address, to_text(now), why),
        )
        return changed == 1

    def opt_in(self, address: str) -> bool:
        """Note that an address wants to be reached again; False when it never opted out."""
        return self._rows.run("DELETE FROM opt_outs WHERE address = ?", (address,)) == 1

    def opted_out(self, address: str) -> bool:
        """Tell whether an address must get nothing."""
        return self._rows.one("SELECT 1 FROM opt_outs WHERE address = ?", (address,)) is not None

    def all(self) -> dict[str, OptOut]:
        """Return every address that must get nothing."""
        rows = self._rows.all("SELECT address, at, why FROM opt_outs ORDER BY address")
        return {address: OptOut(from_text(at), why) for address, at, why in rows}
