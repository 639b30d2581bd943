"""A typo gets at most three suggestions, only of commands the person may use, and nothing happens."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.catalogue import CATALOGUE
from commands.suggestions import CARRIER_WORDS, MAX_SUGGESTIONS, suggest
from domain.people import Scope
from tests.fakes.chat import chat

SCOPES = st.sets(st.sampled_from(list(Scope)))


@given(st.text(max_size=20), SCOPES)
def test_suggestions_are_few_and_never_more_than_the_person_may_use(typed: str, scopes: set[Scope]) -> None:
    mine = {command.verb for command in CATALOGUE if command.scope in scopes}
    suggested = suggest(typed, CATALOGUE, scopes)
    assert len(suggested) <= MAX_SUGGESTIONS
    assert set(suggested) <= mine


@pytest.mark.parametrize(
    ("typed", "meant"), [("stauts", "status"), ("mutatoin", "mutation"), ("hlat", "halt"), ("whoam", "whoami")]
)
def test_a_typo_suggests_what_was_meant(typed: str, meant: str) -> None:
    assert meant in suggest(typed, CATALOGUE, Scope)


@pytest.mark.parametrize("typed", ["", "xyzzy", "0", *sorted(CARRIER_WORDS)])
def test_nonsense_and_carrier_words_suggest_nothing(typed: str) -> None:
    assert suggest(typed, CATALOGUE, Scope) == ()


async def test_a_typo_is_answered_with_a_suggestion_and_does_nothing(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        answer = await bot.say("hlat")
        assert answer.text == "Not done: there is no command hlat. Did you mean halt?"
        assert answer.keys == ("halt",)
        assert await bot.read(lambda tables: tables.mode.current()) is None
        assert bot.outbox() == []


async def test_a_typo_of_a_command_one_may_not_use_is_not_suggested(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        answer = await bot.say("resum", person="vic")
    assert answer.text is not None
    assert "resume" not in answer.keys


async def test_nonsense_is_pointed_to_the_menu(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        answer = await bot.say("xyzzy plugh")
    assert answer.text == "Not done: there is no command xyzzy. Send menu for what you can do here."
    assert answer.keys == ("menu",)


async def test_a_command_with_a_mistake_is_answered_with_its_usage_and_examples(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        answer = await bot.say("last many")
    assert answer.text == "Not done: n must be a number from 1 to 20. Usage: last [n]"
    assert answer.keys == ("last", "last 10")
