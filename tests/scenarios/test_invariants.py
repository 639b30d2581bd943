"""The invariants I1 to I10, tried by random histories of a whole bot on a virtual clock, judged by ledgers outside it."""

import asyncio
import os
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.scenarios.steps import HISTORIES, TYPED_SECRET, Step
from tests.scenarios.world import World

FULL = os.environ.get("REINS_FULL_SWEEP") == "1"
HISTORIES_TRIED = 3000 if FULL else 60


async def live(folder: Path, history: list[Step], random: Random) -> Counter[str]:
    world = World(folder)
    await world.begin()
    try:
        for step in history:
            await world.take(step)
        await world.come_to_rest()
        await world.check_the_record(random)
    finally:
        await world.end()
    return world.counts


def test_no_history_breaks_an_invariant(capsys: pytest.CaptureFixture[str]) -> None:
    counts: Counter[str] = Counter()

    @settings(max_examples=HISTORIES_TRIED, deadline=None, suppress_health_check=list(HealthCheck))
    @given(HISTORIES, st.randoms(use_true_random=False))
    def try_history(history: list[Step], random: Random) -> None:
        with tempfile.TemporaryDirectory() as folder, capture_logs() as logs:
            counts.update(asyncio.run(live(Path(folder), history, random)))
        counts["histories"] += 1
        lines = repr(logs)
        assert TYPED_SECRET not in lines
        assert "effect_failed" not in lines
        assert "message_failed" not in lines

    try_history()
    with capsys.disabled():
        print(f"\ninvariants held over {dict(counts.most_common())}")  # noqa: T201 - the figure is the point
    assert counts["messages"] > HISTORIES_TRIED
    assert counts["dispatches"]
    assert counts["repeats"]
