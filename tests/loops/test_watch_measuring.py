"""The watch measures what other forges' runs left behind: in the background, a few at a time, and until somebody can tell."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from domain.runs import Run, RunState
from forge.port import JobState, Refused, Unreachable
from loops.progress import LOST_AFTER
from loops.watch import MEASURED_AT_ONCE
from tests.fakes.busy_database import held_for_writing
from tests.fakes.policies import REPOSITORY, example_policy, loaded
from tests.fakes.results import COMMIT, FakeResults
from tests.fakes.source_runs import backlog
from tests.fakes.whole_bot import WholeBot, whole_bot

FOUND = {"reins-backlog-1-1/backlog-medium.json": backlog(COMMIT, ("high",), repository=REPOSITORY, branch="main")}
MANY = 5


@asynccontextmanager
async def measuring_bot(folder: Path) -> AsyncIterator[tuple[WholeBot, FakeResults]]:
    """Start a bot whose triage runs on GitHub leave a backlog with one finding, in as many actions as are needed."""
    document = example_policy()
    for number in range(MANY):
        document["actions"][f"triage-{number}"] = {**document["actions"]["triage"], "slot": f"slot-{number}"}
    async with whole_bot(folder, policy=loaded(document)) as bot:
        results = FakeResults(bot.clock)
        results.files = FOUND
        bot.results["github"] = results
        yield bot, results


async def end(bot: WholeBot, action: str = "triage", state: JobState = JobState.SUCCEEDED) -> str:
    """Let a run of an action be over on the forge, and return its id."""
    await bot.say(f"run {action}")
    await bot.relay.tick()
    run = (await bot.runs())[-1]
    bot.forges["github"].finish(run.correlation, state, head_sha=COMMIT, conclusion="success", summary="said so")
    bot.clock.advance(1)
    return run.id


async def run_of(bot: WholeBot, run_id: str) -> Run:
    run = await bot.read(lambda tables: tables.runs.get(run_id))
    assert run is not None
    return run


async def test_a_run_ends_with_its_measurement_and_figures_are_kept_with_it(tmp_path: Path) -> None:
    async with measuring_bot(tmp_path) as (bot, _):
        run_id = await end(bot, state=JobState.FAILED)
        await bot.settle()
        run = await run_of(bot, run_id)
        assert (run.state, run.reason, run.unresolved, run.head_sha) == (RunState.SUCCEEDED, "unresolved", 1, COMMIT)
        kept = await bot.read(lambda tables: tables.snapshots.triage())
        assert kept is not None
        assert (kept.high, kept.taken_at) == (1, run.finished_at)
        finals = [text for text in bot.told() if text.startswith("DONE")]
        assert finals == [
            f"DONE {run.handle} triage on {REPOSITORY}@main: triage: 1 high, 0 medium; 1 min old. Unresolved 1, mode read-only."
        ]


async def test_a_slow_download_holds_up_no_other_run(tmp_path: Path) -> None:
    async with measuring_bot(tmp_path) as (bot, results):
        results.gate = asyncio.Event()
        slow = await end(bot)
        await bot.say("run mutation")
        await bot.relay.tick()
        near = (await bot.runs())[-1]
        bot.forges["local"].finish(near.correlation)
        await bot.watch.look()
        async with asyncio.timeout(30):
            await results.waiting(1)
        assert (await run_of(bot, near.id)).state is RunState.SUCCEEDED
        for _ in range(3):
            bot.clock.advance(60)
            await bot.watch.look()
        assert (results.read, (await run_of(bot, slow)).state) == ([1], RunState.DISPATCHED)
        results.gate.set()
        await bot.watch.measured()
        assert (await run_of(bot, slow)).state is RunState.SUCCEEDED


async def test_only_a_few_downloads_go_on_at_once_and_all_of_them_are_made(tmp_path: Path) -> None:
    async with measuring_bot(tmp_path) as (bot, results):
        results.gate = asyncio.Event()
        runs = [await end(bot, f"triage-{number}") for number in range(MANY)]
        await bot.watch.look()
        async with asyncio.timeout(30):
            await results.waiting(MEASURED_AT_ONCE)
        results.gate.set()
        await bot.watch.measured()
        assert (results.most_at_once, len(results.read)) == (MEASURED_AT_ONCE, MANY)
        assert {(await run_of(bot, one)).state for one in runs} == {RunState.SUCCEEDED}


async def test_what_cannot_be_read_now_is_read_at_a_later_look(tmp_path: Path) -> None:
    async with measuring_bot(tmp_path) as (bot, results):
        run_id = await end(bot)
        results.faults.append(Unreachable("not now"))
        with capture_logs() as logs:
            await bot.look()
        assert [(line["event"], line["run"]) for line in logs if line["event"] == "unmeasured"] == [
            ("unmeasured", run_id)
        ]
        assert (await run_of(bot, run_id)).state is RunState.DISPATCHED
        await bot.look()
        assert (await run_of(bot, run_id)).reason == "unresolved"


async def test_long_after_its_deadline_a_run_that_nobody_could_measure_ends_as_unknown(tmp_path: Path) -> None:
    async with measuring_bot(tmp_path) as (bot, results):
        run_id = await end(bot, state=JobState.FAILED)
        results.faults.extend([Unreachable("not now")] * 2)
        run = await run_of(bot, run_id)
        bot.clock.advance((run.deadline_at + LOST_AFTER - bot.clock.now()).total_seconds() - 1)
        await bot.look()
        assert not (await run_of(bot, run_id)).state.final
        bot.clock.advance(1)
        await bot.settle()
        over = await run_of(bot, run_id)
        assert (over.state, over.reason, over.unresolved) == (RunState.FAILED, "forge_unreachable", None)
        assert over.summary == "said so; triage unknown: the forge cannot be reached"
        kept = await bot.read(lambda tables: tables.snapshots.triage())
        assert kept is not None
        assert (kept.high, "not now" in kept.detail) == (None, True)


async def test_what_the_forge_refuses_to_show_is_unknown_at_once(tmp_path: Path) -> None:
    async with measuring_bot(tmp_path) as (bot, results):
        run_id = await end(bot)
        results.faults.append(Refused("artifact_expired", "it is gone"))
        await bot.settle()
        assert (await run_of(bot, run_id)).reason == "no_artifact"


async def test_a_measurement_that_cannot_be_recorded_is_made_again(tmp_path: Path) -> None:
    async with measuring_bot(tmp_path) as (bot, results):
        run_id = await end(bot)
        results.gate = asyncio.Event()
        await bot.watch.look()
        await results.waiting(1)
        with capture_logs() as logs, held_for_writing(bot.path):
            results.gate.set()
            await bot.watch.measured()
        assert "watch_unrecorded" in [line["event"] for line in logs]
        assert (await run_of(bot, run_id)).state is RunState.DISPATCHED
        await bot.settle()
        assert (await run_of(bot, run_id)).state is RunState.SUCCEEDED


async def test_a_fault_of_ours_while_measuring_comes_up_at_the_next_look(tmp_path: Path) -> None:
    async with measuring_bot(tmp_path) as (bot, results):
        run_id = await end(bot)
        results.faults.append(ZeroDivisionError("ours"))
        await bot.look()
        with pytest.raises(ZeroDivisionError, match="ours"):
            await bot.watch.look()
        await bot.settle()
        assert (await run_of(bot, run_id)).state is RunState.SUCCEEDED


async def test_a_watch_that_stops_leaves_the_run_open_for_the_next_one(tmp_path: Path) -> None:
    async with measuring_bot(tmp_path) as (bot, results):
        results.gate = asyncio.Event()
        run_id = await end(bot)
        stop = asyncio.Event()
        watching = asyncio.create_task(bot.watch.run_forever(stop))
        async with asyncio.timeout(30):
            await results.waiting(1)
            stop.set()
            bot.watch.wake()
            await watching
        assert (await run_of(bot, run_id)).state is RunState.DISPATCHED
        results.gate.set()
        await bot.settle()
        assert (await run_of(bot, run_id)).state is RunState.SUCCEEDED
