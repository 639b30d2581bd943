"""What each reason means: the status it stands for, and a few words for a small screen."""

from datetime import datetime

from domain.clock import describe_age
from domain.snapshots import LoopReason, LoopStatus

SECONDS_PER_HOUR = 3_600

_MEASURED = {
    LoopReason.RESOLVED: LoopStatus.OK,
    LoopReason.THRESHOLD_MET: LoopStatus.OK,
    LoopReason.UNRESOLVED: LoopStatus.WORK_REMAINS,
    LoopReason.BELOW_THRESHOLD: LoopStatus.WORK_REMAINS,
    LoopReason.AWAITS_APPROVAL: LoopStatus.WORK_REMAINS,
    LoopReason.PLAN_CHANGED: LoopStatus.WORK_REMAINS,
    LoopReason.FIX_BLOCKED: LoopStatus.WORK_REMAINS,
    LoopReason.FIX_FAILED: LoopStatus.WORK_REMAINS,
    LoopReason.FIX_TIMED_OUT: LoopStatus.WORK_REMAINS,
    LoopReason.FIX_MADE_NO_COMMIT: LoopStatus.WORK_REMAINS,
    LoopReason.FIX_NOT_PUSHED: LoopStatus.WORK_REMAINS,
    LoopReason.PROTECTED_PATH_CHANGED: LoopStatus.WORK_REMAINS,
    LoopReason.ATTEMPTS_EXHAUSTED: LoopStatus.WORK_REMAINS,
}

# The loop has done what it may: people have to decide.
NEEDS_PEOPLE = frozenset(
    {
        LoopReason.ATTEMPTS_EXHAUSTED,
        LoopReason.FIX_FAILED,
        LoopReason.FIX_TIMED_OUT,
        LoopReason.FIX_MADE_NO_COMMIT,
        LoopReason.FIX_NOT_PUSHED,
        LoopReason.PROTECTED_PATH_CHANGED,
    }
)

_WORDS = {
    LoopReason.NO_MUTANTS: "nothing could be mutated",
    LoopReason.BASELINE_FAILED: "the tests fail without any mutant",
    LoopReason.INCOMPLETE_SHARDS: "shards are missing",
    LoopReason.UNFINISHED_RUN: "the run did not finish",
    LoopReason.STALE_RUN: "the result is too old",
    LoopReason.NO_ARTIFACT: "no result was found",
    LoopReason.AMBIGUOUS_ARTIFACT: "the results contradict each other",
    LoopReason.UNREADABLE_ARTIFACT: "the result cannot be read",
    LoopReason.INCOMPLETE_BACKLOG: "not everything could be read",
    LoopReason.SOURCE_MISMATCH: "the result is of another source",
    LoopReason.NO_SOURCE_RUN: "no run to read from",
    LoopReason.SOURCE_RUN_ID_MISMATCH: "the run is another one",
    LoopReason.SOURCE_RUN_SHA_MISMATCH: "the run is of another commit",
    LoopReason.FORGE_UNREACHABLE: "the forge cannot be reached",
    LoopReason.FORGE_REFUSED: "the forge refuses to tell",
    LoopReason.DEADLINE_EXCEEDED: "time ran out",
}


def status_of(reason: LoopReason) -> LoopStatus:
    """Return the status a reason stands for; whatever is no measurement is unknown (D6, D14)."""
    return _MEASURED.get(reason, LoopStatus.UNKNOWN)


def words_for_unknown(reason: LoopReason) -> str:
    """Say in a few plain words why nothing is known; `reason` is one of those."""
    return _WORDS[reason]


def age_words(measured_at: datetime | None, now: datetime) -> str:
    """Say how old a measurement is; an age nobody stated is called unknown and never looks fresh (D15)."""
    if measured_at is None:
        return "age unknown"
    # A clock some minutes ahead was let through when the file was read.
    return f"{describe_age(min(measured_at, now), now)} old"


def too_old(measured_at: datetime | None, now: datetime, max_age_hours: int | None) -> bool:
    """Tell whether a measurement is past the limit; without a limit or a stated age nothing is."""
    if measured_at is None or max_age_hours is None:
        return False
    return (now - measured_at).total_seconds() > max_age_hours * SECONDS_PER_HOUR
