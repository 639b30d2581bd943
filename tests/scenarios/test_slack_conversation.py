"""What the team's Slack channel is told, what it never is, and what becomes of news while its webhook is shut."""

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.connected_bot import connected_bot
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.slack import SECRET_PATH


async def test_the_channel_hears_of_requests_decisions_and_ends_and_links_to_the_page(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        world.say("olga", "run strict")
        request = await world.posted("olga asks to run strict")
        blocks: Any = request.extra["blocks"]
        assert blocks[-1]["text"]["text"] == f"<{world.bot.url}|Decide on the page>"
        assert "actions" not in request.extra
        world.press("ben", await world.card("ben", "asks to run"), "Approve")
        resolved = await world.posted("approved by ben, started as")
        run = resolved.text.split()[-1].rstrip(".")
        final = await world.posted(f"DONE {run} strict on local/sample@main")
        posted = [one.text for one in world.ledger if one.channel == "slack"]
        assert posted == [request.text, resolved.text, final.text]
        assert "attempt" not in " ".join(posted)
        assert [line for line in world.logged if SECRET_PATH in line] == []


@pytest.mark.parametrize("word", ["no_service", "invalid_token", "channel_is_archived"])
async def test_a_shut_webhook_is_an_alarm_elsewhere_that_does_not_show_its_address(tmp_path: Path, word: str) -> None:
    async with connected_bot(tmp_path) as world:
        world.slack.refuse(404, word)
        world.say("vic", "halt")
        await world.card("ann", "Mode is now off, set by vic")
        await world.until(lambda: world.failures)
        world.clock.advance(60)
        await world.bot.bot.liveness.look()
        alarm = await world.card("ann", "The channel slack is in trouble:")
        assert alarm.text == f"The channel slack is in trouble: Slack 404 {word}."
        await world.push("carl", "The channel slack is in trouble")
        world.slack.accept()
        await world.pass_time(60)
        await world.posted("Mode is now off, set by vic")
        await world.bot.bot.liveness.look()
        await world.card("ann", "The channel slack works again.")


@pytest.mark.parametrize("fault", [Fault.ACCEPT_THEN_DROP, Fault.ERROR_AFTER_ACCEPT, Fault.BAD_JSON_AFTER_ACCEPT])
async def test_what_may_have_arrived_is_marked_as_a_repeat(tmp_path: Path, fault: Fault) -> None:
    async with connected_bot(tmp_path) as world:
        world.slack.faults.add(fault)
        world.say("vic", "halt")
        first = await world.posted("Mode is now off, set by vic on telegram.")
        await world.until(lambda: world.failures)
        await world.pass_time(30)
        again = await world.posted("(repeat)")
        assert again.text == f"(repeat)\n{first.text}"
