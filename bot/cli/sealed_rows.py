"""Seals as the database keeps them, read one by one."""

from collections.abc import Iterator

from audit.seals import Seal
from store.tables import Tables


class UnreadableSealError(Exception):
    """A stored seal is no seal; the message says which one and why."""


def read_seals(tables: Tables) -> Iterator[Seal]:
    """Return the seals in order.

    Raises:
        UnreadableSealError: at the first one that cannot be read.
    """
    for number, body in enumerate(tables.seals.each(), start=1):
        try:
            yield Seal.from_json(body)
        except ValueError as error:
            raise UnreadableSealError(f"seal number {number} cannot be read: {error}") from error
