"""Working off webhook deliveries: hints for the runs and branches they name, each once, and no fault by any of them."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.runs import RunState
from forge.github_webhooks import Delivery, News, Said, Unreadable
from loops.deliveries import Deliveries
from store.port import StoreUnwritable
from store.tables.deliveries import DELIVERIES_AT_ONCE, Claim, HookDelivery
from tests.fakes.busy_database import held_for_writing
from tests.fakes.chat import Chat, chat
from tests.fakes.records import make_run

PAGE = "https://git.example/acme/shop/actions/runs/"


@dataclass(slots=True)
class Hints:
    """What deliveries led to."""

    runs: list[list[str]] = field(default_factory=list)
    branches: list[tuple[str, str]] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def look_now(self, run_ids: Collection[str]) -> None:
        self.runs.append([*run_ids])
        self.came.set()

    def look_soon(self, repository: str, branch: str) -> None:
        self.branches.append((repository, branch))


@dataclass(slots=True)
class Desk:
    bot: Chat
    deliveries: Deliveries
    hints: Hints
    sent: int = 0

    async def take(self, said: Said, event: str = "workflow_run") -> Claim:
        self.sent += 1
        return await self.deliveries.take(Delivery(f"guid-{self.sent:03}", event, f"{self.sent:064}", said))

    async def told_of(self, said: Said) -> list[str]:
        """Return the runs that a delivery led to."""
        await self.take(said)
        await self.deliveries.look()
        hinted = [run for runs in self.hints.runs for run in runs]
        self.hints.runs.clear()
        return hinted

    async def audited(self) -> list[tuple[str, str, Any]]:
        rows = await self.bot.audit_rows()
        return [(row["target"], row["outcome"], row["evidence"]) for row in rows if row["action"] == "github-delivery"]


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[Desk]:
    async with chat(folder) as bot:
        hints = Hints()
        yield Desk(bot, Deliveries(bot.store, hints.look_now, hints.look_soon, bot.clock), hints)


async def add_runs(bot: Chat) -> None:
    """Keep a run whose page is known, one whose start got lost, and one that is over."""
    first, second, third = make_run(1), make_run(2), make_run(3)
    for run in (first, second, third):
        await bot.store.transact(lambda tables, one=run: tables.runs.add(one, one.id))  # type: ignore[misc]
    for run, state in ((first, RunState.RUNNING), (third, RunState.SUCCEEDED)):
        run_page = {"url": PAGE + run.id[-1], "state": state}
        changed = make_run(int(run.id[-1]), **run_page)
        await bot.store.transact(lambda tables, one=changed: tables.runs.change(one, bot.clock.now()))  # type: ignore[misc]


def news(**changes: Any) -> News:
    fields: dict[str, Any] = {"repository": "acme/shop", "completed": False, "branch": "main", "run_id": 99}
    return News(**(fields | changes))


async def test_a_run_is_hinted_at_by_its_page_or_by_our_id_in_its_name(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await add_runs(at.bot)
        assert await at.told_of(news(run_id=1)) == ["RUN-1"]
        assert await at.told_of(news(run_id=1, repository="ACME/Shop")) == ["RUN-1"]
        assert await at.told_of(news(correlations=("X", "CORRELATION-2"))) == ["RUN-2"]
        assert await at.told_of(news(run_id=1, correlations=("CORRELATION-2",))) == ["RUN-1", "RUN-2"]
        assert at.hints.branches == []


@pytest.mark.parametrize(
    "said",
    [
        news(),
        news(run_id=None),
        news(run_id=3, correlations=("CORRELATION-3",)),
        news(run_id=1, repository="acme/other", correlations=("CORRELATION-2",)),
        news(run_id=11),
    ],
    ids=["unknown", "no run", "over", "another repository", "a longer number"],
)
async def test_news_of_anything_else_leads_to_no_question(tmp_path: Path, said: News) -> None:
    async with desk(tmp_path) as at:
        await add_runs(at.bot)
        assert await at.told_of(said) == []


async def test_the_end_of_a_run_or_check_has_its_branch_looked_at_once_for_all_that_came(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        for said in (news(completed=True), news(completed=True, run_id=5), news(completed=True, branch=None)):
            await at.take(said)
        await at.take(news(branch="dev"))
        assert await at.deliveries.look() == 4
        assert (at.hints.branches, at.hints.runs) == ([("acme/shop", "main")], [])


async def test_what_waits_is_worked_off_once_in_parts_also_by_the_next_process(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await add_runs(at.bot)
        for number in range(DELIVERIES_AT_ONCE + 1):
            await at.take(news(run_id=1 if number in (0, DELIVERIES_AT_ONCE) else 99))
        again = Deliveries(at.bot.store, at.hints.look_now, at.hints.look_soon, at.bot.clock)
        assert [await again.look() for _ in range(3)] == [DELIVERIES_AT_ONCE, 1, 0]
        assert at.hints.runs == [["RUN-1"], ["RUN-1"]]


async def test_what_cannot_be_read_is_written_down_once_and_holds_up_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await add_runs(at.bot)
        await at.take(Unreadable("workflow_run.id"))
        older = HookDelivery("guid-old", "check_run", "e" * 64, b"of another version")
        await at.bot.store.transact(lambda tables: tables.deliveries.claim(older, at.bot.clock.now()))
        await at.take(news(run_id=1))
        assert [await at.deliveries.look() for _ in range(2)] == [3, 0]
        assert at.hints.runs == [["RUN-1"]]
        assert await at.audited() == [
            ("guid-001", "unreadable", {"event": "workflow_run", "problem": "workflow_run.id"}),
            ("guid-old", "unreadable", {"event": "check_run", "problem": "it was kept by another version of Reins"}),
        ]


async def test_nothing_is_hinted_at_that_could_not_be_marked_and_all_of_it_later(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await add_runs(at.bot)
        await at.take(news(run_id=1, completed=True))
        with capture_logs(), held_for_writing(at.bot.path), pytest.raises(StoreUnwritable):
            await at.deliveries.look()
        assert (at.hints.runs, at.hints.branches) == ([], [])
        assert await at.deliveries.look() == 1
        assert (at.hints.runs, at.hints.branches) == ([["RUN-1"]], [("acme/shop", "main")])


async def test_a_running_loop_works_off_what_comes_outlives_a_full_disk_and_stops_when_told(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await add_runs(at.bot)
        await at.take(news(run_id=1))
        stop = asyncio.Event()
        with capture_logs() as logs:
            with held_for_writing(at.bot.path):
                running = asyncio.create_task(at.deliveries.run_forever(stop))
                async with asyncio.timeout(30):
                    while not logs:
                        await asyncio.to_thread(bool)
            async with asyncio.timeout(30):
                for said in (news(run_id=1), news(correlations=("CORRELATION-2",))):
                    at.hints.came.clear()
                    await at.take(said)
                    await at.hints.came.wait()
                stop.set()
                at.deliveries.wake()
                await running
        assert [line["event"] for line in logs] == ["deliveries_unrecorded"]
        assert (at.hints.runs[0], at.hints.runs[-1]) == (["RUN-1"], ["RUN-2"])
