"""How continuous integration stands on a branch: what was seen of its newest commit, and when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# A look every minute misses fourteen in a row before that: whatever is shown then is no longer news.
STALE_AFTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch: a repository as `owner/name`, and the branch's name without `refs/heads/`."""

    repository: str
    name: str

    def __str__(self) -> str:
        return f"{self.repository}@{self.name}"


class CiStatus(StrEnum):
    """`green`: all that ran has ended, and something passed. `unknown` is never green (I11)."""

    GREEN = "green"
    FAILING = "failing"
    RUNNING = "running"
    UNKNOWN = "unknown"


class CiReason(StrEnum):
    """Why the status is what it is: a closed list, the detail text is another field."""

    ALL_PASSED = "all_passed"
    LANES_FAIL = "lanes_fail"
    RUNS_PENDING = "runs_pending"
    NO_RUNS = "no_runs"
    NOTHING_PASSED = "nothing_passed"
    TOO_MANY_RUNS = "too_many_runs"
    NO_BRANCH = "no_branch"
    FORGE_REFUSED = "forge_refused"


@dataclass(frozen=True, slots=True)
class FailingLane:
    """One job that did not pass, or a whole run where no job is to blame; `conclusion` is the forge's own word."""

    name: str
    workflow: str
    conclusion: str
    url: str


@dataclass(frozen=True, slots=True)
class CiSnapshot:
    """What one look at a branch found; text from outside is cleaned and capped.

    `taken_at` is when it was looked at, `measured_at` when the newest run changed. `failing` counts lanes of which
    `lanes` names the first, `pending` workflows that go on. Both are None while the status is unknown, never zero.
    """

    status: CiStatus
    reason: CiReason
    detail: str
    branch: Branch
    source: str
    taken_at: datetime
    head_sha: str | None = None
    measured_at: datetime | None = None
    lanes: tuple[FailingLane, ...] = ()
    failing: int | None = None
    pending: int | None = None

    def stale(self, now: datetime) -> bool:
        """Tell whether this is too old to be taken for how things stand."""
        return now - self.taken_at > STALE_AFTER
