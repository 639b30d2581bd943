"""Messages that were taken in, claimed for ever by channel, account and the provider's own message id."""

from dataclasses import dataclass
from datetime import datetime

from domain.clock import from_text, to_text
from domain.messages import Inbound
from store.rows import Rows


@dataclass(frozen=True, slots=True)
class Taken:
    """A message and what was answered; `answer` is the JSON the dispatcher stored, `person` None for a stranger."""

    person: str | None
    text: str
    answer: bytes
    received_at: datetime


class InboxTable:
    """Claims and their answers."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def taken(self, message: Inbound) -> Taken | None:
        """Return the earlier copy of this message, if there was one."""
        row = self._rows.one(
            "SELECT person, text, answer, received_at FROM inbox WHERE channel = ? AND account = ? AND message_id = ?",
            (message.channel, message.account, message.message_id),
        )
        return Taken(row[0], row[1], row[2], from_text(row[3])) if row else None

    def claim(self, message: Inbound, person: str | None, answer: bytes) -> int:
        """Keep the message and its answer, and return its number; a second claim of one id breaks the transaction."""
        row = self._rows.one(
            "INSERT INTO inbox (channel, account, message_id, received_at, person, text, answer)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING seq",
            (
                message.channel,
                message.account,
                message.message_id,
                to_text(message.received_at),
                person,
                message.text,
                answer,
            ),
        )
        assert row is not None, "an insert returns its row"
        return int(row[0])

    def answered(self, number: int) -> tuple[str | None, bytes] | None:
        """Return the person and the answer of a message by its number."""
        row = self._rows.one("SELECT person, answer FROM inbox WHERE seq = ?", (number,))
        return (row[0], row[1]) if row else None
