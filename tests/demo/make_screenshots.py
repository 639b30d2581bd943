"""Takes the pictures of the demonstration that the documents show: `python -m tests.demo.make_screenshots`."""

import asyncio
import tempfile
from pathlib import Path
from typing import Literal

from aiohttp import web
from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.demo.page import build_page
from tests.demo.world import demonstration
from tests.fakes.phone import chromium

IMAGES = Path("docs/images")
PICTURES: tuple[tuple[Literal["light", "dark"], str], ...] = (("light", "demo"), ("dark", "demo-dark"))
PATIENCE_MS = 60_000  # two workflows, each of some five programs
SIZE = ViewportSize(width=1440, height=900)


async def write(page: Page, phone: str, text: str) -> None:
    """Type one line on a phone."""
    await page.fill(f"#{phone} input", text)
    await page.press(f"#{phone} input", "Enter")


async def ask(page: Page) -> None:
    """Ask by text and in the chat; the request for approval reaches Vic's chat and Kim's lock screen."""
    await write(page, "sms", "status")
    await expect(page.locator("#sms .under", has_text="delivered")).to_have_count(1)
    await write(page, "sms", "run mutation")
    await expect(page.locator("#sms .under", has_text="delivered")).to_have_count(2)
    await write(page, "telegram", "run mutation-strict threshold=90")
    await expect(page.locator("#ntfy button", has_text="Approve")).to_have_count(1)
    await expect(page.locator("#slack .text", has_text="asks to run")).to_have_count(1)
    await page.locator("#telegram .who button", has_text="Vic").click()
    await expect(page.locator("#telegram button", has_text="Approve")).to_have_count(1)


async def approve(page: Page) -> None:
    """Approve on the lock screen, and end with every phone told."""
    await page.locator("#ntfy button", has_text="Approve").click()
    await page.locator("#telegram .who button", has_text="Owner").click()
    await expect(page.locator("#telegram .text", has_text="DONE")).to_have_count(1)
    await expect(page.locator("#slack .text", has_text="DONE")).to_have_count(1)
    await write(page, "ntfy", "unresolved")
    await expect(page.locator("#ntfy .text", has_text="audit")).to_have_count(1)
    await expect(page.locator("#ntfy .toast")).to_be_hidden()


async def triage(page: Page) -> None:
    """Order the triage of the pull request, mend what one finding asks for, order it again: the comment changes."""
    runs = page.locator("#github .runs .mark.success")
    for times in (1, 2):
        await write(page, "telegram", "run triage-pr")
        await expect(runs).to_have_count(2 * times, timeout=PATIENCE_MS)
        if times == 1:
            await page.locator("#resolve").click()
    await expect(page.locator("#github .comments", has_text="edited")).to_have_count(1)
    await expect(page.locator("#telegram .text", has_text="triage: 1 high, 1 medium")).to_have_count(1)


async def take(browser: Browser, colours: Literal["light", "dark"], name: str) -> None:
    """Take two pictures of all four phones: while an approval waits, and once it is given."""
    with tempfile.TemporaryDirectory() as folder:
        async with demonstration(Path(folder)) as world:
            runner = web.AppRunner(build_page(world), access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            context = await browser.new_context(viewport=SIZE, color_scheme=colours, locale="en-GB")
            page = await context.new_page()
            await page.goto(f"http://127.0.0.1:{runner.addresses[0][1]}")
            await ask(page)
            await page.screenshot(path=IMAGES / f"{name}-asked-1440x900.png")
            await approve(page)
            await page.screenshot(path=IMAGES / f"{name}-approved-1440x900.png")
            await triage(page)
            await page.screenshot(path=IMAGES / f"{name}-github-1440.png", full_page=True)
            await context.close()
            await runner.cleanup()


async def main() -> None:
    """Take every picture."""
    async with chromium() as browser:
        for colours, name in PICTURES:
            await take(browser, colours, name)


if __name__ == "__main__":
    IMAGES.mkdir(parents=True, exist_ok=True)
    asyncio.run(main())
