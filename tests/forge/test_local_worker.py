"""The worker: every job reaches a final state, none is lost at a shutdown, none runs beside its like."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from domain.clock import SystemClock
from domain.runs import AttemptState
from forge.local import LocalForge
from forge.local_execution import JobOverError, Workflow
from forge.local_steps import MAX_DEATHS, WorkflowResult
from forge.local_time import PAUSE_SECONDS
from forge.local_worker import LocalForgeSettings
from forge.port import Job, JobAttempt, JobState
from tests.fakes.local_forge_rig import (
    DEADLINE_SECONDS,
    FINE,
    GUARD_SECONDS,
    HeldWorkflow,
    Rig,
    correlation,
    done,
    obedient,
    order,
    sought,
    started,
)


def quick(_job: Job, note: Callable[[JobAttempt], None], _cancel: threading.Event) -> WorkflowResult:
    note(started(1))
    note(done(1, "unresolved", "3 left\x1b[2J"))
    note(started(2))
    note(done(2))
    return FINE


def crashing(_job: Job, note: Callable[[JobAttempt], None], _cancel: threading.Event) -> WorkflowResult:
    note(started(1))
    raise ZeroDivisionError("an artifact's text, not for phones")


async def test_a_job_runs_to_its_workflows_result_and_every_step_is_announced(tmp_path: Path) -> None:
    rig = Rig(tmp_path, {"triage": quick})
    async with rig.working():
        await rig.forge.dispatch(order())
        job = await rig.until_over()
    assert (job.state, job.conclusion, job.summary) == (JobState.SUCCEEDED, "resolved", "nothing left")
    assert (job.unresolved, job.head_sha, job.report) == (0, "a" * 40, {"schema_version": 1})
    assert [(attempt.number, attempt.conclusion) for attempt in job.attempts] == [(1, "unresolved"), (2, "resolved")]
    assert job.attempts[0].summary == "3 left[2J"
    assert rig.changes == [correlation()] * 7  # made, claimed, four notes, ended


async def test_a_workflow_that_could_not_do_its_work_fails_the_job(tmp_path: Path) -> None:
    rig = Rig(tmp_path, {"triage": lambda *_: replace(FINE, conclusion="no_artifact", ok=False, unresolved=None)})
    async with rig.working():
        await rig.forge.dispatch(order())
        job = await rig.until_over()
    assert (job.state, job.conclusion, job.unresolved) == (JobState.FAILED, "no_artifact", None)


async def test_a_crash_fails_the_job_under_a_log_id_and_closes_its_attempt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rig = Rig(tmp_path, {"triage": crashing})
    async with rig.working():
        await rig.forge.dispatch(order())
        job = await rig.until_over()
    assert (job.state, job.conclusion) == (JobState.FAILED, "crashed")
    assert job.summary == f"the workflow crashed: see log {correlation()}-1"
    assert (job.attempts[0].state, job.attempts[0].conclusion) == (AttemptState.DONE, "crashed")
    logged = capsys.readouterr().out
    assert f"{correlation()}-1" in logged
    assert "ZeroDivisionError" in logged


async def test_a_workflow_that_ends_its_thread_is_a_crash_too(tmp_path: Path) -> None:
    def leaving(*_: object) -> WorkflowResult:
        raise SystemExit(0)

    rig = Rig(tmp_path, {"triage": leaving})
    async with rig.working():
        await rig.forge.dispatch(order())
        assert (await rig.until_over()).conclusion == "crashed"


@pytest.mark.parametrize("report", [{"when": object()}, {"large": "x" * 5_000_000}])
async def test_a_report_that_cannot_be_kept_fails_the_job_without_it(tmp_path: Path, report: dict[str, object]) -> None:
    rig = Rig(tmp_path, {"triage": lambda *_: replace(FINE, report=report)})
    async with rig.working():
        await rig.forge.dispatch(order())
        job = await rig.until_over()
    assert (job.state, job.conclusion, job.report, job.unresolved) == (JobState.FAILED, "crashed", None, None)


async def test_a_running_job_that_is_cancelled_is_told_and_ends_cancelled(tmp_path: Path) -> None:
    rig = Rig(tmp_path, {"triage": obedient})
    async with rig.working():
        await rig.forge.dispatch(order())
        await rig.until(1, lambda job: bool(job.attempts))
        await rig.forge.cancel(sought())
        job = await rig.until_over()
    assert (job.state, job.conclusion, job.report) == (JobState.CANCELLED, "cancelled", None)
    assert job.attempts[0].state is AttemptState.DONE


async def test_a_cancel_written_by_another_process_is_seen_at_the_next_look(tmp_path: Path) -> None:
    rig = Rig(tmp_path, {"triage": obedient})
    other = Rig(tmp_path, {"triage": obedient}, owner="200-bbbb")
    await rig.forge.dispatch(order())  # before the worker starts, so that it looks once and then only waits
    async with rig.working():
        await rig.until(1, lambda job: bool(job.attempts))
        await rig.time.someone_waits(PAUSE_SECONDS)
        await other.forge.cancel(sought())
        rig.time.advance(PAUSE_SECONDS)
        assert (await rig.until_over()).state is JobState.CANCELLED


async def test_a_job_fails_at_its_deadline_and_nothing_it_reports_later_counts(tmp_path: Path) -> None:
    held = HeldWorkflow()
    rig = Rig(tmp_path, {"triage": held})
    async with rig.working():
        await rig.forge.dispatch(order())
        await held.has_begun()
        await rig.time.someone_waits(DEADLINE_SECONDS)
        rig.time.advance(DEADLINE_SECONDS)
        job = await rig.until_over()
        assert (job.state, job.conclusion) == (JobState.FAILED, "deadline_exceeded")
        assert held.cancels[0].is_set()
        held.go.set()
        await held.has_ended()
        assert await rig.forge.find(sought()) == job
    assert [type(error) for error in held.refused] == [JobOverError]


async def test_a_late_result_never_overwrites_the_deadline(tmp_path: Path) -> None:
    begun, go, ended = threading.Event(), threading.Event(), threading.Event()

    def late(*_: object) -> WorkflowResult:
        begun.set()
        assert go.wait(GUARD_SECONDS)
        ended.set()
        return FINE

    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context))
    rig = Rig(tmp_path, {"triage": late, "next": quick})
    async with rig.working():
        await rig.forge.dispatch(order())
        await asyncio.to_thread(begun.wait, GUARD_SECONDS)
        await rig.time.someone_waits(DEADLINE_SECONDS)
        rig.time.advance(DEADLINE_SECONDS)
        await rig.until_over()
        go.set()
        await asyncio.to_thread(ended.wait, GUARD_SECONDS)
        await rig.forge.dispatch(order(2, workflow="next"))
        await rig.until_over(2)
        job = await rig.forge.find(sought())
    assert job is not None
    assert (job.conclusion, faults) == ("deadline_exceeded", [])


async def test_a_cancelled_job_that_does_not_stop_is_cancelled_at_its_deadline(tmp_path: Path) -> None:
    held = HeldWorkflow()
    rig = Rig(tmp_path, {"triage": held})
    async with rig.working():
        await rig.forge.dispatch(order())
        await held.has_begun()
        await rig.forge.cancel(sought())
        await rig.time.someone_waits(DEADLINE_SECONDS)
        rig.time.advance(DEADLINE_SECONDS)
        job = await rig.until_over()
        assert (job.state, job.summary) == (JobState.CANCELLED, "cancelled; it did not stop by itself")
        held.go.set()


async def test_jobs_of_one_workflow_repository_and_ref_run_one_after_the_other_oldest_first(tmp_path: Path) -> None:
    held = HeldWorkflow()
    rig = Rig(tmp_path, {"triage": held})
    for number in (2, 1, 3):
        await rig.forge.dispatch(order(number, ref="dev" if number == 3 else "main"))
        rig.time.advance(1)
    async with rig.working():
        await held.has_begun()
        await held.has_begun()
        await rig.time.someone_waits(PAUSE_SECONDS)
        assert {job.correlation for job in held.jobs} == {correlation(2), correlation(3)}
        assert await rig.state(1) is JobState.QUEUED
        held.go.set()
        for number in (1, 2, 3):
            assert (await rig.until_over(number)).state is JobState.SUCCEEDED


async def test_no_more_jobs_run_at_once_than_allowed(tmp_path: Path) -> None:
    held = HeldWorkflow()
    rig = Rig(tmp_path, {"triage": held}, max_running=2)
    for number in range(1, 5):
        await rig.forge.dispatch(order(number, ref=f"branch-{number}"))
    async with rig.working():
        await held.has_begun()
        await held.has_begun()
        await rig.time.someone_waits(PAUSE_SECONDS)
        states = [await rig.state(number) for number in range(1, 5)]
        assert states == [JobState.RUNNING, JobState.RUNNING, JobState.QUEUED, JobState.QUEUED]
        held.go.set()
        for number in range(1, 5):
            await rig.until_over(number)


async def test_a_shutdown_leaves_a_running_job_running_and_the_next_start_finishes_it(tmp_path: Path) -> None:
    held = HeldWorkflow()
    rig = Rig(tmp_path, {"triage": held})
    async with rig.working():
        await rig.forge.dispatch(order(1))
        await rig.forge.dispatch(order(2))
        await held.has_begun()
    assert not held.cancels[0].is_set()
    assert [await rig.state(number) for number in (1, 2)] == [JobState.RUNNING, JobState.QUEUED]
    held.go.set()
    await held.has_ended()
    assert [type(error) for error in held.refused] == [JobOverError]

    leftover = tmp_path / "jobs" / f"{correlation(3)}.tmp"
    leftover.write_bytes(b"half a rec")
    again = Rig(tmp_path, {"triage": quick}, owner="200-bbbb")
    async with again.working():
        job = await again.until_over(1)
        await again.until_over(2)
    assert not leftover.exists()
    assert job.state is JobState.SUCCEEDED
    assert [(attempt.number, attempt.conclusion) for attempt in job.attempts] == [
        (1, "interrupted"),
        (2, "unresolved"),
        (3, "resolved"),
    ]
    assert job.attempts[0].finished_at is None


async def test_one_forge_can_be_stopped_and_started_again(tmp_path: Path) -> None:
    held = HeldWorkflow()
    rig = Rig(tmp_path, {"triage": held})
    async with rig.working():
        await rig.forge.dispatch(order())
        await held.has_begun()
    held.go.set()
    await held.has_ended()
    async with rig.working():
        assert (await rig.until_over()).state is JobState.SUCCEEDED


async def test_a_fault_of_the_worker_is_raised_and_counts_as_a_death_of_what_ran(tmp_path: Path) -> None:
    class Faulty(dict[str, Workflow]):
        def get(self, key: str, default: Workflow | None = None) -> Workflow | None:  # type: ignore[override]
            if key == "mutation":
                raise LookupError(key)
            return super().get(key, default)

    held = HeldWorkflow()
    for number in range(2, 2 + MAX_DEATHS):
        rig = Rig(tmp_path, Faulty(triage=held, mutation=held))
        worker = asyncio.create_task(rig.forge.run_forever(rig.stop))
        await rig.forge.dispatch(order(1))
        await held.has_begun()
        await rig.forge.dispatch(order(number, workflow="mutation"))
        with pytest.raises(ExceptionGroup) as raised:
            await asyncio.wait_for(worker, GUARD_SECONDS)
        assert raised.group_contains(LookupError)
        await rig.forge.cancel(sought(number))
    async with rig.working():
        job = await rig.until_over(1)
    assert (job.state, job.conclusion) == (JobState.FAILED, "interrupted")
    held.go.set()


async def test_any_number_of_clean_shutdowns_is_no_death(tmp_path: Path) -> None:
    for boot in range(5):
        held = HeldWorkflow()
        rig = Rig(tmp_path, {"triage": held}, owner=f"{boot}-boot")
        async with rig.working():
            await rig.forge.dispatch(order())
            await held.has_begun()
        held.go.set()
        await held.has_ended()
        assert await rig.state() is JobState.RUNNING


async def test_a_worker_that_is_cancelled_gives_its_jobs_back_too(tmp_path: Path) -> None:
    for _ in range(MAX_DEATHS + 1):
        held = HeldWorkflow()
        rig = Rig(tmp_path, {"triage": held})
        await rig.forge.dispatch(order())
        worker = asyncio.create_task(rig.forge.run_forever(asyncio.Event()))
        await held.has_begun()
        worker.cancel()
        with pytest.raises(asyncio.CancelledError):
            await worker
        held.go.set()
        await held.has_ended()
        assert await rig.state() is JobState.RUNNING
    again = Rig(tmp_path, {"triage": quick}, owner="200-bbbb")
    async with again.working():
        assert (await again.until_over()).state is JobState.SUCCEEDED


async def test_a_job_cancelled_while_nobody_runs_it_ends_at_once(tmp_path: Path) -> None:
    held = HeldWorkflow()
    rig = Rig(tmp_path, {"triage": held})
    async with rig.working():
        await rig.forge.dispatch(order())
        await held.has_begun()
    await rig.forge.cancel(sought())
    job = await rig.until_over()
    assert (job.state, job.attempts[0].state) == (JobState.CANCELLED, AttemptState.DONE)
    held.go.set()
    await held.has_ended()


async def test_a_cancel_asked_for_before_a_shutdown_holds_after_it(tmp_path: Path) -> None:
    held = HeldWorkflow()
    rig = Rig(tmp_path, {"triage": held})
    async with rig.working():
        await rig.forge.dispatch(order())
        await held.has_begun()
        await rig.forge.cancel(sought())
    unused = HeldWorkflow()
    again = Rig(tmp_path, {"triage": unused}, owner="200-bbbb")
    async with again.working():
        job = await again.until_over()
    assert (job.state, unused.jobs) == (JobState.CANCELLED, [])
    held.go.set()
    await held.has_ended()


async def test_a_workflow_that_a_new_version_no_longer_has_ends_its_waiting_jobs(tmp_path: Path) -> None:
    await Rig(tmp_path, {"triage": quick}).forge.dispatch(order())
    rig = Rig(tmp_path, {"mutation": quick})
    async with rig.working():
        job = await rig.until_over()
    assert (job.state, job.conclusion) == (JobState.FAILED, "unknown_workflow")


async def test_a_broken_file_is_announced_and_holds_nothing_up(tmp_path: Path) -> None:
    rig = Rig(tmp_path, {"triage": quick})
    await rig.forge.dispatch(order(1))
    await rig.forge.dispatch(order(2))
    (tmp_path / "jobs" / f"{correlation(1)}.json").write_bytes(b"\x00" * 100)
    rig.changes.clear()
    async with rig.working():
        assert (await rig.until_over(2)).state is JobState.SUCCEEDED
        assert (await rig.until_over(1)).conclusion == "unreadable_job"
    assert rig.changes.count(correlation(1)) == 1


async def test_a_folder_that_fails_for_a_while_only_delays_a_jobs_end(tmp_path: Path) -> None:
    held = HeldWorkflow()
    rig = Rig(tmp_path, {"triage": lambda job, _note, cancel: held(job, lambda _attempt: None, cancel)})
    jobs, away = tmp_path / "jobs", tmp_path / "away"
    await rig.forge.dispatch(order())  # before the worker starts, so that it looks once and then only waits
    async with rig.working():
        await held.has_begun()
        await rig.time.someone_waits(PAUSE_SECONDS)
        jobs.rename(away)
        jobs.write_text("a file where the folder was")
        rig.time.advance(1)  # what waits a whole pause from here on is the writing of the job's end
        held.go.set()
        await rig.time.someone_waits(PAUSE_SECONDS)
        jobs.unlink()
        away.rename(jobs)
        rig.time.advance(PAUSE_SECONDS)
        assert (await rig.until_over()).state is JobState.SUCCEEDED


async def test_a_folder_that_fails_at_the_start_is_tried_again(tmp_path: Path) -> None:
    rig = Rig(tmp_path, {"triage": quick})
    await rig.forge.dispatch(order())
    lock = tmp_path / "jobs.lock"
    lock.unlink()
    lock.mkdir()
    async with rig.working():
        await rig.time.someone_waits(PAUSE_SECONDS)
        lock.rmdir()
        rig.time.advance(PAUSE_SECONDS)
        assert (await rig.until_over()).state is JobState.SUCCEEDED


async def test_a_job_that_could_not_be_given_back_is_taken_over_as_after_a_death(tmp_path: Path) -> None:
    held = HeldWorkflow()
    rig = Rig(tmp_path, {"triage": held})
    lock = tmp_path / "jobs.lock"
    async with rig.working():
        await rig.forge.dispatch(order())
        await held.has_begun()
        lock.unlink()
        lock.mkdir()
    lock.rmdir()
    again = Rig(tmp_path, {"triage": quick}, owner="200-bbbb")
    async with again.working():
        assert (await again.until_over()).state is JobState.SUCCEEDED
    held.go.set()
    await held.has_ended()


async def test_a_job_whose_file_breaks_while_it_runs_stays_failed_and_frees_its_place(tmp_path: Path) -> None:
    results = threading.Semaphore(0)

    def silent(*_: object) -> WorkflowResult:
        assert results.acquire(timeout=GUARD_SECONDS)
        return FINE

    rig = Rig(tmp_path, {"triage": silent})
    async with rig.working():
        await rig.forge.dispatch(order(1))
        await rig.until(1, lambda job: job.state is JobState.RUNNING)
        (tmp_path / "jobs" / f"{correlation(1)}.json").write_text("{")
        await rig.forge.dispatch(order(2))
        results.release(2)
        assert (await rig.until_over(2)).state is JobState.SUCCEEDED
        assert (await rig.until_over(1)).conclusion == "unreadable_job"


async def test_a_second_worker_stands_by_and_takes_over_when_the_first_is_gone(tmp_path: Path) -> None:
    first, second = HeldWorkflow(), HeldWorkflow()
    active = Rig(tmp_path, {"triage": first})
    standby = Rig(tmp_path, {"triage": second}, owner="200-bbbb")
    async with active.working():
        await active.forge.dispatch(order())
        await first.has_begun()
        standing_by = asyncio.create_task(standby.forge.run_forever(standby.stop))
        await standby.time.someone_waits(PAUSE_SECONDS)
        assert second.jobs == []
    standby.time.advance(PAUSE_SECONDS)
    await second.has_begun()
    second.go.set()
    assert (await standby.until_over()).state is JobState.SUCCEEDED
    standby.stop.set()
    await standing_by
    first.go.set()
    await first.has_ended()


async def test_without_a_time_of_its_own_the_forge_waits_by_the_machines(tmp_path: Path) -> None:
    ended: asyncio.Event = asyncio.Event()
    settings = LocalForgeSettings(tmp_path, "100-aaaa", deadline_seconds=0)
    cancel_seen = threading.Event()

    def obeying(_job: Job, _note: object, cancel: threading.Event) -> WorkflowResult:
        assert cancel.wait(GUARD_SECONDS)
        cancel_seen.set()
        return FINE

    async def over() -> None:
        while not (job := await forge.find(sought())) or not job.state.final:
            ended.clear()
            await ended.wait()

    forge = LocalForge(settings, {"triage": obeying}, SystemClock(), lambda _name: ended.set())
    stop = asyncio.Event()
    worker = asyncio.create_task(forge.run_forever(stop))
    await forge.dispatch(order())
    async with asyncio.timeout(GUARD_SECONDS):
        await over()
    stop.set()
    await worker
    job = await forge.find(sought())
    assert job is not None
    assert job.conclusion == "deadline_exceeded"
    assert await asyncio.to_thread(cancel_seen.wait, GUARD_SECONDS)
