"""One job of the local forge as its file keeps it: the record, and its bytes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import orjson
from pydantic import TypeAdapter, ValidationError

from domain.clock import to_text
from forge.port import Job

CORRELATION = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")  # a ULID in upper case: it can never be a path
MAX_RECORD_BYTES = 4 * 1024 * 1024  # a loop's document has some ten kilobytes; more is a fault, not a report


class UnreadableRecordError(ValueError):
    """The bytes of a job file are not a job; the message says where they stop being one."""


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job, what was ordered and who works on it.

    `digest` names what was ordered (I7), None when the file that said so is lost. `owner` is the process that runs it now, None when nobody does. `starts` counts how often it was started and is the
    fence: a write of an earlier start is refused. `deaths` counts the processes that died while they ran it.
    """

    job: Job
    digest: str | None
    owner: str | None = None
    starts: int = 0
    deaths: int = 0
    cancel_requested: bool = False

    @property
    def waiting(self) -> bool:
        """Tell whether it may be started: queued, or left running by a process that is gone."""
        return self.owner is None and not self.job.state.final

    @property
    def slot(self) -> tuple[str, str, str]:
        """Return what only one running job may hold at a time: workflow, repository and ref."""
        return self.job.workflow, self.job.repository, self.job.ref


_RECORDS = TypeAdapter(JobRecord)


def encode(record: JobRecord) -> bytes:
    """Write a record as indented JSON, times in UTC with Z.

    Raises:
        TypeError: the report holds something that JSON cannot.
        ValueError: it is larger than `MAX_RECORD_BYTES`.
    """
    options = orjson.OPT_INDENT_2 | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_APPEND_NEWLINE
    content = orjson.dumps(record, default=_time_text, option=options)
    if len(content) > MAX_RECORD_BYTES:
        raise ValueError(f"the job would take {len(content)} bytes, the limit is {MAX_RECORD_BYTES}: cut its report")
    return content


def decode(content: bytes, correlation: str) -> JobRecord:
    """Read a record back; it must be the one its file is named after.

    Raises:
        UnreadableRecordError: it is not JSON, not a job, has a time without a zone, or is another job.
    """
    try:
        record = _RECORDS.validate_json(content, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise UnreadableRecordError(f"{place}: {first['msg']}") from error
    if any(moment.tzinfo is None for moment in _times(record.job)):
        raise UnreadableRecordError("a time has no zone")
    if record.job.correlation != correlation:
        raise UnreadableRecordError("job.correlation: it is not the file's name")
    return record


def _times(job: Job) -> Iterator[datetime]:
    yield job.created_at
    yield job.updated_at
    for attempt in job.attempts:
        yield attempt.started_at
        if attempt.finished_at is not None:
            yield attempt.finished_at


def _time_text(value: object) -> str:
    if isinstance(value, datetime):
        return to_text(value)
    raise TypeError(f"{type(value).__name__} is not a kind of value a job's report may hold")
