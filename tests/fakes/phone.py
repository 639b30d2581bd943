"""A phone with Debian's Chromium in it, looking at the page of a served bot.

    async with chromium() as browser, phone(browser) as held:
        await held.open(await bot.login_link())
        await held.say("status")
        await held.expect_text("Mode read-only")

`held.page` is Playwright's page; waiting is always for a condition. Whatever the browser's console calls an error,
scripts that fail and whatever the content security policy stops, is kept in `held.problems`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, async_playwright, expect

CHROMIUM = Path("/usr/bin/chromium")
PATIENCE_MS = 20_000  # how long a condition may take on a busy machine; a quiet one needs a fraction of a second
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Phone:
    """What `phone` yields; see the module's docstring."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            self.problems.append(message.text)

    @property
    def rows(self) -> Locator:
        """Return every row of the conversation."""
        return self.page.locator("#entries .row")

    def row(self, text: str) -> Locator:
        """Return the rows that hold this text."""
        return self.rows.filter(has_text=text)

    async def open(self, link: str) -> None:
        """Follow a sign-in link until the conversation is live."""
        await self.page.goto(link)
        await self.expect_live()

    async def expect_live(self) -> None:
        """Wait until notices arrive as they come."""
        await expect(self.page.locator("#connection")).to_have_attribute("data-state", "live")

    async def say(self, text: str) -> None:
        """Type one message and send it."""
        await self.page.fill("#message", text)
        await self.page.press("#message", "Enter")

    async def tap(self, name: str) -> None:
        """Tap the newest button of this name."""
        await self.page.get_by_role("button", name=name, exact=True).last.tap()

    async def halt(self) -> None:
        """Tap halt, and again once the second tap counts."""
        await self.page.tap("#halt")
        await expect(self.page.locator("#halt-label")).to_have_text("Tap again to halt everything")
        await self.page.locator("#halt:not([aria-disabled])").tap()

    async def expect_text(self, text: str) -> None:
        """Wait for exactly one row with this text."""
        await expect(self.row(text)).to_have_count(1)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start Chromium; many phones may share it."""
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def phone(browser: Browser, colours: Literal["light", "dark"] = "light") -> AsyncIterator[Phone]:
    """Hold a phone of 390 by 844 points that has never seen the bot."""
    context = await browser.new_context(
        viewport={"width": 390, "height": 844},
        is_mobile=True,
        has_touch=True,
        color_scheme=colours,
        locale="en-GB",
        timezone_id="Europe/Zurich",
    )
    try:
        yield Phone(await context.new_page())
    finally:
        await context.close()
