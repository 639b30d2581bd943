"""A server that answers as Twilio never would, or somebody in its place: nothing is believed that cannot be read."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from channels.calls import Caller
from channels.marks import reference
from channels.port import Arrival, Broken, DeliveryError, Earlier, MaybeSent, Never, NotNow
from channels.pulse import Pulse
from channels.sms import SmsChannel, SmsParts
from channels.sms_history import MAX_PAGES, TRIES
from tests.channels.sms_rig import ANN, REPLY, SETTINGS, CodeDesk
from tests.fakes.providers.fault_middleware import Served
from tests.fakes.virtual_time import START, VirtualTime

SENT = {"direction": "outbound-api", "status": "sent", "date_created": "Sun, 22 Nov 2026 14:00:00 +0000"}
SENT["body"] = f"hello{reference(REPLY.key)}"


class StrangeTwilio:
    """Answers everything with one document, and counts."""

    def __init__(self, status: int, body: str) -> None:
        self.status, self.body = status, body
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path_qs)
        return web.Response(status=self.status, text=self.body, headers={"Location": "https://elsewhere.example/"})


@asynccontextmanager
async def facing(status: int, document: Any) -> AsyncIterator[tuple[SmsChannel, StrangeTwilio]]:
    strange = StrangeTwilio(status, document if isinstance(document, str) else json.dumps(document))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", strange.answer)
    server = Served(app)
    await server.start()

    async def nobody_opts_out(number: str) -> None:
        raise AssertionError(number)

    try:
        async with aiohttp.ClientSession() as session:
            parts = SmsParts(Caller(session), CodeDesk(), VirtualTime(), Pulse("sms"), nobody_opts_out)
            yield SmsChannel(replace(SETTINGS, api_base=server.url), parts), strange
    finally:
        await server.stop()


@pytest.mark.parametrize(
    ("status", "document", "failure"),
    [
        (201, "", MaybeSent),
        (201, [], MaybeSent),
        (201, {"sid": 7}, MaybeSent),
        (201, {"sid": "SM1"}, MaybeSent),
        (204, "", MaybeSent),
        (302, "", Broken),
        (400, "", Never),
        (400, {"code": "21610"}, Never),
        (400, {"code": 30034}, Broken),
        (401, "<html>", Broken),
        (403, {"code": 1}, Broken),
        (404, "", Broken),
        (429, "", NotNow),
        (500, {"code": 20500}, MaybeSent),
    ],
)
async def test_an_answer_to_a_text_is_taken_for_no_more_than_it_says(
    status: int, document: Any, failure: type[DeliveryError]
) -> None:
    async with facing(status, document) as (channel, strange):
        with pytest.raises(failure) as failed:
            await channel.deliver(ANN, REPLY, repeat=False)
        assert type(failed.value) is failure
        assert len(strange.asked) == 1


@pytest.mark.parametrize(
    ("status", "document", "failure"),
    [
        (200, "", NotNow),
        (200, {"messages": "none"}, NotNow),
        (200, {"messages": [], "next_page_uri": "https://elsewhere.example/"}, NotNow),
        (200, {"messages": [], "next_page_uri": 7}, NotNow),
        (302, "", Broken),
        (400, {"code": 21211}, NotNow),
        (404, "", Broken),
        (500, "", NotNow),
    ],
)
async def test_a_list_that_cannot_be_read_says_nothing_of_what_was_sent(
    status: int, document: Any, failure: type[DeliveryError]
) -> None:
    async with facing(status, document) as (channel, strange):
        with pytest.raises(failure):
            await channel.look_back(ANN, REPLY, Earlier(START, None))
        garbled = (status, document) in [(200, ""), (500, "")]  # may be better a moment later; a clear no is not
        assert len(strange.asked) == (TRIES if garbled else 1)


async def test_a_list_without_end_is_left() -> None:
    async with facing(200, {"messages": [], "next_page_uri": "/again"}) as (channel, strange):
        with pytest.raises(NotNow, match="over 20 pages"):
            await channel.look_back(ANN, REPLY, Earlier(START, None))
        assert len(strange.asked) == MAX_PAGES


@pytest.mark.parametrize(
    ("change", "arrival"),
    [
        ({}, Arrival.ARRIVED),
        ({"date_created": None}, Arrival.NOT_THERE),
        ({"date_created": "yesterday"}, Arrival.NOT_THERE),
        ({"date_created": "Sun, 22 Nov 2026 14:00:00 -0000"}, Arrival.ARRIVED),
        ({"direction": None}, Arrival.NOT_THERE),
        ({"body": None}, Arrival.NOT_THERE),
        ({"status": "partially_delivered"}, Arrival.UNDECIDED),
    ],
)
async def test_only_a_message_that_can_be_told_to_be_ours_counts(change: dict[str, object], arrival: Arrival) -> None:
    page = {"messages": ["strange", {**SENT, **change}], "next_page_uri": None}
    async with facing(200, page) as (channel, _):
        assert await channel.look_back(ANN, REPLY, Earlier(START, None)) is arrival
