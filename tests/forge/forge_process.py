"""Run as `python -m tests.forge.forge_process <role> <folder>`: another process at one forge folder, made to be killed."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from domain.clock import SystemClock
from forge.local import LocalForge
from forge.local_journal import JobJournal
from forge.local_record import JobRecord
from forge.local_steps import WorkflowResult
from forge.local_worker import LocalForgeSettings
from forge.port import Job, JobAttempt, JobState
from tests.fakes.local_forge_rig import FINE, correlation, order, started
from tests.fakes.virtual_time import START

JOBS = 100


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - standard output is how the test hears of it


def make_jobs(folder: Path) -> None:
    """Make numbered jobs and say of each whether this process made it."""
    journal = JobJournal(folder, SystemClock())
    say("ready")
    sys.stdin.readline()
    for number in range(JOBS):
        job = Job(correlation(number), "x", "triage", "octo/demo", "main", {}, JobState.QUEUED, START, START)
        say(f"{number} {journal.create(JobRecord(job, 'd1'))[1]}")


def write_without_end(folder: Path) -> None:
    """Make and change jobs until killed, saying which step of which job is durable."""
    journal = JobJournal(folder, SystemClock())
    number = 0
    while True:
        number += 1
        job = Job(correlation(number), "x", "triage", "octo/demo", "main", {}, JobState.QUEUED, START, START)
        journal.create(JobRecord(job, "d1"))
        say(f"{number} 0")
        for starts in (1, 2):
            journal.change(correlation(number), partial(replace, starts=starts))
            say(f"{number} {starts}")


def hang(_job: Job, note: Callable[[JobAttempt], None], _cancel: threading.Event) -> WorkflowResult:
    note(started(1))
    say("working")
    threading.Event().wait()
    return FINE


async def work(folder: Path) -> None:
    """Dispatch a job, unless it is there, and work on it until a line comes in."""
    settings = LocalForgeSettings(folder, f"{os.getpid()}-boot")
    forge = LocalForge(settings, {"triage": hang}, SystemClock(), lambda _name: None)
    await forge.dispatch(order())
    stop = asyncio.Event()
    worker = asyncio.create_task(forge.run_forever(stop))
    await asyncio.to_thread(sys.stdin.readline)
    stop.set()
    await worker


if __name__ == "__main__":
    role, folder = sys.argv[1], Path(sys.argv[2])
    if role == "make":
        make_jobs(folder)
    elif role == "write":
        write_without_end(folder)
    else:
        asyncio.run(work(folder))
