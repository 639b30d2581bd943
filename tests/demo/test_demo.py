"""The demonstration starts, every phone is answered, and a button pressed on one phone decides what another asked."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.demo.bot_process import BotFailedError, environment_of, free_port, running_bot
from tests.demo.page import build_page
from tests.demo.world import KIM, OWNER, VIC, World, demonstration

PATIENCE_SECONDS = 60  # a demonstration that hangs ends as failed
LOOK_SECONDS = 0.02  # the bot is another process: nothing tells us when it has done something


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with demonstration(tmp_path) as running:
        yield running


async def until(condition: Callable[[], Any]) -> Any:
    """Wait for something that the other process will do, and return it."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (found := condition()):  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(LOOK_SECONDS)
    return found


def told(world: World, phone: str, user: int | None = None) -> list[str]:
    shown = world.shown()[phone]
    entries = (shown if user is None else shown[str(user)])["entries"]
    return [entry["text"] for entry in entries if not entry.get("mine")]


async def test_every_phone_is_answered(world: World) -> None:
    await world.text("status")
    world.say(OWNER, "status")
    await world.type("status")
    for phone, user in (("sms", None), ("telegram", OWNER), ("ntfy", None)):
        texts = await until(lambda phone=phone, user=user: told(world, phone, user))  # type: ignore[misc]
        assert texts[0].startswith("Mode read-only"), phone
    delivered = await until(lambda: world.shown()["sms"]["entries"][1]["status"] == "delivered")
    assert delivered


async def test_what_one_phone_asks_another_approves_by_a_button(world: World) -> None:
    world.say(OWNER, "run mutation-strict")
    push = await until(lambda: [one for one in world.ntfy.notifications(KIM) if "Approve" in one.labels])
    await until(lambda: [text for text in told(world, "telegram", VIC) if "mutation-strict" in text])
    assert (await world.tap(push[0].key, "Open")).text == world.bot.url
    assert (await world.tap(push[0].key, "Approve")).status == 200
    await until(lambda: [text for text in told(world, "telegram", OWNER) if text.startswith("DONE")])
    await until(lambda: told(world, "slack"))


async def test_a_button_in_the_chat_works(world: World) -> None:
    world.say(OWNER, "menu")
    answer = await until(
        lambda: [one for one in world.shown()["telegram"][str(OWNER)]["entries"] if one.get("keyboard")]
    )
    label = answer[0]["keyboard"][0][0]["label"]
    world.press(OWNER, answer[0]["id"], label)
    await until(lambda: world.shown()["telegram"][str(OWNER)]["toasts"])


async def test_a_run_ordered_in_the_chat_becomes_one_comment_on_github_that_changes_with_the_next(world: World) -> None:
    world.say(OWNER, "run triage-pr")
    await until(lambda: [text for text in told(world, "telegram", OWNER) if "attempt 1 started on acme/app" in text])
    await until(lambda: [text for text in told(world, "telegram", OWNER) if "triage: 2 high, 1 medium" in text])
    (comment,) = await until(lambda: world.shown()["github"]["comments"])
    assert (comment["author"], comment["changed"]) == ("github-actions[bot]", False)
    assert "- Unresolved: 3" in comment["text"]
    assert world.project.resolve() == "src/search.py"
    await until(lambda: all(run["at"] == "success" for run in world.shown()["github"]["runs"]))
    world.say(OWNER, "run triage-pr")
    await until(lambda: [text for text in told(world, "telegram", OWNER) if "triage: 1 high, 1 medium" in text])
    await until(lambda: world.shown()["github"]["comments"][0]["changed"])
    (comment,) = world.shown()["github"]["comments"]
    assert "- Unresolved: 2" in comment["text"]
    assert "Escape the query" not in comment["text"]


async def test_the_page_shows_and_does_what_the_phones_do(world: World) -> None:
    runner = web.AppRunner(build_page(world), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as http:
            for path, kind in (("/", "text/html"), ("/demo.js", "javascript"), ("/style.css", "text/css")):
                async with http.get(path) as response:
                    assert response.status == 200
                    assert response.content_type.endswith(kind)  # which of two names scripts have, Python changes
                    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
            async with http.post("/telegram/say", json={"user": VIC, "text": "whoami"}) as response:
                assert response.status == 200
            await until(lambda: told(world, "telegram", VIC))
            async with http.get("/shown") as response:
                assert "vic" in (await response.text())
            async with http.post("/link", json={}) as response:
                assert (await response.json())["url"].startswith(world.bot.url)
            async with http.post("/sms/text", data=b'{"text": "halt"}') as response:
                assert response.status == 415, "a form of some other page must not reach the phones"
    finally:
        await runner.cleanup()


async def test_a_bot_that_cannot_start_says_why(tmp_path: Path) -> None:
    environment = environment_of(tmp_path, free_port(), {"HOST": "0.0.0.0"})
    with pytest.raises(BotFailedError):
        async with running_bot(environment, tmp_path):
            pass
