"""A one-time code makes a stranger's address a person's: in private, once, in time, on its own channel, and no more."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from commands.linking import CODE_LIFETIME, LINKABLE, MAX_GUESSES_PER_HOUR, purpose_of
from domain.effects import LinkAddress
from domain.ids import fingerprint
from domain.people import Address, AddressKind
from tests.fakes.chat import Chat, every_channel
from tests.fakes.whole_bot import WholeBot, whole_bot

CODE = "9QXR4T2B"
NEW = "+41790000042"


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[WholeBot]:
    async with whole_bot(tmp_path, policy=every_channel()) as made:
        made.reachable = frozenset({AddressKind.SMS, AddressKind.TELEGRAM})
        await made.restart()
        yield made


async def make_code(bot: Chat, person: str = "olga", kind: AddressKind = AddressKind.SMS, code: str = CODE) -> None:
    """Keep a code as `reins people link` does."""
    now = bot.clock.now()
    lifetime = (now, now + CODE_LIFETIME)
    await bot.store.transact(
        lambda tables: tables.nonces.add(fingerprint(code), purpose_of(kind), person, "", lifetime)
    )


def links(bot: Chat) -> list[LinkAddress]:
    return [row.effect for row in bot.outbox() if isinstance(row.effect, LinkAddress)]


@pytest.mark.parametrize("kind", LINKABLE)
async def test_a_stranger_who_sends_the_code_becomes_the_person(bot: WholeBot, kind: AddressKind) -> None:
    await make_code(bot, kind=kind)
    answer = await bot.text(f"link {CODE}", NEW, kind)
    assert (answer.text, answer.rule) == (None, "unknown_person")
    assert links(bot) == [LinkAddress("olga", f"{kind.value}:{NEW}")]
    await bot.settle()
    assert bot.linked == links(bot)
    (row,) = [row for row in await bot.audit_rows() if row["action"] == "link-code"]
    assert (row["target"], row["outcome"], row["evidence"]) == (
        "olga",
        "spent",
        {"address": f"{kind.value}:…0042", "private": True},
    )
    assert not [one for one in bot.notices("ann") if "unknown" in one.text]
    assert (await bot.verify_audit()).ok


async def test_who_was_linked_is_told_so_at_the_new_address_and_on_their_own_thread(bot: WholeBot) -> None:
    await make_code(bot)
    await bot.text(f"link {CODE}", NEW)
    olga = bot.people.people["olga"]
    bot.people.people["olga"] = type(olga)("olga", "Olga", olga.roles, (Address(AddressKind.SMS, NEW),))
    await bot.settle()
    said = ["sms:…0042 is linked: it is olga from now on. If this was not you, tell the operators."]
    assert bot.told("olga") == said
    assert [notice.text for notice in bot.sent_to(f"sms:{NEW}")] == said


@pytest.mark.parametrize("typed", ["LINK 9qxr4t2b", "Link 9QXR4T2B.", "/link 9QXR4T2B", " link  9QXR4T2B "])
async def test_a_code_is_forgiven_its_case_and_spaces(bot: WholeBot, typed: str) -> None:
    await make_code(bot)
    await bot.text(typed, NEW)
    assert len(links(bot)) == 1


async def test_letters_that_are_misread_are_taken_for_what_was_meant(bot: WholeBot) -> None:
    await make_code(bot, code="01010101")
    await bot.text("link OIoLolOI", NEW)
    assert len(links(bot)) == 1


async def test_a_code_works_once(bot: WholeBot) -> None:
    await make_code(bot)
    await bot.text(f"link {CODE}", NEW)
    await bot.text(f"link {CODE}", "+41790000043")
    await bot.text(f"link {CODE}", NEW, message_id="again")
    assert links(bot) == [LinkAddress("olga", f"sms:{NEW}")]


async def test_a_message_that_comes_again_links_nothing_more(bot: WholeBot) -> None:
    await make_code(bot)
    for _ in range(2):
        assert (await bot.text(f"link {CODE}", NEW, message_id="SM1")).text is None
    assert len(links(bot)) == 1


async def test_another_text_under_a_known_id_is_not_even_looked_at(bot: WholeBot) -> None:
    await make_code(bot)
    await bot.text("hello", NEW, message_id="SM1")
    await bot.text(f"link {CODE}", NEW, message_id="SM1")
    assert links(bot) == []
    await bot.text(f"link {CODE}", NEW)
    assert len(links(bot)) == 1


@pytest.mark.parametrize(("made_for", "sent_by"), [("sms", "telegram"), ("telegram", "sms")])
async def test_a_code_for_one_channel_is_worth_nothing_on_another(bot: WholeBot, made_for: str, sent_by: str) -> None:
    await make_code(bot, kind=AddressKind(made_for))
    await bot.text(f"link {CODE}", NEW, sent_by)
    assert links(bot) == []
    await bot.text(f"link {CODE}", NEW, made_for)
    assert len(links(bot)) == 1


async def test_a_code_in_a_group_links_nobody_and_is_spent_because_everybody_has_read_it(bot: WholeBot) -> None:
    await make_code(bot, kind=AddressKind.TELEGRAM)
    await bot.text(f"link {CODE}", "42", "telegram", chat="-100")
    await bot.text(f"link {CODE}", "42", "telegram")
    assert links(bot) == []
    (row,) = [row for row in await bot.audit_rows() if row["action"] == "link-code"]
    assert row["evidence"]["private"] is False


async def test_a_channel_that_shows_its_answers_itself_links_nobody(bot: WholeBot) -> None:
    await make_code(bot)
    await bot.say(f"link {CODE}", NEW, channel="sms")
    assert links(bot) == []


async def test_a_topic_is_not_linked_by_a_code(bot: WholeBot) -> None:
    await make_code(bot, kind=AddressKind.NTFY)
    await bot.text(f"link {CODE}", "new-topic", "ntfy")
    assert links(bot) == []


@pytest.mark.parametrize(("seconds", "linked"), [(-0.001, 1), (0.0, 0)])
async def test_a_code_expires_after_an_hour(bot: WholeBot, seconds: float, linked: int) -> None:
    await make_code(bot)
    bot.clock.advance(CODE_LIFETIME.total_seconds() + seconds)
    await bot.text(f"link {CODE}", NEW)
    assert len(links(bot)) == linked


async def failed(bot: Chat, kind: AddressKind = AddressKind.SMS) -> int:
    return await bot.read(lambda tables: tables.rates.current(f"link-failed:{kind.value}", bot.clock.now()))


async def test_after_twenty_wrong_guesses_an_hour_codes_are_not_looked_at_on_that_channel(bot: WholeBot) -> None:
    bot.clock.advance(1800)
    await make_code(bot)
    await make_code(bot, kind=AddressKind.TELEGRAM, code="3333CCCC")
    for number in range(MAX_GUESSES_PER_HOUR - 1):
        await bot.text(f"link 0000{number:04}", f"+4179000{number:04}")
    await bot.text(f"link {CODE}", NEW)
    assert len(links(bot)) == 1
    await make_code(bot, code="2222BBBB")
    await bot.text("link 99999999", NEW)
    assert await failed(bot) == MAX_GUESSES_PER_HOUR
    await bot.text("link 2222BBBB", "+41790000043")
    assert (len(links(bot)), await failed(bot)) == (1, MAX_GUESSES_PER_HOUR)
    await bot.text("link 3333CCCC", "43", "telegram")
    assert len(links(bot)) == 2
    bot.clock.advance(1800)  # the next hour
    await bot.text("link 2222BBBB", "+41790000043")
    assert len(links(bot)) == 3


async def test_what_is_no_code_counts_as_no_guess_and_raises_the_usual_alarm(bot: WholeBot) -> None:
    await make_code(bot)
    for text in ("hello", "link", f"status {CODE}", f"link {CODE} please"):
        await bot.text(text, NEW)
    assert (links(bot), await failed(bot)) == ([], 0)
    assert [one.text for one in bot.notices("ann")] == [
        "Somebody unknown wrote on sms (sms:…0042). They got no answer."
    ]


async def test_a_wrong_code_is_answered_by_silence_and_raises_the_usual_alarm(bot: WholeBot) -> None:
    answer = await bot.text("link 00000000", NEW)
    assert (answer.text, await failed(bot)) == (None, 1)
    assert len(bot.notices("ann")) == 1
    assert bot.sent_to(f"sms:{NEW}") == []


async def test_who_is_known_already_is_told_so_and_keeps_the_code(bot: WholeBot) -> None:
    await make_code(bot)
    answer = await bot.text(f"link {CODE}", "vic")
    assert answer.text == "This address is linked already: you are vic. The code was not used."
    await bot.text(f"link {CODE}", NEW)
    assert links(bot) == [LinkAddress("olga", f"sms:{NEW}")]


async def test_a_code_lies_in_no_table_in_clear(bot: WholeBot) -> None:
    await make_code(bot, kind=AddressKind.TELEGRAM)
    for text in (f"link {CODE}", CODE, f"link {CODE} please", f"link\n{CODE}", f"my code is {CODE}", f"lnk {CODE}"):
        await bot.text(text, NEW)  # on the wrong channel: the code stays good
    for text in (f"link {CODE}", f"link {CODE} please"):
        await bot.text(text, "vic")
    await bot.text(f"link {CODE}", NEW, "telegram")
    assert len(links(bot)) == 1
    assert CODE not in bot.dump()


async def test_linking_gives_the_address_and_no_role(bot: WholeBot) -> None:
    await make_code(bot, person="vic")
    before = bot.people.all()
    await bot.text(f"link {CODE}", NEW)
    await bot.settle()
    assert bot.linked == [LinkAddress("vic", f"sms:{NEW}")]
    assert bot.people.all() == before
