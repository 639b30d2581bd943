"""The last thing a loop measured, as the store keeps it and `status`, `mutation` and `unresolved` read it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.findings import Finding, HotSpot, MutantCounts
from domain.fixes import FixPlan


class LoopReason(StrEnum):
    """Why a loop's verdict is what it is: one closed list for all loops, detail text is another field."""

    RESOLVED = "resolved"
    UNRESOLVED = "unresolved"
    THRESHOLD_MET = "threshold_met"
    BELOW_THRESHOLD = "below_threshold"
    NO_MUTANTS = "no_mutants"
    BASELINE_FAILED = "baseline_failed"
    INCOMPLETE_SHARDS = "incomplete_shards"
    UNFINISHED_RUN = "unfinished_run"
    STALE_RUN = "stale_run"
    NO_ARTIFACT = "no_artifact"
    AMBIGUOUS_ARTIFACT = "ambiguous_artifact"
    UNREADABLE_ARTIFACT = "unreadable_artifact"
    INCOMPLETE_BACKLOG = "incomplete_backlog"
    SOURCE_MISMATCH = "source_mismatch"
    NO_SOURCE_RUN = "no_source_run"
    SOURCE_RUN_ID_MISMATCH = "source_run_id_mismatch"
    SOURCE_RUN_SHA_MISMATCH = "source_run_sha_mismatch"
    FORGE_UNREACHABLE = "forge_unreachable"
    FORGE_REFUSED = "forge_refused"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    AWAITS_APPROVAL = "awaits_approval"
    PLAN_CHANGED = "plan_changed"
    FIX_BLOCKED = "fix_blocked"
    FIX_FAILED = "fix_failed"
    FIX_TIMED_OUT = "fix_timed_out"
    FIX_MADE_NO_COMMIT = "fix_made_no_commit"
    FIX_NOT_PUSHED = "fix_not_pushed"
    PROTECTED_PATH_CHANGED = "protected_path_changed"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"


class LoopStatus(StrEnum):
    """`ok`: measured and good. `work_remains`: measured, and something is left. `unknown`: could not be measured."""

    OK = "ok"
    WORK_REMAINS = "work_remains"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class MutationSnapshot:
    """The newest mutation measurement. A provisional score is shown as such and never opens a gate.

    `plan` is what the loop would do about it, where it has a fix.
    """

    status: LoopStatus
    reason: LoopReason
    detail: str
    source: str
    taken_at: datetime
    measured_at: datetime | None
    tool: str | None
    score_basis_points: int | None
    provisional: bool
    counts: MutantCounts | None
    hot_spots: tuple[HotSpot, ...]
    categories: tuple[tuple[str, int], ...]
    plan: FixPlan | None = None


@dataclass(frozen=True, slots=True)
class TriageSnapshot:
    """The newest backlog measurement: counts are None when unknown, never zero (D6, I11). `high` includes critical."""

    status: LoopStatus
    reason: LoopReason
    detail: str
    source: str
    taken_at: datetime
    measured_at: datetime | None
    high: int | None
    medium: int | None
    unknown_severity: int | None
    findings: tuple[Finding, ...]
    head_sha: str | None = None
    pr_number: int | None = None
    plan: FixPlan | None = None
