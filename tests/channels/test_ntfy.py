"""Notices through a real server on loopback: what phones show, what can go wrong, and what looking back finds."""

from datetime import timedelta

import pytest
from aiohttp import web

from channels.ntfy_server import NtfyServer
from channels.port import Arrival, Broken, DeliveryError, Earlier, Handed, MaybeSent, Never, NotNow
from domain.notices import Choice, ChoiceStyle, Notice, NoticeKind, Urgency
from tests.fakes.ntfy_rig import BOT_TOKEN, PHONE_TOKEN, NtfyRig, ntfy_rig
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.ntfy_rules import Version

APPROVE = Choice("Approve", "ok 3K", ChoiceStyle.APPROVE)
DENY = Choice("Deny", "no 3K", ChoiceStyle.DENY)
NEW, OLD = (2, 17), (2, 13)
BOTH = pytest.mark.parametrize("version", [NEW, OLD])


def notice(kind: NoticeKind = NoticeKind.FINAL, text: str = "done", **fields: object) -> Notice:
    return Notice(**{"key": f"RUN:{kind.value}:1", "kind": kind, "text": text, **fields})  # type: ignore[arg-type]


def request_of(*choices: Choice, text: str = "3K: may it run?") -> Notice:
    return notice(NoticeKind.APPROVAL_REQUEST, text, subject="APPROVAL", choices=choices, urgency=Urgency.HIGH)


def earlier(rig: NtfyRig) -> Earlier:
    return Earlier(rig.clock.now(), None)


async def test_a_notice_is_shown_with_title_tag_priority_and_a_way_to_the_page() -> None:
    async with ntfy_rig() as rig:
        told = notice(text="Passed.\nAll well.", run_handle="M7", repository="acme/shop", urgency=Urgency.HIGH)
        handed = await rig.channel.deliver("ops", told, repeat=False)
        shown = rig.ntfy.notifications("ops")[0]
        assert (shown.title, shown.message) == ("Run finished · M7 · acme/shop", "Passed.\nAll well.")
        assert (shown.priority, shown.tags, shown.actions) == (5, ("checkered_flag",), ())
        assert shown.click == "https://reins.example"
        assert handed == Handed(provider_id=shown.key)
        assert rig.pulse.last_accepted == rig.clock.now()


@pytest.mark.parametrize(("urgency", "priority"), [(Urgency.LOW, 2), (Urgency.NORMAL, 3), (Urgency.HIGH, 5)])
async def test_urgency_decides_the_priority(urgency: Urgency, priority: int) -> None:
    async with ntfy_rig() as rig:
        await rig.channel.deliver("ops", notice(NoticeKind.ALARM, urgency=urgency), repeat=False)
        assert rig.ntfy.notifications("ops")[0].priority == priority


async def test_a_reply_rings_no_alarm() -> None:
    async with ntfy_rig() as rig:
        await rig.channel.deliver("ops", notice(NoticeKind.REPLY, urgency=Urgency.HIGH), repeat=False)
        assert rig.ntfy.notifications("ops")[0].priority == 3


@BOTH
async def test_a_repeat_is_marked_and_replaces_the_first_where_the_server_can(version: Version) -> None:
    async with ntfy_rig(version=version) as rig:
        await rig.channel.deliver("ops", notice(), repeat=False)
        await rig.channel.deliver("ops", notice(), repeat=True)
        texts = [one.message.partition(" #")[0] for one in rig.ntfy.notifications("ops")]
        assert texts == (["(repeat) done"] if version == NEW else ["done", "(repeat) done"])


async def test_two_notices_never_replace_each_other() -> None:
    async with ntfy_rig() as rig:
        await rig.channel.deliver("ops", notice(key="a"), repeat=False)
        await rig.channel.deliver("ops", notice(key="b"), repeat=False)
        assert len(rig.ntfy.notifications("ops")) == 2


async def test_whether_a_server_can_replace_is_asked_once() -> None:
    async with ntfy_rig() as rig:
        for key in ("a", "b"):
            await rig.channel.deliver("ops", notice(key=key), repeat=False)
        assert rig.ntfy.requests == ["PUT /ops/reins-probe/clear", "POST /", "POST /"]


@BOTH
async def test_a_run_has_one_card_where_the_server_can_replace(version: Version) -> None:
    async with ntfy_rig(version=version) as rig:
        start = notice(NoticeKind.ATTEMPT_START, "started", subject="RUN")
        done = notice(NoticeKind.ATTEMPT_DONE, "80 %", subject="RUN")
        cards = [(await rig.channel.deliver("ops", one, repeat=False)).provider_id for one in (start, done)]
        await rig.channel.deliver("ops", notice(subject="RUN"), repeat=False)
        texts = [one.message.partition(" #")[0] for one in rig.ntfy.notifications("ops")]
        assert texts == (["80 %", "done"] if version == NEW else ["started", "80 %", "done"])
        assert (cards[0] == cards[1]) is (version == NEW)


async def test_a_card_is_brought_up_to_date_quietly_and_loses_its_buttons() -> None:
    async with ntfy_rig() as rig:
        handed = await rig.channel.deliver("ops", request_of(APPROVE, DENY), repeat=False)
        assert handed.provider_id is not None
        rig.desk.cards["ntfy:ops", "APPROVAL"] = handed.provider_id
        card = notice(NoticeKind.CARD, "Approved by vic", subject="APPROVAL", choices=(DENY,), urgency=Urgency.HIGH)
        assert await rig.channel.deliver("ops", card, repeat=False) == Handed(handed.provider_id)
        shown = rig.ntfy.notifications("ops")
        assert [(one.message, one.labels, one.priority) for one in shown] == [("Approved by vic", [], 2)]


@BOTH
@pytest.mark.parametrize("subject", ["APPROVAL", None])
async def test_a_card_that_is_shown_nowhere_is_done_without_a_message(version: Version, subject: str | None) -> None:
    async with ntfy_rig(version=version) as rig:
        card = notice(NoticeKind.CARD, "Approved", subject=subject)
        assert await rig.channel.deliver("ops", card, repeat=False) == Handed()
        assert rig.ntfy.ledger == []


async def test_an_old_server_keeps_a_card_as_it_was() -> None:
    async with ntfy_rig(version=OLD) as rig:
        rig.desk.cards["ntfy:ops", "APPROVAL"] = "abcdefghijkl"
        card = notice(NoticeKind.CARD, "Approved", subject="APPROVAL")
        assert await rig.channel.deliver("ops", card, repeat=False) == Handed()
        assert rig.ntfy.ledger == []


async def test_only_the_tokens_that_were_sent_come_back() -> None:
    async with ntfy_rig() as rig:
        numbers = [Choice(str(n), f"ok 3K {n}", ChoiceStyle.APPROVE) for n in (17, 42, 58, 93)]
        handed = await rig.channel.deliver("ops", request_of(*numbers, DENY), repeat=False)
        shown = rig.ntfy.notifications("ops")[0]
        assert shown.labels == ["Deny", "Open"]
        assert handed.tokens == (f"0001{4:028x}",)
        assert handed.tokens[0] in shown.actions[0]["body"]


async def test_a_message_without_choices_mints_nothing() -> None:
    async with ntfy_rig() as rig:
        assert (await rig.channel.deliver("ops", notice(), repeat=False)).tokens == ()
        assert rig.desk.minted == []


async def test_a_press_is_answered_over_http_in_hook_mode_and_by_a_quiet_message_in_topic_mode() -> None:
    toast = notice(NoticeKind.TOAST, "Approved. It runs.", urgency=Urgency.HIGH, acknowledges="press")
    async with ntfy_rig(actions="hook") as rig:
        assert await rig.channel.deliver("ops", toast, repeat=False) == Handed()
        assert rig.ntfy.ledger == []
    async with ntfy_rig(actions="topic") as rig:
        await rig.channel.deliver("ops", toast, repeat=False)
        shown = rig.ntfy.notifications("ops")
        assert [(one.message, one.priority) for one in shown] == [("Approved. It runs.", 2)]


async def test_a_code_is_never_published_and_an_authenticator_may_be_asked_for() -> None:
    asked = notice(NoticeKind.CHALLENGE, "Reply: ok 3K {code}", subject="CONFIRMATION")
    async with ntfy_rig() as rig:
        rig.desk.the_code = "123456"
        with pytest.raises(Never, match="codes are not sent by ntfy"):
            await rig.channel.deliver("ops", asked, repeat=False)
        assert rig.ntfy.requests == []
        rig.desk.the_code = None
        await rig.channel.deliver("ops", asked, repeat=False)
        assert rig.ntfy.notifications("ops")[0].message == "Reply: ok 3K <code from your authenticator>"
        with pytest.raises(Never):
            await rig.channel.deliver("ops", notice(NoticeKind.CHALLENGE), repeat=False)


async def test_an_address_that_is_no_topic_is_refused_before_any_request() -> None:
    async with ntfy_rig() as rig:
        for value in ("", "a b", "../v1", "x" * 61):
            with pytest.raises(Never, match="at most 60 letters"):
                await rig.channel.deliver(value, notice(), repeat=False)
        assert rig.ntfy.requests == []


@BOTH
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.ACCEPT_THEN_DROP, MaybeSent),
        (Fault.ERROR_AFTER_ACCEPT, MaybeSent),
        (Fault.BAD_JSON_AFTER_ACCEPT, MaybeSent),
        (Fault.HUGE_BODY_AFTER_ACCEPT, MaybeSent),
        (Fault.ERROR, MaybeSent),
        (Fault.RESET, MaybeSent),
        (Fault.TOO_MANY, NotNow),
    ],
)
async def test_a_fault_is_told_and_looking_back_finds_what_happened(
    version: Version, fault: Fault, error: type[DeliveryError]
) -> None:
    async with ntfy_rig(version=version) as rig:
        rig.ntfy.faults.skip()  # the question whether it can replace
        rig.ntfy.faults.add(fault, retry_after_seconds=9)
        with pytest.raises(error) as caught:
            await rig.channel.deliver("ops", notice(), repeat=False)
        assert BOT_TOKEN not in str(caught.value)
        if isinstance(caught.value, NotNow):
            assert caught.value.retry_after_seconds == 5, "ntfy does not say how long"
        arrival = await rig.channel.look_back("ops", notice(), earlier(rig))
        assert arrival is (Arrival.ARRIVED if fault.took_effect else Arrival.NOT_THERE)
        assert len(rig.ntfy.ledger) == int(fault.took_effect)
        assert rig.pulse.last_accepted is None


async def test_an_answer_that_never_comes_is_unclear() -> None:
    async with ntfy_rig() as rig:
        channel = rig.new_channel(rig.new_server(timeout_seconds=0.5))
        await rig.server.replaces("ops")
        rig.ntfy.faults.skip()
        rig.ntfy.faults.add(Fault.SLOW_AFTER_ACCEPT)
        with pytest.raises(MaybeSent):
            await channel.deliver("ops", notice(), repeat=False)
        assert await rig.channel.look_back("ops", notice(), earlier(rig)) is Arrival.ARRIVED


async def test_a_server_that_is_not_there_took_nothing() -> None:
    async with ntfy_rig() as rig:
        nowhere = rig.new_channel(NtfyServer(rig.http, "http://127.0.0.1:1", BOT_TOKEN))
        with pytest.raises(NotNow, match="cannot be reached"):
            await nowhere.deliver("ops", notice(), repeat=False)


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.OUTAGE, Fault.TOO_MANY])
async def test_while_the_first_question_fails_nothing_is_sent(fault: Fault) -> None:
    async with ntfy_rig() as rig:
        rig.ntfy.faults.always(fault)
        with pytest.raises(NotNow):
            await rig.channel.deliver("ops", notice(), repeat=False)
        assert rig.ntfy.ledger == []
        rig.ntfy.faults.clear()
        await rig.channel.deliver("ops", notice(), repeat=False)
        assert len(rig.ntfy.ledger) == 1


async def test_a_refused_token_or_topic_is_a_broken_channel_until_it_works_again() -> None:
    async with ntfy_rig() as rig:
        wrong = rig.new_channel(rig.new_server(token="tk_wrong"))
        with pytest.raises(Broken, match=r"401 \(code 40101\)"):
            await wrong.deliver("ops", notice(), repeat=False)
        with pytest.raises(Broken, match=r"403 \(code 40301\)"):
            await rig.channel.deliver("elsewhere", notice(), repeat=False)
        assert rig.pulse.problem is not None
        assert rig.pulse.problem_since == rig.clock.now()
        await rig.channel.deliver("ops", notice(), repeat=False)
        assert rig.pulse.problem is None


async def test_what_the_server_will_not_take_is_never_sent_again() -> None:
    async with ntfy_rig() as rig:
        with pytest.raises(Never, match="40010"):
            await rig.server.publish({"topic": "settings"})
        with pytest.raises(Never, match="41303"):
            await rig.server.publish({"topic": "ops", "message": "m" * 9000})


@pytest.mark.parametrize("status", [301, 307, 404, 405, 410])
async def test_an_address_that_is_no_ntfy_server_is_a_broken_channel(status: int) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text="a proxy's page", headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with ntfy_rig() as rig:
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server = NtfyServer(rig.http, f"http://127.0.0.1:{runner.addresses[0][1]}", BOT_TOKEN)
        try:
            with pytest.raises(Broken, match=f"ntfy answered {status}"):
                await server.replaces("ops")
            with pytest.raises(Broken, match=f"ntfy answered {status}"):
                await server.publish({"topic": "ops"})
            with pytest.raises(Broken):
                await server.messages_since("ops", 0)
            with pytest.raises(Broken):
                await server.may_read("ops")
        finally:
            await runner.cleanup()


@BOTH
async def test_what_arrived_with_buttons_is_sent_again_because_their_tokens_are_lost(version: Version) -> None:
    async with ntfy_rig(version=version) as rig:
        asked = request_of(APPROVE, DENY)
        await rig.channel.deliver("ops", asked, repeat=False)
        expected = Arrival.NOT_THERE if version == NEW else Arrival.CANNOT_TELL
        assert await rig.channel.look_back("ops", asked, earlier(rig)) is expected


async def test_an_earlier_state_of_a_card_is_not_taken_for_the_new_one() -> None:
    async with ntfy_rig() as rig:
        await rig.channel.deliver("ops", notice(NoticeKind.ATTEMPT_START, subject="RUN"), repeat=False)
        later = notice(NoticeKind.ATTEMPT_DONE, subject="RUN")
        assert await rig.channel.look_back("ops", later, earlier(rig)) is Arrival.NOT_THERE


@BOTH
async def test_a_topic_we_may_not_read_tells_nothing(version: Version) -> None:
    async with ntfy_rig(version=version, bot_reads_out=False) as rig:
        await rig.channel.deliver("ops", notice(), repeat=False)
        expected = Arrival.NOT_THERE if version == NEW else Arrival.CANNOT_TELL
        assert await rig.channel.look_back("ops", notice(), earlier(rig)) is expected


async def test_more_than_can_be_read_back_tells_nothing() -> None:
    async with ntfy_rig(version=OLD) as rig:
        for number in range(30):
            await rig.channel.deliver("ops", notice(key=str(number), text="x" * 2900), repeat=False)
        assert await rig.channel.look_back("ops", notice(key="0"), earlier(rig)) is Arrival.CANNOT_TELL


@BOTH
async def test_looking_back_finds_only_its_own_notice_and_not_what_is_older(version: Version) -> None:
    async with ntfy_rig(version=version) as rig:
        await rig.channel.deliver("ops", notice(key="mine"), repeat=False)
        assert await rig.channel.look_back("ops", notice(key="other"), earlier(rig)) is Arrival.NOT_THERE
        rig.clock.advance(5)
        assert await rig.channel.look_back("ops", notice(key="mine"), earlier(rig)) is Arrival.ARRIVED
        rig.clock.advance(1)
        assert await rig.channel.look_back("ops", notice(key="mine"), earlier(rig)) is Arrival.NOT_THERE


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.TOO_MANY, Fault.OUTAGE, Fault.BAD_JSON_AFTER_ACCEPT])
async def test_while_the_server_cannot_be_asked_the_answer_waits(fault: Fault) -> None:
    async with ntfy_rig() as rig:
        await rig.channel.deliver("ops", notice(), repeat=False)
        rig.ntfy.faults.always(fault)
        with pytest.raises(NotNow):
            await rig.channel.look_back("ops", notice(), Earlier(rig.clock.now() - timedelta(hours=1), None))


async def test_no_secret_is_shown_with_the_settings() -> None:
    async with ntfy_rig() as rig:
        assert BOT_TOKEN not in repr(rig.settings)
        assert PHONE_TOKEN not in repr(rig.settings)
