"""Twilio's webhooks over real sockets: what is answered, what is recorded, and what forgers learn."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from channels.port import Handed
from channels.sms_settings import INBOUND_PATH, STATUS_PATH
from channels.sms_status import SmsStatus
from domain.messages import Inbound
from domain.notices import DeliveryState
from tests.channels.sms_rig import ANN, REPLY, SETTINGS, SmsRig, sms_rig
from tests.fakes.providers.fault_middleware import Served
from tests.fakes.providers.twilio import Answer, Forgery
from tests.fakes.virtual_time import START, VirtualTime
from web.bodies import MAX_BODY_BYTES
from web.hooks import twilio as hooks
from web.hooks.failures import MAX_REMOTES, Failures
from web.hooks.parts import HOOKS, Hooks, SmsHook

EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response />'
TAKEN = Answer(200, "text/xml", EMPTY)


@dataclass
class Desk:
    """What the bot behind the hooks got."""

    clock: VirtualTime
    records: bool = True
    received: list[Inbound] = field(default_factory=list)
    statuses: list[SmsStatus] = field(default_factory=list)
    refusals: list[tuple[str, str, str | None]] = field(default_factory=list)

    async def receive(self, message: Inbound) -> bool:
        self.received.append(message)
        return self.records

    async def note_status(self, status: SmsStatus) -> None:
        self.statuses.append(status)

    async def refused(self, channel: str, reason: str, masked: str | None) -> None:
        self.refusals.append((channel, reason, masked))


@asynccontextmanager
async def served(sms: SmsHook | None) -> AsyncIterator[str]:
    app = web.Application()
    app[HOOKS] = Hooks(sms=sms)
    app.router.add_post(INBOUND_PATH, hooks.inbound)
    app.router.add_post(STATUS_PATH, hooks.status)
    server = Served(app)
    await server.start()
    try:
        yield server.url
    finally:
        await server.stop()


@asynccontextmanager
async def world() -> AsyncIterator[tuple[SmsRig, Desk]]:
    async with sms_rig() as rig:
        desk = Desk(rig.clock)
        async with served(SmsHook(SETTINGS, desk.receive, desk.note_status, desk.refused, desk.clock)) as url:
            rig.twilio.connect(url)
            yield rig, desk


async def test_a_signed_text_is_received_and_answered_with_no_words() -> None:
    async with world() as (rig, desk):
        assert await rig.twilio.text(ANN, "status of main & more: é+%\n") == TAKEN
        (message,) = desk.received
        assert (message.sender.value, message.text) == (ANN, "status of main & more: é+%\n")
        assert (message.received_at, desk.refusals) == (START, [])


async def test_a_retry_is_the_same_message() -> None:
    async with world() as (rig, desk):
        await rig.twilio.text(ANN, "status")
        assert await rig.twilio.text_again(ANN) == TAKEN
        assert desk.received[0].message_id == desk.received[1].message_id


async def test_twilio_is_asked_to_try_again_while_nothing_can_be_recorded() -> None:
    async with world() as (rig, desk):
        desk.records = False
        assert (await rig.twilio.text(ANN, "halt")).status == 503


@pytest.mark.parametrize("forgery", Forgery)
async def test_a_forgery_learns_nothing_and_is_written_down(forgery: Forgery) -> None:
    async with world() as (rig, desk):
        answer = await rig.twilio.attack(forgery, ANN, "halt")
        assert (answer.status, answer.text) == (403, "")
        assert desk.received == []
        ((channel, reason, masked),) = desk.refusals
        assert (channel, masked) == ("sms", None)
        assert "signature" in reason or reason == "signed by another algorithm"


@pytest.mark.parametrize(("more", "reason"), [({"Body": "halt\x00"}, "text"), ({"NumMedia": "1"}, "media")])
async def test_a_real_text_that_is_not_taken_is_not_sent_again(more: dict[str, str], reason: str) -> None:
    async with world() as (rig, desk):
        assert await rig.twilio.text(ANN, "halt", **more) == TAKEN
        assert (desk.received, desk.refusals) == ([], [("sms", reason, "sms:…0001")])


async def test_a_flood_of_forgeries_is_written_down_thirty_times_a_minute_and_shuts_nobody_out() -> None:
    async with world() as (rig, desk):
        statuses = [(await rig.twilio.attack(Forgery.UNSIGNED, ANN, "halt")).status for _ in range(33)]
        assert statuses == [403] * 30 + [429] * 3
        assert len(desk.refusals) == 30
        assert await rig.twilio.text(ANN, "halt") == TAKEN
        desk.clock.advance(seconds=60)
        assert (await rig.twilio.attack(Forgery.UNSIGNED, ANN, "halt")).status == 403
        assert len(desk.refusals) == 31


async def test_reports_of_what_became_of_a_text_come_through_in_any_order() -> None:
    async with world() as (rig, desk):
        handed = await rig.channel.deliver(ANN, REPLY, repeat=False)
        assert isinstance(handed, Handed)
        sid = str(handed.provider_id)
        answers = await rig.twilio.report(sid, "sending", "sent", "delivered", chance=random.Random(1))
        assert answers == [TAKEN] * 6
        best = max(desk.statuses, key=lambda status: status.rank)
        assert (best.sid, best.state) == (sid, DeliveryState.DELIVERED)


async def test_a_forged_report_is_refused() -> None:
    async with world() as (rig, desk):
        form = {"MessageSid": "SM" + "a" * 32, "MessageStatus": "delivered", "AccountSid": SETTINGS.account_sid}
        answer = await rig.twilio.post(STATUS_PATH, form, "A" * 28)
        assert (answer.status, answer.text, desk.statuses) == (403, "", [])
        assert desk.refusals == [("sms", "wrong signature", None)]


@pytest.mark.parametrize("path", [INBOUND_PATH, STATUS_PATH])
async def test_without_sms_there_is_no_hook(path: str) -> None:
    async with served(None) as url, aiohttp.ClientSession() as session, session.post(url + path) as response:
        assert response.status == 404


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"a=" + b"x" * MAX_BODY_BYTES, "application/x-www-form-urlencoded", 413),
        (b"a", "application/x-www-form-urlencoded", 400),
        (b"a=%ff", "application/x-www-form-urlencoded", 400),
        ("a=é".encode(), "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a%d=1" % number for number in range(101)), "application/x-www-form-urlencoded", 400),
    ],
)
async def test_what_is_no_form_is_not_read(body: bytes, content_type: str, status: int) -> None:
    desk = Desk(VirtualTime())
    hook = SmsHook(SETTINGS, desk.receive, desk.note_status, desk.refused, desk.clock)
    async with served(hook) as url, aiohttp.ClientSession() as session:
        headers = {"Content-Type": content_type, "X-Twilio-Signature": "x"}
        async with session.post(url + INBOUND_PATH, data=body, headers=headers) as response:
            assert response.status == status


async def test_a_form_that_does_not_say_how_long_it_is_is_not_read() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"a=1"

    desk = Desk(VirtualTime())
    hook = SmsHook(SETTINGS, desk.receive, desk.note_status, desk.refused, desk.clock)
    async with served(hook) as url, aiohttp.ClientSession() as session:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        async with session.post(url + INBOUND_PATH, data=pieces(), headers=headers) as response:
            assert response.status == 413


def test_failures_are_counted_per_remote_and_the_oldest_remote_is_forgotten() -> None:
    failures = Failures()
    for _ in range(30):
        assert not failures.note("192.0.2.1", START)
    assert failures.note("192.0.2.1", START)
    assert not failures.note("192.0.2.2", START)
    for number in range(MAX_REMOTES):
        failures.note(f"remote {number}", START)
    assert not failures.note("192.0.2.1", START)
