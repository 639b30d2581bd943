"""The page in a real browser, against a real bot: signing in, a run and its notices, halting, a lost connection."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, expect

from domain.clock import SystemClock
from tests.fakes.phone import CHROMIUM, Phone, chromium, phone
from tests.fakes.served_bot import ServedBot, served_bot

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),  # one browser for all: it takes longer to start than a test to run
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no Chromium at {CHROMIUM}"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def bot(tmp_path: Path) -> AsyncIterator[ServedBot]:
    async with served_bot(tmp_path, clock=SystemClock()) as served:
        yield served


@pytest_asyncio.fixture(loop_scope="module")
async def owner(bot: ServedBot, browser: Browser) -> AsyncIterator[Phone]:
    """Hold a phone on which the owner is signed in; nothing that goes wrong in its browser may stay unnoticed."""
    async with phone(browser) as held:
        await held.open(await bot.login_link())
        yield held
        assert held.problems == []


async def runs(bot: ServedBot) -> int:
    return len(await bot.bot.store.read(lambda tables: tables.runs.latest(100)))


async def test_the_link_leaves_no_trace_in_the_address(bot: ServedBot, owner: Phone) -> None:
    assert owner.page.url == f"{bot.url}/"
    assert await owner.page.evaluate("history.length") <= 2
    await owner.page.tap("#account-button")
    await expect(owner.page.locator("#account-name")).to_have_text("Owner")
    await expect(owner.page.locator("#account-scopes")).to_have_text("read, operate, approve")


async def test_a_used_link_is_refused_and_the_session_kept(bot: ServedBot, owner: Phone) -> None:
    used = await bot.login_link()
    assert (await bot.browser().ask("POST", "/v1/sessions", json={"token": used.partition("=")[2]})).status == 200
    await owner.page.evaluate("link => location.hash = new URL(link).hash", used)
    await expect(owner.page.locator("#sign-in-problem")).to_contain_text("already used or has expired")
    await owner.tap("Continue as Owner")
    await owner.expect_live()
    assert [problem for problem in owner.problems if "410" not in problem] == []
    owner.problems.clear()


async def test_a_pasted_link_signs_in(bot: ServedBot, browser: Browser) -> None:
    async with phone(browser) as held:
        await held.page.goto(bot.url)
        await expect(held.page.locator("#signed-out")).to_be_visible()
        await held.page.fill("#one-time-link", await bot.login_link())
        await held.tap("Sign in")
        await held.expect_live()
        assert [problem for problem in held.problems if "401" not in problem] == []


async def test_menu_and_status_answer(owner: Phone) -> None:
    await owner.tap("menu")
    await owner.expect_text("nothing new starts (mode off)")
    await owner.tap("status")
    await owner.expect_text("Mode read-only, held by the stored mode.")
    await expect(owner.rows).to_have_count(4)
    await expect(owner.page.locator(".receipt")).to_have_count(2)


async def test_a_run_tells_its_attempt_and_its_end_without_being_asked(bot: ServedBot, owner: Phone) -> None:
    await owner.say("run mutation")
    await owner.expect_text("mutation on local/sample@main accepted")
    await owner.expect_text("attempt 1 started on local/sample@main")
    await expect(owner.page.locator(".row.final")).to_contain_text("Unresolved 39")
    assert await owner.page.locator(".row .label").all_inner_texts() == [
        "",
        "",
        "Attempt started",
        "Attempt done",
        "Final result",
    ]
    assert await runs(bot) == 1


async def test_the_why_key_explains_the_run(owner: Phone) -> None:
    await owner.say("run mutation")
    final = owner.page.locator(".row.final")
    await final.get_by_role("button", name="why").tap()
    await owner.expect_text("asked by owner")
    await owner.expect_text("> succeeded")


async def test_after_a_reload_the_conversation_stands_in_the_same_order(owner: Phone) -> None:
    await owner.say("status")
    await owner.expect_text("Mode read-only")
    await owner.say("run mutation")
    await expect(owner.page.locator(".row.final")).to_be_visible()
    before = await owner.page.locator(".words").all_inner_texts()
    await owner.page.reload()
    await owner.expect_live()
    await expect(owner.rows).to_have_count(len(before))
    assert await owner.page.locator(".words").all_inner_texts() == before


async def test_what_is_said_on_one_phone_is_seen_on_the_other(bot: ServedBot, browser: Browser, owner: Phone) -> None:
    async with phone(browser) as other:
        await other.open(await bot.login_link())
        await owner.say("status")
        await other.expect_text("Mode read-only")
        await other.say("run mutation")
        for held in (owner, other):
            await expect(held.page.locator(".row.final")).to_have_count(1)
            await expect(held.rows).to_have_count(7)
            asked_and_answered = (await held.page.locator(".words").all_inner_texts())[:4]
            assert asked_and_answered[::2] == ["status", "run mutation"]
        assert other.problems == []


async def test_halt_takes_two_taps_and_then_runs_are_refused_by_name_of_the_rule(bot: ServedBot, owner: Phone) -> None:
    await owner.page.tap("#halt")
    await owner.page.keyboard.press("Escape")
    await expect(owner.page.locator("#halt-label")).to_have_text("Halt")
    await expect(owner.rows).to_have_count(0)
    await owner.halt()
    await expect(owner.page.locator(".row.plain")).to_contain_text("off")
    await owner.say("run mutation")
    await expect(owner.page.locator(".row.deny .heading")).to_have_text("Deniedmode_off")
    await owner.say("resume")
    await expect(owner.page.locator(".row.deny, .row.needs")).to_have_count(2)
    assert await runs(bot) == 0


async def lose_the_answer(route: Route) -> None:
    """Let a message reach the bot, and nothing come back."""
    if route.request.method != "POST":
        await route.continue_()
        return
    await route.fetch()
    await route.abort()


async def test_a_message_whose_answer_was_lost_is_sent_again_and_acts_once(bot: ServedBot, owner: Phone) -> None:
    await owner.page.route("**/v1/messages", lose_the_answer)
    await owner.say("run mutation")
    await expect(owner.page.locator(".unsent")).to_contain_text("Retry is safe: Reins acts once.")
    assert await runs(bot) == 1
    await owner.page.unroute("**/v1/messages")
    await owner.tap("Retry")
    await owner.expect_text("mutation on local/sample@main accepted")
    await expect(owner.page.locator(".unsent")).to_have_count(0)
    await expect(owner.page.locator(".row.mine")).to_have_count(1)
    await expect(owner.page.locator(".row.final")).to_have_count(1)
    assert await runs(bot) == 1
    assert {problem for problem in owner.problems if "net::ERR_FAILED" not in problem} == set()
    owner.problems.clear()


async def test_a_message_whose_answer_was_lost_is_one_row_after_a_reload(bot: ServedBot, owner: Phone) -> None:
    await owner.say("status")
    await owner.expect_text("Mode read-only")
    await owner.page.route("**/v1/messages", lose_the_answer)
    await owner.say("Run  mutation.")
    await expect(owner.page.locator(".unsent")).to_have_count(1)
    await owner.page.unroute("**/v1/messages")
    await owner.page.reload()
    await owner.expect_live()
    await expect(owner.page.locator(".row.final")).to_have_count(1)
    await expect(owner.page.locator(".row.mine .state")).to_have_count(0)
    assert await owner.page.locator(".row.mine .words").all_inner_texts() == ["status", "Run mutation."]
    assert await owner.page.evaluate("Object.keys(localStorage)") == ["reins.person"]
    assert await runs(bot) == 1
    owner.problems.clear()


async def test_what_is_written_offline_is_sent_once_when_the_connection_is_back(bot: ServedBot, owner: Phone) -> None:
    await owner.page.context.set_offline(True)
    await owner.say("run mutation")
    await expect(owner.page.locator(".unsent")).to_contain_text("Not sent.")
    assert await runs(bot) == 0
    await owner.page.context.set_offline(False)
    await owner.expect_text("mutation on local/sample@main accepted")
    await expect(owner.page.locator(".row.mine")).to_have_count(1)
    await owner.expect_live()
    assert await runs(bot) == 1
    assert {problem for problem in owner.problems if "ERR_INTERNET_DISCONNECTED" not in problem} == set()
    owner.problems.clear()


async def test_the_page_goes_on_after_a_restart_of_the_bot(bot: ServedBot, owner: Phone) -> None:
    await owner.say("status")
    await owner.expect_text("Mode read-only")
    await bot.restart()
    await owner.say("run mutation")
    await expect(owner.page.locator(".row.final")).to_have_count(1)
    await expect(owner.rows).to_have_count(7)
    owner.problems.clear()  # what the browser says about a server that is gone for a moment


async def test_signing_out_leaves_nothing_on_the_phone(owner: Phone) -> None:
    await owner.say("status")
    await owner.expect_text("Mode read-only")
    await owner.page.tap("#account-button")
    await owner.page.tap("#sign-out")
    await expect(owner.page.locator("#signed-out")).to_be_visible()
    await expect(owner.rows).to_have_count(0)
    assert await owner.page.evaluate("localStorage.length") == 0
    assert await owner.page.context.cookies() == []


async def test_a_session_that_ended_elsewhere_leads_to_the_sign_in_screen(bot: ServedBot, owner: Phone) -> None:
    now = bot.bot.clock.now()
    await bot.bot.store.transact(lambda tables: tables.sessions.end_all_of("owner", now))
    await asyncio.to_thread(bot.bot.people.remove, "owner")
    await owner.say("run mutation")
    await expect(owner.page.locator("#sign-in-problem")).to_contain_text("Your session has ended.")
    assert await runs(bot) == 0
    assert {problem for problem in owner.problems if "401" not in problem} == set()
    owner.problems.clear()
