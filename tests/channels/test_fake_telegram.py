"""The fake Telegram refuses, keeps and forgets what the real one does, so that tests against it mean something."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.channels.telegram_rig import GROUP, PNG, USER, long_poll
from tests.fakes.providers.conformance import NotConformant, conformance_for
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.telegram import NOT_MODIFIED, OUTDATED_QUERY, SECOND_POLLER, TOKEN, FakeTelegram
from tests.fakes.virtual_time import VirtualTime

KEYBOARD = {"inline_keyboard": [[{"text": "Approve", "callback_data": "t1"}, {"text": "Deny", "callback_data": "t2"}]]}


@pytest.fixture
def time() -> VirtualTime:
    return VirtualTime()


@pytest.fixture
async def fake(time: VirtualTime) -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram(time, long_poll=long_poll(time)) as served:
        served.start(USER)
        served.group(GROUP)
        yield served


async def call(fake: FakeTelegram, method: str, token: Any = TOKEN, **fields: Any) -> dict[str, Any]:
    """Call the way the library does: a form whose nested values are JSON text."""
    form = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
    async with aiohttp.ClientSession() as session, session.post(f"{fake.url}/bot{token}/{method}", data=form) as answer:
        document: dict[str, Any] = json.loads(await answer.read())
        assert document.get("error_code", 200) == answer.status
        return document


async def send(fake: FakeTelegram, text: str = "hello", **more: Any) -> int:
    sent = await call(fake, "sendMessage", chat_id=USER, text=text, **more)
    return int(sent["result"]["message_id"])


async def fetched(fake: FakeTelegram, **fields: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await call(fake, "getUpdates", **fields))["result"]
    return found


async def test_updates_wait_until_a_later_offset_confirms_them(fake: FakeTelegram) -> None:
    first, second = fake.say(USER, "one"), fake.say(USER, "two")
    for _ in range(2):
        assert [update["update_id"] for update in await fetched(fake)] == [first, second]
    assert [update["update_id"] for update in await fetched(fake, offset=second)] == [second]
    assert fake.updates.pending() == [second]
    assert len(await fetched(fake, limit=1)) == 1


async def test_a_press_is_forgotten_long_before_a_message(fake: FakeTelegram, time: VirtualTime) -> None:
    fake.press(USER, await send(fake, reply_markup=KEYBOARD), "Deny")
    said = fake.say(USER, "one")
    [press, _] = await fetched(fake)
    assert press["callback_query"]["data"] == "t2"
    time.advance(150)
    assert [update["update_id"] for update in await fetched(fake)] == [said]
    time.advance(24 * 3600)
    assert fake.updates.fetch(None, 100, time.now()) == []


async def test_a_poll_ends_with_the_first_update_or_with_its_time(fake: FakeTelegram, time: VirtualTime) -> None:
    waiting = asyncio.create_task(fetched(fake, timeout=25))
    await time.someone_waits(25)
    fake.say(USER, "one")
    assert len(await waiting) == 1
    waiting = asyncio.create_task(fetched(fake, offset=fake.updates.next_id, timeout=90))
    await time.someone_waits(50)
    time.advance(50)
    assert await waiting == []


async def test_of_two_pollers_the_older_one_is_sent_away(fake: FakeTelegram, time: VirtualTime) -> None:
    older = asyncio.create_task(call(fake, "getUpdates", timeout=25))
    await time.someone_waits(25)
    newer = asyncio.create_task(call(fake, "getUpdates", timeout=30))
    assert (await older)["description"] == SECOND_POLLER
    fake.say(USER, "one")
    assert len((await newer)["result"]) == 1


async def test_polls_are_refused_while_a_webhook_is_set(fake: FakeTelegram) -> None:
    await call(fake, "setWebhook", url="https://reins.example/hooks/telegram", secret_token="s" * 16)
    assert (await call(fake, "getUpdates"))["error_code"] == 409
    await call(fake, "deleteWebhook")
    assert await fetched(fake) == []


async def test_kinds_nobody_asked_for_are_never_kept(fake: FakeTelegram) -> None:
    fake.edit(USER, "before")
    await fetched(fake, allowed_updates=["message"])
    assert fake.edit(USER, "after") == 0
    fake.say_as_anonymous_admin(GROUP, "/halt")
    fake.post_to_channel(-9, "news")
    kinds = [min(update) for update in await fetched(fake)]
    assert kinds == ["edited_message", "message"]


@pytest.mark.parametrize(
    ("fields", "description"),
    [
        ({"text": "x" * 4097}, "message is too long"),
        ({"text": "🦊" * 2049}, "message is too long"),
        ({"text": " "}, "message text is empty"),
        ({"text": "1 < 2", "parse_mode": "HTML"}, "can't parse entities"),
        ({"text": "<b>open", "parse_mode": "HTML"}, "can't parse entities"),
        ({"text": "<script>x</script>", "parse_mode": "HTML"}, "can't parse entities"),
        ({"chat_id": 42}, "chat not found"),
        ({"reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "é" * 33}]]}}, "BUTTON_DATA_INVALID"),
        ({"reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": ""}]]}}, "BUTTON_DATA_INVALID"),
        ({"reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "a"}] * 9]}}, "BUTTON_COUNT_INVALID"),
        (
            {"reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "a", "style": "red"}]]}},
            "button style",
        ),
    ],
)
async def test_a_message_telegram_would_refuse_is_refused(
    fake: FakeTelegram, fields: dict[str, Any], description: str
) -> None:
    refused = await call(fake, "sendMessage", **({"chat_id": USER, "text": "hi"} | fields))
    assert (refused["ok"], refused["error_code"]) == (False, 400)
    assert description in refused["description"]
    assert fake.ledger == []


async def test_length_counts_after_the_tags_were_read(fake: FakeTelegram) -> None:
    await send(fake, f"<b>{'&lt;' * 4096}</b>", parse_mode="HTML")
    assert fake.ledger.texts(str(USER)) == ["<" * 4096]


async def test_an_edit_changes_the_message_and_one_that_changes_nothing_is_refused(fake: FakeTelegram) -> None:
    sent = await send(fake, reply_markup=KEYBOARD)
    where = {"chat_id": USER, "message_id": sent}
    await call(fake, "editMessageText", **where, text="hello")
    assert (fake.messages[USER, sent].keyboard, fake.messages[USER, sent].edits) == ([], 1)
    assert (await call(fake, "editMessageText", **where, text="hello"))["description"] == NOT_MODIFIED
    await call(fake, "editMessageReplyMarkup", **where, reply_markup=KEYBOARD)
    assert fake.messages[USER, sent].labels == [["Approve", "Deny"]]
    missing = await call(fake, "editMessageText", chat_id=USER, message_id=99, text="x")
    assert "message to edit not found" in missing["description"]


async def test_a_press_is_answered_once_and_soon(fake: FakeTelegram, time: VirtualTime) -> None:
    sent = await send(fake, reply_markup=KEYBOARD)
    for _ in range(2):
        fake.press(USER, sent, "Approve")
    first, second = [update["callback_query"]["id"] for update in await fetched(fake)]
    assert (await call(fake, "answerCallbackQuery", callback_query_id=first, text="ok"))["ok"]
    assert (await call(fake, "answerCallbackQuery", callback_query_id=first))["description"] == OUTDATED_QUERY
    time.advance(16)
    assert (await call(fake, "answerCallbackQuery", callback_query_id=second))["description"] == OUTDATED_QUERY


async def test_a_picture_is_taken_as_an_upload(fake: FakeTelegram) -> None:
    form = aiohttp.FormData({"chat_id": str(USER), "caption": "x" * 1025})
    form.add_field("photo", PNG, filename="trend.png", content_type="image/png")
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{fake.url}/bot{TOKEN}/sendPhoto", data=form) as answer,
    ):
        assert "caption is too long" in (await answer.json())["description"]


async def test_a_wrong_token_and_an_unknown_method_are_told_apart(fake: FakeTelegram) -> None:
    assert (await call(fake, "getMe", token="1:x"))["error_code"] == 401
    assert (await call(fake, "getMyself"))["error_code"] == 404
    assert fake.calls[-1].method == "getMyself"


async def test_a_menu_telegram_would_refuse_is_refused(fake: FakeTelegram) -> None:
    for command, summary in (("?", "menu"), ("x" * 33, "long"), ("status", "")):
        refused = await call(fake, "setMyCommands", commands=[{"command": command, "description": summary}])
        assert refused["error_code"] == 400
    assert fake.commands == []


async def test_somebody_who_blocked_the_bot_and_a_group_that_moved_are_refused(fake: FakeTelegram) -> None:
    fake.block(USER)
    fake.migrate(GROUP, -1005001)
    assert (await call(fake, "sendMessage", chat_id=USER, text="x"))["error_code"] == 403
    moved = await call(fake, "sendMessage", chat_id=GROUP, text="x")
    assert moved["parameters"] == {"migrate_to_chat_id": -1005001}
    assert (await call(fake, "sendMessage", chat_id=-1005001, text="x"))["ok"]


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.TOO_MANY])
async def test_a_fault_does_what_it_says(fake: FakeTelegram, fault: Fault) -> None:
    fake.faults.add(fault)
    with pytest.raises((aiohttp.ClientError, TimeoutError, ValueError, AssertionError)):
        async with asyncio.timeout(0.5):
            assert (await call(fake, "sendMessage", chat_id=USER, text="x"))["ok"]
    assert len(fake.ledger) == fault.took_effect
    assert (await call(fake, "sendMessage", chat_id=USER, text="x"))["ok"]


async def test_too_many_calls_carry_the_seconds_to_wait(fake: FakeTelegram) -> None:
    fake.faults.add(Fault.TOO_MANY, retry_after_seconds=7)
    assert (await call(fake, "sendMessage", chat_id=USER, text="x"))["parameters"] == {"retry_after": 7}
    assert fake.ledger == []


@pytest.mark.conformance
@pytest.mark.skipif(not conformance_for("telegram").checked, reason="the published descriptions are not here")
async def test_a_call_the_published_api_does_not_know_fails_the_test_that_made_it(time: VirtualTime) -> None:
    fake = FakeTelegram(time)
    await fake.__aenter__()
    fake.start(USER)
    await call(fake, "sendMessage", chat_id=USER, text="x", disable_web_page_preview=True)
    with pytest.raises(NotConformant, match="disable_web_page_preview"):
        await fake.__aexit__()


async def test_it_tells_where_updates_are_posted_and_how_many_wait(fake: FakeTelegram) -> None:
    fake.say(USER, "status")
    info = (await call(fake, "getWebhookInfo"))["result"]
    assert (info["url"], info["pending_update_count"]) == ("", 1)
    await call(fake, "setWebhook", url="https://bot.example/hooks/telegram", secret_token="made-up-secret-0123")
    info = (await call(fake, "getWebhookInfo"))["result"]
    assert info["url"] == "https://bot.example/hooks/telegram"
