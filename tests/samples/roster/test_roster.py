"""The roster's own tests, some of them weak on purpose: the mutants they miss are what the mutation loop shows."""

from tests.samples.roster.pay import overtime_hours, shift_cents, week_cents
from tests.samples.roster.shifts import Shift, rested, uncovered_hours
from tests.samples.roster.swaps import SwapBoard

MONDAY_EARLY = Shift("ada", 8, 16)
MONDAY_NIGHT = Shift("ada", 23, 31)


def test_shifts_that_share_an_hour_overlap() -> None:
    assert MONDAY_EARLY.overlaps(Shift("grace", 15, 20))
    assert not MONDAY_EARLY.overlaps(Shift("grace", 16, 20))
    assert not MONDAY_EARLY.overlaps(Shift("grace", 4, 8))


def test_a_shift_knows_its_length_and_its_night() -> None:
    assert MONDAY_EARLY.hours() == 8
    assert MONDAY_NIGHT.is_night()
    assert not MONDAY_EARLY.is_night()


def test_eleven_hours_of_rest_are_enough() -> None:
    assert rested(MONDAY_EARLY, Shift("ada", 27, 30))
    assert not rested(MONDAY_EARLY, Shift("ada", 20, 28))


def test_hours_without_anybody_are_listed() -> None:
    assert uncovered_hours([MONDAY_EARLY], 6, 18) == [6, 7, 16, 17]


def test_a_night_shift_earns_more() -> None:
    assert shift_cents(MONDAY_NIGHT, 1000) > shift_cents(MONDAY_EARLY, 1000)


def test_a_short_week_has_no_overtime() -> None:
    assert overtime_hours([MONDAY_EARLY]) == 0
    assert week_cents([MONDAY_EARLY], 1000) == 8000


def test_a_person_offers_one_shift_at_a_time() -> None:
    board = SwapBoard()
    assert board.offer(MONDAY_EARLY)
    assert not board.offer(MONDAY_NIGHT)


def test_nobody_takes_their_own_shift() -> None:
    board = SwapBoard()
    assert "ada" not in board.takers(MONDAY_EARLY, {"ada": [], "grace": []})
