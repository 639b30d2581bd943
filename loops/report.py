"""What a loop hands back: the verdict, the attempts it rests on, and the measurement behind it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from domain.findings import Survivor
from domain.runs import AttemptState
from domain.snapshots import LoopReason, LoopStatus, MutationSnapshot, TriageSnapshot

SUMMARY_CHARACTERS = 120  # leaves room for a handle and a key hint in one SMS segment of 160
DETAIL_CHARACTERS = 400


class LoopName(StrEnum):
    """The loops there are; the value is the name in the policy file and in every report."""

    MUTATION = "mutation"
    TRIAGE = "triage"


class LoopMode(StrEnum):
    """What a loop may do with what it found: so far it only tells."""

    REPORT_ONLY = "report-only"


class ExitCode(IntEnum):
    """Exit codes of a report-only loop (docs/design.md): a low score is still a report that could be made (D19)."""

    REPORTED = 0
    NOT_MEASURED = 3


class Correlation(StrEnum):
    """What an attempt's numbers were proven to belong to; `pending` is never final (D2)."""

    PENDING = "pending"
    UNREAD = "source_unread"
    NOT_STATED = "source_not_stated"
    STATED = "source_stated"
    SHA_VALIDATED = "source_artifact_sha_validated"
    MISMATCH = "source_mismatch"


@dataclass(frozen=True, slots=True)
class AttemptReport:
    """One pass: `conclusion`, `finished_at` and the source are None while it runs; `source_*` also when not stated."""

    number: int
    status: AttemptState
    conclusion: LoopReason | None
    started_at: datetime
    finished_at: datetime | None
    source_run_url: str | None
    source_sha: str | None
    correlation: Correlation


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about one place where mutants go unnoticed; `lines` is empty where the tool names none.

    `commands` show the changes themselves; they are made of checked characters only, safe to paste.
    """

    file: str
    function: str
    survived: int
    no_coverage: int
    lines: tuple[int, ...]
    steps: tuple[str, ...]
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MutationEvidence:
    """What the mutation documents show beyond the snapshot; `survivors` is capped, the counts are not."""

    threshold_basis_points: int
    playbook: tuple[Advice, ...]
    survivors: tuple[Survivor, ...]


@dataclass(frozen=True, slots=True)
class LoopReport:
    """One loop's verdict. `unresolved` is None when unknown, never zero (D6); text fields are cleaned and capped.

    Unresolved are, for mutation, the mutants no test noticed; for triage, the findings of medium or worse and those
    whose severity nobody can tell.
    """

    loop: LoopName
    repository: str
    branch: str
    mode: LoopMode
    status: LoopStatus
    reason: LoopReason
    detail: str
    unresolved: int | None
    summary: str
    attempts: tuple[AttemptReport, ...]
    snapshot: MutationSnapshot | TriageSnapshot
    evidence: MutationEvidence | None = None

    @property
    def exit_code(self) -> ExitCode:
        """Return 0 when the report could be made, 3 when nothing could be measured."""
        return ExitCode.NOT_MEASURED if self.status is LoopStatus.UNKNOWN else ExitCode.REPORTED


AttemptNote = Callable[[AttemptReport], None]


def keep_no_note(_attempt: AttemptReport) -> None:
    """Let attempts pass unrecorded, for callers that only want the report."""


def started_attempt(started_at: datetime) -> AttemptReport:
    """Open the one attempt of a report-only loop: one read, no fix, so no second read (D7)."""
    return AttemptReport(1, AttemptState.STARTED, None, started_at, None, None, None, Correlation.PENDING)
