"""The demonstration's page in a real browser: what is typed and tapped on it reaches the bot, and comes back by itself."""

from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import expect

from tests.demo.page import build_page
from tests.demo.world import demonstration
from tests.fakes.phone import CHROMIUM, Phone, chromium

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no Chromium at {CHROMIUM}"),
]


async def test_an_approval_goes_round_all_four_phones(tmp_path: Path) -> None:
    async with demonstration(tmp_path) as world, chromium() as browser:
        runner = web.AppRunner(build_page(world), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        context = await browser.new_context()
        page = await context.new_page()
        problems = Phone(page).problems
        await page.goto(f"http://127.0.0.1:{runner.addresses[0][1]}")
        await expect(page.locator(".phone .nothing")).to_have_count(4)
        await page.locator("#sms .key", has_text="status").click()
        await expect(page.locator("#sms .under", has_text="delivered")).to_have_count(1)
        await page.fill("#telegram input", "run mutation-strict")
        await page.press("#telegram input", "Enter")
        await expect(page.locator("#telegram .text", has_text="waits for 1 approval")).to_have_count(1)
        await page.locator("#telegram .who button", has_text="Vic").click()
        await page.locator("#telegram .keyboard button", has_text="Approve").click()
        await expect(page.locator("#telegram .toast")).to_contain_text("pproved")
        await expect(page.locator("#ntfy .push", has_text="approved by vic")).to_have_count(1)
        await expect(page.locator("#ntfy .keyboard button")).to_have_count(0)
        await expect(page.locator("#slack .post", has_text="DONE")).to_have_count(1)
        await context.close()
        await runner.cleanup()
        assert problems == []
