"""The fake Twilio behaves as Twilio is described to, so that what passes against it means something."""

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from tests.fakes.providers.conformance import NotConformant, conformance_for
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.twilio import ACCOUNT, NUMBER, TOKEN, FakeTwilio, Forgery
from tests.fakes.providers.twilio_rules import sign
from tests.fakes.virtual_time import VirtualTime

ANN = "+41790000001"
SEND = {"To": ANN, "From": NUMBER, "Body": "hi #ABCD", "StatusCallback": "https://reins.example/hooks/twilio/status"}


class Client:
    """Calls the fake's API by hand, as the bot would."""

    def __init__(self, twilio: FakeTwilio, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._base = f"{twilio.url}/2010-04-01/Accounts/{ACCOUNT}/Messages"
        self.headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, TOKEN)}

    async def send(self, **change: str) -> tuple[int, dict[str, object]]:
        async with self._session.post(f"{self._base}.json", data=SEND | change, headers=self.headers) as response:
            return response.status, await response.json()

    async def get(self, path: str = ".json", query: Mapping[str, str] | None = None) -> dict[str, object]:
        async with self._session.get(self._base + path, params=query, headers=self.headers) as response:
            answer: dict[str, object] = await response.json()
            return answer


@asynccontextmanager
async def world() -> AsyncIterator[tuple[FakeTwilio, Client]]:
    async with FakeTwilio(VirtualTime()) as twilio, aiohttp.ClientSession() as session:
        yield twilio, Client(twilio, session)


@asynccontextmanager
async def a_bot(posted: list[tuple[str, dict[str, str], str | None]]) -> AsyncIterator[str]:
    """Serve what notes every webhook."""

    async def note(request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        posted.append((request.path, form, request.headers.get("X-Twilio-Signature")))
        return web.Response(text="<Response />", content_type="text/xml")

    app = web.Application()
    app.router.add_post("/{path:.*}", note)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield "http://{}:{}".format(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()


async def test_a_text_is_taken_queued_and_found_by_its_id() -> None:
    async with world() as (twilio, client):
        status, sent = await client.send()
        assert (status, sent["status"], sent["num_segments"], sent["date_sent"]) == (201, "queued", "1", None)
        assert sent["date_created"] == "Sun, 22 Nov 2026 14:00:00 +0000"
        assert await client.get(f"/{sent['sid']}.json") == sent
        assert twilio.ledger.texts(ANN) == ["hi #ABCD"]
        assert (await client.get("/SM" + "f" * 32 + ".json"))["code"] == 20404


async def test_who_does_not_prove_whose_they_are_gets_401() -> None:
    async with world() as (twilio, client):
        client.headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, "another")}
        status, refused = await client.send()
        assert (status, refused["code"], twilio.ledger) == (401, 20003, [])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"To": "+15005550001"}, 21211),
        ({"To": "+15005550002"}, 21612),
        ({"To": "+15005550003"}, 21408),
        ({"To": "+15005550004"}, 21610),
        ({"To": "+15005550009"}, 21614),
        ({"From": "+15005550001"}, 21212),
        ({"From": "+15005550007"}, 21606),
        ({"From": "+15005550008"}, 21611),
        ({"From": ""}, 21603),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
    ],
)
async def test_twilios_test_numbers_and_bad_texts_are_refused(change: dict[str, str], code: int) -> None:
    async with world() as (twilio, client):
        status, refused = await client.send(**change)
        assert (status, refused["status"], refused["code"], twilio.ledger) == (400, 400, code, [])


async def test_who_texts_stop_is_not_texted_until_they_text_start() -> None:
    posted: list[tuple[str, dict[str, str], str | None]] = []
    async with world() as (twilio, client), a_bot(posted) as url:
        twilio.connect(url)
        await twilio.text(ANN, " Stop ")
        assert (await client.send())[1]["code"] == 21610
        await twilio.text(ANN, "start")
        assert (await client.send())[0] == 201
        assert [form["Body"] for _, form, _ in posted] == [" Stop ", "start"]


async def test_the_list_is_filtered_and_paged_newest_first() -> None:
    async with world() as (twilio, client):
        for number in range(5):
            await client.send(Body=f"text {number}")
        await client.send(To="+41790000002")
        for text in twilio.texts.values():
            text.sent = text.created
        page = await client.get(query={"To": ANN, "DateSent": "2026-11-22", "PageSize": "2"})
        bodies, uris = [], 0
        while True:
            messages = page["messages"]
            assert isinstance(messages, list)
            bodies += [message["body"] for message in messages]
            if page["next_page_uri"] is None:
                break
            uris += 1
            page = await client.get(str(page["next_page_uri"]).rpartition("/Messages")[2])
        assert (bodies, uris) == ([f"text {number}" for number in (4, 3, 2, 1, 0)], 2)
        assert (await client.get(query={"To": ANN, "DateSent": "2026-11-23"}))["messages"] == []


async def test_what_was_not_sent_yet_is_listed_under_no_day() -> None:
    async with world() as (_twilio, client):
        await client.send()
        assert (await client.get(query={"DateSent": "2026-11-22"}))["messages"] == []
        listed = (await client.get(query={"To": ANN}))["messages"]
        assert isinstance(listed, list)
        assert len(listed) == 1


async def test_a_text_arrives_signed_and_its_retry_is_the_same() -> None:
    posted: list[tuple[str, dict[str, str], str | None]] = []
    async with world() as (twilio, _client), a_bot(posted) as url:
        twilio.connect(url)
        assert (await twilio.text(ANN, "status", FromCity="BERN")).status == 200
        await twilio.text_again(ANN)
        (path, form, signature), again = posted
        assert again == (path, form, signature)
        assert (form["From"], form["Body"], form["FromCity"], form["ToCity"]) == (ANN, "status", "BERN", "")
        assert signature == sign(TOKEN, f"https://reins.example{path}", form)


@pytest.mark.parametrize("forgery", Forgery)
async def test_each_forgery_differs_from_what_twilio_would_post(forgery: Forgery) -> None:
    posted: list[tuple[str, dict[str, str], str | None]] = []
    async with world() as (twilio, _client), a_bot(posted) as url:
        twilio.connect(url)
        await twilio.attack(forgery, ANN, "halt")
        path, form, signature = posted[0]
        rightly_signed = signature == sign(TOKEN, f"https://reins.example{path}", form)
        assert rightly_signed is (forgery is Forgery.OTHER_ALGORITHM)


async def test_reports_are_signed_shuffled_and_repeated_on_demand() -> None:
    posted: list[tuple[str, dict[str, str], str | None]] = []
    async with world() as (twilio, client), a_bot(posted) as url:
        twilio.connect(url)
        sid = str((await client.send())[1]["sid"])
        await twilio.report(sid, "sent", "undelivered", error_code=30003, chance=random.Random(4))
        statuses = [form["MessageStatus"] for _, form, _ in posted]
        assert len(statuses) == 4
        assert set(statuses) == {"sent", "undelivered"}
        assert statuses != sorted(statuses)
        assert all(signature == sign(TOKEN, SEND["StatusCallback"], form) for _, form, signature in posted)
        assert {form.get("ErrorCode") for _, form, _ in posted if form["MessageStatus"] == "undelivered"} == {"30003"}
        assert (await client.get(f"/{sid}.json"))["error_code"] == 30003


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.SLOW_AFTER_ACCEPT])
async def test_a_fault_takes_effect_exactly_where_it_says_so(fault: Fault) -> None:
    async with world() as (twilio, client):
        twilio.faults.add(fault, retry_after_seconds=7)
        try:
            status, answer = await client.send()
        except (aiohttp.ClientError, ValueError):
            assert fault.took_effect or fault in (Fault.RESET, Fault.OUTAGE)
        else:
            assert (status, answer["code"]) == ((429, 20429) if fault is Fault.TOO_MANY else (503, 20503))
        assert len(twilio.ledger) == fault.took_effect
        assert (await client.send())[0] == 201


async def test_an_answer_that_never_comes_ends_when_the_client_gives_up() -> None:
    async with world() as (twilio, _client):
        twilio.faults.add(Fault.SLOW_AFTER_ACCEPT)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.2)) as impatient:
            with pytest.raises(TimeoutError):
                await Client(twilio, impatient).send()
        assert len(twilio.ledger) == 1


async def test_after_closing_connections_are_refused() -> None:
    async with world() as (twilio, client):
        await twilio.close()
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.send()


@pytest.mark.conformance
@pytest.mark.skipif(
    not conformance_for("twilio").checked, reason="REINS_CONFORMANCE_DIR names no folder of descriptions"
)
async def test_a_request_twilio_would_not_understand_fails_the_test_that_made_it() -> None:
    with pytest.raises(NotConformant, match="SmartEncode"):
        async with world() as (_twilio, client):
            await client.send(SmartEncode="true")
