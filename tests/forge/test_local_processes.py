"""The local forge between real processes: two at one folder, and one killed in the middle of its work."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from forge.local_journal import JobJournal
from forge.local_steps import MAX_DEATHS
from forge.port import JobState
from tests.fakes.local_forge_rig import GUARD_SECONDS, HeldWorkflow, Rig, correlation
from tests.fakes.virtual_time import VirtualTime
from tests.forge.forge_process import JOBS

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def process(role: str, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Start another process at the folder; it is killed at the end of the block, as hard as can be."""
    command = [sys.executable, "-m", "tests.forge.forge_process", role, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.send_signal(signal.SIGKILL)


def line(child: "subprocess.Popen[str]") -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def test_two_processes_that_dispatch_the_same_jobs_make_each_once(tmp_path: Path) -> None:
    with process("make", tmp_path) as first, process("make", tmp_path) as second:
        for child in (first, second):
            assert line(child) == "ready"
        for child in (first, second):
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        said = [line(child) for child in (first, second) for _ in range(JOBS)]
    assert sorted(text for text in said if text.endswith("True")) == sorted(f"{number} True" for number in range(JOBS))
    assert len(said) == 2 * JOBS


def test_a_workflow_that_never_returns_does_not_keep_its_process_from_ending(tmp_path: Path) -> None:
    with process("work", tmp_path) as child:
        assert line(child) == "working"
        child.communicate("stop\n", timeout=GUARD_SECONDS)
        assert child.returncode == 0
    record = JobJournal(tmp_path, VirtualTime()).load(correlation(1))
    assert record is not None
    assert (record.job.state, record.owner) == (JobState.RUNNING, None)


@pytest.mark.chaos
@pytest.mark.parametrize("after_lines", [1, 2, 3, 7, 20, 58])
def test_a_kill_in_the_middle_of_writing_loses_nothing_that_was_acknowledged(tmp_path: Path, after_lines: int) -> None:
    with process("write", tmp_path) as child:
        said = [line(child) for _ in range(after_lines)]
    journal = JobJournal(tmp_path, VirtualTime())
    journal.sweep()
    for text in said:
        number, starts = (int(part) for part in text.split())
        record = journal.load(correlation(number))
        assert record is not None
        assert record.starts >= starts
    assert list((tmp_path / "broken").iterdir()) == []
    assert list((tmp_path / "jobs").glob("*.tmp")) == []


@pytest.mark.chaos
async def test_a_job_whose_process_was_killed_is_run_again_to_its_end(tmp_path: Path) -> None:
    with process("work", tmp_path) as child:
        assert line(child) == "working"
    held = HeldWorkflow()
    held.go.set()
    rig = Rig(tmp_path, {"triage": held})
    assert await rig.state() is JobState.RUNNING
    async with rig.working():
        job = await rig.until_over()
    assert job.state is JobState.SUCCEEDED
    assert [(attempt.number, attempt.conclusion) for attempt in job.attempts] == [(1, "interrupted"), (2, "resolved")]


@pytest.mark.chaos
async def test_a_job_that_always_takes_its_process_with_it_ends_as_failed(tmp_path: Path) -> None:
    for _ in range(MAX_DEATHS):
        with process("work", tmp_path) as child:
            assert line(child) == "working"
    held = HeldWorkflow()
    rig = Rig(tmp_path, {"triage": held})
    async with rig.working():
        job = await rig.until_over()
    assert (job.state, job.conclusion, held.jobs) == (JobState.FAILED, "interrupted", [])
    assert len(job.attempts) == MAX_DEATHS
