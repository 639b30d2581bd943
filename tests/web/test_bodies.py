"""Request bodies: nothing but small, well-formed JSON objects with the fields we know."""

import json
import secrets

import pytest

from tests.fakes.served_bot import Browser, Reply, ServedBot
from web.bodies import MAX_BODY_BYTES


async def post(browser: Browser, body: bytes, content_type: str = "application/json") -> Reply:
    headers = {"Content-Type": content_type, "Reins-Nonce": secrets.token_hex(16), "Reins-Timestamp": "1795359600"}
    return await browser.ask("POST", "/v1/messages", data=body, headers=headers)


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8"])
async def test_json_is_read(bot: ServedBot, content_type: str) -> None:
    assert (await post(await bot.sign_in(), b'{"text": "status"}', content_type)).status == 200


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/json-seq", ""]
)
async def test_what_does_not_say_it_is_json_is_not_read(bot: ServedBot, content_type: str) -> None:
    reply = await post(await bot.sign_in(), b'{"text": "status"}', content_type)
    assert (reply.status, reply.body["code"]) == (415, "wrong_type")
    assert reply.body["detail"] == "send the body as application/json"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "body"),
        (b"not json", "body"),
        (b'"status"', "body"),
        (b"[]", "body"),
        (b"null", "body"),
        (b"{}", "text"),
        (b'{"text": 1}', "text"),
        (b'{"text": null}', "text"),
        (b'{"text": ["status"]}', "text"),
        (b'{"text": "status", "proof": "local"}', "proof"),
        (b'{"text": "status", "__proto__": {}}', "__proto__"),
        (b'{"text": "' + b"x" * 4001 + b'"}', "text"),
        (b'{"text": "\xff\xfe"}', "body"),
        (rb'{"text": "\ud800"}', "body"),
        (rb'{"text": "\udc00\ud800"}', "body"),
        (b'{"text": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", "body"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "body"),
        (b'{"text": NaN}', "text"),
    ],
)
async def test_a_body_of_another_shape_is_refused_by_the_name_of_what_is_wrong(
    bot: ServedBot, body: bytes, named: str
) -> None:
    reply = await post(await bot.sign_in(), body)
    assert (reply.status, reply.body["code"]) == (400, "bad_input")
    assert reply.body["detail"].startswith("the body cannot be used: ")
    assert f"{named}: " in reply.body["detail"]
    assert len(reply.body["detail"]) < 500


async def test_a_refusal_does_not_repeat_what_was_sent(bot: ServedBot) -> None:
    for path, secret in (("/v1/messages", "ok 3K 482915"), ("/v1/sessions", "0123456789abcdef" * 2)):
        reply = await (await bot.sign_in()).ask("POST", path, json={"tokens": secret})
        assert reply.status == 400
        assert secret not in json.dumps(reply.body)


@pytest.mark.parametrize(("size", "status"), [(MAX_BODY_BYTES, 400), (MAX_BODY_BYTES + 1, 413)])
async def test_a_body_has_at_most_64_kib(bot: ServedBot, size: int, status: int) -> None:
    browser, body = await bot.sign_in(), b'{"x":"'.ljust(size - 2, b"x") + b'"}'
    assert len(body) == size
    reply = await post(browser, body)
    assert reply.status == status
    assert reply.headers["Content-Type"] == "application/problem+json"


async def test_a_body_that_does_not_say_its_length_has_at_most_64_kib_too(bot: ServedBot) -> None:
    async def chunks() -> object:
        for _ in range(80):
            yield b"x" * 1024

    browser = await bot.sign_in()
    headers = {"Content-Type": "application/json"}
    reply = await browser.ask("POST", "/v1/messages", data=chunks(), headers=headers)
    assert (reply.status, reply.body["code"]) == (413, "request_entity_too_large")
