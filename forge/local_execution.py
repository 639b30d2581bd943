"""One start of one local job: the workflow in a thread of its own, its deadline, and the writing of its end."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import structlog

from forge.local_jobs import LocalJobs
from forge.local_record import JobRecord
from forge.local_steps import Hold, WorkflowResult, expire, with_attempt, with_result
from forge.local_time import LocalTime, first_of
from forge.port import ForgeConclusion, Job, JobAttempt

Workflow: TypeAlias = Callable[[Job, Callable[[JobAttempt], None], threading.Event], WorkflowResult]

log = structlog.get_logger()


class JobOverError(Exception):
    """Raised in a workflow that reports progress after its job was ended, given back or started anew: stop working."""


class Execution:
    """One start of one job. `cancel` is set when its end is asked for; `hold` is its right to write progress."""

    def __init__(self, record: JobRecord, owner: str, jobs: LocalJobs, time: LocalTime) -> None:
        """Take up a record just claimed by `owner`."""
        self.job = record.job
        self.hold = Hold(owner, record.starts)
        self.cancel = threading.Event()
        self.log_id = f"{record.job.correlation}-{record.starts}"  # what a crash is logged and reported under
        self._jobs = jobs
        self._time = time
        # The workflow counts its attempts from 1 at each start; in the file the numbers go on.
        self._earlier_attempts = max((attempt.number for attempt in record.job.attempts), default=0)

    async def run(self, workflow: Workflow, deadline_seconds: int) -> None:
        """Run the workflow until its end, at its deadline at the latest, and return once that end is durable."""
        result = self._start(workflow)
        await first_of(result, self._time.wait(deadline_seconds))
        if not result.cancelled():
            await self._settle(result.result())
            return
        # A thread cannot be killed: it is told to stop, and whatever it still reports is refused.
        self.cancel.set()
        log.warning("forge_job_deadline", log_id=self.log_id, deadline_seconds=deadline_seconds)
        await self._settle(None)

    def _start(self, workflow: Workflow) -> asyncio.Future[WorkflowResult]:
        loop = asyncio.get_running_loop()
        result: asyncio.Future[WorkflowResult] = loop.create_future()

        def work() -> None:
            outcome = self._outcome(workflow, loop)
            # A closed loop means that the process is ending: the job stays running in its file and is resumed.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_set_unless_done, result, outcome)

        # A daemon, not a pool thread: a workflow that never returns must not keep the process from ending.
        threading.Thread(target=work, name=f"job-{self.log_id}", daemon=True).start()
        return result

    def _outcome(self, workflow: Workflow, loop: asyncio.AbstractEventLoop) -> WorkflowResult:
        def note(attempt: JobAttempt) -> None:
            self._jobs.change_from_thread(loop, self.job.correlation, partial(self._noted, attempt=attempt))

        try:
            return workflow(self.job, note, self.cancel)
        except JobOverError:
            log.info("forge_job_abandoned", log_id=self.log_id)
        except BaseException:  # a thread that ends silently would leave its job running until the deadline
            log.exception("forge_job_crashed", log_id=self.log_id, workflow=self.job.workflow)
        return self._crash("the workflow crashed")

    def _noted(self, record: JobRecord, attempt: JobAttempt) -> JobRecord:
        if not self.hold.covers(record):
            raise JobOverError(self.log_id)
        return with_attempt(record, replace(attempt, number=self._earlier_attempts + attempt.number))

    def _crash(self, problem: str) -> WorkflowResult:
        return WorkflowResult(ForgeConclusion.CRASHED, f"{problem}: see log {self.log_id}", unresolved=None, ok=False)

    async def _settle(self, result: WorkflowResult | None) -> None:
        """Write the end, None meaning the deadline, as often as it takes: a full disk only delays it."""
        while True:
            try:
                await self._jobs.change(self.job.correlation, partial(self._ended, result=result))
            except OSError:
                log.exception("forge_job_unwritable", log_id=self.log_id)
                await self._time.pause()
            except (TypeError, ValueError) as error:
                # No traceback: it could carry the whole report into the log.
                log.error("forge_report_unusable", log_id=self.log_id, problem=str(error))  # noqa: TRY400 - see above
                # Without the report it always fits: attempts are capped in number and length.
                result = self._crash("its report cannot be kept")
            else:
                return

    def _ended(self, record: JobRecord, result: WorkflowResult | None) -> JobRecord:
        if not self.hold.covers(record):
            return record
        now = self._time.clock.now()
        return expire(record, now) if result is None else with_result(record, result, now)


def _set_unless_done(future: asyncio.Future[WorkflowResult], outcome: WorkflowResult) -> None:
    if not future.done():
        future.set_result(outcome)
