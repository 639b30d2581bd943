"""The local forge's jobs as durable files: one per correlation id, changed only whole and one writer at a time."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import structlog

from domain.clock import Clock
from forge.durable_files import locked, sync_folder, try_lock, write_synced
from forge.local_record import CORRELATION, MAX_RECORD_BYTES, JobRecord, UnreadableRecordError, decode, encode
from forge.port import ForgeConclusion, Job, JobState, Unclear

KEPT_FINISHED_JOBS = 200  # enough to look back over some weeks; each has some ten kilobytes
LOST_WITH_THE_FILE = "unknown"

log = structlog.get_logger()


class JobJournal:
    """The folder `jobs/` of job files, `broken/` of those that could not be read, and the locks over them.

    Every method does blocking file I/O and may raise OSError; every one may be called from any thread or process.
    """

    def __init__(self, folder: Path, clock: Clock, sync: Callable[[Path], None] = sync_folder) -> None:
        """Make the folders. `sync` makes the names in a folder durable."""
        self._folder = folder
        self._jobs = folder / "jobs"
        self._broken = folder / "broken"
        self._clock = clock
        self._sync = sync
        self._over: set[str] = set()
        for made in (self._jobs, self._broken):
            made.mkdir(parents=True, exist_ok=True, mode=0o700)

    def create(self, record: JobRecord) -> tuple[JobRecord, bool]:
        """Make a job's file unless there is one: return what the file holds, and whether it was made now.

        Raises:
            ValueError, TypeError: the record cannot be written as JSON, or is too large.
            Unclear: the file is there, but a power cut might still undo it.
        """
        correlation = record.job.correlation
        content = encode(record)
        stored = decode(content, correlation)
        with self._locked():
            if (known := self._load(correlation)) is not None:
                return known, False
            temporary = self._temporary(correlation)
            write_synced(temporary, content)
            # A link never overwrites: even without the lock, two writers could not both make this job.
            self._path(correlation).hardlink_to(temporary)
            temporary.unlink()
            try:
                self._sync(self._jobs)
            except OSError as error:
                raise Unclear(f"job {correlation} was written, but the disk did not confirm its name") from error
        return stored, True

    def load(self, correlation: str) -> JobRecord | None:
        """Return a job's record, or None; an unreadable one is moved aside and returned as failed."""
        with self._locked():
            return self._load(correlation)

    def change(self, correlation: str, step: Callable[[JobRecord], JobRecord]) -> tuple[JobRecord, bool] | None:
        """Replace a record by what `step` makes of it: return the record, and whether it changed; None: no such job.

        Raises:
            ValueError, TypeError: the new record cannot be written as JSON, or is too large; the old one stays.
        """
        with self._locked():
            if (before := self._load(correlation)) is None:
                return None
            after = step(before)
            if after == before:
                return before, False
            content = encode(replace(after, job=replace(after.job, updated_at=self._clock.now())))
            stored = decode(content, correlation)  # what could not be read back must not be written
            temporary = self._temporary(correlation)
            write_synced(temporary, content)
            temporary.replace(self._path(correlation))
            self._sync(self._jobs)
            return stored, True

    def news(self) -> list[JobRecord]:
        """Return the jobs not known to be over, oldest first; one that is over is returned once and then never again."""
        names = set(self._names())
        self._over &= names
        records = [record for name in names - self._over if (record := self._load_if_possible(name)) is not None]
        self._over |= {record.job.correlation for record in records if record.job.state.final}
        return sorted(records, key=lambda record: (record.job.created_at, record.job.correlation))

    def prune(self, older_than: datetime) -> int:
        """Remove finished jobs last changed before that moment, never the newest 200; return how many went."""
        records = (record for name in self._names() if (record := self.load(name)) is not None)
        finished = sorted(
            (record.job.updated_at, record.job.correlation) for record in records if record.job.state.final
        )
        old = [name for changed_at, name in finished[:-KEPT_FINISHED_JOBS] if changed_at < older_than]
        for name in old:
            self._path(name).unlink(missing_ok=True)
            self._over.discard(name)
        return len(old)

    def sweep(self) -> None:
        """Remove temporary files that a killed process left behind."""
        with self._locked():
            for leftover in self._jobs.glob("*.tmp"):
                leftover.unlink()

    def become_worker(self) -> int | None:
        """Take the folder's worker lock if it is free: closing the returned descriptor, or dying, frees it."""
        return try_lock(self._folder / "worker.lock")

    def _locked(self) -> AbstractContextManager[None]:
        return locked(self._folder / "jobs.lock")

    def _path(self, correlation: str) -> Path:
        return self._jobs / f"{correlation}.json"

    def _temporary(self, correlation: str) -> Path:
        return self._jobs / f"{correlation}.tmp"

    def _names(self) -> Iterator[str]:
        return (path.stem for path in self._jobs.glob("*.json") if CORRELATION.fullmatch(path.stem))

    def _load_if_possible(self, correlation: str) -> JobRecord | None:
        try:
            return self.load(correlation)
        except OSError:  # one file that the disk does not give must not hold up the others
            log.exception("forge_job_not_loaded", correlation=correlation)
            return None

    def _load(self, correlation: str) -> JobRecord | None:
        try:
            with self._path(correlation).open("rb") as file:
                content = file.read(MAX_RECORD_BYTES + 1)
            return decode(content, correlation)
        except FileNotFoundError:
            return self._broken_record(correlation)
        except (UnreadableRecordError, IsADirectoryError) as error:
            self._path(correlation).replace(self._broken / f"{correlation}.json")
            # No traceback: the problem lies in the file, and the sentence names the place.
            log.error("forge_job_unreadable", correlation=correlation, problem=str(error))  # noqa: TRY400 - see above
            return self._broken_record(correlation)

    def _broken_record(self, correlation: str) -> JobRecord | None:
        try:
            written_at = datetime.fromtimestamp((self._broken / f"{correlation}.json").stat().st_mtime, UTC)
        except FileNotFoundError:
            return None
        job = Job(
            correlation=correlation,
            external_id=correlation,
            workflow=LOST_WITH_THE_FILE,
            repository=LOST_WITH_THE_FILE,
            ref=LOST_WITH_THE_FILE,
            inputs={},
            state=JobState.FAILED,
            created_at=written_at,
            updated_at=written_at,
            conclusion=ForgeConclusion.UNREADABLE_JOB,
            summary="its file could not be read and was moved to broken/",
        )
        return JobRecord(job, digest=None)
