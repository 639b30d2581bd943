"""Takes the pictures of the page that the documents show, from a real conversation: `python -m tests.web.make_screenshots`."""

import asyncio
import tempfile
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, expect

from domain.clock import SystemClock
from tests.fakes.phone import Phone, chromium, phone
from tests.fakes.served_bot import served_bot

IMAGES = Path("docs/images")
PICTURES: tuple[tuple[Literal["light", "dark"], str], ...] = (("light", "chat"), ("dark", "chat-dark"))
AT_THE_TOP = "row => { row.scrollIntoView(); row.closest('#log').scrollTop -= 12; }"


async def converse(held: Phone) -> None:
    """Ask, run, halt, and be refused: what an operator's first minutes look like."""
    await held.tap("menu")
    await held.expect_text("nothing new starts (mode off)")
    await held.tap("status")
    await held.expect_text("Mode read-only, held by the stored mode.")
    await held.say("run mutation")
    await expect(held.page.locator(".row.final")).to_be_visible()
    await held.halt()
    await expect(held.page.locator(".row.plain")).to_have_count(4)
    await held.say("run mutation")
    await expect(held.page.locator(".row.deny")).to_have_count(1)
    await held.say("resume")
    await expect(held.page.locator(".row.deny, .row.needs")).to_have_count(2)


async def take(browser: Browser, colours: Literal["light", "dark"], name: str) -> None:
    """Take two pictures of one conversation: a run with its notices, and what is refused after a halt."""
    with tempfile.TemporaryDirectory() as folder:
        async with served_bot(Path(folder), clock=SystemClock()) as bot, phone(browser, colours) as held:
            await held.open(await bot.login_link())
            await converse(held)
            await held.page.locator("#message").blur()
            await held.page.screenshot(path=IMAGES / f"{name}-refused-390x844.png")
            await held.row("run mutation").first.evaluate(AT_THE_TOP)
            await held.page.screenshot(path=IMAGES / f"{name}-390x844.png")


async def main() -> None:
    """Take every picture."""
    async with chromium() as browser:
        for colours, name in PICTURES:
            await take(browser, colours, name)


if __name__ == "__main__":
    IMAGES.mkdir(parents=True, exist_ok=True)
    asyncio.run(main())
