"""Quiet hours hold from their first minute to just before their last, over midnight and over a change of the clock."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.preferences import MINUTES_A_DAY, QuietHours

ZURICH = "Europe/Zurich"
NIGHT = QuietHours(22 * 60, 7 * 60, ZURICH)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str, zone: str = ZURICH) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-22 21:59:59.999", None),
        ("2026-11-22 22:00", "2026-11-23 07:00"),
        ("2026-11-23 00:00", "2026-11-23 07:00"),
        ("2026-11-23 06:59:59.999", "2026-11-23 07:00"),
        ("2026-11-23 07:00", None),
        ("2026-11-23 12:00", None),
    ],
)
def test_a_night_holds_from_its_first_minute_to_just_before_its_last(now: str, until: str | None) -> None:
    assert NIGHT.holds_until(local(now)) == (local(until) if until else None)


@pytest.mark.parametrize(
    ("now", "until"), [("12:59", None), ("13:00", "14:30"), ("14:29", "14:30"), ("14:30", None), ("00:00", None)]
)
def test_a_stretch_within_a_day_holds_on_that_day_only(now: str, until: str | None) -> None:
    nap = QuietHours(13 * 60, 14 * 60 + 30, "UTC")
    assert nap.holds_until(utc(f"2026-11-22 {now}")) == (utc(f"2026-11-22 {until}") if until else None)


def test_a_stretch_may_begin_or_end_at_midnight() -> None:
    assert QuietHours(22 * 60, 0, "UTC").holds_until(utc("2026-12-31 23:59")) == utc("2027-01-01 00:00")
    assert QuietHours(22 * 60, 0, "UTC").holds_until(utc("2027-01-01 00:00")) is None
    assert QuietHours(0, 60, "UTC").holds_until(utc("2027-01-01 00:00")) == utc("2027-01-01 01:00")


def test_the_answer_is_in_utc_whatever_zone_the_question_came_in() -> None:
    eastern = timezone(timedelta(hours=2))
    assert NIGHT.holds_until(datetime(2026, 11, 22, 22, 59, tzinfo=eastern)) is None  # 21:59 in Zurich
    until = NIGHT.holds_until(datetime(2026, 11, 22, 23, 0, tzinfo=eastern))
    assert until is not None
    assert until == utc("2026-11-23 06:00")
    assert until.tzinfo is UTC


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-28 21:00", "2026-03-29 05:00"),  # 22:00 in winter to 07:00 in summer: eight hours
        ("2026-03-28 20:59", None),
        ("2026-03-29 04:59", "2026-03-29 05:00"),
        ("2026-10-24 20:00", "2026-10-25 06:00"),  # 22:00 in summer to 07:00 in winter: ten hours
        ("2026-10-25 05:59", "2026-10-25 06:00"),
        ("2026-10-25 06:00", None),
    ],
)
def test_a_night_in_which_the_clock_changes_ends_by_the_new_time(now: str, until: str | None) -> None:
    assert NIGHT.holds_until(utc(now)) == (utc(until) if until else None)


def test_an_end_that_the_clock_leaves_out_comes_as_much_later() -> None:
    short = QuietHours(22 * 60, 2 * 60 + 30, ZURICH)  # on that night 02:00 is followed by 03:00
    assert short.holds_until(utc("2026-03-29 01:29")) == utc("2026-03-29 01:30")
    assert short.holds_until(utc("2026-03-29 01:30")) is None


def test_an_end_that_the_clock_shows_twice_is_the_first_and_the_stretch_does_not_begin_again() -> None:
    short = QuietHours(22 * 60, 2 * 60 + 30, ZURICH)  # on that night 02:00 to 03:00 comes twice
    assert short.holds_until(utc("2026-10-25 00:29")) == utc("2026-10-25 00:30")
    assert short.holds_until(utc("2026-10-25 00:30")) is None
    assert short.holds_until(utc("2026-10-25 01:10")) is None


@pytest.mark.parametrize(("begin", "end"), [(-1, 60), (60, -1), (1440, 60), (60, 1440), (60, 60), (0, 0)])
def test_what_names_no_stretch_of_a_day_is_refused(begin: int, end: int) -> None:
    with pytest.raises(ValueError, match="two different minutes from 0 to 1439"):
        QuietHours(begin, end, "UTC")


def test_a_zone_that_nobody_knows_is_not_taken_for_another() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        QuietHours(0, 60, "Europe/Atlantis").holds_until(utc("2026-01-01 00:30"))


LONGEST = 22 * 60  # of a stretch that leaves the clock two hours to change in


@given(
    into=st.integers(0, LONGEST - 1),
    left=st.integers(1, LONGEST),
    now=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds are naive
    zone=st.sampled_from(["UTC", ZURICH, "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
def test_every_stretch_ends_at_its_minute_within_a_day_and_then_is_over(
    into: int, left: int, now: datetime, zone: str
) -> None:
    local, length = now.astimezone(ZoneInfo(zone)), min(into + left, LONGEST)
    begin = (local.hour * 60 + local.minute - into) % MINUTES_A_DAY
    hours = QuietHours(begin, (begin + length) % MINUTES_A_DAY, zone)
    until = hours.holds_until(now)
    assume(until is not None)  # the clock may have left the minute out
    assert until is not None
    assert now < until <= now + timedelta(minutes=length + 60)
    assert hours.holds_until(until) is None
    shown = until.astimezone(ZoneInfo(zone))
    assert shown.hour * 60 + shown.minute - hours.to_minute in {0, 30, 60}  # as much later as the clock leaves out
