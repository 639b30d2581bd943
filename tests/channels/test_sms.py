"""A notice becomes one text or a reason why not, and an unclear try is looked up before anything is sent again."""

import base64
from dataclasses import replace
from datetime import timedelta

import pytest

from channels.gsm7 import SEGMENT_SEPTETS, septets
from channels.marks import reference
from channels.port import Arrival, Broken, DeliveryError, Handed, MaybeSent, Never, NotNow
from domain.notices import Choice, ChoiceStyle, Notice, NoticeKind
from tests.channels.sms_rig import ANN, REPLY, SETTINGS, SOON_SECONDS, CodeDesk, SmsRig, sms_rig
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.twilio import NUMBER, TOKEN
from tests.fakes.virtual_time import START

CHALLENGE = Notice(
    "challenge:1", NoticeKind.CHALLENGE, "R7: run mutation. Send: OK R7 {code}", subject="confirmation-1"
)


async def deliver(rig: SmsRig, notice: Notice = REPLY, to: str = ANN, *, repeat: bool = False) -> Handed:
    return await rig.channel.deliver(to, notice, repeat=repeat)


def only_text(rig: SmsRig) -> str:
    (accepted,) = rig.twilio.ledger
    return accepted.text


async def test_a_notice_is_one_form_with_everything_twilio_needs() -> None:
    async with sms_rig() as rig:
        handed = await deliver(rig)
        ((operation, form),) = rig.twilio.calls
        assert operation == "CreateMessage"
        assert form == {
            "To": ANN,
            "From": NUMBER,
            "Body": f"mode operate, nothing waits{reference(REPLY.key)}",
            "StatusCallback": "https://reins.example/hooks/twilio/status",
            "ValidityPeriod": "14400",
        }
        assert handed == Handed(next(iter(rig.twilio.texts)), awaits_receipt=True)
        assert (rig.pulse.last_accepted, rig.pulse.problem) == (START, None)


async def test_a_messaging_service_sends_in_place_of_the_number() -> None:
    async with sms_rig(replace(SETTINGS, messaging_service_sid="MG" + "1" * 32)) as rig:
        await deliver(rig)
        form = rig.twilio.calls[0][1]
        assert (form["MessagingServiceSid"], "From" in form) == ("MG" + "1" * 32, False)


def test_the_reference_is_four_characters_and_belongs_to_the_key() -> None:
    assert reference(REPLY.key) == reference(replace(REPLY, text="other").key) == " #ABR9"
    assert reference(REPLY.key) != reference("reply:2")


@pytest.mark.parametrize("kind", [NoticeKind.CHALLENGE, NoticeKind.APPROVAL_REQUEST])
async def test_what_has_a_deadline_is_not_delivered_after_it(kind: NoticeKind) -> None:
    async with sms_rig() as rig:
        await deliver(rig, replace(CHALLENGE, kind=kind))
        assert rig.twilio.calls[0][1]["ValidityPeriod"] == "600"


@pytest.mark.parametrize("kind", [NoticeKind.TOAST, NoticeKind.CARD])
async def test_nothing_is_sent_for_what_a_phone_cannot_change(kind: NoticeKind) -> None:
    async with sms_rig() as rig:
        notice = replace(REPLY, kind=kind)
        assert await deliver(rig, notice) == Handed()
        assert await rig.channel.look_back(ANN, notice, rig.since()) is Arrival.NOT_THERE
        assert rig.twilio.calls == []


async def test_a_long_text_is_one_segment_that_says_how_to_read_on() -> None:
    async with sms_rig() as rig:
        notice = replace(REPLY, text="\u201cfailed\u201d test_x " * 40, run_handle="R7")
        await deliver(rig, notice)
        text = only_text(rig)
        assert text.endswith(f" test_x.. why R7{reference(notice.key)}")
        assert text.startswith('"failed" ')
        cost = septets(text)
        assert cost is not None
        assert cost <= SEGMENT_SEPTETS
        assert next(iter(rig.twilio.texts.values())).document()["num_segments"] == "1"


async def test_a_cut_request_says_that_the_page_decides() -> None:
    async with sms_rig() as rig:
        choices = (Choice("Approve", "ok R7", ChoiceStyle.APPROVE), Choice("Deny", "no R7", ChoiceStyle.DENY))
        request = Notice("a:1", NoticeKind.APPROVAL_REQUEST, "run fix " * 30, run_handle="R7", choices=choices)
        await deliver(rig, request)
        assert only_text(rig).endswith(f".. decide on the page{reference(request.key)}")


async def test_a_repeat_shows_that_it_is_one_and_keeps_the_reference() -> None:
    async with sms_rig() as rig:
        await deliver(rig, repeat=True)
        assert only_text(rig) == f"(repeat) mode operate, nothing waits{reference(REPLY.key)}"


async def test_a_code_is_made_while_sending() -> None:
    async with sms_rig() as rig:
        await deliver(rig, CHALLENGE)
        assert rig.desk.asked == ["confirmation-1"]
        assert only_text(rig) == f"R7: run mutation. Send: OK R7 482913{reference(CHALLENGE.key)}"


async def test_who_has_an_authenticator_is_told_to_use_it() -> None:
    async with sms_rig(desk=CodeDesk(None)) as rig:
        await deliver(rig, CHALLENGE)
        assert "Send: OK R7 <code from your authenticator>" in only_text(rig)


async def test_a_code_is_never_cut_off() -> None:
    async with sms_rig() as rig:
        await deliver(rig, replace(CHALLENGE, text="word " * 40 + "OK R7 {code}"))
        assert only_text(rig).startswith("Code 482913. word ")


async def test_a_challenge_for_nothing_is_never_sent() -> None:
    async with sms_rig() as rig:
        with pytest.raises(Never, match="no confirmation"):
            await deliver(rig, replace(CHALLENGE, subject=None))
        assert rig.twilio.calls == []


@pytest.mark.parametrize("number", ["+4479000000012", "+49170000001", "+42", "0790000001", "+4179000000x", ""])
async def test_a_number_of_another_country_costs_nothing(number: str) -> None:
    async with sms_rig() as rig:
        with pytest.raises(Never, match="country"):
            await deliver(rig, to=number)
        assert rig.twilio.calls == []


@pytest.mark.parametrize(("narrowed", "sent"), [((), True), (("+1500555",), True), (("+49",), False)])
async def test_the_policy_narrows_the_countries_of_the_settings(narrowed: tuple[str, ...], sent: bool) -> None:
    async with sms_rig(narrowed=narrowed) as rig:
        if sent:
            await deliver(rig, to="+15005550010")
        else:
            with pytest.raises(Never, match="country"):
                await deliver(rig, to="+15005550010")
        assert bool(rig.twilio.calls) is sent


@pytest.mark.parametrize("number", ["+15005550001", "+15005550002", "+15005550003", "+15005550009"])
async def test_a_number_that_cannot_be_texted_is_given_up_for_this_person_only(number: str) -> None:
    async with sms_rig() as rig:
        with pytest.raises(Never) as refused:
            await deliver(rig, to=number)
        assert number not in str(refused.value)
        assert (rig.opted_out, rig.pulse.problem) == ([], None)


async def test_who_opted_out_is_reported_and_given_up() -> None:
    async with sms_rig() as rig:
        rig.twilio.opted_out.add(ANN)
        with pytest.raises(Never, match="21610: the person has opted out"):
            await deliver(rig)
        assert rig.opted_out == [ANN]


@pytest.mark.parametrize("number", ["+15005550001", "+15005550007"])
async def test_a_sending_number_that_is_not_ours_breaks_the_channel(number: str) -> None:
    async with sms_rig(replace(SETTINGS, from_number=number)) as rig:
        with pytest.raises(Broken):
            await deliver(rig)
        assert rig.pulse.problem is not None
        assert rig.pulse.problem_since == START


async def test_a_wrong_token_breaks_the_channel_until_a_text_is_taken_again() -> None:
    async with sms_rig() as rig:
        rig.twilio.tokens = ["the-next-token-0123456789"]
        with pytest.raises(Broken, match="401/20003") as refused:
            await deliver(rig)
        with pytest.raises(Broken):
            await rig.channel.look_back(ANN, REPLY, rig.since())
        assert TOKEN not in str(refused.value)
        assert rig.pulse.problem is not None
        rig.twilio.tokens.append(TOKEN)
        await deliver(rig)
        assert rig.pulse.problem is None


async def test_a_full_queue_at_twilio_is_not_final() -> None:
    async with sms_rig(replace(SETTINGS, from_number="+15005550008")) as rig:
        with pytest.raises(NotNow, match="queue"):
            await deliver(rig)


async def test_twilios_wish_to_wait_is_handed_on() -> None:
    async with sms_rig() as rig:
        rig.twilio.faults.add(Fault.TOO_MANY, retry_after_seconds=7)
        with pytest.raises(NotNow) as refused:
            await deliver(rig)
        assert (refused.value.retry_after_seconds, rig.twilio.ledger) == (7, [])


async def test_a_refused_connection_means_that_nothing_was_sent() -> None:
    async with sms_rig() as rig:
        await rig.twilio.close()
        with pytest.raises(NotNow, match="no connection"):
            await deliver(rig)
        with pytest.raises(NotNow):
            await rig.channel.look_back(ANN, REPLY, rig.since())


UNCLEAR = [fault for fault in Fault if fault.took_effect or fault in (Fault.ERROR, Fault.RESET, Fault.OUTAGE)]


@pytest.mark.parametrize("fault", UNCLEAR)
async def test_an_unclear_answer_is_looked_up_and_the_truth_is_found(fault: Fault) -> None:
    async with sms_rig(call_seconds=SOON_SECONDS if fault is Fault.SLOW_AFTER_ACCEPT else 10.0) as rig:
        before = rig.since()
        rig.twilio.faults.add(fault)
        with pytest.raises(MaybeSent):
            await deliver(rig)
        assert len(rig.twilio.ledger) == fault.took_effect
        expected = Arrival.UNDECIDED if fault.took_effect else Arrival.NOT_THERE
        assert await rig.channel.look_back(ANN, REPLY, before) is expected
        for text in rig.twilio.texts.values():
            text.status, text.sent = "delivered", text.created
        expected = Arrival.ARRIVED if fault.took_effect else Arrival.NOT_THERE
        assert await rig.channel.look_back(ANN, REPLY, before) is expected


STATUSES = {
    "accepted": Arrival.UNDECIDED,
    "scheduled": Arrival.UNDECIDED,
    "queued": Arrival.UNDECIDED,
    "sending": Arrival.UNDECIDED,
    "sent": Arrival.ARRIVED,
    "delivered": Arrival.ARRIVED,
    "read": Arrival.ARRIVED,
    "failed": Arrival.FAILED,
    "undelivered": Arrival.FAILED,
    "canceled": Arrival.FAILED,
}


@pytest.mark.parametrize(("status", "arrival"), STATUSES.items())
async def test_a_status_says_what_became_of_a_text(status: str, arrival: Arrival) -> None:
    async with sms_rig() as rig:
        before = rig.since()
        handed = await deliver(rig)
        rig.twilio.texts[str(handed.provider_id)].status = status
        by_reference = await rig.channel.look_back(ANN, REPLY, before)
        by_id = await rig.channel.look_back(ANN, REPLY, rig.since(handed.provider_id))
        assert (by_reference, by_id) == (arrival, arrival)
        assert [operation for operation, _ in rig.twilio.calls[-1:]] == ["FetchMessage"]


async def test_a_message_that_was_deleted_or_has_no_real_id_cannot_be_told() -> None:
    async with sms_rig() as rig:
        assert await rig.channel.look_back(ANN, REPLY, rig.since("SM" + "f" * 32)) is Arrival.CANNOT_TELL
        assert await rig.channel.look_back(ANN, REPLY, rig.since("../Calls")) is Arrival.CANNOT_TELL


async def test_only_this_notice_to_this_number_since_this_try_counts() -> None:
    async with sms_rig() as rig:
        await deliver(rig, replace(REPLY, key="reply:other"))
        await deliver(rig, to="+41790000002")
        await deliver(rig)
        rig.clock.advance(seconds=6)
        assert await rig.channel.look_back(ANN, REPLY, rig.since()) is Arrival.NOT_THERE
        assert await rig.channel.look_back(ANN, REPLY, rig.since(at=START + timedelta(seconds=5))) is Arrival.UNDECIDED


async def test_what_a_person_wrote_is_never_taken_for_what_we_sent() -> None:
    async with sms_rig() as rig:
        handed = await deliver(rig)
        rig.twilio.texts[str(handed.provider_id)].direction = "inbound"
        assert await rig.channel.look_back(ANN, REPLY, rig.since()) is Arrival.NOT_THERE


async def test_a_text_that_left_after_midnight_is_found() -> None:
    async with sms_rig() as rig:
        before = rig.since()
        handed = await deliver(rig)
        text = rig.twilio.texts[str(handed.provider_id)]
        for number in range(40):  # newer ones, so that the newest page without a day does not show it
            await deliver(rig, replace(REPLY, key=f"other:{number}"))
        text.status, text.sent = "sent", text.created + timedelta(hours=11)
        assert await rig.channel.look_back(ANN, REPLY, before) is Arrival.NOT_THERE
        rig.clock.advance(seconds=11 * 3600)
        assert await rig.channel.look_back(ANN, REPLY, before) is Arrival.ARRIVED


async def test_all_pages_are_looked_through() -> None:
    async with sms_rig() as rig:
        before = rig.since()
        await deliver(rig)
        for number in range(70):
            await deliver(rig, replace(REPLY, key=f"other:{number}"))
        for text in rig.twilio.texts.values():
            text.status, text.sent = "delivered", text.created
        assert await rig.channel.look_back(ANN, REPLY, before) is Arrival.ARRIVED


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.RESET, Fault.TOO_MANY, Fault.HUGE_BODY_AFTER_ACCEPT])
async def test_a_look_back_that_fails_is_tried_later(fault: Fault) -> None:
    async with sms_rig() as rig:
        rig.twilio.faults.always(fault)
        with pytest.raises(NotNow):
            await rig.channel.look_back(ANN, REPLY, rig.since())


async def test_no_failure_shows_the_token() -> None:
    header = base64.b64encode(f"{SETTINGS.account_sid}:{TOKEN}".encode()).decode()
    for fault in UNCLEAR:
        async with sms_rig(call_seconds=SOON_SECONDS) as rig:
            rig.twilio.faults.add(fault)
            with pytest.raises(DeliveryError) as failed:
                await deliver(rig)
            shown = f"{failed.value!r} {failed.value.__cause__!r} {rig.channel!r}"
            assert not [secret for secret in (TOKEN, header, ANN) if secret in shown]
