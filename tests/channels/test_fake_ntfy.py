"""The ntfy server of the tests behaves as the real one was seen to: codes, sizes, streams, and its traps."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest

from tests.fakes.providers.faults import Fault
from tests.fakes.providers.ntfy import FakeNtfy
from tests.fakes.providers.ntfy_rules import Version
from tests.fakes.virtual_time import VirtualTime


class Client:
    def __init__(self, ntfy: FakeNtfy, http: aiohttp.ClientSession) -> None:
        self.ntfy = ntfy
        self.http = http

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        async with self.http.request(method, self.ntfy.url + path, **options) as response:
            raw = await response.read()
            return response.status, orjson.loads(raw) if raw.startswith(b"{") and b"\n" not in raw else raw

    async def publish(self, **document: Any) -> tuple[int, Any]:
        return await self.ask("POST", "/", data=orjson.dumps(document))

    async def poll(self, topic: str, since: str = "all") -> list[str]:
        async with self.http.get(f"{self.ntfy.url}/{topic}/json?poll=1&since={since}") as response:
            return [orjson.loads(line)["message"] for line in (await response.read()).splitlines()]


@asynccontextmanager
async def served(version: Version = (2, 17), *, attachments: bool = True) -> AsyncIterator[Client]:
    ntfy = FakeNtfy(VirtualTime(), version=version, attachments=attachments)
    async with ntfy, aiohttp.ClientSession() as http:
        yield Client(ntfy, http)


async def test_a_published_message_is_answered_with_all_its_fields() -> None:
    async with served() as client:
        status, message = await client.publish(topic="ops", title="T", message="M", priority=5, tags=["x"], unknown=1)
        assert status == 200
        assert len(message["id"]) == 12
        assert message["event"] == "message"
        assert (message["title"], message["message"], message["priority"], message["tags"]) == ("T", "M", 5, ["x"])
        assert "unknown" not in message
        assert client.ntfy.ledger.texts("ops") == ["M"]


async def test_text_goes_to_its_topic_and_json_only_to_the_root() -> None:
    async with served() as client:
        await client.ask("POST", "/ops", data="hello", headers={"X-Title": "T", "X-Priority": "4"})
        await client.ask("PUT", "/ops", data=b'{"topic": "ops"}')
        shown = client.ntfy.notifications("ops")
        assert [(one.title, one.message, one.priority) for one in shown] == [
            ("T", "hello", 4),
            ("ops", '{"topic": "ops"}', 3),
        ]


async def test_an_empty_message_and_the_usual_priority_are_written_as_the_server_does() -> None:
    async with served() as client:
        _, message = await client.publish(topic="ops", message="", priority=3)
        assert message["message"] == "triggered"
        assert "priority" not in message


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"topic": "ops", "priority": "5"}, 40024),
        ({"topic": "ops", "priority": 9}, 40007),
        ({"topic": "o ps"}, 40009),
        ({}, 40009),
        ({"topic": "settings"}, 40010),
        ({"topic": "ops", "message": "m" * 8200}, 41303),
        ({"topic": "ops", "actions": [{"action": "view", "label": "L", "url": "u"}] * 4}, 40018),
        ({"topic": "ops", "actions": [{"action": "dance", "label": "L"}]}, 40018),
        ({"topic": "ops", "actions": [{"action": "http", "label": "L"}]}, 40018),
        (
            {"topic": "ops", "actions": [{"action": "http", "label": "L", "url": "u", "method": "GET", "body": "b"}]},
            40018,
        ),
        ({"topic": "ops", "sequence_id": "no spaces"}, 40049),
    ],
)
async def test_what_a_server_refuses_is_refused_with_its_code(document: dict[str, Any], code: int) -> None:
    async with served() as client:
        status, body = await client.publish(**document)
        assert (status, body["code"]) == (code // 100, code)
        assert client.ntfy.ledger == []


@pytest.mark.parametrize("raw", [b"{", b"[1]"])
async def test_a_root_body_that_is_no_json_object_is_refused(raw: bytes) -> None:
    async with served() as client:
        assert (await client.ask("POST", "/", data=raw))[1]["code"] == 40024


async def test_copy_buttons_need_a_newer_server() -> None:
    actions = [{"action": "copy", "label": "L", "value": "v"}]
    async with served((2, 16)) as client:
        assert (await client.publish(topic="ops", actions=actions))[1]["code"] == 40018
    async with served((2, 17)) as client:
        assert (await client.publish(topic="ops", actions=actions))[0] == 200


async def test_a_text_over_the_limit_silently_becomes_an_attachment() -> None:
    async with served() as client:
        status, message = await client.publish(topic="ops", message="é" * 2049)
        assert status == 200
        assert message["message"] == "You received a file: attachment.txt"
    async with served(attachments=False) as client:
        assert (await client.publish(topic="ops", message="é" * 2049))[1]["code"] == 40014
        assert (await client.publish(topic="ops", message="é" * 2048))[0] == 200


async def test_users_may_do_what_their_topics_say_and_nobody_else_may_do_anything() -> None:
    async with served() as client:
        client.ntfy.user("tk_bot", write=["ops*"], read=["*-cmd"])
        bot = {"Authorization": "Bearer tk_bot"}
        assert (await client.publish(topic="ops"))[1]["code"] == 40301
        assert (await client.ask("POST", "/ops", data="m", headers=bot))[0] == 200
        assert (await client.ask("POST", "/sec", data="m", headers=bot))[1]["code"] == 40301
        assert (await client.ask("GET", "/ops/auth", headers=bot))[1]["code"] == 40301
        assert (await client.ask("GET", "/a-cmd/auth", headers=bot))[0] == 200
        assert (await client.ask("GET", "/a-cmd,ops/json?poll=1", headers=bot))[1]["code"] == 40301
        with_colon = {"Authorization": aiohttp.encode_basic_auth("", "tk_bot")}
        assert (await client.ask("GET", "/a-cmd/auth", headers=with_colon))[0] == 200
        wrong = {"Authorization": "Bearer tk_wrong"}
        assert [(await client.ask("GET", "/a-cmd/auth", headers=wrong))[1]["code"] for _ in range(31)][-2:] == [
            40101,
            42909,
        ]
        assert (await client.ask("GET", "/a-cmd/auth", headers=bot))[1]["code"] == 42909, "good logins are shut out too"


async def test_polling_starts_where_it_is_told_to() -> None:
    async with served() as client:
        for text in ("one", "two", "three"):
            await client.publish(topic="ops", message=text)
        first = client.ntfy.ledger[0].id
        now = int(VirtualTime().now().timestamp())
        assert await client.poll("ops") == ["one", "two", "three"]
        assert await client.poll("ops", first) == ["two", "three"], "an id is exclusive"
        assert await client.poll("ops", str(now)) == ["one", "two", "three"], "a second is inclusive"
        assert await client.poll("ops", str(now + 1)) == []
        assert await client.poll("ops", "10m") == ["one", "two", "three"]
        assert await client.poll("ops", "latest") == ["three"]
        assert await client.poll("ops", "none") == []
        assert await client.poll("ops", "aaaaaaaaaaaa") == ["one", "two", "three"], "an unknown id gives everything"
        assert (await client.ask("GET", "/ops/json?poll=1&since=yesterday"))[1]["code"] == 40008
        client.ntfy.forget()
        assert await client.poll("ops") == []


async def test_a_stream_opens_with_what_was_kept_and_goes_on_live() -> None:
    async with served() as client:
        await client.publish(topic="a", message="kept")
        async with client.http.get(f"{client.ntfy.url}/a,b/json?since=all") as response:
            await client.ntfy.opened(1)
            await client.publish(topic="b", message="live")
            await client.publish(topic="c", message="elsewhere")
            client.ntfy.keepalive()
            client.ntfy.hang_up()
            lines = [orjson.loads(line) for line in (await response.read()).splitlines()]
        assert [line["event"] for line in lines] == ["open", "message", "message", "keepalive"]
        assert [line["topic"] for line in lines] == ["a,b", "a", "b", "a,b"]


async def test_a_connection_can_break_in_the_middle_of_a_line() -> None:
    async with served() as client, client.http.get(f"{client.ntfy.url}/a/json") as response:
        await client.ntfy.opened(1)
        await response.content.readline()
        client.ntfy.cut_next_line()
        await client.publish(topic="a", message="half")
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


@pytest.mark.parametrize("version", [(2, 13), (2, 15)])
async def test_an_old_server_shows_a_second_notification_and_knows_no_clearing(version: Version) -> None:
    async with served(version) as client:
        await client.publish(topic="ops", message="one", sequence_id="s")
        _, second = await client.publish(topic="ops", message="two", sequence_id="s")
        assert "sequence_id" not in second
        assert [one.message for one in client.ntfy.notifications("ops")] == ["one", "two"]
        assert (await client.ask("PUT", "/ops/s/clear"))[1]["code"] == 40401
        assert (await client.ask("DELETE", "/ops/s"))[1]["code"] == 40401


async def test_a_newer_server_replaces_clears_and_deletes() -> None:
    async with served((2, 16)) as client:
        await client.publish(topic="ops", message="one", sequence_id="s")
        await client.ask("POST", "/ops/s", data="two")
        assert [one.message for one in client.ntfy.notifications("ops")] == ["two"]
        assert (await client.ask("PUT", "/ops/s/clear"))[1]["event"] == "message_clear"
        assert client.ntfy.notifications("ops") == []
        await client.publish(topic="ops", message="three", sequence_id="s")
        assert [one.message for one in client.ntfy.notifications("ops")] == ["three"]
        assert (await client.ask("DELETE", "/ops/s"))[1]["event"] == "message_delete"
        assert client.ntfy.notifications("ops") == []
        assert (await client.ask("PUT", "/ops/no good/clear"))[1]["code"] == 40049
        assert (await client.ask("GET", "/ops/s/clear"))[1]["code"] == 40401


async def test_a_tap_performs_the_buttons_request_and_dismisses_the_notification() -> None:
    async with served() as client:
        target = f"{client.ntfy.url}/ops-cmd"
        actions = [
            {"action": "http", "label": "Go", "url": target, "body": "~token", "clear": True},
            {"action": "http", "label": "Fail", "url": f"{client.ntfy.url}/no%20topic", "body": "~", "clear": True},
            {"action": "view", "label": "Open", "url": "https://reins.example"},
        ]
        await client.publish(topic="ops", message="m", actions=actions)
        shown = client.ntfy.notifications("ops")[0]
        assert shown.labels == ["Go", "Fail", "Open"]
        assert (await client.ntfy.tap("ops", shown.key, "Open")).text == "https://reins.example"
        assert (await client.ntfy.tap("ops", shown.key, "Fail")).status == 400
        assert len(client.ntfy.notifications("ops")) == 1, "a failed action leaves its notification"
        assert (await client.ntfy.tap("ops", shown.key, "Go")).status == 200
        assert client.ntfy.notifications("ops") == []
        assert client.ntfy.ledger.texts("ops-cmd") == ["~token"]


async def test_what_somebody_types_is_published_with_the_phones_token() -> None:
    async with served() as client:
        client.ntfy.user("tk_phone", write=["ops-cmd"])
        assert await client.ntfy.type("ops-cmd", "status") == 403
        client.ntfy.phone_token = "tk_phone"
        assert await client.ntfy.type("ops-cmd", "status") == 200
        assert client.ntfy.ledger.texts("ops-cmd") == ["status"]


@pytest.mark.parametrize(
    ("fault", "status"), [(Fault.TOO_MANY, 429), (Fault.ERROR, 503), (Fault.ERROR_AFTER_ACCEPT, 500)]
)
async def test_a_fault_answers_with_its_status_and_without_telling_how_long_to_wait(fault: Fault, status: int) -> None:
    async with served() as client:
        client.ntfy.faults.add(fault, retry_after_seconds=7)
        async with client.http.post(client.ntfy.url, data=b'{"topic": "ops"}') as response:
            assert response.status == status
            assert "Retry-After" not in response.headers
        assert len(client.ntfy.ledger) == int(fault.took_effect)


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.OUTAGE, Fault.ACCEPT_THEN_DROP])
async def test_a_fault_breaks_the_connection(fault: Fault) -> None:
    async with served() as client:
        client.ntfy.faults.add(fault)
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.publish(topic="ops")
        assert len(client.ntfy.ledger) == int(fault.took_effect)


async def test_a_fault_can_leave_the_answer_unreadable_or_unsent() -> None:
    async with served() as client:
        client.ntfy.faults.add(Fault.BAD_JSON_AFTER_ACCEPT)
        with pytest.raises(orjson.JSONDecodeError):
            await client.publish(topic="ops")
        client.ntfy.faults.add(Fault.HUGE_BODY_AFTER_ACCEPT)
        async with client.http.post(client.ntfy.url, data=b'{"topic": "ops"}') as response:
            assert len(await response.read()) > 8_000_000
        client.ntfy.faults.add(Fault.SLOW_AFTER_ACCEPT)
        with pytest.raises(TimeoutError):
            await client.ask("POST", "/", data=b'{"topic": "ops"}', timeout=aiohttp.ClientTimeout(total=0.5))
        assert len(client.ntfy.ledger) == 3
