"""Delivering notices to Telegram: what the phone shows, and what every way of failing means."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from channels.port import Arrival, Broken, Earlier, Handed, MaybeSent, Never, NotNow, Paced
from channels.telegram_api import TelegramApi
from channels.telegram_settings import TelegramSettings
from domain.notices import Choice, NoticeKind, Urgency
from tests.channels.telegram_rig import APPROVE, DENY, GROUP, PNG, USER, WHY, Rig, notice, telegram_rig
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.telegram import TOKEN
from tests.fakes.virtual_time import START

TO = str(USER)
CARD = (f"telegram:{USER}", "run-1")
EARLIER = Earlier(START, None)
NOT_ANSWERED = [fault for fault in Fault if fault not in (Fault.TOO_MANY, Fault.SLOW_AFTER_ACCEPT)]


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with telegram_rig() as made:
        yield made


async def test_a_reply_is_shown_as_written_with_its_markup_escaped(rig: Rig) -> None:
    handed = await rig.channel().deliver(TO, notice(text="2 < 3 & <b>not bold</b>\nsecond line"), repeat=False)
    assert rig.fake.ledger.texts(TO) == ["2 < 3 & <b>not bold</b>\nsecond line"]
    assert handed == Handed(provider_id=rig.fake.ledger[0].id)
    assert rig.pulse.last_accepted == START


async def test_the_link_to_the_run_and_the_receipt_follow_the_text_and_no_preview_is_asked_for(rig: Rig) -> None:
    told = notice(NoticeKind.FINAL, "Done.", run_url="https://ci.example/run/1?a=1&b=2", receipt="audit 12·7F3C")
    await rig.channel().deliver(TO, told, repeat=False)
    assert rig.fake.ledger.texts(TO) == ["Done.\nOpen the run\naudit 12·7F3C"]
    assert rig.fake.calls[-1].fields["link_preview_options"] == {"is_disabled": True}
    assert 'href="https://ci.example/run/1?a=1&amp;b=2"' in rig.fake.calls[-1].fields["text"]


@pytest.mark.parametrize("url", ["http://ci.example/1", "javascript:alert(1)", "https://a.example/\u202e1"])
async def test_a_link_that_is_no_plain_https_address_is_left_out(rig: Rig, url: str) -> None:
    await rig.channel().deliver(TO, notice(NoticeKind.FINAL, "Done.", run_url=url), repeat=False)
    assert rig.fake.ledger.texts(TO) == ["Done."]


async def test_a_repeat_is_marked_for_everybody_to_see(rig: Rig) -> None:
    await rig.channel().deliver(TO, notice(), repeat=True)
    assert rig.fake.ledger.texts(TO) == ["(repeat) All quiet."]


@pytest.mark.parametrize(("urgency", "silent"), [(Urgency.LOW, True), (Urgency.NORMAL, False), (Urgency.HIGH, False)])
async def test_only_what_is_of_low_urgency_comes_without_a_sound(rig: Rig, urgency: Urgency, silent: bool) -> None:
    await rig.channel().deliver(TO, notice(urgency=urgency), repeat=False)
    assert rig.fake.ledger[0].extra["silent"] is silent


async def test_choices_become_buttons_that_carry_the_minted_tokens(rig: Rig) -> None:
    asked = notice(NoticeKind.APPROVAL_REQUEST, "K7M: run nightly?", choices=(APPROVE, DENY, WHY))
    handed = await rig.channel().deliver(TO, asked, repeat=False)
    assert handed.tokens == ("token-10", "token-11", "token-12")
    assert rig.fake.messages[USER, int(handed.provider_id or 0)].keyboard == [
        [
            {"text": "Approve", "callback_data": "token-10", "style": "success"},
            {"text": "Deny", "callback_data": "token-11", "style": "danger"},
            {"text": "Why", "callback_data": "token-12"},
        ]
    ]
    assert rig.desk.minted == [(f"telegram:{USER}", asked)]


async def test_a_row_has_four_buttons_at_most(rig: Rig) -> None:
    choices = tuple(Choice(str(number), f"ok K7M {number}") for number in range(6))
    await rig.channel().deliver(TO, notice(choices=choices), repeat=False)
    assert rig.fake.ledger[0].extra["buttons"] == [["0", "1", "2", "3"], ["4", "5"]]


async def test_a_token_that_telegram_would_refuse_is_a_fault_of_ours(rig: Rig) -> None:
    rig.desk.token = lambda _number: "é" * 33
    with pytest.raises(ValueError, match="64 bytes"):
        await rig.channel().deliver(TO, notice(choices=(DENY,)), repeat=False)
    assert not rig.fake.ledger


async def test_a_request_too_long_to_be_shown_whole_cannot_be_approved_here(rig: Rig) -> None:
    asked = notice(NoticeKind.APPROVAL_REQUEST, "line\n" * 2000, choices=(APPROVE, DENY))
    handed = await rig.channel().deliver(TO, asked, repeat=False)
    shown = rig.fake.messages[USER, int(handed.provider_id or 0)]
    assert shown.labels == [["Deny"]]
    assert shown.text.endswith("…\nThis is too long to be shown whole here: approve it on the web page.")
    assert [choice.label for choice in rig.desk.minted[0][1].choices] == ["Deny"]
    assert len(handed.tokens) == 1


@pytest.mark.parametrize("text", ["x" * 5000, "🦊" * 3000, "&<>" * 2000, "a line of text\n" * 500])
async def test_a_long_text_is_cut_to_what_telegram_takes_after_reading_the_tags(rig: Rig, text: str) -> None:
    await rig.channel().deliver(TO, notice(text=text, receipt="audit 1·AAAA"), repeat=True)
    shown = rig.fake.ledger.texts(TO)[0]
    assert shown.endswith("…\naudit 1·AAAA")
    assert 4000 < len(shown.encode("utf-16-le")) // 2 <= 4096


async def test_markup_that_telegram_cannot_read_is_sent_as_plain_text(rig: Rig) -> None:
    rig.fake.refuse_markup = True
    await rig.channel().deliver(TO, notice(text="one\ntwo <3"), repeat=False)
    assert rig.fake.ledger.texts(TO) == ["one\ntwo <3"]
    assert "parse_mode" not in rig.fake.calls[-1].fields


@pytest.mark.parametrize(("code", "shown"), [("482913", "482913"), (None, "<code from your authenticator>")])
async def test_a_challenge_shows_its_code_or_where_to_get_one(rig: Rig, code: str | None, shown: str) -> None:
    rig.desk.one_time_code = code
    asked = notice(NoticeKind.CHALLENGE, "Send: ok K7M {code}", subject="confirmation-1")
    await rig.channel().deliver(TO, asked, repeat=False)
    assert rig.fake.ledger.texts(TO) == [f"Send: ok K7M {shown}"]


async def test_the_first_attempt_of_a_run_makes_its_card(rig: Rig) -> None:
    handed = await rig.channel().deliver(TO, notice(NoticeKind.ATTEMPT_START, subject="run-1"), repeat=False)
    assert rig.fake.ledger[0].extra["method"] == "sendMessage"
    assert handed.provider_id == rig.fake.ledger[0].id


async def test_later_attempts_edit_the_card(rig: Rig) -> None:
    channel = rig.channel()
    first = await channel.deliver(TO, notice(NoticeKind.ATTEMPT_START, subject="run-1"), repeat=False)
    rig.desk.cards[CARD] = first.provider_id or ""
    done = await channel.deliver(
        TO, notice(NoticeKind.ATTEMPT_DONE, "Done, all passed.", subject="run-1"), repeat=False
    )
    assert done.provider_id == first.provider_id
    assert [one.extra["method"] for one in rig.fake.ledger] == ["sendMessage", "editMessageText"]


async def test_the_final_status_is_a_new_message_because_edits_alert_nobody(rig: Rig) -> None:
    channel = rig.channel()
    first = await channel.deliver(TO, notice(NoticeKind.ATTEMPT_START, subject="run-1"), repeat=False)
    rig.desk.cards[CARD] = first.provider_id or ""
    last = await channel.deliver(TO, notice(NoticeKind.FINAL, "Passed.", subject="run-1"), repeat=False)
    assert last.provider_id != first.provider_id


async def test_an_attempt_whose_card_was_deleted_gets_a_new_one(rig: Rig) -> None:
    rig.desk.cards[CARD] = "999"
    handed = await rig.channel().deliver(TO, notice(NoticeKind.ATTEMPT_DONE, subject="run-1"), repeat=False)
    assert handed.provider_id == rig.fake.ledger[0].id
    assert rig.fake.ledger[0].extra["method"] == "sendMessage"


async def test_a_card_brought_up_to_date_loses_its_buttons(rig: Rig) -> None:
    channel = rig.channel()
    asked = await channel.deliver(TO, notice(choices=(APPROVE, DENY)), repeat=False)
    rig.desk.cards[CARD] = asked.provider_id or ""
    resolved = notice(NoticeKind.CARD, "Approved by Ann.", subject="run-1", choices=(APPROVE,))
    await channel.deliver(TO, resolved, repeat=False)
    shown = rig.fake.messages[USER, int(asked.provider_id or 0)]
    assert (shown.text, shown.keyboard) == ("Approved by Ann.", [])
    assert len(rig.desk.minted) == 1


@pytest.mark.parametrize("card", [None, "999"])
async def test_a_card_that_is_not_there_needs_no_update(rig: Rig, card: str | None) -> None:
    if card is not None:
        rig.desk.cards[CARD] = card
    assert await rig.channel().deliver(TO, notice(NoticeKind.CARD, subject="run-1"), repeat=False) == Handed()
    assert not rig.fake.ledger


async def test_a_card_that_shows_it_already_is_a_success(rig: Rig) -> None:
    channel = rig.channel()
    sent = await channel.deliver(TO, notice(text="Approved by Ann."), repeat=False)
    rig.desk.cards[CARD] = sent.provider_id or ""
    again = notice(NoticeKind.CARD, "Approved by Ann.", subject="run-1")
    assert await channel.deliver(TO, again, repeat=False) == Handed(sent.provider_id)


async def pressed(rig: Rig) -> str:
    """Have a button pressed and return the id that the press is answered by."""
    sent = await rig.channel().deliver(TO, notice(choices=(APPROVE,)), repeat=False)
    rig.fake.press(USER, int(sent.provider_id or 0), "Approve")
    return str(rig.fake.updates.waiting[-1].document["callback_query"]["id"])


@pytest.mark.parametrize(("urgency", "alert"), [(Urgency.NORMAL, False), (Urgency.HIGH, True)])
async def test_a_toast_answers_the_press(rig: Rig, urgency: Urgency, alert: bool) -> None:
    toast = notice(NoticeKind.TOAST, "🦊" * 300, acknowledges=await pressed(rig), urgency=urgency)
    assert await rig.channel().deliver(TO, toast, repeat=False) == Handed()
    assert rig.fake.ledger[-1].text == "🦊" * 99 + "…"
    assert rig.fake.ledger[-1].extra == {"method": "answerCallbackQuery", "alert": alert}


async def test_a_press_that_is_too_old_to_answer_is_a_success(rig: Rig) -> None:
    toast = notice(NoticeKind.TOAST, "Approved.", acknowledges=await pressed(rig))
    rig.time.advance(60)
    assert await rig.channel().deliver(TO, toast, repeat=False) == Handed()


async def test_a_toast_without_a_press_has_nothing_to_answer(rig: Rig) -> None:
    assert await rig.channel().deliver(TO, notice(NoticeKind.TOAST), repeat=False) == Handed()
    assert not rig.fake.calls


async def test_a_picture_carries_the_text_as_its_caption(rig: Rig) -> None:
    rig.pictures["trend"] = PNG
    await rig.channel().deliver(TO, notice(NoticeKind.DIGEST, picture="trend", choices=(WHY,)), repeat=False)
    assert rig.fake.ledger[0].extra == {
        "method": "sendPhoto",
        "buttons": [["Why"]],
        "silent": False,
        "photo": PNG,
    }
    assert rig.fake.ledger[0].text == "All quiet."


@pytest.mark.parametrize(("picture", "text"), [(None, "short"), (PNG, "x" * 1025)])
async def test_without_a_picture_or_with_a_text_no_caption_holds_it_is_a_message(
    rig: Rig, picture: bytes | None, text: str
) -> None:
    rig.pictures["trend"] = picture
    await rig.channel().deliver(TO, notice(NoticeKind.DIGEST, text, picture="trend"), repeat=False)
    assert rig.fake.ledger[0].extra["method"] == "sendMessage"
    assert rig.fake.ledger[0].text == text


# --- ways of failing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", NOT_ANSWERED)
async def test_whatever_leaves_open_if_it_arrived_is_told_as_such(rig: Rig, fault: Fault) -> None:
    rig.fake.faults.add(fault)
    with pytest.raises(MaybeSent):
        await rig.channel().deliver(TO, notice(), repeat=False)
    assert len(rig.fake.ledger) == fault.took_effect
    assert rig.pulse.last_accepted is None


async def test_an_answer_that_never_comes_leaves_it_open(rig: Rig) -> None:
    rig.fake.faults.add(Fault.SLOW_AFTER_ACCEPT)
    hasty = TelegramApi(rig.api().settings, rig.session, answer_seconds=0.05)
    with pytest.raises(MaybeSent, match="no answer"):
        await rig.channel(hasty).deliver(TO, notice(), repeat=False)
    assert len(rig.fake.ledger) == 1


async def test_an_answer_without_the_message_leaves_it_open(rig: Rig) -> None:
    rig.fake.nonsense = True
    with pytest.raises(MaybeSent, match="cannot be read"):
        await rig.channel().deliver(TO, notice(), repeat=False)
    rig.fake.violations.clear()  # the nonsense is what this test asked for


async def test_a_connection_that_does_not_come_about_sent_nothing(rig: Rig) -> None:
    await rig.fake.close()
    with pytest.raises(NotNow) as caught:
        await rig.channel().deliver(TO, notice(), repeat=False)
    assert caught.value.retry_after_seconds is None


async def test_after_a_slow_down_the_whole_channel_is_silent_for_that_long(rig: Rig) -> None:
    rig.fake.faults.add(Fault.TOO_MANY, retry_after_seconds=7)
    channel = rig.channel()
    with pytest.raises(NotNow) as caught:
        await channel.deliver(TO, notice(), repeat=False)
    assert caught.value.retry_after_seconds == 7
    for waiting in (notice(), notice(NoticeKind.TOAST, acknowledges="1")):
        with pytest.raises(Paced) as paced:
            await channel.deliver(str(GROUP), waiting, repeat=False)
        assert paced.value.seconds == 7
    assert len(rig.fake.calls) == 1
    rig.time.advance(7)
    await channel.deliver(TO, notice(), repeat=False)


@pytest.mark.parametrize("reason", ["Forbidden: bot was blocked by the user", "Forbidden: user is deactivated"])
async def test_somebody_who_shut_the_bot_out_is_never_reached(rig: Rig, reason: str) -> None:
    rig.fake.block(USER, reason)
    with pytest.raises(Never, match=reason):
        await rig.channel().deliver(TO, notice(), repeat=False)


@pytest.mark.parametrize("address", ["424242", "ann"])
async def test_an_address_that_is_no_chat_of_ours_is_never_reached(rig: Rig, address: str) -> None:
    with pytest.raises(Never):
        await rig.channel().deliver(address, notice(), repeat=False)


async def test_an_unknown_token_breaks_the_channel_and_shows_in_its_pulse(rig: Rig) -> None:
    channel = rig.channel(rig.api(token="4242:another-made-up-token-01234"))
    with pytest.raises(Broken, match="token"):
        await channel.deliver(TO, notice(), repeat=False)
    assert rig.pulse.problem == "Telegram does not know the bot's token"
    await rig.channel().deliver(TO, notice(), repeat=False)
    assert rig.pulse.problem is None


async def test_what_answers_in_telegrams_place_breaks_the_channel(rig: Rig) -> None:
    elsewhere = replace(rig.api().settings, api_base=f"{rig.fake.url}/portal")
    with pytest.raises(Broken, match="other than Telegram"):
        await rig.channel(TelegramApi(elsewhere, rig.session)).deliver(TO, notice(), repeat=False)


async def test_a_group_that_became_a_supergroup_is_followed(rig: Rig) -> None:
    rig.fake.migrate(GROUP, -1005001)
    channel = rig.channel()
    await channel.deliver(str(GROUP), notice(), repeat=False)
    await channel.deliver(str(GROUP), notice(), repeat=False)
    assert rig.migrated == [(GROUP, -1005001)]
    assert len(rig.fake.ledger.texts("-1005001")) == 2
    assert len([call for call in rig.fake.calls if call.fields["chat_id"] == GROUP]) == 1


async def test_the_card_of_a_group_that_moved_is_made_anew(rig: Rig) -> None:
    channel = rig.channel()
    first = await channel.deliver(str(GROUP), notice(NoticeKind.ATTEMPT_START, subject="run-1"), repeat=False)
    rig.desk.cards[f"telegram:{GROUP}", "run-1"] = first.provider_id or ""
    rig.fake.migrate(GROUP, -1005001)
    done = notice(NoticeKind.ATTEMPT_DONE, "Done.", subject="run-1")
    await channel.deliver(str(GROUP), done, repeat=False)
    assert rig.fake.ledger.texts("-1005001") == ["Done."]


async def test_our_own_pacing_holds_back_before_telegram_has_to(rig: Rig) -> None:
    channel = rig.channel()
    for _ in range(3):
        await channel.deliver(TO, notice(), repeat=False)
    with pytest.raises(Paced) as paced:
        await channel.deliver(TO, notice(choices=(APPROVE,)), repeat=False)
    assert paced.value.seconds == 3
    assert rig.desk.minted == []
    await channel.deliver(str(GROUP), notice(), repeat=False)


async def test_a_group_gets_twenty_messages_a_minute(rig: Rig) -> None:
    channel = rig.channel()
    for _ in range(20):
        await channel.deliver(str(GROUP), notice(), repeat=False)
        rig.time.advance(1)
    with pytest.raises(Paced) as paced:
        await channel.deliver(str(GROUP), notice(), repeat=False)
    assert paced.value.seconds == 40


async def test_looking_back_tells_what_is_safe_to_do_again(rig: Rig) -> None:
    channel = rig.channel()
    rig.desk.cards[CARD] = "5"
    looks = {
        NoticeKind.TOAST: Arrival.NOT_THERE,
        NoticeKind.CARD: Arrival.NOT_THERE,
        NoticeKind.ATTEMPT_DONE: Arrival.NOT_THERE,
        NoticeKind.FINAL: Arrival.CANNOT_TELL,
        NoticeKind.REPLY: Arrival.CANNOT_TELL,
    }
    for kind, arrival in looks.items():
        assert await channel.look_back(TO, notice(kind, subject="run-1"), EARLIER) is arrival
    unknown = notice(NoticeKind.ATTEMPT_START, subject="run-2")
    assert await channel.look_back(TO, unknown, EARLIER) is Arrival.CANNOT_TELL


@pytest.mark.parametrize("fault", [*NOT_ANSWERED, None])
async def test_the_token_is_in_no_error_log_or_representation(
    rig: Rig, fault: Fault | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    api = rig.api()
    channel = rig.channel(api)
    if fault is None:
        await rig.fake.close()
    else:
        rig.fake.faults.add(fault)
    with pytest.raises((MaybeSent, NotNow)) as caught:
        await channel.deliver(TO, notice(text="a secret text"), repeat=False)
    secret = TOKEN.partition(":")[2]
    assert secret not in repr(channel) + repr(api) + str(caught.getrepr(style="short"))
    assert secret not in caplog.text
    assert "a secret text" not in caplog.text
    assert secret not in repr(TelegramSettings(TOKEN))
