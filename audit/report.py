"""What a verification found: counts, the head, and the first problem with its kind, place and sentence."""

from dataclasses import dataclass
from enum import StrEnum


class ProblemKind(StrEnum):
    """Every way a log can fail verification."""

    EDITED = "edited"
    MISSING = "missing"
    REORDERED = "reordered"
    DUPLICATED = "duplicated"
    TRUNCATED = "truncated"
    RESEALED = "resealed"
    WRONG_KEY = "wrong_key"
    UNSEALED = "unsealed"
    MALFORMED = "malformed"
    FOREIGN_ORIGIN = "foreign_origin"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True)
class Problem:
    """The first thing that is wrong.

    `seq` is the number of the bad row, of the last row a bad seal covers, or of the row that was due where something
    unreadable stands; 0 is the header of an export.
    """

    kind: ProblemKind
    seq: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Report:
    """One verification. The counts cover what was found good before the first problem.

    `first_row` is above 1 where retention removed older rows under a seal. The last `unsealed_rows` rows, written
    since `unsealed_since` (UTC with Z), hang on the chain but no seal covers them yet.
    """

    origin: str
    first_row: int | None
    rows: int
    seals: int
    anchors: int
    head: str | None
    unsealed_rows: int
    unsealed_since: str | None
    problem: Problem | None

    @property
    def ok(self) -> bool:
        """Tell whether everything was proven."""
        return self.problem is None
