"""What a carrier acts on by itself: an opt-out is believed and told elsewhere, and none of these words is answered."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from commands.answer import Answer
from domain.effects import Deliver
from domain.messages import CarrierWord
from domain.notices import Notice, NoticeKind, Urgency
from domain.people import AddressKind
from tests.fakes.chat import Chat, chat, every_channel

PUSHES = [AddressKind.SMS, AddressKind.TELEGRAM, AddressKind.NTFY]


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Chat]:
    async with chat(tmp_path, policy=every_channel(), reachable=PUSHES) as made:
        yield made


async def stop(bot: Chat, who: str = "olga") -> Answer:
    return await bot.text("STOP", who, carrier_word=CarrierWord.OPT_OUT)


async def opted_out(bot: Chat) -> set[str]:
    return set(await bot.read(lambda tables: tables.reachability.all()))


def told(bot: Chat) -> dict[str, Notice]:
    """Return the first notice to every push address that got one."""
    addresses = [f"{kind.value}:{who}" for kind in PUSHES for who in bot.people.people]
    return {to: bot.sent_to(to)[0] for to in addresses if bot.sent_to(to)}


async def test_an_opt_out_is_believed_and_answered_by_silence(bot: Chat) -> None:
    answer = await stop(bot)
    assert (answer.text, answer.keys) == (None, ())
    assert await opted_out(bot) == {"sms:olga"}
    assert bot.sent_to("sms:olga") == []
    row = (await bot.audit_rows())[-1]
    assert (row["actor"], row["action"], row["decision"]) == ("olga", "carrier-word", "allow")
    assert row["evidence"]["changes"] == ["sms:olga opted out"]
    assert (await bot.verify_audit()).ok


async def test_an_opt_out_is_told_to_its_owner_and_to_those_in_charge_on_other_channels(bot: Chat) -> None:
    await stop(bot)
    assert set(told(bot)) == {f"telegram:{who}" for who in ("olga", "owner", "ann", "ben")}
    (notice,) = set(told(bot).values())
    assert (notice.kind, notice.urgency) == (NoticeKind.ALARM, Urgency.HIGH)
    assert notice.text == (
        "sms:olga of olga has opted out at the carrier: no text arrives there any more."
        " To undo it, send START from that phone."
    )
    assert bot.sent_to("web:olga") == [notice]
    assert bot.relay_calls == 1


async def test_who_opted_out_and_is_in_charge_is_told_once(bot: Chat) -> None:
    await stop(bot, "ann")
    assert len(bot.sent_to("web:ann")) == 1


async def test_no_notice_is_sent_to_a_number_that_opted_out_until_it_opts_in(bot: Chat) -> None:
    await stop(bot, "ann")
    await bot.text("hello", "nobody", "telegram")
    assert not any(to.startswith("sms:ann") for to in told(bot))
    assert (await bot.text("START", "ann", carrier_word=CarrierWord.OPT_IN)).text is None
    assert await opted_out(bot) == set()
    assert (await bot.audit_rows())[-1]["evidence"]["changes"] == ["sms:ann reachable"]


async def test_fallbacks_leave_out_a_number_that_opted_out(bot: Chat) -> None:
    await stop(bot, "ann")
    await bot.say("run strict", "olga")
    fallbacks = {row.effect.to: row.effect.fallbacks for row in bot.outbox() if isinstance(row.effect, Deliver)}
    assert fallbacks["telegram:ben"] == ("ntfy:ben", "sms:ben")
    assert fallbacks["telegram:ann"] == ("ntfy:ann",)


async def test_an_opt_in_of_a_number_that_never_opted_out_changes_nothing(bot: Chat) -> None:
    answer = await bot.text("START", "olga", carrier_word=CarrierWord.OPT_IN)
    assert (answer.text, await opted_out(bot), bot.outbox()) == (None, set(), [])


async def test_a_call_for_help_is_left_to_the_carrier(bot: Chat) -> None:
    answer = await bot.text("HELP", "olga", carrier_word=CarrierWord.HELP)
    assert (answer.text, answer.rule) == (None, "allowed")
    assert (await opted_out(bot), bot.outbox()) == (set(), [])
    assert len(await bot.audit_rows()) == 1


@pytest.mark.parametrize("text", ["halt", "run triage", "ok 3K"])
async def test_whatever_text_the_carrier_took_for_its_word_is_no_command(bot: Chat, text: str) -> None:
    await bot.text(text, "ann", carrier_word=CarrierWord.HELP)
    assert await bot.read(lambda tables: tables.mode.current()) is None
    assert bot.outbox() == []


@pytest.mark.parametrize("word", [*CarrierWord])
async def test_of_a_stranger_nothing_is_noted_and_nothing_is_answered(bot: Chat, word: CarrierWord) -> None:
    answer = await bot.text("STOP", "nobody", carrier_word=word)
    assert (answer.text, answer.rule) == (None, "unknown_person")
    assert await opted_out(bot) == set()
    assert bot.sent_to("sms:nobody") == []


async def test_the_same_opt_out_twice_tells_once(bot: Chat) -> None:
    for _ in range(2):
        await bot.text("STOP", "olga", message_id="SM1", carrier_word=CarrierWord.OPT_OUT)
    assert len(bot.sent_to("web:ann")) == 1
    assert len(await bot.audit_rows()) == 1


async def test_an_opt_out_counts_also_for_somebody_who_is_over_the_limit(tmp_path: Path) -> None:
    async with chat(tmp_path, policy=every_channel(per_hour=1)) as bot:
        for _ in range(2):
            await bot.text("status", "olga")
        assert (await stop(bot)).text is None
        assert await opted_out(bot) == {"sms:olga"}
