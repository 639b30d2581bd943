"""Sealing the audit chain as it grows: in the transaction that appended the rows a seal covers."""

from datetime import datetime

from audit.seals import SealKey, seal_due
from domain.clock import from_text, to_text
from store.tables import Tables


class Sealer:
    """Signs checkpoints with the bot's key under the log's name (`origin`)."""

    def __init__(self, key: SealKey, origin: str) -> None:
        """Keep the key; it never leaves this object."""
        self._key = key
        self._origin = origin

    def seal_if_due(self, tables: Tables, now: datetime, *, privileged: bool) -> bool:
        """Seal when 64 rows or 60 s have passed, and always behind a write command (docs/design.md)."""
        size, head = tables.audit.head()
        newest = tables.seals.newest()
        sealed_size, sealed_at = (newest[0], from_text(newest[1])) if newest else (0, None)
        if not seal_due(size, sealed_size, sealed_at, now, privileged):
            return False
        at = to_text(max(now, sealed_at) if sealed_at else now)  # a clock set back must not make seals run backwards
        if newest == (size, at):
            return False  # the clock went back and nothing was added: this seal is there already
        tables.seals.add(size, at, self._key.sign(self._origin, size, head, at).to_json())
        return True
