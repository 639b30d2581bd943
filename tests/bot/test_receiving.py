"""What providers send besides commands: receipts settle notices, refusals and opt-outs are kept, ntfy's buttons press."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.receiving import REFUSALS_RECORDED_PER_HOUR, Receiving
from channels.port import Handed
from channels.sms_status import SmsStatus
from domain.ids import fingerprint
from domain.notices import DeliveryState, NoticeKind
from domain.people import AddressKind, Proof
from tests.fakes.chat import every_channel, handle_in
from tests.fakes.full_disk import full_disk
from tests.fakes.told import tell, tries
from tests.fakes.whole_bot import WholeBot, whole_bot

TO = "sms:+41790000001"
KEY = f"alarm-1:{TO}"
MASKED = "alarm-1:sms:…0001"
DELIVERED = SmsStatus("SM1", 4, DeliveryState.DELIVERED, "delivered", None)
FAILED = SmsStatus("SM1", 4, DeliveryState.DEAD, "undelivered", 30005)
SENT = SmsStatus("SM1", 3, None, "sent", None)


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[WholeBot]:
    async with whole_bot(tmp_path, policy=every_channel()) as made:
        made.reachable = frozenset({AddressKind.SMS, AddressKind.TELEGRAM, AddressKind.NTFY})
        await made.restart()
        yield made


@pytest.fixture
def receiving(bot: WholeBot) -> Receiving:
    return Receiving(bot.store, bot.around, bot.dispatcher, bot.relay.settling, bot._wake_relay)


async def under_way(bot: WholeBot, fallbacks: tuple[str, ...] = ()) -> None:
    """Hand a notice to the SMS provider, which calls it SM1 and owes its receipt."""
    bot.channels["sms"].hands = Handed("SM1", awaits_receipt=True)
    await tell(bot, to=TO, fallbacks=fallbacks)
    await bot.relay.tick()
    assert bot.outbox_states() == {KEY: "sending"}


async def test_a_message_that_was_taken_in_may_be_confirmed_to_its_provider(
    bot: WholeBot, receiving: Receiving
) -> None:
    assert await receiving.receive(bot.message("status", "vic", Proof.ADDRESS, "sms", message_id="SM9"))
    with capture_logs(), full_disk(bot.path):
        assert not await receiving.receive(bot.message("whoami", "vic", Proof.ADDRESS, "sms", message_id="SM8"))
        assert await receiving.receive(bot.message("status", "vic", Proof.ADDRESS, "sms", message_id="SM9"))


async def test_a_refused_request_leaves_a_row(bot: WholeBot, receiving: Receiving) -> None:
    await receiving.refused("sms", "signature", None)
    await receiving.refused("telegram", "secret", "telegram:…0042")
    rows = [
        (row["actor"], row["action"], row["target"], row["outcome"], row["evidence"]) for row in await bot.audit_rows()
    ]
    assert rows == [
        ("reins", "sms-request", "sms", "refused", {"reason": "signature", "sender": None}),
        ("reins", "telegram-request", "telegram", "refused", {"reason": "secret", "sender": "telegram:…0042"}),
    ]


async def test_a_flood_of_refused_requests_does_not_fill_the_record(bot: WholeBot, receiving: Receiving) -> None:
    for _ in range(REFUSALS_RECORDED_PER_HOUR + 5):
        await receiving.refused("sms", "signature", None)
    assert len(await bot.audit_rows()) == REFUSALS_RECORDED_PER_HOUR
    await receiving.refused("ntfy", "unknown token", None)
    assert len(await bot.audit_rows()) == REFUSALS_RECORDED_PER_HOUR + 1
    counted = await bot.read(lambda tables: tables.rates.current("refused:sms", bot.clock.now()))
    assert counted == REFUSALS_RECORDED_PER_HOUR + 5


async def test_a_receipt_settles_the_notice_it_names(bot: WholeBot, receiving: Receiving) -> None:
    await under_way(bot)
    await receiving.note_sms_status(SENT)
    assert bot.outbox_states() == {KEY: "sending"}
    await receiving.note_sms_status(DELIVERED)
    assert bot.outbox_states() == {KEY: "delivered"}
    assert await tries(bot, MASKED) == [(1, "sending", None), (1, "delivered", None)]


async def test_a_receipt_of_a_failure_says_why_and_the_next_channel_is_tried(
    bot: WholeBot, receiving: Receiving
) -> None:
    await under_way(bot, fallbacks=("ntfy:t",))
    woken = bot.relay_calls
    await receiving.note_sms_status(FAILED)
    assert bot.outbox_states() == {KEY: "dead", "alarm-1:ntfy:t": "pending"}
    assert (await tries(bot, MASKED))[-1] == (1, "dead", "the carrier said undelivered 30005")
    assert bot.relay_calls == woken + 1
    await bot.settle()
    assert bot.told("t", "ntfy") == ["alarm 1"]


async def test_a_failure_without_a_number_is_told_without_one(bot: WholeBot, receiving: Receiving) -> None:
    await under_way(bot)
    await receiving.note_sms_status(SmsStatus("SM1", 4, DeliveryState.DEAD, "failed", None))
    assert (await tries(bot, MASKED))[-1] == (1, "dead", "the carrier said failed")


@pytest.mark.parametrize("late", [FAILED, DELIVERED, SENT])
async def test_older_or_repeated_news_changes_nothing(bot: WholeBot, receiving: Receiving, late: SmsStatus) -> None:
    await under_way(bot, fallbacks=("ntfy:t",))
    await receiving.note_sms_status(DELIVERED)
    before = await bot.audit_rows()
    await receiving.note_sms_status(late)
    assert bot.outbox_states() == {KEY: "delivered"}
    assert await bot.audit_rows() == before


async def test_a_receipt_for_nothing_of_ours_is_kept_and_settles_nothing(bot: WholeBot, receiving: Receiving) -> None:
    await receiving.note_sms_status(DELIVERED)
    kept = await bot.read(lambda tables: tables.receipts.get("sms", "SM1"))
    assert kept is not None
    assert (kept.status, await bot.audit_rows()) == ("delivered", [])


async def test_a_receipt_that_comes_before_the_providers_own_answer_settles_it_then(
    bot: WholeBot, receiving: Receiving
) -> None:
    await receiving.note_sms_status(DELIVERED)
    bot.channels["sms"].hands = Handed("SM1", awaits_receipt=True)
    await tell(bot, to=TO)
    await bot.relay.tick()
    assert bot.outbox_states() == {KEY: "delivered"}


async def test_an_opt_out_that_the_provider_reports_is_kept_and_told_on_other_channels(
    bot: WholeBot, receiving: Receiving
) -> None:
    await receiving.opted_out("olga")
    assert set(await bot.read(lambda tables: tables.reachability.all())) == {"sms:olga"}
    assert len(bot.sent_to("telegram:olga")) == len(bot.sent_to("telegram:ann")) == 1
    assert bot.sent_to("sms:olga") == []
    (row,) = await bot.audit_rows()
    assert (row["action"], row["target"], row["outcome"]) == ("opted-out", "sms:olga", "noted")
    before = bot.outbox()
    bot.clock.advance(60)
    await receiving.opted_out("olga")
    assert (bot.outbox(), len(await bot.audit_rows())) == (before, 1)


async def test_the_opt_out_of_a_number_that_is_nobodys_is_only_kept(bot: WholeBot, receiving: Receiving) -> None:
    await receiving.opted_out("+41790000099")
    assert set(await bot.read(lambda tables: tables.reachability.all())) == {"sms:+41790000099"}
    assert [row["target"] for row in await bot.audit_rows()] == ["sms:…0099"]
    assert bot.outbox() == []


async def ask(bot: WholeBot) -> tuple[str, str, str]:
    """Have olga ask for a run; return its handle and ann's two buttons on ntfy."""
    handle = handle_in(await bot.say("run strict", "olga"))
    notice = next(one for one in bot.notices("ann") if one.kind is NoticeKind.APPROVAL_REQUEST)
    approve, deny = await bot.show("ntfy:ann", notice, on="n1")
    return handle, approve, deny


async def test_a_tap_on_ntfy_presses_the_button_and_a_second_tap_says_the_same(
    bot: WholeBot, receiving: Receiving
) -> None:
    handle, approve, deny = await ask(bot)
    first = await receiving.act(approve)
    (run,) = await bot.runs()
    assert (first.status, first.text) == (200, f"{handle} approved, started as {run.handle}.")
    before = bot.outbox()
    assert await receiving.act(approve) == first
    assert bot.outbox() == before
    opposite = await receiving.act(deny)
    assert opposite.status == 409
    assert "is already approved, by ann" in opposite.text
    row = next(row for row in await bot.audit_rows() if row["action"] == "ok")
    assert (row["actor"], row["channel"], row["proof"]) == ("ann", "ntfy", "account")


async def test_a_tap_on_a_button_that_is_too_old_says_so(bot: WholeBot, receiving: Receiving) -> None:
    _, approve, _ = await ask(bot)
    bot.clock.advance(15 * 60)
    acted = await receiving.act(approve)
    assert (acted.status, "too old" in acted.text) == (410, True)


async def test_a_tap_that_the_gate_refuses_is_forbidden(bot: WholeBot, receiving: Receiving) -> None:
    await bot.say("run strict", "olga")
    notice = bot.notices("ann")[0]
    (approve, _) = await bot.show("ntfy:vic", replace(notice, choices_for="vic"), on="n1")
    acted = await receiving.act(approve)
    assert (acted.status, "scope_missing" in acted.text) == (403, True)


@pytest.mark.parametrize("made_for", ["telegram:ann", None])
async def test_tokens_that_were_not_made_for_ntfy_are_unknown_there(
    bot: WholeBot, receiving: Receiving, made_for: str | None
) -> None:
    await bot.say("run strict", "olga")
    token = "f" * 32
    if made_for is not None:
        token, _ = await bot.show(made_for, bot.notices("ann")[0])
    acted = await receiving.act(token)
    assert (acted.status, acted.text) == (404, "This button is not known here.")
    row = (await bot.audit_rows())[-1]
    assert (row["action"], row["evidence"]) == ("ntfy-request", {"reason": "unknown token", "sender": None})
    assert await bot.runs() == []
    assert token not in bot.dump()


async def test_a_tap_that_cannot_be_recorded_does_nothing_and_can_be_repeated(
    bot: WholeBot, receiving: Receiving
) -> None:
    _, approve, _ = await ask(bot)
    with capture_logs(), full_disk(bot.path):
        acted = await receiving.act(approve)
    assert (acted.status, await bot.runs()) == (503, [])
    assert (await receiving.act(approve)).status == 200
    assert fingerprint(approve) in bot.dump()
