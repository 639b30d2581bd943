"""The watch: what a wake-up missed the next look repairs, and one bad job holds up no other."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.notices import NoticeKind
from domain.runs import RunState
from domain.snapshots import MutationSnapshot
from forge.port import JobState
from loops.progress import LOST_AFTER
from store.port import StoreUnwritable
from store.sqlite_connection import connect
from tests.fakes.busy_database import held_for_writing
from tests.fakes.forge import ForgeFault
from tests.fakes.whole_bot import WholeBot, whole_bot

SNAPSHOT: dict[str, Any] = {
    "status": "ok",
    "reason": "threshold_met",
    "detail": "",
    "source": "mutmut-cicd-stats.json",
    "taken_at": "2026-11-22T14:00:00Z",
    "measured_at": None,
    "tool": "mutmut",
    "score_basis_points": 8250,
    "provisional": False,
    "counts": None,
    "hot_spots": [],
    "categories": [],
}


async def start(bot: WholeBot, text: str = "run mutation") -> str:
    """Start a run and return the correlation of its job."""
    await bot.say(text)
    await bot.relay.tick()
    return bot.correlation()


async def newest(bot: WholeBot) -> Any:
    return (await bot.runs())[-1]


async def test_whatever_was_missed_is_told_at_the_next_look(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        job = await start(bot)
        bot.forges["local"].begin(job)
        bot.forges["local"].finish(job, summary="82.50 %", unresolved=3)
        await bot.settle()
        run = await newest(bot)
        assert (run.state, run.unresolved) == (RunState.SUCCEEDED, 3)
        assert [text.split(":")[0] for text in bot.told()] == [
            f"{run.handle} mutation",
            f"{run.handle} mutation",
            f"DONE {run.handle} mutation on local/sample@main",
        ]
        ended = [row for row in await bot.audit_rows() if row["action"] == "run-ended"]
        assert [(row["target"], row["outcome"]) for row in ended] == [(run.id, "succeeded")]


async def test_looking_again_at_the_same_state_writes_nothing(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        bot.forges["local"].begin(await start(bot))
        await bot.settle()
        outside = connect(bot.path, read_only=True)
        before = outside.execute("PRAGMA data_version").fetchone()  # changes with every commit of another connection
        bot.clock.advance(100)
        await bot.watch.look()
        assert outside.execute("PRAGMA data_version").fetchone() == before
        outside.close()


async def test_a_forge_that_cannot_be_reached_leaves_the_run_open_and_the_others_go_on(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        await start(bot)
        bot.clock.advance(1)
        other = await start(bot, "run triage")
        bot.forges["github"].finish(other)
        bot.forges["local"].faults.extend([ForgeFault.UNREACHABLE] * 2)
        with capture_logs() as logs:
            await bot.watch.look()
        first, second = await bot.runs()
        assert (first.state, second.state) == (RunState.DISPATCHED, RunState.SUCCEEDED)
        assert [(line["event"], line["run"]) for line in logs] == [("forge_unreachable", first.id)]


async def test_a_forge_that_is_polled_is_asked_about_a_run_every_15_seconds_and_not_more_often(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        github = bot.forges["github"]
        github.poll_seconds = 15.0
        job = await start(bot, "run triage")
        asked = []
        for seconds in (0, 0, 14, 1, 5, 10, -3600):
            bot.clock.advance(seconds)
            await bot.watch.look()
            asked.append(github.calls.count("find"))
        assert asked == [1, 1, 1, 2, 2, 3, 4]
        github.finish(job)
        bot.clock.advance(14)
        await bot.watch.look()
        assert (await newest(bot)).state is RunState.DISPATCHED
        bot.clock.advance(1)
        await bot.watch.look()
        assert (await newest(bot)).state is RunState.SUCCEEDED


async def test_a_run_that_something_happened_to_is_asked_about_at_once_and_no_other_is(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        github = bot.forges["github"]
        github.poll_seconds = 15.0
        await start(bot, "run triage")
        bot.clock.advance(1)
        second = await start(bot, "run triage dev")
        await bot.watch.look()
        github.sought.clear()
        bot.watch.look_now([(await newest(bot)).id, "of-another-bot"])
        await bot.watch.look()
        await bot.watch.look()
        assert [sought.correlation for sought in github.sought] == [second]


async def test_a_run_is_not_lost_while_its_forge_was_asked_a_moment_ago(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        bot.forges["github"].poll_seconds = 1e9
        await start(bot, "run triage")
        await bot.watch.look()
        bot.clock.advance(1e6)
        await bot.watch.look()
        assert (await newest(bot)).state is RunState.DISPATCHED


async def test_a_polled_forge_that_is_silent_is_not_asked_about_every_run_in_one_look(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        github = bot.forges["github"]
        github.poll_seconds = 15.0
        await start(bot, "run triage")
        bot.clock.advance(1)
        local = await start(bot)
        bot.forges["local"].finish(local)
        bot.clock.advance(1)
        await bot.say("run triage dev")
        await bot.relay.tick()
        github.faults.extend([ForgeFault.UNREACHABLE] * 2)
        with capture_logs() as logs:
            await bot.watch.look()
        assert [line["event"] for line in logs] == ["forge_unreachable"] * 2
        assert github.calls.count("find") == 1
        assert [run.state.final for run in await bot.runs()] == [False, True, False]


async def test_one_broken_local_job_keeps_no_other_from_being_looked_at(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        await start(bot, "run triage")
        bot.clock.advance(1)
        bot.forges["local"].finish(await start(bot))
        bot.forges["local"].faults.append(ForgeFault.UNREACHABLE)
        await bot.watch.look()
        assert [run.state for run in await bot.runs()] == [RunState.DISPATCHED, RunState.SUCCEEDED]


async def test_a_job_that_vanished_ends_as_unknown_and_frees_its_slot(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        job = await start(bot)
        del bot.forges["local"].jobs[job]
        run = await newest(bot)
        bot.clock.advance((run.deadline_at + LOST_AFTER - bot.clock.now()).total_seconds() - 1)
        await bot.settle()
        assert (await newest(bot)).state is RunState.DISPATCHED
        bot.clock.advance(1)
        await bot.settle()
        lost = await newest(bot)
        assert (lost.state, lost.reason, lost.unresolved) == (RunState.UNKNOWN, "lost", None)
        assert "Unresolved unknown" in bot.told()[0]
        assert (await bot.say("run mutation")).rule == "allowed"


async def test_a_measurement_is_kept_with_the_end_of_its_run(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        job = await start(bot)
        bot.forges["local"].finish(job, report={"snapshot": SNAPSHOT})
        await bot.settle()
        kept = await bot.read(lambda tables: tables.snapshots.mutation())
        assert isinstance(kept, MutationSnapshot)
        assert kept.score_basis_points == 8250


@pytest.mark.parametrize("report", [{"snapshot": {"status": "fine"}}, {"snapshot": None}, {"snapshot": []}, {}])
async def test_a_measurement_that_cannot_be_read_keeps_no_run_open(tmp_path: Path, report: dict[str, object]) -> None:
    async with whole_bot(tmp_path) as bot:
        job = await start(bot)
        bot.forges["local"].finish(job, report=report)
        with capture_logs() as logs:
            await bot.settle()
        assert (await newest(bot)).state is RunState.SUCCEEDED
        assert await bot.read(lambda tables: tables.snapshots.mutation()) is None
        assert ("snapshot_unreadable" in [line["event"] for line in logs]) is bool(report)


async def test_a_measurement_with_a_plan_ends_with_a_button_that_carries_it_out(tmp_path: Path) -> None:
    plan = dict.fromkeys(("loop", "action", "repository", "branch", "source_sha", "work", "policy_version"), "x")
    async with whole_bot(tmp_path) as bot:
        job = await start(bot)
        bot.forges["local"].finish(
            job, report={"snapshot": {**SNAPSHOT, "reason": "awaits_approval", "plan": {**plan, "arguments": {}}}}
        )
        await bot.settle()
        final = [one for one in bot.notices() if one.kind is NoticeKind.FINAL]
        assert [choice.command for one in final for choice in one.choices] == ["fix mutation"] * len(final) != []


async def test_a_job_that_is_running_keeps_no_measurement_yet(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        job = await start(bot)
        bot.forges["local"].finish(job, JobState.RUNNING, report={"snapshot": SNAPSHOT})
        await bot.settle()
        assert await bot.read(lambda tables: tables.snapshots.mutation()) is None


async def test_nothing_is_told_that_could_not_be_recorded_and_all_of_it_later(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        bot.forges["local"].finish(await start(bot))
        with capture_logs(), held_for_writing(bot.path), pytest.raises(StoreUnwritable):
            await bot.watch.look()
        assert bot.told() == []
        await bot.settle()
        assert len(bot.told()) == 1


async def test_a_running_watch_looks_when_it_is_woken_and_stops_when_told(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        job = await start(bot)
        forge, stop = bot.forges["local"], asyncio.Event()
        forge.called.clear()
        watching = asyncio.create_task(bot.watch.run_forever(stop))
        async with asyncio.timeout(30):
            await forge.called.wait()
            forge.called.clear()
            forge.finish(job)
            bot.watch.wake(job)
            await forge.called.wait()
            stop.set()
            bot.watch.wake()
            await watching
        assert (await newest(bot)).state is RunState.SUCCEEDED
