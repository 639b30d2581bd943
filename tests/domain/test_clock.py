"""Times are written one way, read only with their zone, and ages are said in whole units."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import SystemClock, describe_age, from_text, to_text

MOMENT = datetime(2026, 11, 22, 14, 2, 0, 123_999, tzinfo=UTC)
moments = st.datetimes(
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=9))])
)
in_utc_range = moments.filter(lambda moment: 2 < moment.year < 9998)


def test_a_moment_is_written_with_milliseconds_and_z() -> None:
    assert to_text(MOMENT) == "2026-11-22T14:02:00.123Z"


def test_a_moment_of_another_zone_is_written_in_utc() -> None:
    assert to_text(MOMENT.astimezone(timezone(timedelta(hours=2)))) == "2026-11-22T14:02:00.123Z"


def test_a_moment_without_zone_is_not_written() -> None:
    with pytest.raises(ValueError, match="with Z or an offset"):
        to_text(MOMENT.replace(tzinfo=None))


@given(in_utc_range, in_utc_range)
def test_text_order_is_time_order(one: datetime, other: datetime) -> None:
    assert len(to_text(one)) == 24
    if one <= other:
        assert to_text(one) <= to_text(other)


@given(in_utc_range)
def test_what_was_written_is_read_back_to_the_millisecond(moment: datetime) -> None:
    back = from_text(to_text(moment))
    assert back.tzinfo is UTC
    assert timedelta(0) <= moment - back < timedelta(milliseconds=1)


@pytest.mark.parametrize("text", ["2026-11-22T14:02:00Z", "2026-11-22T16:02:00+02:00", "2026-11-22 14:02:00+00:00"])
def test_a_time_that_says_its_zone_is_read_in_utc(text: str) -> None:
    assert from_text(text) == datetime(2026, 11, 22, 14, 2, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-11-22T14:02:00", "2026-11-22", "yesterday", ""])
def test_a_time_without_zone_or_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"Z or an offset|isoformat"):
        from_text(text)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, "in the future"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (86_399, "23 h"),
        (86_400, "1 d"),
        (864_000, "10 d"),
    ],
)
def test_an_age_is_said_in_the_largest_whole_unit(seconds: float, said: str) -> None:
    assert describe_age(MOMENT, MOMENT + timedelta(seconds=seconds)) == said


def test_the_machines_clock_is_aware_and_in_utc() -> None:
    assert SystemClock().now().tzinfo is UTC
