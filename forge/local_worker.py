"""The local forge's worker: picks up jobs, runs each to a final state, and loses none at a shutdown."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from forge.local_execution import Execution, Workflow
from forge.local_jobs import LocalJobs
from forge.local_record import JobRecord
from forge.local_steps import claim, end, give_back, take_over
from forge.local_time import LocalTime, first_of
from forge.port import ForgeConclusion, JobState

# Report-only work over one folder takes seconds; after a quarter of an hour it hangs.
DEFAULT_DEADLINE_SECONDS = 15 * 60
DEFAULT_MAX_RUNNING = 2  # loops are bound by reading files; more at once only makes each slower on a small machine

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LocalForgeSettings:
    """Where jobs are kept and how they are run. `owner` names this process: its process id and a random boot token."""

    folder: Path
    owner: str
    max_running: int = DEFAULT_MAX_RUNNING
    deadline_seconds: int = DEFAULT_DEADLINE_SECONDS


class Worker:
    """Runs the jobs of one folder. Only one worker works at a time; any other stands by until it is gone."""

    def __init__(
        self, jobs: LocalJobs, workflows: Mapping[str, Workflow], settings: LocalForgeSettings, time: LocalTime
    ) -> None:
        """Take what is needed; set `wake` when there is something new to look at."""
        self._jobs = jobs
        self._workflows = workflows
        self._settings = settings
        self._time = time
        self._running: dict[tuple[str, str, str], Execution] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.wake = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; jobs that still run then stay `running` in their files and resume at the next start.

        A failure of the worker itself is raised and gives no job back: they count as interrupted by a death, so that
        a job which breaks the worker is not tried for ever.
        """
        while not stop.is_set():
            if (lock := await asyncio.to_thread(self._jobs.journal.become_worker)) is None:
                await first_of(stop.wait(), self._time.pause())
                continue
            try:
                await self._work(stop)
            finally:
                os.close(lock)

    async def _work(self, stop: asyncio.Event) -> None:
        self._running.clear()
        try:
            async with asyncio.TaskGroup() as group:
                await self._serve(stop, group)
                for task in self._tasks:
                    task.cancel()
        except asyncio.CancelledError:
            await self._give_back()
            raise
        await self._give_back()

    async def _serve(self, stop: asyncio.Event, group: asyncio.TaskGroup) -> None:
        taken_over = False
        while not stop.is_set():
            self.wake.clear()
            try:
                if not taken_over:
                    await self._take_over()
                    taken_over = True
                await self._pick_up(group)
            except OSError:  # a full disk, for one: nothing is lost, the files say where everything stands
                log.exception("forge_folder_unusable")
            await first_of(stop.wait(), self.wake.wait(), self._time.pause())

    async def _take_over(self) -> None:
        # The worker lock is ours, so whoever a file names as owner has died. Its job starts again from the first
        # attempt: local workflows only read and report, so doing it twice changes nothing outside.
        await asyncio.to_thread(self._jobs.journal.sweep)
        for record in await self._jobs.open_jobs():
            await self._jobs.change(record.job.correlation, partial(take_over, now=self._time.clock.now()))

    async def _pick_up(self, group: asyncio.TaskGroup) -> None:
        for record in await self._jobs.open_jobs():
            execution = self._running.get(record.slot)
            if execution is not None:
                if record.cancel_requested and execution.job.correlation == record.job.correlation:
                    execution.cancel.set()
            elif len(self._running) < self._settings.max_running:
                await self._start(record, group)

    async def _start(self, record: JobRecord, group: asyncio.TaskGroup) -> None:
        now = self._time.clock.now()
        workflow = self._workflows.get(record.job.workflow)
        if workflow is None:
            reason, summary = ForgeConclusion.UNKNOWN_WORKFLOW, f"this bot has no workflow {record.job.workflow}"
            refuse = partial(end, state=JobState.FAILED, conclusion=reason, summary=summary, now=now)
            await self._jobs.change(record.job.correlation, refuse)
            return
        claimed = await self._jobs.change(record.job.correlation, partial(claim, owner=self._settings.owner, now=now))
        if claimed is None or claimed.job.state.final:
            return
        execution = Execution(claimed, self._settings.owner, self._jobs, self._time)
        self._running[claimed.slot] = execution
        task = group.create_task(self._run(execution, workflow, claimed.slot))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, execution: Execution, workflow: Workflow, slot: tuple[str, str, str]) -> None:
        await execution.run(workflow, self._settings.deadline_seconds)
        del self._running[slot]
        self.wake.set()

    async def _give_back(self) -> None:
        for execution in self._running.values():
            try:
                await self._jobs.change(execution.job.correlation, partial(give_back, hold=execution.hold))
            except OSError:  # then the next start takes it over, as after a death
                log.exception("forge_job_not_given_back", log_id=execution.log_id)
