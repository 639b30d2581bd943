"""A local forge over a real folder with its worker running, and workflows that wait for a test's word."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from domain.effects import Dispatch
from domain.runs import AttemptState
from forge.local import LocalForge
from forge.local_execution import Workflow
from forge.local_steps import WorkflowResult
from forge.local_worker import LocalForgeSettings
from forge.port import Job, JobAttempt, JobState, Sought
from tests.fakes.virtual_time import START, VirtualTime

GUARD_SECONDS = 30  # only ends a test that would hang; nothing is measured by it
DEADLINE_SECONDS = 600
FINE = WorkflowResult(
    "resolved", "nothing left", unresolved=0, ok=True, head_sha="a" * 40, report={"schema_version": 1}
)


def correlation(number: int = 1) -> str:
    return f"01JD9ZK{number:019d}"


def sought(number: int = 1) -> Sought:
    return Sought(correlation(number), "octo/demo", "main", START, None)


def order(number: int = 1, workflow: str = "triage", ref: str = "main", digest: str = "d1") -> Dispatch:
    return Dispatch(
        run_id=f"run-{number}",
        action="triage-report",
        forge="local",
        repository="octo/demo",
        workflow=workflow,
        ref=ref,
        inputs={"depth": "2"},
        correlation=correlation(number),
        digest=digest,
    )


def started(number: int) -> JobAttempt:
    return JobAttempt(number, AttemptState.STARTED, START)


def done(number: int, conclusion: str = "resolved", summary: str = "nothing left") -> JobAttempt:
    return JobAttempt(number, AttemptState.DONE, START, START, conclusion, summary)


class HeldWorkflow:
    """Notes one attempt, says that it has begun, and waits for `go`; `jobs` lists what it was given."""

    def __init__(self, result: WorkflowResult = FINE) -> None:
        self.begun = threading.Semaphore(0)
        self.go = threading.Event()
        self.jobs: list[Job] = []
        self.cancels: list[threading.Event] = []
        self.ended = threading.Semaphore(0)
        self.refused: list[Exception] = []
        self._result = result

    def __call__(self, job: Job, note: Callable[[JobAttempt], None], cancel: threading.Event) -> WorkflowResult:
        note(started(1))
        self.jobs.append(job)
        self.cancels.append(cancel)
        self.begun.release()
        try:
            assert self.go.wait(GUARD_SECONDS)
            note(done(1))
        except Exception as error:
            self.refused.append(error)
            raise
        finally:
            self.ended.release()
        return self._result

    async def has_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.acquire, timeout=GUARD_SECONDS)

    async def has_ended(self) -> None:
        assert await asyncio.to_thread(self.ended.acquire, timeout=GUARD_SECONDS)


def obedient(job: Job, note: Callable[[JobAttempt], None], cancel: threading.Event) -> WorkflowResult:
    """Works until it is told to stop."""
    note(started(1))
    assert cancel.wait(GUARD_SECONDS)
    return replace(FINE, summary=f"stopped {job.workflow}")


class Rig:
    """One process's forge: `changes` keeps every announced correlation id."""

    def __init__(
        self,
        folder: Path,
        workflows: Mapping[str, Workflow],
        time: VirtualTime | None = None,
        owner: str = "100-aaaa",
        max_running: int = 2,
    ) -> None:
        self.time = VirtualTime() if time is None else time
        self.changes: list[str] = []
        self._news = asyncio.Event()
        settings = LocalForgeSettings(folder, owner, max_running, DEADLINE_SECONDS)
        self.forge = LocalForge(settings, workflows, self.time, self._changed, self.time.wait_until)
        self.stop = asyncio.Event()

    def _changed(self, name: str) -> None:
        self.changes.append(name)
        self._news.set()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Run the worker inside the block and shut it down cleanly at its end."""
        worker = asyncio.create_task(self.forge.run_forever(self.stop))
        try:
            yield
        finally:
            self.stop.set()
            async with asyncio.timeout(GUARD_SECONDS):
                await worker
            self.stop.clear()

    async def until(self, number: int, condition: Callable[[Job], bool]) -> Job:
        """Return the job once an announced change has made the condition true."""
        async with asyncio.timeout(GUARD_SECONDS):
            while True:
                self._news.clear()
                job = await self.forge.find(sought(number))
                if job is not None and condition(job):
                    return job
                await self._news.wait()

    async def until_over(self, number: int = 1) -> Job:
        return await self.until(number, lambda job: job.state.final)

    async def state(self, number: int = 1) -> JobState | None:
        job = await self.forge.find(sought(number))
        return None if job is None else job.state
