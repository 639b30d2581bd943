"""The invariants I1 to I10, tried by random histories of a whole bot on a virtual clock, judged by ledgers outside it."""

import asyncio
import os
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.scenarios.steps import TYPED_SECRET, Step, history
from tests.scenarios.world import World

FULL = os.environ.get("REINS_FULL_SWEEP") == "1"
HISTORIES_TRIED, STEPS_EACH = (5000, 200) if FULL else (150, 120)
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # kills and full disks are tried elsewhere, on a real disk


async def live(world: World, steps: list[Step], random: Random) -> None:
    await world.begin()
    try:
        for step in steps:
            await world.take(step)
        await world.come_to_rest()
        await world.check_the_record(random)
    finally:
        await world.end()


def test_no_history_breaks_an_invariant(capsys: pytest.CaptureFixture[str]) -> None:
    counts: Counter[str] = Counter()

    # Whole histories from one number: drawn step by step they would come out short and much alike.
    @settings(max_examples=HISTORIES_TRIED, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
    @given(st.integers(0, 2**64 - 1))
    @example(0)
    def try_history(seed: int) -> None:
        random = Random(seed)
        steps = history(random, STEPS_EACH)
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder, capture_logs() as logs:
            world = World(Path(folder))
            asyncio.run(live(world, steps, random))
        counts.update(world.counts + Counter(histories=1))
        lines = repr(logs)
        assert [secret for secret in (TYPED_SECRET, *world.secrets) if secret in lines] == []
        assert "effect_failed" not in lines
        assert "message_failed" not in lines

    try_history()
    with capsys.disabled():
        print(f"\ninvariants held over {dict(counts.most_common())}")  # noqa: T201 - the figure is the point
    # Histories in which nothing happens would prove nothing.
    assert counts["messages"] > 30 * HISTORIES_TRIED
    assert counts["dispatches"] > HISTORIES_TRIED
    assert counts["repeats"] > HISTORIES_TRIED
    assert counts["raises"]
