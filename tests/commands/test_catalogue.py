"""Every command keeps the promises that menu, help and gate rest on."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from commands.answering import order_of
from commands.catalogue import CATALOGUE
from commands.command import Command, Context, Outcome, Reply
from commands.menu import MENU
from commands.parser import Parsed, index_by_verb, parse
from commands.starting import intent_of
from commands.suggestions import CARRIER_WORDS
from domain.modes import Mode
from domain.people import Scope
from store.tables import Tables
from tests.fakes.chat import Chat, chat
from tests.fakes.records import make_approval, make_run
from tests.fakes.virtual_time import START

VERBS = index_by_verb(CATALOGUE)
every_command = pytest.mark.parametrize("command", CATALOGUE, ids=lambda one: one.verb)


def distance(one: str, other: str) -> int:
    """Return the Damerau-Levenshtein distance (optimal string alignment): one slip of the thumb is 1."""
    rows = [list(range(len(other) + 1))]
    for i, left in enumerate(one, 1):
        row = [i]
        for j, right in enumerate(other, 1):
            best = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (left != right))
            if i > 1 and j > 1 and (left, one[i - 2]) == (other[j - 2], right):
                best = min(best, rows[i - 2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]


def words_near_a_carrier_word(catalogue: tuple[Command, ...]) -> set[str]:
    words = {word for command in catalogue for word in (command.verb, command.short) if word}
    return {word for word in words if any(distance(word, carrier) <= 1 for carrier in CARRIER_WORDS)}


@pytest.mark.parametrize(
    ("one", "other", "slips"),
    [
        ("stop", "stop", 0),
        ("stpo", "stop", 1),
        ("sto", "stop", 1),
        ("stoop", "stop", 1),
        ("atop", "stop", 1),
        ("halt", "stop", 4),
    ],
)
def test_the_distance_counts_slips_of_the_thumb(one: str, other: str, slips: int) -> None:
    assert distance(one, other) == slips


def test_no_word_is_a_carrier_word_or_one_slip_away_from_one() -> None:
    assert words_near_a_carrier_word(CATALOGUE) == set()


@pytest.mark.parametrize("word", ["stpo", "stop", "yes", "starts", "hlp", "t", "nfo"])
def test_a_word_near_a_carrier_word_would_be_caught(word: str) -> None:
    assert words_near_a_carrier_word((*CATALOGUE, replace(MENU, verb=word))) == {word}
    assert words_near_a_carrier_word((*CATALOGUE, replace(MENU, short=word))) == {word}


def test_the_carrier_words_are_those_of_the_carriers() -> None:
    reserved = "STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT START UNSTOP YES HELP INFO ARRET REMOVE TD"
    assert {word.upper() for word in CARRIER_WORDS} == set(reserved.split())


def test_no_two_commands_share_a_word() -> None:
    words = [word for command in CATALOGUE for word in (command.verb, command.short) if word]
    assert len(set(words)) == len(words) == len(VERBS)


@every_command
def test_the_usage_begins_with_the_verb_and_names_every_parameter(command: Command) -> None:
    assert command.usage.split()[0] == command.verb
    for parameter in command.parameters:
        assert (f"<{parameter.name}>" if parameter.required else f"[{parameter.name}]") in command.usage


@every_command
def test_the_examples_parse_to_their_command(command: Command) -> None:
    assert command.examples
    for example in command.examples:
        parsed = parse(example, VERBS)
        assert isinstance(parsed, Parsed)
        assert parsed.command is command


@every_command
def test_the_summary_fits_on_a_line_of_a_phone(command: Command) -> None:
    assert 0 < len(command.summary) <= 45


@pytest.mark.parametrize(
    ("person", "scopes"),
    [
        ("owner", {Scope.READ, Scope.OPERATE, Scope.APPROVE}),
        ("olga", {Scope.READ, Scope.OPERATE}),
        ("vic", {Scope.READ}),
    ],
)
async def test_the_menu_lists_exactly_what_the_person_may_use(tmp_path: Path, person: str, scopes: set[Scope]) -> None:
    async with chat(tmp_path) as bot:
        answer = await bot.say("menu", person=person)
    assert answer.text is not None
    listed = [line.split(":")[0].split()[0] for line in answer.text.splitlines()]
    assert listed == [command.verb for command in CATALOGUE if command.scope in scopes]


async def test_the_menu_explains_a_command_only_to_who_may_use_it(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        explained = await bot.say("menu R")
        hidden = await bot.say("menu run", person="vic")
        unknown = await bot.say("menu stop")
    assert explained.text == (
        "run <action> [ref] [name=value ...]\nstart an allowlisted action. For example: run mutation; run triage main"
    )
    assert explained.keys == ("run mutation", "run triage main")
    assert hidden.text == unknown.text == "You have no such command here."


async def furnish(bot: Chat) -> None:
    """Give the handle 3K to a run, a decision and an approval, so that every example finds what it names."""
    assert bot.policy.policy is not None
    intent = intent_of(bot.policy.policy, bot.policy.version, order_of(make_approval()))
    assert intent is not None
    approval = make_approval(digest=intent.digest())

    def fill(tables: Tables) -> None:
        tables.runs.add(make_run(), "slot")
        tables.handles.give("3K", "run", "RUN-1", START)
        tables.handles.give("3K", "decision", "1", START)
        tables.approvals.open(approval)
        tables.handles.give("3K", "approval", approval.id, START)

    await bot.store.transact(fill)


def answer_like_the_dispatcher(text: str, context: Context, tables: Tables) -> list[Outcome]:
    parsed = parse(text, index_by_verb(context.catalogue))
    assert isinstance(parsed, Parsed)
    command = parsed.command
    assert command.about(parsed.arguments, context, tables).request.verb == command.verb
    asks = [command.run] if command.ask is None else [command.run, command.ask]
    return [answer(parsed.arguments, context, tables) for answer in asks]


@every_command
async def test_a_command_only_reads(tmp_path: Path, command: Command) -> None:
    async with chat(tmp_path) as bot:
        await furnish(bot)
        for example in command.examples:
            for mode in Mode:
                context = bot.context(mode=mode)
                outcomes = await bot.read(lambda tables, c=context, e=example: answer_like_the_dispatcher(e, c, tables))  # type: ignore[misc]
                assert all(outcome.reply.text for outcome in outcomes)


async def test_a_command_that_writes_would_be_caught(tmp_path: Path) -> None:
    def write(_arguments: object, context: Context, tables: Tables) -> Outcome:
        tables.mode.set(Mode.OPERATE, "owner", context.now)
        return Outcome(Reply("done"))

    async with chat(tmp_path, catalogue=(replace(MENU, run=write),)) as bot:
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            await bot.read(lambda tables: answer_like_the_dispatcher("menu", bot.context(), tables))
