"""The local forge: workflows run on this machine as supervised threads over durable job files; no account needed."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from domain.clock import Clock
from domain.effects import Dispatch
from forge.local_execution import Workflow
from forge.local_jobs import LocalJobs
from forge.local_journal import JobJournal
from forge.local_record import CORRELATION, JobRecord, encode
from forge.local_steps import ask_cancel
from forge.local_time import LocalTime, WaitUntil, machine_time
from forge.local_worker import LocalForgeSettings, Worker
from forge.port import Job, JobState, Refused, Sought, Unclear, Unreachable

MAX_ORDER_BYTES = 64 * 1024  # policy allows a handful of short inputs; keeps room in the file for the report


class LocalForge:
    """The `Forge` of this machine. Dispatching one correlation id twice makes one job, also from two processes."""

    name = "local"
    repeats_safely = True
    poll_seconds = 0.0

    def __init__(
        self,
        settings: LocalForgeSettings,
        workflows: Mapping[str, Workflow],
        clock: Clock,
        changed: Callable[[str], None],
        wait_until: WaitUntil | None = None,
    ) -> None:
        """Make the job folders. `changed` is called in the event loop with a correlation id after each durable change.

        `wait_until` is a coroutine function that returns once the clock has reached a moment.
        """
        self._jobs = LocalJobs(JobJournal(settings.folder, clock), changed)
        self._workflows = workflows
        self._clock = clock
        time = machine_time(clock) if wait_until is None else LocalTime(clock, wait_until)
        self._worker = Worker(self._jobs, workflows, settings, time)

    async def dispatch(self, effect: Dispatch) -> Job:
        """Queue the workflow, once for each correlation id; see `Forge.dispatch`."""
        _check_correlation(effect.correlation)
        if effect.workflow not in self._workflows:
            known = ", ".join(sorted(self._workflows)) or "none"
            raise Refused("unknown_workflow", f"workflow {effect.workflow!r} is not one of this machine's: {known}")
        try:
            record = await self._jobs.create(_order(effect, self._clock.now()))
        except OSError as error:
            raise Unreachable(f"the job could not be written: {error.strerror}") from error
        if record.digest not in (None, effect.digest):
            raise Refused("correlation_reused", f"correlation {effect.correlation} already names another order")
        self._worker.wake.set()
        return record.job

    async def find(self, sought: Sought) -> Job | None:
        """Return the job, or None; one whose file is broken is returned as failed with `unreadable_job`."""
        _check_correlation(sought.correlation)
        try:
            record = await self._jobs.load(sought.correlation)
        except OSError as error:
            raise Unreachable(f"the job could not be read: {error.strerror}") from error
        return None if record is None else record.job

    async def cancel(self, sought: Sought) -> None:
        """Cancel a waiting job at once; ask a running one to stop. It ends as cancelled, at its deadline at the latest."""
        _check_correlation(sought.correlation)
        try:
            record = await self._jobs.change(sought.correlation, partial(ask_cancel, now=self._clock.now()))
        except OSError as error:
            raise Unclear(f"the cancel request may not have been written: {error.strerror}") from error
        if record is None:
            raise Refused("unknown_job", f"there is no job {sought.correlation}")
        self._worker.wake.set()

    async def prune(self, older_than: datetime) -> int:
        """Forget finished jobs last changed before that moment, never the newest 200; return how many went.

        A forgotten correlation id could be dispatched anew: choose a moment older than any order still waiting.
        """
        return await asyncio.to_thread(self._jobs.journal.prune, older_than)

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Run queued jobs until `stop` is set; what still runs then is resumed at the next start."""
        await self._worker.run(stop)


def _check_correlation(correlation: str) -> None:
    if CORRELATION.fullmatch(correlation) is None:
        raise Refused(
            "bad_correlation", "a correlation id must be a ULID: 26 characters of Crockford base32, upper case"
        )


def _order(effect: Dispatch, now: datetime) -> JobRecord:
    job = Job(
        correlation=effect.correlation,
        external_id=effect.correlation,
        workflow=effect.workflow,
        repository=effect.repository,
        ref=effect.ref,
        inputs=effect.inputs,
        state=JobState.QUEUED,
        created_at=now,
        updated_at=now,
    )
    order = JobRecord(job, effect.digest)
    try:
        size_bytes = len(encode(order))
    except (TypeError, ValueError) as error:
        raise Refused("order_unusable", f"the order cannot be written as JSON: {error}") from error
    if size_bytes > MAX_ORDER_BYTES:
        raise Refused(
            "order_too_large", f"the order takes {size_bytes} bytes, the limit is {MAX_ORDER_BYTES}: shorten it"
        )
    return order
