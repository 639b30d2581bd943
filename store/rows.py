"""What the tables ask of a database connection: SQL with `?` places in, plain tuples out."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

Row = tuple[Any, ...]


class Rows(Protocol):
    """One connection inside one transaction."""

    def one(self, sql: str, values: Sequence[object] = ()) -> Row | None:
        """Return the first row, or None."""
        ...

    def all(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Return all rows."""
        ...

    def each(self, sql: str, values: Sequence[object] = ()) -> Iterator[Row]:
        """Return rows one by one, for results that do not fit into memory."""
        ...

    def run(self, sql: str, values: Sequence[object] = ()) -> int:
        """Change rows and return how many."""
        ...
