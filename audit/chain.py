"""What a verification takes in, item by item, and what it holds as proven so far."""

from dataclasses import dataclass, field

from audit.report import ProblemKind
from audit.row import GENESIS, link
from audit.seals import Seal

StoredRow = tuple[int | None, bytes, str | None]
"""A row's bytes between the number and the hash kept beside them, None where nothing is kept."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that is neither row nor seal."""

    kind: ProblemKind
    sentence: str


Item = StoredRow | Seal | Unreadable


@dataclass(slots=True)
class Proven:
    """The part of a log that fits so far. `due` is the number the next row must carry, `head` the hash it must name.

    `unsealed` holds the rows behind the last seal: a few hundred at most, so memory does not grow with the log.
    """

    due: int = 1
    head: str = GENESIS
    first_row: int | None = None
    rows: int = 0
    seals: int = 0
    last_seal: Seal | None = None
    unsealed: list[bytes] = field(default_factory=list)

    @property
    def sealed_size(self) -> int:
        """Return the number of the last row that a seal covers."""
        return self.last_seal.size if self.last_seal else 0

    def add_row(self, body: bytes, row_hash: str) -> None:
        """Take the row that was due."""
        if self.first_row is None:
            self.first_row = self.due
        self.unsealed.append(body)
        self.rows += 1
        self.due += 1
        self.head = row_hash

    def add_seal(self, seal: Seal) -> None:
        """Take a seal over the last row; before the first row it is where the rows that retention kept begin."""
        self.unsealed.clear()
        self.due, self.head = seal.size + 1, seal.head
        self.seals += 1
        self.last_seal = seal

    def forget_from(self, index: int) -> None:
        """Take back the unsealed rows from this index on."""
        self.rows -= len(self.unsealed) - index
        self.due -= len(self.unsealed) - index
        del self.unsealed[index:]
        before = self.last_seal.head if self.last_seal else GENESIS
        self.head = link(self.unsealed[-1]) if self.unsealed else before
        self.first_row = self.first_row if self.rows else None
