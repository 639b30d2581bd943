"""Health as a supervisor reads it: without a session, honest, and free of secrets."""

from tests.fakes.served_bot import ServedBot


async def test_a_bot_that_works_says_so_to_anybody(bot: ServedBot) -> None:
    reply = await bot.browser().ask("GET", "/v1/health")
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json"
    assert (reply.body["status"], reply.body["recording"], reply.body["policy"]) == ("ok", True, "loaded")


async def test_a_bot_that_cannot_record_is_unwell(bot: ServedBot) -> None:
    browser = await bot.sign_in()
    async with bot.outage():
        await browser.say("status")
        reply = await browser.ask("GET", "/v1/health")
    assert (reply.status, reply.body["status"], reply.body["recording"]) == (503, "degraded", False)
    await browser.say("status")
    assert (await browser.ask("GET", "/v1/health")).status == 200
