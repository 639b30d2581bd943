"""Thousands of dispatches whose answers get lost: GitHub starts each at most once, and Reins knows of each what it can.

Everything is judged by what GitHub did; our own tables are only asked whether they agree.
"""

import os
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from domain.clock import from_text
from domain.runs import Run, RunState
from tests.chaos.dispatch_world import DispatchWorld, dispatch_world
from tests.fakes.providers.github_effects import Dispatched

DISPATCHES = 10_000 if os.environ.get("REINS_FULL_SWEEP") == "1" else 2_000
SEED = 20_261_122
SETTLED_WITHIN_SECONDS = 90.0
FEWEST_UNCLEAR = 0.35  # of all dispatches: fewer would mean that the faults are not what they are said to be


@dataclass(frozen=True, slots=True)
class Try:
    """One try of one dispatch as the audit log has it."""

    outcome: str
    at: datetime


async def tries_of(world: DispatchWorld) -> Mapping[str, Sequence[Try]]:
    """Return the tries of each run's dispatch, oldest first."""
    tries: defaultdict[str, list[Try]] = defaultdict(list)
    for row in await world.audit_rows():
        if row["action"] == "effect-dispatch":
            tries[row["target"].removeprefix("dispatch:")].append(Try(row["outcome"], from_text(row["at"])))
    return tries


def unclear_seconds(tries: Sequence[Try]) -> float | None:
    """Return for how long nobody knew of a run that was started; None where it was known at once."""
    unclear = next((one.at for one in tries if one.outcome == "ambiguous"), None)
    return (tries[-1].at - unclear).total_seconds() if unclear else None


def check_no_duplicates(world: DispatchWorld) -> None:
    assert len(world.ordered) == DISPATCHES
    started = Counter(one.request_id for one in world.github.effects.dispatches)
    assert set(started.values()) == {1}
    assert started.keys() <= {one.correlation for one in world.ordered.values()}


def check_what_was_started(started: Mapping[str, Dispatched], runs: Sequence[Run], world: DispatchWorld) -> None:
    """Check that each run GitHub started is known as dispatched, by its own page, and was what had been ordered."""
    for run in runs:
        if run.correlation in started:
            one, order = started[run.correlation], world.ordered[run.id]
            page = f"{world.github.url}/{one.repository}/actions/runs/{one.run_id}"
            assert (run.state, run.url) == (RunState.SUCCEEDED, page), run
            assert (one.repository, one.workflow, one.ref) == (order.repository, order.workflow, order.ref)


def check_what_was_not(
    started: Mapping[str, Dispatched], runs: Sequence[Run], tries: Mapping[str, Sequence[Try]]
) -> Counter[str]:
    """Check that each run GitHub never started ended: refused only where that was certain, else as unknown.

    Return how many ended as which.
    """
    never = [run for run in runs if run.correlation not in started]
    for run in never:
        certain = all(one.outcome != "ambiguous" for one in tries[run.id])
        assert run.state is (RunState.REFUSED if certain else RunState.UNKNOWN), run
    return Counter(run.state.value for run in never)


def distribution(seconds: Sequence[float]) -> str:
    """Return how long it took, as a line."""
    ordered = sorted(seconds)
    marks = ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (1.0, "max"))
    return ", ".join(f"{name} {ordered[min(int(len(ordered) * share), len(ordered) - 1)]:.1f}" for share, name in marks)


@pytest.mark.chaos
async def test_every_dispatch_starts_at_most_one_run_and_none_is_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with dispatch_world(tmp_path, random.Random(SEED)) as world:
        await world.order(DISPATCHES)
        await world.settle()
        await world.come_to_an_end()
        runs = await world.read(lambda tables: tables.runs.latest(2 * DISPATCHES))
        tries = await tries_of(world)
        started = {one.request_id: one for one in world.github.effects.dispatches}
        check_no_duplicates(world)
        check_what_was_started(started, runs, world)
        ends = check_what_was_not(started, runs, tries)
        waits = [unclear_seconds(tries[run.id]) for run in runs if run.correlation in started]
        unclear = [one for one in waits if one is not None]
        lines = [
            f"{DISPATCHES:,} dispatches, {len(world.github.seen):,} calls",
            f"started {len(started):,}, twice 0, unknown to us 0; never started: {dict(ends)}",
            f"unclear {len(unclear):,}, seconds until they were found: {distribution(unclear)}",
        ]
        with capsys.disabled():
            print("\n" + "\n".join(lines))  # noqa: T201 - the figures are the point
        assert len(unclear) >= FEWEST_UNCLEAR * DISPATCHES
        assert max(unclear) <= SETTLED_WITHIN_SECONDS
