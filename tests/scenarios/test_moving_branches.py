"""A thousand races: a branch or its workflow moves at any step between question and start, and nothing unapproved goes on."""

import random
from collections import Counter
from pathlib import Path

import pytest

from domain.runs import RunState
from tests.scenarios.moving_world import BRANCHES, Moment, Move, Race, moving_world

RACES = 1_000
SEED = 20_261_122
UNSEEN = frozenset({Moment.BEFORE_ASKING, Moment.ASKED, Moment.APPROVED})
TOO_LATE_TO_REFUSE = frozenset({Moment.HEAD_READ, Moment.FILE_READ})


def expected(race: Race) -> str:
    """Return how a race has to end."""
    if race.move is Move.BACK or race.moment in (Moment.STARTED, Moment.NEVER):
        return "succeeded"
    if race.moment in TOO_LATE_TO_REFUSE:
        return "cancelled: head_mismatch"
    if not race.needs_approval:
        return "refused: workflow_changed" if race.move is Move.WORKFLOW else "succeeded"
    return "refused: head_moved" if race.moment in UNSEEN else "digest_changed"


def ended(race: Race) -> str:
    """Return how it ended."""
    if race.run is None:
        return race.rule
    if race.run.state is RunState.SUCCEEDED:
        return "succeeded"
    return f"{race.run.state.value}: {race.run.reason}"


async def test_nothing_runs_on_at_a_commit_that_nobody_approved_and_no_changed_workflow_is_left_running(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with moving_world(tmp_path, random.Random(SEED)) as world:
        for _ in range(RACES // len(BRANCHES)):
            await world.race()
        told = [notice.text for notice in world.notices("olga")]
        cancels = len(world.github.effects.cancels)
    races = world.races
    astray = [race for race in races if race.asked_at and race.started and race.started != (race.asked_at,)]
    changed = [race for race in races if race.changed]
    ends = Counter(ended(race) for race in races)
    counted = "".join(f"\n  {many:5} {end}" for end, many in sorted(ends.items()))
    reached = f"{len(astray)} started at an unapproved commit, {len(changed)} with a changed workflow, all cancelled"
    with capsys.disabled():
        print(f"\n{len(races)} races, {reached}:{counted}")  # noqa: T201 - the numbers are the claim
    assert [race for race in races if ended(race) != expected(race)] == []
    assert [race for race in (*astray, *changed) if not race.cancelled or race.moment not in TOO_LATE_TO_REFUSE] == []
    assert [race for race in races if len(race.started) > 1] == []
    assert [race for race in races if race.cancelled != (ended(race) == "cancelled: head_mismatch")] == []
    assert cancels == ends["cancelled: head_mismatch"]
    assert sum("its result does not count" in text for text in told) == cancels
    assert sum("Ask again" in text for text in told) == ends["digest_changed"]
    assert (
        sum(text.startswith("REFUSED") for text in told)
        == ends["refused: head_moved"] + ends["refused: workflow_changed"]
    )
    assert len(races) == RACES
