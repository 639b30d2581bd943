"""One grammar for repositories and commits, wherever one is checked."""

import re

import pytest

from domain.git_names import COMMIT, REPOSITORY, short


@pytest.mark.parametrize(("text", "is_one"), [("a" * 40, True), ("0" * 64, True), ("a" * 41, False), ("A" * 40, False)])
def test_a_commit_is_whole_and_lower_case(text: str, is_one: bool) -> None:
    assert bool(re.fullmatch(COMMIT, text)) is is_one


@pytest.mark.parametrize(
    ("text", "is_one"), [("acme/app.py", True), ("acme", False), ("-a/b", False), ("a/b/c", False), ("a/b\n", False)]
)
def test_a_repository_is_owner_and_name(text: str, is_one: bool) -> None:
    assert bool(re.fullmatch(REPOSITORY, text)) is is_one


def test_people_are_shown_twelve_characters() -> None:
    assert short("0123456789abcdef") == "0123456789ab"
