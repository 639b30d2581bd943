"""What following runs on GitHub costs: requests for each run and hour over the real watch and client, and what of GitHub's limit."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from commands.catalogue import CATALOGUE
from domain.runs import Run, RunState
from forge.github import POLL_SECONDS
from loops.measuring import Measuring
from loops.watch import SWEEP_SECONDS, Watch, WatchParts
from tests.fakes.chat import Chat
from tests.fakes.directory import PEOPLE
from tests.fakes.github_rig import GitHubRig, correlation, github_rig, order
from tests.fakes.policies import example_policy, loaded
from tests.fakes.providers.github import HOME
from tests.fakes.providers.github_plan import Phase, in_progress, queued, waiting

HOUR_SECONDS = 3600
MOST_PER_RUN = HOUR_SECONDS / POLL_SECONDS
CHANGES = 12  # within the hour, one every five minutes
UNCHANGED, CHANGING = (in_progress(),), (*(waiting(300), in_progress(300)) * (CHANGES // 2), in_progress())
NEVER_STARTED = 999
CHECKED_ONE_IN = 20  # calls held against GitHub's description: they are all alike


@dataclass(frozen=True, slots=True)
class Case:
    """Some runs to follow for an hour: what they go through, and how often the watch is woken."""

    name: str
    runs: int
    plan: Sequence[Phase] = UNCHANGED
    looks_every_seconds: float = SWEEP_SECONDS
    page_known: bool = True
    changes: int = 0


@dataclass(frozen=True, slots=True)
class Cost:
    """Requests of an hour, and how many of them GitHub counted towards the hour's limit: all that were no 304."""

    requests: int
    charged: int


CASES = (
    Case("one run that works all hour", 1),
    Case("one run that waits in the queue", 1, (queued(),)),
    Case("three runs that work all hour", 3),
    Case("one run that changes every five minutes", 1, CHANGING, changes=CHANGES),
    Case("three runs that change every five minutes", 3, CHANGING, changes=CHANGES),
    Case("one run, the watch is woken every second", 1, looks_every_seconds=1.0),
    Case("one run that changes, woken every second", 1, CHANGING, looks_every_seconds=1.0, changes=CHANGES),
    Case("one run whose answer got lost, never shown", 1, page_known=False),
)


@asynccontextmanager
async def watched(folder: Path, rig: GitHubRig, case: Case) -> AsyncIterator[Watch]:
    """Yield the watch of a bot that follows the case's runs."""
    bot = Chat(folder / "reins.db", loaded(example_policy()), PEOPLE, CATALOGUE)
    bot.clock = rig.clock
    await bot.start()
    rig.github.home.actions.workflows["ci.yml"].plan = tuple(case.plan)
    for number in range(case.runs):
        url = (await rig.forge.dispatch(order(number))).url if case.page_known else None
        run = _run(number if case.page_known else NEVER_STARTED, rig)
        await bot.store.transact(lambda tables, run=run: tables.runs.add(run, run.id))  # type: ignore[misc]  # mypy takes no defaults
        known = replace(run, state=RunState.DISPATCHED, url=url)
        await bot.store.transact(lambda tables, known=known: tables.runs.change(known, known.created_at))  # type: ignore[misc]  # as above
    measuring, forges = Measuring({}, lambda: bot.policy, rig.clock), {"github": rig.forge}
    yield Watch(WatchParts(bot.store, forges, measuring, bot.around.mode, rig.clock, bot.announcer, lambda: None))
    assert all(run.state in (RunState.DISPATCHED, RunState.RUNNING) for run in await bot.runs())
    await bot.store.close()


def _run(number: int, rig: GitHubRig) -> Run:
    now = rig.clock.now()
    return Run(
        id=f"run-{number}",
        handle=f"H{number}",
        action="build",
        repository=HOME,
        ref="main",
        inputs={},
        state=RunState.ACCEPTED,
        requested_by="owner",
        reply_to="web:owner",
        correlation=correlation(number),
        created_at=now,
        deadline_at=now + timedelta(hours=6),
    )


async def hour_of(case: Case, folder: Path) -> Cost:
    """Follow the case's runs for an hour after the first look, which has to be paid in any case."""
    async with github_rig(checked_one_in=CHECKED_ONE_IN) as rig, watched(folder, rig, case) as watch:
        await watch.look()
        token = rig.github.token
        token.used, token.window_began = 0, None
        seen = len(rig.github.seen)
        for _ in range(round(HOUR_SECONDS / case.looks_every_seconds)):
            rig.clock.advance(case.looks_every_seconds)
            await watch.look()
        return Cost(len(rig.github.seen) - seen, token.used)


async def test_following_a_run_costs_at_most_a_request_a_poll_and_an_unchanged_one_nothing_of_the_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"{'for each run and hour':44}{'requests':>10}{'of the limit':>14}"]
    for number, case in enumerate(CASES):
        (tmp_path / str(number)).mkdir()
        cost = await hour_of(case, tmp_path / str(number))
        lines.append(f"{case.name:44}{cost.requests / case.runs:10.0f}{cost.charged / case.runs:14.0f}")
        assert 0 < cost.requests <= MOST_PER_RUN * case.runs, (case, cost)
        assert cost.charged == case.changes * case.runs, (case, cost)
    with capsys.disabled():
        print("\n" + "\n".join(lines))  # noqa: T201 - the figures are the point
