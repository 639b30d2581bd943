"""One model for all mutation tools: mutants with a status, tool runs made of them, and the facts of one measurement."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from domain.findings import MutantCounts

MODULE_LEVEL = "(module level)"  # a mutant outside every function, which is not the same as an unknown one (D17)
FUNCTION_NOT_STATED = "(function not stated)"  # Stryker names places, and no functions
OPERATOR_NOT_STATED = "not stated"  # mutmut keeps the change itself in another file
MAX_LINE = 10_000_000  # of a source file; more is no line number


class MutantStatus(StrEnum):
    """How one mutant ended; the values are the fields of `MutantCounts`."""

    KILLED = "killed"
    TIMEOUT = "timeout"
    SURVIVED = "survived"
    NO_COVERAGE = "no_coverage"
    INVALID = "invalid"
    IGNORED = "ignored"
    ERROR = "error"
    PENDING = "pending"


UNDETECTED = frozenset({MutantStatus.SURVIVED, MutantStatus.NO_COVERAGE})


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mutant as its tool names it. `identity` is equal for the same mutant in two files; text is still raw."""

    identity: tuple[str, ...]
    status: MutantStatus
    file: str
    function: str
    line: int | None
    operator: str
    replacement: str


@dataclass(frozen=True, slots=True)
class ToolRun:
    """What one result file, or mutmut's one folder, says.

    `sums` is set where a tool gave totals and no mutants. `complete` is None where the layout cannot tell, then
    `incomplete_because` says what would. `finished_at` is None where the tool writes no end time.
    """

    tool: str
    file: str
    shard: int | None
    mutants: tuple[Mutant, ...]
    sums: MutantCounts | None
    baseline_failed: bool
    complete: bool | None
    incomplete_because: str
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What CI wrote beside the artifacts (`reins-run.json`): when the run ended, on which commit, where to look."""

    finished_at: datetime
    head_sha: str | None
    run_url: str | None


@dataclass(frozen=True, slots=True)
class MutationFacts:
    """One measurement, merged over all shards. `unfinished` says why the run is not complete, None when it is."""

    tool: str
    files: tuple[str, ...]
    shards_found: int
    counts: MutantCounts
    undetected: tuple[Mutant, ...]
    baseline_failed: bool
    unfinished: str | None
    finished_at: datetime | None
    head_sha: str | None
    run_url: str | None


def told_apart(mutants: Iterable[Mutant]) -> tuple[Mutant, ...]:
    """Number the mutants of one report that look the same, so that a merge drops what two reports share and no more."""
    seen: Counter[tuple[str, ...]] = Counter()
    numbered: list[Mutant] = []
    for mutant in mutants:
        seen[mutant.identity] += 1
        numbered.append(replace(mutant, identity=(*mutant.identity, str(seen[mutant.identity]))))
    return tuple(numbered)


def pending_in(mutants: Sequence[Mutant]) -> int:
    """Count the mutants that were never tested."""
    return sum(mutant.status is MutantStatus.PENDING for mutant in mutants)
