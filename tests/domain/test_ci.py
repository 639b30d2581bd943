"""What was seen of CI goes stale: a branch nobody could look at is not shown as it was."""

from datetime import timedelta

import pytest

from domain.ci import STALE_AFTER, Branch, CiReason, CiSnapshot, CiStatus
from tests.fakes.virtual_time import START


@pytest.mark.parametrize(("late_seconds", "stale"), [(0, False), (900, False), (900.001, True)])
def test_a_look_is_stale_after_a_quarter_of_an_hour(late_seconds: float, stale: bool) -> None:
    snapshot = CiSnapshot(CiStatus.GREEN, CiReason.ALL_PASSED, "", Branch("acme/app", "main"), "github", START)
    assert timedelta(minutes=15) == STALE_AFTER
    assert snapshot.stale(START + timedelta(seconds=late_seconds)) is stale


def test_a_branch_is_written_with_its_repository() -> None:
    assert str(Branch("acme/app", "release/1.2")) == "acme/app@release/1.2"
