"""What a text costs in the SMS alphabet, and how it is made to fit one segment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.gsm7 import SEGMENT_SEPTETS, fit, septets, transliterate
from tests.fakes.providers.segments import segments

OUR_ALPHABET = [character for character in map(chr, range(0x2100)) if septets(character) is not None]


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("", 0),
        ("1" * 160, 160),
        ("caffè né Ärger", 14),
        ("€[]{}~^\\|", 18),
        ("a\nb", 3),
        ("á", None),
        ("ok \N{WHITE HEAVY CHECK MARK}", None),
        ("\x1b", None),
    ],
)
def test_a_text_costs_its_septets(text: str, cost: int | None) -> None:
    assert septets(text) == cost


def test_the_alphabet_has_its_137_characters() -> None:
    # 128 places less ESC, and ten more behind ESC.
    assert len(OUR_ALPHABET) == 137
    assert all(segments(character * 81) == 1 + (septets(character) == 2) for character in OUR_ALPHABET)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Zoé's Ärger", "Zoé's Ärger"),
        ("\u201cit\u2019s\u201d 1\u20132 \u2014 a\u00b7b\u2026", '"it\'s" 1-2 - a.b...'),
        ("a\u00a0\u2192 b\t3\u00d74", "a -> b 3x4"),
        ("maín \N{WHITE HEAVY CHECK MARK} m\u0430in", "ma?n ? m?in"),
        ("\x1bA\x00", "?A?"),
    ],
)
def test_only_marks_are_made_plain_and_other_letters_are_never_guessed(text: str, plain: str) -> None:
    assert transliterate(text) == plain


def test_a_text_that_fits_is_left_whole() -> None:
    assert fit("a" * 153, " #ABCD") == "a" * 153 + " #ABCD"
    assert fit("a" * 154, " #ABCD") == "a" * 154 + " #ABCD"


def test_a_long_text_is_cut_at_a_word_and_keeps_its_suffix() -> None:
    assert fit("one two three", " #1", 12) == "one two.. #1"
    assert fit("one two three", " #1", 11) == "one.. #1"
    assert fit("one two  three", " #1", 12) == "one two.. #1"
    assert fit("one\ntwo three", " #1", 9) == "one.. #1"


def test_a_cut_may_say_how_to_read_on() -> None:
    assert fit("word " * 60, " #ABCD", cut=".. why R7").endswith("word.. why R7 #ABCD")


def test_a_single_long_word_is_cut_within() -> None:
    assert fit("abcdefghij", "!", 8) == "abcde..!"


def test_an_escaped_character_is_never_cut_in_half() -> None:
    assert fit("abcd€f", "", 7) == "abcd€f"
    assert fit("abcd€fg", "", 7) == "abcd.."
    assert fit("abcd€fgh", "", 8) == "abcd€.."


def test_an_ending_that_is_too_long_by_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="12 septets leaves no room in 11"):
        fit("word " * 9, "0123456789", 11)


@given(st.text(max_size=400), st.text(alphabet="ABC#€ ", max_size=20))
def test_whatever_the_text_the_result_is_one_segment_that_ends_with_its_suffix(text: str, suffix: str) -> None:
    fitted = fit(text, suffix)
    cost = septets(fitted)
    assert cost is not None
    assert cost <= SEGMENT_SEPTETS
    assert fitted.endswith(suffix)
    assert segments(fitted) == 1


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1" * 160, 1),
        ("1" * 161, 2),
        ("1" * 306, 2),
        ("1" * 307, 3),
        ("\N{GRINNING FACE}" + "1" * 68, 1),
        ("\N{GRINNING FACE}" + "1" * 69, 2),
        ("\U0001f1e8\U0001f1ed" + "1" * 66, 1),
        ("\U0001f1e8\U0001f1ed" + "1" * 67, 2),
        ("\U0001f3f3\ufe0f\u200d\U0001f308" + "1" * 64, 1),
        ("\U0001f3f3\ufe0f\u200d\U0001f308" + "1" * 65, 2),
        ("á" + "1" * 70, 2),
    ],
)
def test_the_fake_counts_segments_as_the_provider_does(text: str, count: int) -> None:
    assert segments(text) == count
