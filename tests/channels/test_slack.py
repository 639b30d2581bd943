"""A notice becomes one Slack message of plain text, at most one a second, and no failure shows the webhook's address."""

import html
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.calls import Caller
from channels.port import Arrival, Broken, DeliveryError, Earlier, Handed, MaybeSent, Never, NotNow, Paced
from channels.pulse import Pulse
from channels.slack import SlackChannel
from channels.slack_text import message
from domain.notices import Choice, Notice, NoticeKind
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.slack import SECRET_PATH, FakeSlack, complaint_about
from tests.fakes.virtual_time import START, VirtualTime

PAGE = "https://reins.example/?a=1&b=2"
NEWS = Notice("run-1:final", NoticeKind.FINAL, "mutation on main: 83 %\n<!channel> *bold* & more")


@dataclass
class Rig:
    slack: FakeSlack
    channel: SlackChannel
    clock: VirtualTime
    pulse: Pulse

    async def deliver(self, notice: Notice = NEWS, *, repeat: bool = False) -> Handed:
        return await self.channel.deliver("team", notice, repeat=repeat)

    @property
    def posted(self) -> list[str]:
        return self.slack.ledger.texts("team")


@asynccontextmanager
async def slack_rig(call_seconds: float = 10.0) -> AsyncIterator[Rig]:
    clock, pulse = VirtualTime(), Pulse("slack")
    async with FakeSlack(clock) as slack, aiohttp.ClientSession() as session:
        channel = SlackChannel(slack.webhook_url, PAGE, Caller(session, call_seconds), clock, pulse)
        yield Rig(slack, channel, clock, pulse)


async def test_a_notice_is_posted_with_its_markup_made_harmless() -> None:
    async with slack_rig() as rig:
        assert await rig.deliver() == Handed()
        (accepted,) = rig.slack.ledger
        shown = "mutation on main: 83 %\n&lt;!channel&gt; *bold* &amp; more"
        section = {"type": "section", "text": {"type": "plain_text", "text": shown, "emoji": False}}
        assert accepted.extra == {"text": shown, "blocks": [section]}
        assert (rig.pulse.last_accepted, rig.pulse.problem) == (START, None)


async def test_a_notice_that_asks_something_links_to_the_page() -> None:
    async with slack_rig() as rig:
        await rig.deliver(replace(NEWS, choices=(Choice("Approve", "ok R7"),)))
        assert rig.posted[0].endswith("\n<https://reins.example/?a=1&amp;b=2|Decide on the page>")


async def test_a_repeat_shows_that_it_is_one() -> None:
    async with slack_rig() as rig:
        await rig.deliver(repeat=True)
        assert rig.posted[0].startswith("(repeat)\nmutation on main")


def test_hidden_characters_are_dropped() -> None:
    assert message(replace(NEWS, text="ok\u202e R7\x00"), PAGE, repeat=False)["text"] == "ok R7"


@given(st.text(max_size=200), st.integers(0, 400))
def test_any_text_makes_a_document_that_slack_takes_and_shows_as_it_was(text: str, times: int) -> None:
    document = message(replace(NEWS, text=text * times), PAGE, repeat=False)
    assert complaint_about(document) is None


def test_a_long_text_goes_on_in_the_next_section_without_cutting_an_escape() -> None:
    blocks = message(replace(NEWS, text="\n".join(["&" * 500] * 3)), PAGE, repeat=False)["blocks"]
    assert isinstance(blocks, list)
    sections = [block["text"]["text"] for block in blocks]
    assert html.unescape("".join(sections)) == "\n".join(["&" * 500] * 3)
    assert all(section.count("&") == section.count("&amp;") for section in sections)


def test_a_text_without_end_is_cut() -> None:
    blocks = message(replace(NEWS, text="word " * 500 + "\n" + ("word " * 500 + "\n") * 9), PAGE, repeat=False)[
        "blocks"
    ]
    assert isinstance(blocks, list)
    assert [len(block["text"]["text"]) for block in blocks] == [3000] * 4 + [1]


@pytest.mark.parametrize("kind", [NoticeKind.TOAST, NoticeKind.CARD])
async def test_nothing_is_posted_for_what_a_webhook_cannot_change(kind: NoticeKind) -> None:
    async with slack_rig() as rig:
        notice = replace(NEWS, kind=kind)
        assert await rig.deliver(notice) == Handed()
        assert await rig.channel.look_back("team", notice, Earlier(START, None)) is Arrival.NOT_THERE
        assert rig.posted == []


async def test_a_code_never_goes_to_a_shared_place() -> None:
    async with slack_rig() as rig:
        with pytest.raises(Never):
            await rig.deliver(replace(NEWS, kind=NoticeKind.CHALLENGE, subject="confirmation-1"))
        assert rig.posted == []


async def test_a_second_message_within_a_second_waits_for_the_rest_of_it() -> None:
    async with slack_rig() as rig:
        await rig.deliver()
        rig.clock.advance(seconds=0.25)
        with pytest.raises(Paced) as paced:
            await rig.deliver()
        assert paced.value.seconds == 0.75
        rig.clock.advance(seconds=0.75)
        await rig.deliver()
        assert len(rig.posted) == 2


async def test_slacks_wish_to_wait_holds_for_every_message() -> None:
    async with slack_rig() as rig:
        rig.slack.faults.add(Fault.TOO_MANY, retry_after_seconds=30)
        with pytest.raises(NotNow, match="429 rate_limited") as refused:
            await rig.deliver()
        assert refused.value.retry_after_seconds == 30
        rig.clock.advance(seconds=29)
        with pytest.raises(Paced):
            await rig.deliver()
        rig.clock.advance(seconds=1)
        await rig.deliver()
        assert len(rig.posted) == 1


async def test_a_wish_that_cannot_be_read_is_a_second() -> None:
    async with slack_rig() as rig:
        rig.slack.faults.add(Fault.TOO_MANY)
        with pytest.raises(NotNow) as refused:
            await rig.deliver()
        assert refused.value.retry_after_seconds == 1


async def test_the_fake_limits_who_does_not_pace_themselves() -> None:
    async with slack_rig() as rig, aiohttp.ClientSession() as session:
        statuses = []
        for _ in range(4):
            async with session.post(rig.slack.webhook_url, json=message(NEWS, PAGE, repeat=False)) as response:
                statuses.append(response.status)
        assert statuses == [200, 200, 200, 429]


@pytest.mark.parametrize(
    ("status", "word"),
    [(403, "invalid_token"), (404, "no_service"), (410, "channel_is_archived"), (401, "?"), (302, "")],
)
async def test_a_webhook_that_is_gone_breaks_the_channel_until_a_message_is_taken_again(status: int, word: str) -> None:
    async with slack_rig() as rig:
        rig.slack.refuse(status, word)
        with pytest.raises(Broken, match=f"Slack {status}"):
            await rig.deliver()
        assert rig.pulse.problem is not None
        rig.slack.accept()
        rig.clock.advance(seconds=1)
        await rig.deliver()
        assert rig.pulse.problem is None


async def test_a_message_that_slack_cannot_read_is_given_up_alone() -> None:
    async with slack_rig() as rig:
        rig.slack.refuse(400, "invalid_blocks")
        with pytest.raises(Never, match="400 invalid_blocks"):
            await rig.deliver()
        assert rig.pulse.problem is None


async def test_an_answer_other_than_ok_leaves_it_open() -> None:
    async with slack_rig() as rig:
        rig.slack.refuse(200, "<html>a proxy's page</html>")
        with pytest.raises(MaybeSent, match="without a known word"):
            await rig.deliver()


async def test_a_refused_connection_means_that_nothing_was_posted() -> None:
    async with slack_rig() as rig:
        await rig.slack.close()
        with pytest.raises(NotNow, match="no connection"):
            await rig.deliver()


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.TOO_MANY])
async def test_an_unclear_answer_cannot_be_looked_up_and_shows_no_secret(fault: Fault) -> None:
    async with slack_rig(call_seconds=0.2 if fault is Fault.SLOW_AFTER_ACCEPT else 10.0) as rig:
        rig.slack.faults.add(fault)
        with pytest.raises(MaybeSent) as failed:
            await rig.deliver()
        assert len(rig.posted) == fault.took_effect
        assert await rig.channel.look_back("team", NEWS, Earlier(START, None)) is Arrival.CANNOT_TELL
        assert isinstance(failed.value, DeliveryError)
        shown = f"{failed.value!r} {failed.value.__cause__!r} {rig.channel!r}"
        assert SECRET_PATH not in shown
