"""Text from outside becomes one printable line of bounded length, whatever it holds."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.untrusted import ELLIPSIS, clean_line

any_text = st.text(st.characters(exclude_categories=()), max_size=300)
limits = st.integers(1, 80)


@given(any_text, limits)
@example("\u200b x", 10)
@example("a \x00 b", 10)
@example("\ud800", 1)
def test_nothing_that_steers_a_screen_is_left_and_the_length_holds(text: str, limit: int) -> None:
    cleaned = clean_line(text, limit)
    assert len(cleaned) <= limit
    assert {unicodedata.category(one) for one in cleaned} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} == set()
    assert cleaned == " ".join(cleaned.split())


@given(any_text, limits)
@example("\u200b x", 10)
def test_cleaning_twice_changes_nothing_more(text: str, limit: int) -> None:
    assert clean_line(clean_line(text, limit), limit) == clean_line(text, limit)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("run\tmutation\r\nmain", "run mutation main"),
        ("safe\u202egnp.exe", "safegnp.exe"),
        ("a\u2028b\u2029c", "a b c"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("\x1b[31mred", "[31mred"),
        ("grün ✓ 例", "grün ✓ 例"),
        ("", ""),
    ],
)
def test_printable_text_stays_and_the_rest_goes(text: str, cleaned: str) -> None:
    assert clean_line(text, 40) == cleaned


def test_a_text_that_just_fits_is_not_cut() -> None:
    assert clean_line("abcd", 4) == "abcd"


def test_a_cut_is_shown_and_leaves_no_space_before_it() -> None:
    assert clean_line("abc defg", 5) == f"abc{ELLIPSIS}"


def test_a_text_that_hides_its_end_behind_invisible_characters_shows_that_it_was_cut() -> None:
    assert clean_line("ok" + "\u200b" * 100 + "evil", 5) == f"ok{ELLIPSIS}"
