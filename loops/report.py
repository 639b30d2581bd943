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
    """What a loop may do with what it found: tell; tell what it would do and do it once agreed; or do it."""

    REPORT_ONLY = "report-only"
    PLAN_THEN_FIX = "plan-then-fix"
    FIX_ONLY = "fix-only"


class ExitCode(IntEnum):
    """Exit codes of a loop (docs/design.md): a low score is still a report that could be made (D19)."""

    REPORTED = 0
    WORK_REMAINS = 1  # only where that is to be enforced
    NOT_MEASURED = 3
    DENIED = 4
    NOT_DELIVERED = 5
    BOUNDED = 6


_STOPS = {
    **dict.fromkeys(
        (LoopReason.FIX_BLOCKED, LoopReason.PLAN_CHANGED, LoopReason.PROTECTED_PATH_CHANGED), ExitCode.DENIED
    ),
    **dict.fromkeys(
        (
            LoopReason.ATTEMPTS_EXHAUSTED,
            LoopReason.DEADLINE_EXCEEDED,
            LoopReason.FIX_FAILED,
            LoopReason.FIX_TIMED_OUT,
            LoopReason.FIX_MADE_NO_COMMIT,
            LoopReason.FIX_NOT_PUSHED,
        ),
        ExitCode.BOUNDED,
    ),
}


class Correlation(StrEnum):
    """What an attempt's numbers were proven to belong to; `pending` is never final (D2)."""

    PENDING = "pending"
    UNREAD = "source_unread"
    NOT_STATED = "source_not_stated"
    STATED = "source_stated"
    SHA_VALIDATED = "source_artifact_sha_validated"
    MISMATCH = "source_mismatch"
    NO_RUN = "no_source_run"
    RUN_VALIDATED = "source_run_validated"
    RUN_ID_MISMATCH = "source_run_id_mismatch"
    RUN_SHA_MISMATCH = "source_run_sha_mismatch"


@dataclass(frozen=True, slots=True)
class AttemptReport:
    """One pass: `conclusion`, `finished_at` and the source are None while it runs; `source_*` also when not stated.

    `fix_commit` is the commit that a fix pushed at the end of this attempt: the next one rests on it. `source_event` is
    what started the source run, `source_started_at` when its attempt began, `source_pull` its only pull request.
    """

    number: int
    status: AttemptState
    conclusion: LoopReason | None
    started_at: datetime
    finished_at: datetime | None
    source_run_url: str | None
    source_sha: str | None
    correlation: Correlation
    source_run_id: int | None = None
    source_run_attempt: int | None = None
    source_conclusion: str | None = None
    fix_exit_code: int | None = None
    fix_commit: str | None = None
    source_event: str | None = None
    source_started_at: datetime | None = None
    source_pull: int | None = None


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
    escalation_needed: bool = False

    @property
    def exit_code(self) -> ExitCode:
        """Return 0 when the report could be made, 3 when nothing could be measured, or why it stopped before that."""
        stopped = _STOPS.get(self.reason)
        if stopped is not None:
            return stopped
        return ExitCode.NOT_MEASURED if self.status is LoopStatus.UNKNOWN else ExitCode.REPORTED


AttemptNote = Callable[[AttemptReport], None]


def keep_no_note(_attempt: AttemptReport) -> None:
    """Let attempts pass unrecorded, for callers that only want the report."""


def started_attempt(started_at: datetime) -> AttemptReport:
    """Open the one attempt of a report-only loop: one read, no fix, so no second read (D7)."""
    return AttemptReport(1, AttemptState.STARTED, None, started_at, None, None, None, Correlation.PENDING)
