"""Patterns of inputs: what may stand in a policy file, and that matching is whole, ASCII and linear."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.patterns import matches, pattern_problem


@pytest.mark.parametrize(
    "pattern", ["v[0-9]+", "[a-z]{1,8}(-[a-z]+)?", "(?:low|high)", r"\(x\)+", r"[0-9]+\.[0-9]+", "", "a|b"]
)
def test_an_ordinary_pattern_may_stand_in_a_policy(pattern: str) -> None:
    assert pattern_problem(pattern) is None


@pytest.mark.parametrize(
    "pattern", ["(a+)+", "(a|a)*", "([a-z]+){2,}", "((a))+", "(?i)low", "(?P<x>a)", "(?=a)", "(?<!a)"]
)
def test_a_repeated_group_or_a_flag_is_refused(pattern: str) -> None:
    assert pattern_problem(pattern) == (
        "the pattern repeats a group or opens one with (? and a flag; write it out with classes and counts"
    )


@pytest.mark.parametrize("pattern", ["[a-", "(", "a)|(b", "a**b)", r"(a)\1", "a{2,1}", r"\q", "a{1000}{1000}{1000}"])
def test_a_broken_pattern_is_refused(pattern: str) -> None:
    problem = pattern_problem(pattern)
    assert problem is not None
    assert "no regular expression we can match in linear time" in problem


@pytest.mark.parametrize("value", ["xv1", "v1x", "v1\n", "\nv1", "v", "", "v٣"])
def test_only_the_whole_value_counts(value: str) -> None:
    assert matches("v[0-9]+", "v12")
    assert not matches("v[0-9]+", value)


def test_alternatives_are_anchored_together() -> None:
    assert matches("a|b", "b")
    assert not matches("a|b", "ab")
    assert not matches("a|b", "xb")


def test_a_letter_that_only_looks_like_another_is_refused() -> None:
    assert not matches("[^/]+", "аdmin")  # noqa: RUF001 - the first letter is Cyrillic on purpose


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_a_pattern_we_can_use_or_one_we_refuse(pattern: str) -> None:
    if pattern_problem(pattern) is None:
        assert matches(pattern, "x") in (True, False)
