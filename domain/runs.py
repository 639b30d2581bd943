"""Runs and attempts: one execution of an action, its passes, and the closed words for how they go."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class RunState(StrEnum):
    """Where a run is. `refused` never reached the forge; `unknown` means nobody can tell how it ended."""

    ACCEPTED = "accepted"
    DISPATCHED = "dispatched"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    UNKNOWN = "unknown"

    @property
    def final(self) -> bool:
        """Tell whether the run is over."""
        return self not in _OPEN


_OPEN = frozenset({RunState.ACCEPTED, RunState.DISPATCHED, RunState.RUNNING})


class AttemptState(StrEnum):
    """Where one pass of a run is."""

    STARTED = "started"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One pass of a run: when, what it concluded, and the commit and run its numbers rest on."""

    number: int
    state: AttemptState
    started_at: datetime
    finished_at: datetime | None = None
    conclusion: str | None = None
    summary: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of an action, with an id of its own.

    `reply_to` is the address the notices go to (`web:owner`), `correlation` the id the forge carries for us.
    `unresolved` is None when it is not known, never zero (I11). `head_sha` is the commit it runs at, as its forge says;
    `expected_sha` the one it was approved or dispatched for.
    """

    id: str
    handle: str
    action: str
    repository: str
    ref: str
    inputs: dict[str, str]
    state: RunState
    requested_by: str
    reply_to: str
    correlation: str
    created_at: datetime
    deadline_at: datetime
    finished_at: datetime | None = None
    reason: str | None = None
    summary: str | None = None
    unresolved: int | None = None
    url: str | None = None
    head_sha: str | None = None
    approval: str | None = None
    attempts: tuple[Attempt, ...] = field(default=())
    expected_sha: str | None = None
