"""Waiting before the next try: full jitter below a doubling, capped ceiling, and the provider's wish within reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.retry import MAX_RETRY_AFTER_SECONDS, wait_before
from tests.fakes.entropy import SeededEntropy


class Fixed:
    """Randomness of a test's choice: a share from 0 to nearly 1."""

    def __init__(self, number: int) -> None:
        self._number = number

    def token(self, size_bytes: int) -> bytes:
        return self._number.to_bytes(size_bytes, "big")


@pytest.mark.parametrize(
    ("tries", "ceiling"), [(1, 2), (2, 4), (3, 8), (4, 16), (7, 128), (8, 256), (9, 300), (10, 300), (1000, 300)]
)
def test_the_ceiling_doubles_from_2_to_300_seconds_and_the_wait_is_anywhere_below(tries: int, ceiling: int) -> None:
    assert wait_before(tries, None, Fixed(0)).total_seconds() == 0
    assert wait_before(tries, None, Fixed(2**31)).total_seconds() == ceiling / 2
    highest = wait_before(tries, None, Fixed(2**32 - 1)).total_seconds()
    assert ceiling * 0.999 < highest <= ceiling


def test_waits_of_many_rows_spread_evenly() -> None:
    entropy = SeededEntropy(7)
    waits = [wait_before(9, None, entropy).total_seconds() for _ in range(4000)]
    tenths = [sum(low <= wait < low + 30 for wait in waits) for low in range(0, 300, 30)]
    assert all(300 < amount < 500 for amount in tenths)


@pytest.mark.parametrize(("asked", "waited"), [(5, 5), (300, 300), (900, 900), (901, 900), (10**9, 900)])
def test_a_provider_gets_the_pause_it_asks_for_up_to_a_quarter_of_an_hour(asked: int, waited: int) -> None:
    assert wait_before(1, asked, Fixed(0)).total_seconds() == waited


@pytest.mark.parametrize("asked", [0, -5, 1])
def test_a_provider_that_asks_for_no_pause_is_not_asked_without_one(asked: int) -> None:
    assert wait_before(9, asked, Fixed(2**31)).total_seconds() == 150


@given(st.integers(1, 10**6), st.none() | st.integers(-(10**9), 10**9), st.integers(0, 2**32 - 1))
def test_no_wait_is_negative_or_longer_than_the_longest_wish(tries: int, asked: int | None, number: int) -> None:
    assert 0 <= wait_before(tries, asked, Fixed(number)).total_seconds() <= MAX_RETRY_AFTER_SECONDS
