"""A long answer comes in pages of one text message each, and nothing of it is lost between them."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from channels.gsm7 import septets, transliterate
from channels.sms_text import body
from commands.catalogue import CATALOGUE
from commands.command import Arguments, Command, Context, Outcome, Reply
from commands.menu import MENU
from commands.paging import ROOM_SEPTETS
from domain.notices import Notice
from store.tables import Tables
from tests.fakes.chat import Chat, chat, every_channel

MORE = ".. why "


def saying(text: str) -> tuple[Command, ...]:
    """Return every command, with a menu that says this."""

    def say(_arguments: Arguments, _context: Context, _tables: Tables) -> Outcome:
        return Outcome(Reply(text, ("status",)))

    return tuple(replace(MENU, run=say) if one is MENU else one for one in CATALOGUE)


async def pages(bot: Chat, who: str = "vic") -> list[Notice]:
    """Ask for the menu by SMS, and for the rest until there is none; return what was sent."""
    await bot.text("menu", who)
    while MORE in bot.sent_to(f"sms:{who}")[-1].text[-len("ABC") - len(MORE) :]:
        handle = bot.sent_to(f"sms:{who}")[-1].text.split()[-1]
        await bot.text(f"why {handle}", who)
    return bot.sent_to(f"sms:{who}")


def words(count: int) -> str:
    return " ".join(f"word{number:03}" for number in range(count))


async def test_an_answer_that_fits_one_text_is_sent_as_it_is(tmp_path: Path) -> None:
    text = "x" * ROOM_SEPTETS
    async with chat(tmp_path, policy=every_channel(), catalogue=saying(text)) as bot:
        assert [one.text for one in await pages(bot)] == [text]


async def test_a_longer_one_is_cut_at_a_word_and_why_goes_on_where_it_stopped(tmp_path: Path) -> None:
    text = words(40)
    async with chat(tmp_path, policy=every_channel(), catalogue=saying(text)) as bot:
        first, second, last = await pages(bot)
        shown, handle = first.text.split(MORE)
        assert shown == words(17)
        assert (septets(first.text) or 0) + len(" word017") > ROOM_SEPTETS
        assert second.text.startswith("word017 word018 ")
        assert last.text.endswith(" word039")
        assert MORE not in last.text
        assert first.choices == last.choices
        in_one = await bot.say(f"why {handle}", "vic")
        assert in_one.text == text.removeprefix(shown).lstrip()
        assert in_one.keys == ("status",)


async def test_the_record_keeps_the_whole_answer(tmp_path: Path) -> None:
    text = words(40)
    async with chat(tmp_path, policy=every_channel(), catalogue=saying(text)) as bot:
        assert (await bot.text("menu", "vic")).text == text


@pytest.mark.parametrize("who", ["ann", "owner"])
async def test_the_rest_of_an_answer_is_for_whom_it_was_given_to(tmp_path: Path, who: str) -> None:
    async with chat(tmp_path, policy=every_channel(), catalogue=saying(words(40))) as bot:
        await bot.text("menu", "vic")
        handle = bot.sent_to("sms:vic")[-1].text.split()[-1]
        assert (await bot.text(f"why {handle}", who)).text == f"The record behind {handle} is past its retention."


async def test_the_rest_of_an_answer_that_is_not_kept_is_past_its_retention(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.store.transact(lambda tables: tables.handles.give("ZZ", "answer", "999:0", bot.clock.now()))
        assert (await bot.say("why ZZ")).text == "The record behind ZZ is past its retention."


MARKS = st.sampled_from(["€", "…", "→", "\u00a0", "\n", " ", "^", "word", "x" * 60, "漢", "\u2028", "   "])
ANSWERS = st.lists(st.one_of(MARKS, st.text(max_size=30)), min_size=1, max_size=40).map("".join)


@settings(max_examples=30, deadline=None)  # each example starts a whole bot
@given(ANSWERS.filter(lambda text: bool(text.strip())))
@example("x" * 140 + " " * 40)
@example("€" * 200)
@example(f"{'x' * 200} {'y' * 200}")
def test_the_pages_together_are_the_answer_and_each_is_one_text(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    async def turn() -> None:
        policy, catalogue = every_channel(), saying(text)
        async with chat(tmp_path_factory.mktemp("pages"), policy=policy, catalogue=catalogue) as bot:
            sent = await pages(bot)
        said = "".join(one.text.split(MORE)[0] for one in sent)
        assert "".join(said.split()) == "".join(transliterate(text).split())
        for one in sent:
            assert body(one, one.text, repeat=True).startswith(f"(repeat) {one.text}")

    asyncio.run(turn())
