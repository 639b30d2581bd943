"""The job journal as the event loop sees it: file work in threads, every durable change announced."""

import asyncio
from collections.abc import Callable

from forge.local_journal import JobJournal
from forge.local_record import JobRecord
from forge.port import ForgeConclusion

Step = Callable[[JobRecord], JobRecord]


class LocalJobs:
    """Every method may raise OSError; `changed` is called in the event loop with the correlation id of a changed job."""

    def __init__(self, journal: JobJournal, changed: Callable[[str], None]) -> None:
        """Share the journal; whoever changes it past this object announces nothing."""
        self.journal = journal
        self._changed = changed

    async def create(self, record: JobRecord) -> JobRecord:
        """Make a job unless there is one of that correlation id, and return what its file holds."""
        stored, made = await asyncio.to_thread(self.journal.create, record)
        if made:
            self._announce(asyncio.get_running_loop(), record.job.correlation)
        return stored

    async def load(self, correlation: str) -> JobRecord | None:
        """Return a job's record, or None."""
        return await asyncio.to_thread(self.journal.load, correlation)

    async def change(self, correlation: str, step: Step) -> JobRecord | None:
        """Replace a record by what the pure `step` makes of it; return the new record, or None: there is no such job."""
        return await asyncio.to_thread(self.change_from_thread, asyncio.get_running_loop(), correlation, step)

    def change_from_thread(self, loop: asyncio.AbstractEventLoop, correlation: str, step: Step) -> JobRecord | None:
        """Do the same in a thread of the caller's, which must not be the event loop's."""
        outcome = self.journal.change(correlation, step)
        if outcome is None:
            return None
        record, changed = outcome
        if changed:
            self._announce(loop, correlation)
        return record

    async def open_jobs(self) -> list[JobRecord]:
        """Return the jobs that are not over, oldest first; announce those found unreadable on the way."""
        records = await asyncio.to_thread(self.journal.news)
        for record in records:
            if record.job.conclusion == ForgeConclusion.UNREADABLE_JOB:
                self._announce(asyncio.get_running_loop(), record.job.correlation)
        return [record for record in records if not record.job.state.final]

    def _announce(self, loop: asyncio.AbstractEventLoop, correlation: str) -> None:
        # Called by the loop itself, so that a listener's failure is its own and never undoes what is durable.
        loop.call_soon_threadsafe(self._changed, correlation)
