"""What a verification takes in, item by item, and what it holds as proven so far."""

from dataclasses import dataclass

from audit.report import ProblemKind
from audit.row import GENESIS
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
    """The part of a log that fits so far. `due` is the number the next row must carry, `head` the hash it must name."""

    due: int = 1
    head: str = GENESIS
    first_row: int | None = None
    rows: int = 0
    seals: int = 0
    last_seal: Seal | None = None
    unsealed_since: str | None = None

    @property
    def sealed_size(self) -> int:
        """Return the number of the last row that a seal covers."""
        return self.last_seal.size if self.last_seal else 0
