"""Typed inputs: completed with defaults, and refused with the name of the input and what it must look like."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.file import ActionInput, InputType
from policy.inputs import MAX_INPUT_CHARACTERS, bind_inputs

DECLARED = {
    "count": ActionInput(type=InputType.INTEGER, min=-3, max=100, default=5),
    "dry": ActionInput(type=InputType.BOOLEAN, default=False),
    "level": ActionInput(type=InputType.STRING, enum=("low", "high")),
    "tag": ActionInput(type=InputType.STRING, pattern="v[0-9]+", default="v1"),
}


def test_what_is_left_out_takes_its_default_as_text() -> None:
    assert bind_inputs(DECLARED, {"level": "low"}) == {"count": "5", "dry": "false", "level": "low", "tag": "v1"}


def test_what_is_given_is_kept_as_it_was_written() -> None:
    given_inputs = {"count": "-3", "dry": "true", "level": "high", "tag": "v007"}
    assert bind_inputs(DECLARED, given_inputs) == given_inputs


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"zebra": "1", "colour": "red"}, "there is no input colour; known: count, dry, level, tag"),
        ({}, "the input level is missing"),
        ({"level": "Low"}, "the input level must be one of low, high"),
        ({"level": "low", "dry": "yes"}, "the input dry must be true or false"),
        ({"level": "low", "count": "101"}, "the input count must be a whole number from -3 to 100"),
        ({"level": "low", "count": "-4"}, "the input count must be a whole number from -3 to 100"),
        ({"level": "low", "tag": "v1;rm"}, "the input tag does not have the allowed form"),
        ({"level": "x" * 65}, "the input level has more than 64 characters"),
    ],
)
def test_a_wrong_input_is_named_with_what_it_must_look_like(inputs: dict[str, str], sentence: str) -> None:
    assert bind_inputs(DECLARED, inputs) == sentence


@pytest.mark.parametrize("text", ["007", "-0", "+1", "1.0", "1e1", " 1", "1\n", "", "٣", "1_0"])
def test_a_number_has_one_spelling_only(text: str) -> None:
    assert isinstance(bind_inputs(DECLARED, {"level": "low", "count": text}), str)


def test_the_longest_input_and_the_outermost_numbers_still_fit() -> None:
    longest = "v" + "1" * (MAX_INPUT_CHARACTERS - 1)
    assert isinstance(bind_inputs(DECLARED, {"level": "low", "tag": longest}), dict)
    zero = {"none": ActionInput(type=InputType.INTEGER, min=0, max=0)}
    assert bind_inputs(zero, {"none": "0"}) == {"none": "0"}
    assert isinstance(bind_inputs(zero, {"none": "1"}), str)


def test_an_action_without_inputs_says_that_it_knows_none() -> None:
    assert bind_inputs({}, {"colour": "red"}) == "there is no input colour; known: none"
    assert bind_inputs({}, {}) == {}


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*DECLARED, "other"]), st.text(max_size=80)))
def test_whatever_is_given_either_fits_or_is_refused(inputs: dict[str, str]) -> None:
    bound = bind_inputs(DECLARED, inputs)
    if isinstance(bound, str):
        return
    assert set(bound) == set(DECLARED)
    assert -3 <= int(bound["count"]) <= 100
    assert bound["dry"] in ("true", "false")
    assert bound["level"] in ("low", "high")
    assert bound["tag"][0] == "v"
    assert all(value.isascii() and len(value) <= MAX_INPUT_CHARACTERS for value in bound.values())
