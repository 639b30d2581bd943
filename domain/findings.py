"""What a loop found: backlog items and surviving mutants, in words of our own."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a backlog item is. `unknown` stays unknown: it is never taken for low (D8)."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One backlog item; text fields are already cleaned and capped."""

    category: str
    severity: Severity
    summary: str
    path: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Survivor:
    """One mutant that no test noticed, because it survived or because nothing tests it. `line` is None where the tool does not say (mutmut)."""

    file: str
    function: str
    line: int | None
    operator: str
    replacement: str


@dataclass(frozen=True, slots=True)
class HotSpot:
    """Where unnoticed mutants gather, survived or never tested: a file, a function and how many."""

    file: str
    function: str
    survivors: int


@dataclass(frozen=True, slots=True)
class MutantCounts:
    """One model for all mutation tools (reference: cargo-mutants, mutmut, Stryker, PIT mapped onto it)."""

    killed: int = 0
    timeout: int = 0
    survived: int = 0
    no_coverage: int = 0
    invalid: int = 0
    ignored: int = 0
    error: int = 0
    pending: int = 0

    @property
    def scored(self) -> int:
        """Return how many mutants the score rests on."""
        return self.killed + self.timeout + self.survived + self.no_coverage

    @property
    def total(self) -> int:
        """Return how many mutants were seen at all."""
        return self.scored + self.invalid + self.ignored + self.error + self.pending

    @property
    def score_basis_points(self) -> int | None:
        """Return the share of detected mutants in hundredths of a percent, or None when nothing was scored (D14)."""
        return 10_000 * (self.killed + self.timeout) // self.scored if self.scored else None
