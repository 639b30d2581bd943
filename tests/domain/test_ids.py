"""Ids sort by time, forgive thumbs, and secrets are long and kept only as hashes."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import CROCKFORD, SystemEntropy, crockford, fingerprint, read_handle, secret, ulid
from tests.fakes.entropy import SeededEntropy
from tests.fakes.virtual_time import START


def value_of(digits: str) -> int:
    return sum(CROCKFORD.index(digit) * 32**place for place, digit in enumerate(reversed(digits)))


@given(st.integers(0, 2**80 - 1))
def test_crockford_digits_give_the_number_back(number: int) -> None:
    digits = crockford(number, 16)
    assert len(digits) == 16
    assert value_of(digits) == number


def test_crockford_keeps_only_as_many_digits_as_asked_for() -> None:
    assert crockford(32**2 + 33, 2) == "11"


def test_no_digit_is_one_that_people_misread() -> None:
    assert len(set(CROCKFORD)) == 32
    assert not set("ILOU") & set(CROCKFORD)


def test_a_ulid_holds_its_milliseconds_and_then_randomness() -> None:
    made = ulid(datetime(2026, 11, 22, 14, 0, 0, 5_000, tzinfo=UTC), SeededEntropy(1))
    assert len(made) == 26
    assert value_of(made[:10]) == 1_795_356_000_005
    assert value_of(made[10:]) == int.from_bytes(SeededEntropy(1).token(10), "big")


def test_ulids_of_later_moments_sort_later() -> None:
    entropy = SeededEntropy()
    made = [ulid(START + timedelta(milliseconds=at), entropy) for at in range(50)]
    assert made == sorted(made)
    assert len(set(made)) == 50


@pytest.mark.parametrize(("typed", "meant"), [("3k", "3K"), ("o1", "01"), ("iL", "11"), ("AbC", "ABC"), ("zZ", "ZZ")])
def test_what_people_misread_in_an_id_is_forgiven(typed: str, meant: str) -> None:
    assert read_handle(typed) == meant


def test_a_secret_has_128_bits_and_no_two_are_alike() -> None:
    entropy = SystemEntropy()
    made = {secret(entropy) for _ in range(100)}
    assert len(made) == 100
    assert {len(bytes.fromhex(one)) for one in made} == {16}


def test_a_fingerprint_is_the_sha_256_of_the_text() -> None:
    assert fingerprint("grün") == hashlib.sha256("grün".encode()).hexdigest()


def test_a_lone_surrogate_has_a_fingerprint_too() -> None:
    assert fingerprint("\ud800") == hashlib.sha256(b"\xed\xa0\x80").hexdigest()
