"""Our own pacing: what any stretch of time may hold, and that what is held back counts for nothing."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from channels.pace import MAX_REMEMBERED, Limit, Pace
from tests.fakes.virtual_time import START

OVERALL = Limit(5, 1.0)
CHAT = Limit(3, 3.0)


def test_a_burst_goes_through_and_the_next_send_waits_for_the_first_to_age() -> None:
    pace = Pace(Limit(100, 1.0))
    assert [pace.reserve("a", (CHAT,), START) for _ in range(4)] == [0, 0, 0, 3.0]
    later = START + timedelta(seconds=2)
    assert pace.reserve("a", (CHAT,), later) == 1.0
    assert pace.reserve("a", (CHAT,), later + timedelta(seconds=1)) == 0


def test_destinations_wait_for_each_other_only_at_the_overall_limit() -> None:
    pace = Pace(OVERALL)
    assert [pace.reserve(name, (CHAT,), START) for name in "abcdef"] == [0, 0, 0, 0, 0, 1.0]


def test_a_send_that_is_held_back_counts_for_no_limit() -> None:
    pace = Pace(OVERALL)
    for _ in range(20):
        pace.reserve("a", (CHAT,), START)
    assert [pace.reserve(name, (CHAT,), START) for name in "bcd"] == [0, 0, 1.0]


def test_destinations_nothing_counts_for_any_more_are_forgotten() -> None:
    pace = Pace(Limit(10**6, 1.0))
    for number in range(MAX_REMEMBERED * 3):
        pace.reserve(number, (CHAT,), START + timedelta(seconds=number / 10))
    assert len(pace._counted) <= MAX_REMEMBERED + 1


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 2)), max_size=60))
def test_no_stretch_of_time_ever_holds_more_than_its_limit(sends: list[tuple[str, float]]) -> None:
    pace, now = Pace(OVERALL), START
    gone: list[tuple[str, datetime]] = []
    for name, passed in sends:
        now += timedelta(seconds=passed)
        if pace.reserve(name, (CHAT,), now) == 0:
            gone.append((name, now))
    for _, end in gone:
        recent = [(name, at) for name, at in gone if end - timedelta(seconds=1) < at <= end]
        assert len(recent) <= OVERALL.sends
        for chat in "ab":
            in_chat = [at for name, at in gone if name == chat and end - timedelta(seconds=3) < at <= end]
            assert len(in_chat) <= CHAT.sends
