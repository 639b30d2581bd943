"""What channels get from our records while they send: tokens and codes leave no trace but their hashes."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.desk import BUTTONS_LIVE, CODE_LIVES, StoreCursors, StoreDesk
from channels.port import Cursors, Desk
from commands.confirming import code_hash
from domain.confirmations import Confirmation
from domain.ids import fingerprint
from domain.notices import Choice, Notice, NoticeKind
from store.tables.buttons import Button
from tests.fakes.chat import HEAD, Chat, chat
from tests.fakes.virtual_time import START

NOTICE = Notice(
    "k",
    NoticeKind.APPROVAL_REQUEST,
    "text",
    subject="APPROVAL-1",
    choices=(Choice("Approve", "ok 3K"), Choice("Deny", "no 3K")),
    choices_for="ann",
    choices_until=START + timedelta(minutes=15),
    digest="d" * 64,
)


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Chat]:
    async with chat(tmp_path) as made:
        yield made


@pytest.fixture
def desk(bot: Chat) -> StoreDesk:
    return StoreDesk(bot.store, bot.clock, bot.entropy)


async def button(bot: Chat, token: str) -> Button | None:
    return await bot.read(lambda tables: tables.buttons.get(fingerprint(token)))


async def test_each_choice_gets_a_token_of_its_own_bound_to_all_it_stands_for(bot: Chat, desk: Desk) -> None:
    approve, deny = await desk.mint("telegram:7", NOTICE)
    assert len({approve, deny}) == 2
    assert len(bytes.fromhex(approve)) == 16
    assert await button(bot, approve) == Button(
        hash=fingerprint(approve),
        to="telegram:7",
        person="ann",
        subject="APPROVAL-1",
        command="ok 3K",
        digest="d" * 64,
        message_id=None,
        made_at=START,
        expires_at=START + timedelta(minutes=15),
    )
    other = await button(bot, deny)
    assert other is not None
    assert other.command == "no 3K"
    assert approve not in bot.dump()


async def test_buttons_without_a_time_live_for_a_day_and_of_a_group_belong_to_nobody(bot: Chat, desk: Desk) -> None:
    (token, _) = await desk.mint("telegram:-100", replace(NOTICE, choices_for=None, choices_until=None))
    kept = await button(bot, token)
    assert kept is not None
    assert (kept.person, kept.expires_at) == (None, START + BUTTONS_LIVE)


async def test_minting_anew_leaves_what_was_sent_before_as_it_is(bot: Chat, desk: Desk) -> None:
    first, second = await desk.mint("telegram:7", NOTICE), await desk.mint("telegram:7", NOTICE)
    assert len({*first, *second}) == 4
    assert await button(bot, first[0]) is not None


async def test_a_notice_without_choices_needs_no_tokens(desk: Desk) -> None:
    assert await desk.mint("telegram:7", replace(NOTICE, choices=())) == ()


async def test_a_card_is_found_by_its_address_and_subject(bot: Chat, desk: Desk) -> None:
    await bot.store.transact(lambda tables: tables.cards.put("telegram:7", "RUN-1", "77", START))
    found = [await desk.card(to, about) for to, about in (("telegram:7", "RUN-1"), ("telegram:8", "RUN-1"))]
    assert found == ["77", None]
    assert await desk.card("telegram:7", "RUN-2") is None


async def wait_for_code(bot: Chat) -> None:
    waiting = Confirmation("C1", "3K", "ann", "sms:ann", "run triage", START, START + timedelta(minutes=10))
    await bot.store.transact(lambda tables: tables.confirmations.open(waiting))


async def kept(bot: Chat) -> Confirmation:
    found = await bot.read(lambda tables: tables.confirmations.get("C1"))
    assert found is not None
    return found


async def test_a_code_has_six_digits_and_only_its_hash_is_kept(bot: Chat, desk: Desk) -> None:
    await wait_for_code(bot)
    bot.clock.advance(60)
    code = await desk.code("C1")
    assert code is not None
    assert (len(code), code.isascii(), code.isdigit()) == (6, True, True)
    confirmation = await kept(bot)
    assert confirmation.code_hash == code_hash("C1", code)
    assert confirmation.code_expires_at == bot.clock.now() + CODE_LIVES
    assert code not in bot.dump()


async def test_small_codes_keep_their_zeros(bot: Chat) -> None:
    class Small:
        def token(self, size_bytes: int) -> bytes:
            return (42).to_bytes(size_bytes)

    await wait_for_code(bot)
    assert await StoreDesk(bot.store, bot.clock, Small()).code("C1") == "000042"


async def test_every_try_to_send_makes_a_new_code_that_takes_the_place_of_the_last(bot: Chat, desk: Desk) -> None:
    await wait_for_code(bot)
    first, second = await desk.code("C1"), await desk.code("C1")
    assert first != second
    assert (await kept(bot)).code_hash == code_hash("C1", second or "")


async def test_what_is_unknown_over_or_confirmed_gets_no_code(bot: Chat, desk: Desk) -> None:
    assert await desk.code("C1") is None
    await wait_for_code(bot)
    await bot.say("status")
    assert await bot.store.transact(lambda tables: tables.confirmations.consume("C1", 1, START))
    assert await desk.code("C1") is None


async def test_a_confirmation_whose_time_is_up_gets_no_code(bot: Chat, desk: Desk) -> None:
    await wait_for_code(bot)
    bot.clock.advance(600)
    assert await desk.code("C1") is None


async def test_who_has_an_authenticator_is_sent_no_code(bot: Chat, desk: Desk) -> None:
    await wait_for_code(bot)
    await bot.store.transact(lambda tables: tables.authenticators.put("ann", "JBSWY3DPEHPK3PXP", START))
    assert await desk.code("C1") is None
    assert (await kept(bot)).code_hash is None


async def test_what_a_run_is_dispatched_for_is_kept_before_it_is(bot: Chat, desk: StoreDesk) -> None:
    await bot.say("run triage")
    (run,) = await bot.runs()
    await desk.expect(run.id, HEAD)
    assert [(one.expected_sha, one.head_sha) for one in await bot.runs()] == [(HEAD, None)]


async def test_a_streams_position_is_kept_by_its_name(bot: Chat) -> None:
    cursors: Cursors = StoreCursors(bot.store, bot.clock)
    assert await cursors.read("telegram") is None
    for position in ("7", "8"):
        await cursors.keep("telegram", position)
    await cursors.keep("ntfy", "abc")
    await bot.restart()
    again = StoreCursors(bot.store, bot.clock)
    assert [await again.read(name) for name in ("telegram", "ntfy")] == ["8", "abc"]
