"""A forge with a ledger of what it really did, kept outside the bot, and a script of faults for its next calls."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from typing import Any

from domain.clock import Clock
from domain.effects import Dispatch
from domain.runs import Attempt, AttemptState
from forge.port import ForgeError, Job, JobState, Refused, Sought, Unclear, Unreachable


class ForgeFault(Enum):
    """What happens to one call.

    `DROP` does what was asked and loses the answer, `LOSE` loses the question; `STALL` does it and answers when the test
    sets `go`, `HANG` does nothing and never answers.
    """

    NONE = auto()
    DROP = auto()
    LOSE = auto()
    UNREACHABLE = auto()
    REFUSE = auto()
    HANG = auto()
    STALL = auto()


@dataclass(frozen=True, slots=True)
class Started:
    """One job that was really started."""

    correlation: str
    run_id: str
    at: datetime


class FakeForge:
    """Takes one fault from `faults` per call; none left means none. A second dispatch of one correlation is a second job.

    `local` is one that the relay may ask a second time after a lost question, the others are not. `meanwhile` is what
    happens while a call is under way.
    """

    def __init__(self, clock: Clock, name: str = "local", on_start: Callable[[Dispatch], None] | None = None) -> None:
        self.name = name
        self.repeats_safely = name == "local"
        self.poll_seconds = 0.0
        self.unreachable = Unreachable("nobody answers")
        self.sought: list[Sought] = []
        self.faults: deque[ForgeFault] = deque()
        self.ledger: list[Started] = []
        self.cancelled: list[str] = []
        self.jobs: dict[str, Job] = {}
        self.calls: list[str] = []
        self.called = asyncio.Event()
        self.go = asyncio.Event()
        self.meanwhile: Callable[[], object] = lambda: None
        self._clock = clock
        self._on_start = on_start

    async def dispatch(self, effect: Dispatch) -> Job:
        stalls = bool(self.faults) and self.faults[0] is ForgeFault.STALL
        after = await self._fault("dispatch")
        now = self._clock.now()
        if self._on_start is not None:
            self._on_start(effect)
        self.ledger.append(Started(effect.correlation, effect.run_id, now))
        self.jobs[effect.correlation] = Job(
            correlation=effect.correlation,
            external_id=str(len(self.ledger)),
            workflow=effect.workflow,
            repository=effect.repository,
            ref=effect.ref,
            inputs=effect.inputs,
            state=JobState.QUEUED,
            created_at=now,
            updated_at=now,
            url=f"https://ci.example/{len(self.ledger)}",
        )
        if after is not None:
            raise after
        if stalls:
            await self.go.wait()
        return self.jobs[effect.correlation]

    async def find(self, sought: Sought) -> Job | None:
        self.sought.append(sought)
        await self._fault("find")
        return self.jobs.get(sought.correlation)

    async def cancel(self, sought: Sought) -> None:
        self.sought.append(sought)
        after = await self._fault("cancel")
        correlation = sought.correlation
        job = self.jobs.get(correlation)
        if job is None:
            raise Refused("unknown_job", f"there is no job {correlation}")
        self.cancelled.append(correlation)
        if not job.state.final:
            self.jobs[correlation] = replace(job, state=JobState.CANCELLED, conclusion="cancelled")
        if after is not None:
            raise after

    def begin(self, correlation: str, attempt: int = 1) -> None:
        """Let a job run: an attempt starts."""
        started = Attempt(attempt, AttemptState.STARTED, self._clock.now())
        job = self.jobs[correlation]
        self.jobs[correlation] = replace(job, state=JobState.RUNNING, attempts=(*job.attempts, started))

    def finish(self, correlation: str, state: JobState = JobState.SUCCEEDED, **fields: Any) -> None:
        """Let a job end, its attempts with it."""
        job, now = self.jobs[correlation], self._clock.now()
        attempts = tuple(
            replace(one, state=AttemptState.DONE, finished_at=now, conclusion="resolved") for one in job.attempts
        )
        self.jobs[correlation] = replace(job, state=state, attempts=attempts, **fields)

    async def _fault(self, call: str) -> ForgeError | None:
        """Raise what keeps a call from happening; return what only keeps its answer from arriving."""
        self.calls.append(call)
        self.meanwhile()
        self.called.set()
        match self.faults.popleft() if self.faults else ForgeFault.NONE:
            case ForgeFault.UNREACHABLE:
                raise self.unreachable
            case ForgeFault.REFUSE:
                raise Refused("not_allowed", "the forge says no")
            case ForgeFault.LOSE:
                raise Unclear("the connection broke")
            case ForgeFault.HANG:
                await asyncio.Event().wait()
            case ForgeFault.DROP:
                return Unclear("the answer got lost")
        return None
