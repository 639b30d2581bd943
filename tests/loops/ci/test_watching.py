"""Watching branches: each minute or when woken, what was seen stays where nobody answers, and limits are respected."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from structlog.testing import capture_logs

from domain.ci import Branch, CiReason, CiSnapshot, CiStatus
from forge.github_code import GitHubCode
from forge.github_results import GitHubResults
from forge.port import Refused, Unclear, Unreachable
from loops.ci.watching import LOOK_EVERY, SHORTEST_PAUSE_SECONDS, CiWatch
from store.sqlite import SqliteStore
from store.tables.heads import Head
from tests.fakes.busy_database import held_for_writing
from tests.fakes.github_rig import github_rig
from tests.fakes.lanes import DEV, HEAD, MAIN, OLD_HEAD, FakeLanes, a_lane, a_run
from tests.fakes.providers.github import HOME
from tests.fakes.providers.github_plan import completed
from tests.fakes.virtual_time import START, VirtualTime

MINUTE = LOOK_EVERY.total_seconds()


@dataclass(slots=True)
class Desk:
    """The watch over a fake forge, the branches it is to watch, and what it kept."""

    path: Path
    clock: VirtualTime
    forge: FakeLanes
    store: SqliteStore
    branches: list[Branch]
    watch: CiWatch

    async def ci(self, branch: Branch = MAIN) -> CiSnapshot | None:
        return await self.store.read(lambda tables: tables.snapshots.ci(branch))

    async def head(self, branch: Branch = MAIN) -> Head | None:
        return await self.store.read(lambda tables: tables.heads.get(branch.repository, branch.name))

    async def status(self, branch: Branch = MAIN) -> CiStatus | None:
        kept = await self.ci(branch)
        return kept.status if kept else None

    async def looks_after(self, seconds: float) -> int:
        """Pass some time, look, and return how often a head was asked for in all."""
        self.clock.advance(seconds)
        await self.watch.look()
        return sum(count for what, count in self.forge.asked.items() if what.startswith("head"))


@asynccontextmanager
async def desk(folder: Path, *branches: Branch) -> AsyncIterator[Desk]:
    clock, forge, watched = VirtualTime(), FakeLanes({MAIN: HEAD}, [a_run()]), list(branches or (MAIN,))
    store = SqliteStore(folder / "reins.db")
    await store.open()
    watch = CiWatch(store, forge, forge, lambda: tuple(watched), clock)
    yield Desk(folder / "reins.db", clock, forge, store, watched, watch)
    await store.close()


async def test_a_look_keeps_the_head_and_how_it_stands(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.forge.shown = [a_run(1, "failure"), a_run(2, workflow="lint.yml"), a_run(3, None, workflow="slow.yml")]
        at.forge.jobs = {1: (a_lane("test", "failure"),)}
        await at.watch.look()
        kept = await at.ci()
        assert kept is not None
        assert (kept.status, kept.failing, kept.pending, kept.taken_at) == (CiStatus.FAILING, 1, 1, START)
        assert await at.head() == Head(HEAD, START)
        assert at.forge.asked == {"head main": 1, "runs": 1, "lanes 1": 1, "lanes 3": 1}


async def test_a_branch_is_looked_at_once_a_minute_and_one_that_the_policy_adds_at_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        assert [await at.looks_after(seconds) for seconds in (0, 0, MINUTE - 1, 1)] == [1, 1, 1, 2]
        at.branches.append(DEV)
        assert [await at.looks_after(0), await at.looks_after(0)] == [3, 3]
        at.branches.remove(MAIN)
        assert await at.looks_after(MINUTE) == 4
        assert at.forge.asked["head dev"] == 2


async def test_a_clock_that_was_set_back_keeps_nothing_from_being_looked_at(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        assert [await at.looks_after(seconds) for seconds in (0, -3600, MINUTE)] == [1, 2, 3]


async def test_a_woken_branch_is_looked_at_before_its_minute_but_not_for_each_of_many_news(tmp_path: Path) -> None:
    async with desk(tmp_path, MAIN, DEV) as at:
        assert await at.looks_after(0) == 2
        at.watch.look_soon("ACME/App", "main")
        assert [await at.looks_after(seconds) for seconds in (0, 9, 1, 0)] == [2, 2, 3, 3]
        assert at.forge.asked == {"head main": 2, "head dev": 1, "runs": 2}


async def test_news_of_a_branch_that_nobody_watches_changes_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.watch.look()
        for repository, name in (("acme/app", "dev"), ("other/app", "main"), ("acme/app", "MAIN")):
            at.watch.look_soon(repository, name)
        assert await at.looks_after(MINUTE - 1) == 1


async def test_a_new_commit_is_unknown_until_something_ran_on_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.forge.shown = [a_run(1, head_sha=OLD_HEAD)]
        at.forge.heads[MAIN] = OLD_HEAD
        await at.watch.look()
        assert await at.status() is CiStatus.GREEN
        at.forge.heads[MAIN] = HEAD
        await at.looks_after(MINUTE)
        kept = await at.ci()
        assert kept is not None
        assert (kept.status, kept.reason, kept.head_sha) == (CiStatus.UNKNOWN, CiReason.NO_RUNS, HEAD)
        assert await at.head() == Head(HEAD, START + timedelta(minutes=1))


async def test_where_nobody_answers_what_was_seen_stays_and_its_age_shows(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.watch.look()
        for fault in (Unreachable("nobody answers"), Unclear("odd")):
            at.forge.faults.append(fault)
            with capture_logs() as logs:
                await at.looks_after(MINUTE)
            assert [(line["event"], line["branch"]) for line in logs] == [("ci_unreachable", "acme/app@main")]
        kept = await at.ci()
        assert kept is not None
        assert (kept.status, kept.taken_at) == (CiStatus.GREEN, START)
        await at.looks_after(20 * MINUTE)
        assert (await at.ci()) is not None
        assert kept.stale(at.clock.now())


async def test_a_head_that_was_seen_is_kept_though_its_runs_were_not(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.forge.faults.extend([None, Unreachable("too long")])
        with capture_logs():
            await at.watch.look()
        assert (await at.head(), await at.ci()) == (Head(HEAD, START), None)


async def test_one_branch_that_gives_no_answer_keeps_no_other_from_being_looked_at(tmp_path: Path) -> None:
    async with desk(tmp_path, DEV, MAIN) as at:
        at.forge.faults.append(Unreachable("too long"))
        with capture_logs():
            await at.watch.look()
        assert (await at.status(DEV), await at.status(MAIN)) == (None, CiStatus.GREEN)


async def test_a_rate_limit_stops_every_question_for_as_long_as_it_lasts(tmp_path: Path) -> None:
    async with desk(tmp_path, DEV, MAIN) as at:
        at.forge.faults.append(Unreachable("limited", 300.0))
        with capture_logs():
            assert await at.looks_after(0) == 1
        at.watch.look_soon("acme/app", "main")
        assert [await at.looks_after(seconds) for seconds in (0, 299)] == [1, 1]
        assert at.watch._pause_seconds() == SHORTEST_PAUSE_SECONDS
        assert await at.looks_after(1) == 3
        assert await at.status() is CiStatus.GREEN


async def test_what_github_refuses_is_unknown_with_its_reason_and_no_longer_green(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.watch.look()
        at.forge.faults.append(Refused("permission_missing", "GitHub answers 403"))
        await at.looks_after(MINUTE)
        kept = await at.ci()
        assert kept is not None
        assert (kept.status, kept.reason, kept.detail) == (
            CiStatus.UNKNOWN,
            CiReason.FORGE_REFUSED,
            "GitHub answers 403",
        )


async def test_a_branch_that_is_gone_is_unknown_and_has_no_head(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.watch.look()
        del at.forge.heads[MAIN]
        await at.looks_after(MINUTE)
        kept = await at.ci()
        assert kept is not None
        assert (kept.status, kept.reason) == (CiStatus.UNKNOWN, CiReason.NO_BRANCH)
        assert await at.head() is None


async def test_the_pause_lasts_until_the_next_branch_is_due_and_a_minute_at_most(tmp_path: Path) -> None:
    async with desk(tmp_path, MAIN, DEV) as at:
        at.branches.clear()
        await at.watch.look()
        assert at.watch._pause_seconds() == MINUTE
        at.branches.append(MAIN)
        await at.looks_after(0)
        at.clock.advance(20)
        assert at.watch._pause_seconds() == 40
        at.forge.faults.append(Unreachable("limited", 3600.0))
        with capture_logs():
            await at.looks_after(MINUTE)
        assert at.watch._pause_seconds() == MINUTE


async def test_a_running_watch_looks_when_it_is_woken_outlives_a_full_disk_and_stops_when_told(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        stop = asyncio.Event()
        with capture_logs() as logs:
            with held_for_writing(at.path):
                running = asyncio.create_task(at.watch.run_forever(stop))
                async with asyncio.timeout(30):
                    while not logs:
                        await asyncio.to_thread(bool)
            at.clock.advance(MINUTE)
            at.watch.wake()
            async with asyncio.timeout(30):
                while await at.status() is None:
                    pass
                stop.set()
                at.watch.wake()
                await running
        assert [line["event"] for line in logs] == ["ci_unrecorded"]
        assert await at.status() is CiStatus.GREEN


async def test_over_the_real_adapters_an_unchanged_minute_costs_nothing_of_the_hourly_limit(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "reins.db")
    await store.open()
    async with github_rig() as rig:
        github, home = rig.github, Branch(HOME, "main")
        github.workflow("push.yml", plan=[completed("failure")], jobs={"build": "success", "test": "timed_out"})
        run = github.home.run_by_others("push.yml")
        code, results = GitHubCode(rig.client), GitHubResults(rig.client)
        watch = CiWatch(store, code, results, lambda: (home,), rig.clock)
        await watch.look()
        seen = await store.read(lambda tables: tables.snapshots.ci(home))
        assert seen is not None
        assert (seen.status, seen.head_sha) == (CiStatus.FAILING, run.head_sha)
        assert [(lane.name, lane.workflow, lane.conclusion) for lane in seen.lanes] == [
            ("test", "push.yml", "timed_out")
        ]
        left, asked = github.tokens.figures(github.token)["remaining"], len(github.seen)
        for _ in range(5):
            rig.clock.advance(MINUTE)
            await watch.look()
        assert github.tokens.figures(github.token)["remaining"] == left
        assert len(github.seen) - asked == 5 * 3
        again = await store.read(lambda tables: tables.snapshots.ci(home))
        assert again is not None
        assert again.taken_at - seen.taken_at == 5 * LOOK_EVERY
        github.tokens.block(github.token, 120)
        github.home.commits.push("main")
        rig.clock.advance(MINUTE)
        with capture_logs():
            await watch.look()
        asked = len(github.seen)
        rig.clock.advance(MINUTE - 1)
        await watch.look()
        assert len(github.seen) == asked
    await store.close()
