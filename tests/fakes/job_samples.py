"""Job records of the local forge as tests need them: one queued, one in the middle of its second start."""

from dataclasses import replace

from forge.local_record import JobRecord
from forge.port import Job, JobState
from tests.fakes.local_forge_rig import correlation, done, started
from tests.fakes.virtual_time import START

JOB = Job(
    correlation=correlation(),
    external_id=correlation(),
    workflow="triage",
    repository="octo/demo",
    ref="main",
    inputs={"depth": "2"},
    state=JobState.RUNNING,
    created_at=START,
    updated_at=START,
    attempts=(done(1), started(2)),
    report={"counts": [1, None], "as_of": None},
)
RECORD = JobRecord(JOB, "d1", owner="100-aaaa", starts=2, deaths=1, cancel_requested=True)
QUEUED = replace(
    RECORD,
    job=replace(JOB, state=JobState.QUEUED, attempts=(), report=None),
    owner=None,
    starts=0,
    deaths=0,
    cancel_requested=False,
)
