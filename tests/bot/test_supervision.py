"""Supervised tasks: a failing one is started again after pauses that grow, and its failures can be seen."""

import asyncio

import pytest
from structlog.testing import capture_logs

from bot.supervision import RESTART_SECONDS, Supervisor

GUARD_SECONDS = 30  # only ends a test that would hang; nothing is measured by it


class Failing:
    """Fails a number of times, then runs until it is told to stop; keeps every pause and lets each pass at once."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.pauses: list[float] = []
        self.runs_well = asyncio.Event()

    async def run_forever(self, stop: asyncio.Event) -> None:
        if self.left:
            self.left -= 1
            raise OSError("token=hunter2 is in this message")
        self.runs_well.set()
        await stop.wait()

    async def wait(self, stop: asyncio.Event, seconds: float) -> None:
        assert not stop.is_set()
        self.pauses.append(seconds)


async def test_a_task_that_fails_is_started_again_with_growing_pauses() -> None:
    failing = Failing(6)
    supervisor = Supervisor(failing.wait)
    with capture_logs() as logs:
        supervisor.start("relay", failing.run_forever)
        async with asyncio.timeout(GUARD_SECONDS):
            await failing.runs_well.wait()
    assert failing.pauses == [*RESTART_SECONDS, 30.0, 30.0]
    (task,) = supervisor.tasks
    assert (task.name, task.failures, task.last_failure) == ("relay", 6, "OSError")
    assert [line["task"] for line in logs if line["event"] == "task_failed"] == ["relay"] * 6
    await supervisor.stop(lambda: None, GUARD_SECONDS)


async def test_one_failing_task_leaves_the_others_alone() -> None:
    failing, well = Failing(3), Failing(0)
    supervisor = Supervisor(failing.wait)
    with capture_logs():
        supervisor.start("failing", failing.run_forever)
        supervisor.start("well", well.run_forever)
        async with asyncio.timeout(GUARD_SECONDS):
            await failing.runs_well.wait()
            await well.runs_well.wait()
    assert [task.failures for task in supervisor.tasks] == [3, 0]
    await supervisor.stop(lambda: None, GUARD_SECONDS)


async def test_stopping_wakes_the_tasks_and_waits_for_them() -> None:
    supervisor, began, woken, ended = Supervisor(), asyncio.Event(), asyncio.Event(), []

    async def run_forever(stop: asyncio.Event) -> None:
        began.set()
        await woken.wait()
        assert stop.is_set()
        ended.append("relay")

    supervisor.start("relay", run_forever)
    await began.wait()
    await supervisor.stop(woken.set, GUARD_SECONDS)
    assert ended == ["relay"]


async def test_a_task_that_does_not_end_in_time_is_cancelled() -> None:
    supervisor, began = Supervisor(), asyncio.Event()

    async def run_forever(stop: asyncio.Event) -> None:  # noqa: ARG001 - that it is not looked at is the point
        began.set()
        await asyncio.Event().wait()

    supervisor.start("stubborn", run_forever)
    await began.wait()
    with capture_logs() as logs:
        async with asyncio.timeout(GUARD_SECONDS):
            await supervisor.stop(lambda: None, 0)
    assert [(line["event"], line["task"]) for line in logs] == [("task_cancelled", "stubborn")]
    (task,) = supervisor.tasks
    assert task.task is not None
    assert task.task.cancelled()


@pytest.mark.parametrize("tasks", [0, 1])
async def test_a_pause_before_a_restart_ends_when_the_bot_stops(tasks: int) -> None:
    supervisor = Supervisor()  # with the real pauses
    failing = Failing(10**6)
    with capture_logs():
        for _ in range(tasks):
            supervisor.start("failing", failing.run_forever)
        await asyncio.sleep(0)
        await supervisor.stop(lambda: None, GUARD_SECONDS)
    assert all(task.task is not None and task.task.done() for task in supervisor.tasks)
