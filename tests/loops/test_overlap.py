"""Several runs on one branch, in every order before, between and after the attempts: a verdict quotes its own run (D1, D3, D7)."""

import itertools
from collections import deque
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.snapshots import LoopReason, LoopStatus
from loops.report import Correlation, LoopMode, LoopReport
from loops.source import SourceEvent, SourcePin
from tests.fakes.source_runs import Event, Fixes, SourceRuns, sha

OURS, FIXED = sha("a"), sha("f")
PINNED = SourcePin(100, OURS, SourceEvent.WORKFLOW_RUN)
# What each run's own backlog holds: no two runs can be taken for each other.
SEVERITIES = {100: ("high",), 101: (), 102: ("critical", "high"), 103: ("medium",) * 3, 150: ("medium",) * 2}
COMMITS = {100: OURS, 101: sha("b"), 102: sha("c"), 103: sha("d"), 150: FIXED}
Happening = Callable[[SourceRuns, int], None]
MOST_QUESTIONS = 8  # that a loop with one fix asks at least


def appear(world: SourceRuns, run_id: int) -> None:
    world.add(run_id, COMMITS[run_id], SEVERITIES[run_id], completed=False)


def complete(world: SourceRuns, run_id: int) -> None:
    if run_id in world.shown:
        world.complete(run_id)


def rerun(world: SourceRuns, run_id: int) -> None:
    """Start another attempt of a run: the same id, not completed any more."""
    if run_id in world.shown:
        appear(world, run_id)
        world.complete(run_id)


def check(report: LoopReport, world: SourceRuns, *, fixed: bool) -> None:
    """Hold every attempt against the world: what it quotes is one run, that run's commit, and that run's findings."""
    first, last = report.attempts[0], report.attempts[-1]
    assert (first.source_run_id, first.source_sha) in {(100, OURS), (None, None)}  # None: it did not end in time
    for attempt in report.attempts:
        assert attempt.correlation is not Correlation.PENDING
        if attempt.source_run_id is not None:
            assert world.shown[attempt.source_run_id].head_sha == attempt.source_sha
    if report.status is LoopStatus.UNKNOWN:
        assert report.unresolved is None
        return
    assert last.source_run_id is not None
    assert report.unresolved == len(SEVERITIES[last.source_run_id])
    assert (report.reason is LoopReason.RESOLVED) == (not SEVERITIES[last.source_run_id])
    if fixed:
        assert last.source_sha == FIXED


ORDERS = [
    (others, places)
    for others in ((101,), (101, 102), (101, 102, 103))
    for places in itertools.product(range(4), repeat=2 * len(others))
    if len(others) < 3 or sum(places) % 9 == 0
]


@pytest.mark.parametrize("fixing", [False, True])
async def test_in_every_order_of_two_to_four_runs_the_verdict_rests_on_the_run_it_quotes(fixing: bool) -> None:
    assert len(ORDERS) >= 500
    for others, places in ORDERS:
        world = SourceRuns()
        world.add(100, OURS, SEVERITIES[100])
        events: list[tuple[int, int, Event]] = []
        for number, run_id in enumerate(others):
            begins, lasts = places[2 * number], places[2 * number + 1]
            events.append((begins, number, partial(appear, world, run_id)))
            events.append((begins + lasts, 10 + number, partial(complete, world, run_id)))
        ordered = sorted(events, key=lambda event: event[:2])
        world.script = deque(event for _, _, event in ordered)
        world.beats = deque(sum(1 for place, _, _ in ordered if place == beat) for beat in range(MOST_QUESTIONS))
        fixes = Fixes().pushes(FIXED, partial(push, world))
        mode = LoopMode.FIX_ONLY if fixing else LoopMode.REPORT_ONLY
        report = await world.attempts(PINNED, fixes if fixing else None, mode=mode, max_fixes=1).run()
        check(report, world, fixed=fixing)
        assert report.reason is (LoopReason.ATTEMPTS_EXHAUSTED if fixing else LoopReason.UNRESOLVED)


def push(world: SourceRuns) -> None:
    """Push the fix: its run comes some time later."""
    world.script.append(partial(finish, world))


def finish(world: SourceRuns) -> None:
    appear(world, 150)
    complete(world, 150)


HAPPENINGS = st.lists(
    st.tuples(st.sampled_from([appear, complete, rerun]), st.sampled_from([100, 101, 102, 103, 150])), max_size=14
)


@given(happenings=HAPPENINGS, beats=st.lists(st.integers(0, 4), max_size=20), pinned=st.booleans())
async def test_whatever_happens_meanwhile_an_attempt_never_quotes_one_run_and_counts_another(
    happenings: list[tuple[Happening, int]], beats: list[int], pinned: bool
) -> None:
    world = SourceRuns()
    world.add(100, OURS, SEVERITIES[100])
    world.parents[FIXED] = OURS
    world.script = deque(partial(happening, world, run_id) for happening, run_id in happenings)
    world.beats = deque(beats)
    fixes = Fixes().pushes(FIXED, partial(finish, world))
    pin = PINNED if pinned else SourcePin(sha=OURS)
    report = await world.attempts(pin, fixes, mode=LoopMode.FIX_ONLY, max_fixes=1).run()
    check(report, world, fixed=len(report.attempts) > 1)
