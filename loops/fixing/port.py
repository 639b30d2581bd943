"""What the attempts of a loop ask of whoever fixes: a plan for what was measured, and one try at it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.fixes import FixPlan
from domain.snapshots import LoopReason
from forge.results import SourceRun
from loops.report import LoopReport


@dataclass(frozen=True, slots=True)
class FixOrder:
    """What to fix: what one attempt measured, of which run, and when everything has to be over."""

    report: LoopReport
    source: SourceRun
    attempt: int
    deadline_at: datetime


@dataclass(frozen=True, slots=True)
class FixOutcome:
    """What became of one try: `reason` is None where a commit was pushed, `commit` then names it.

    `detail` is one sentence for people; `output` the end of what the program wrote, redacted and capped.
    """

    reason: LoopReason | None
    detail: str
    commit: str | None = None
    exit_code: int | None = None
    output: str = ""


class Fixer(Protocol):
    """Somebody who may fix what a loop found."""

    def plan(self, order: FixOrder) -> FixPlan:
        """Return exactly what `fix` would do; the same order always gives the same plan."""
        ...

    async def fix(self, order: FixOrder) -> FixOutcome:
        """Try once. A failure is an outcome with its reason, never an exception; it ends by the order's deadline.

        Raises:
            ForgeError: what protects the branch could not be asked.
        """
        ...
