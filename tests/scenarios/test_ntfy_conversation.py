"""Conversations by ntfy with a whole bot and a fake server: what is typed, tapped and replaced on a phone."""

import json
from pathlib import Path

import pytest

from tests.fakes.connected_bot import COMMAND_NTFY_TOKEN, ConnectedWorld, connected_bot, tokens_of
from tests.fakes.providers.ntfy import Shown

OLD, NEW = (2, 13), (2, 17)
VERSIONS = pytest.mark.parametrize("version", [OLD, NEW], ids=["server 2.13", "server 2.17"])


async def asked(world: ConnectedWorld) -> tuple[str, Shown]:
    """Have olga ask for approval; return the request's handle and carl's notification."""
    world.say("olga", "run strict")
    push = await world.push("carl", "olga asks to run strict")
    return push.message.partition(":")[0], push


def said(text: str) -> str:
    return str(json.loads(text)["text"])


@VERSIONS
async def test_what_is_typed_is_answered_on_the_phones_own_topic(tmp_path: Path, version: tuple[int, int]) -> None:
    async with connected_bot(tmp_path, ntfy_version=version) as world:
        await world.ntfy.opened(1)
        await world.type("carl", "Status.")
        status = await world.push("carl", "Mode read-only")
        assert status.priority == 3
        assert "audit " in status.message  # the head of the trail: this phone is now a witness
        assert status.labels == ["last", "mutation", "Open"]
        await world.type("vic", "whoami")
        assert "You are Vic (vic)" in (await world.push("vic", "You are")).message
        assert world.ntfy.notifications("out-ann") == []


@VERSIONS
async def test_a_run_is_started_by_a_button_and_never_by_typing(tmp_path: Path, version: tuple[int, int]) -> None:
    async with connected_bot(tmp_path, ntfy_version=version) as world:
        await world.ntfy.opened(1)
        await world.type("carl", "run mutation")  # whoever may write the topic could have typed it
        await world.push("carl", "Not yet (proof_too_weak): run needs the proof code")
        await world.type("carl", "mutation")
        tapped = await world.tap("carl", "Measure it with run mutation.", "run mutation")
        run = said(tapped.text).split()[0]
        assert (tapped.status, said(tapped.text)) == (
            200,
            f"{run} mutation on local/sample@main accepted. Notices come here.",
        )
        final = await world.push("carl", f"DONE {run} mutation on local/sample@main: mutation 59.79%")
        await world.push("carl", f"{run} mutation: " + ("succeeded" if version == NEW else "attempt 1 done"))
        shown = [one for one in world.ntfy.notifications("out-carl") if one.message.startswith(f"{run} mutation: ")]
        # A new server replaces a run's progress in place, an old one piles it up.
        assert len(shown) == (1 if version == NEW else 2)
        assert final.key not in {one.key for one in shown}
        assert (final.priority, {one.priority for one in shown}) == (3, {2})


@VERSIONS
async def test_a_second_tap_says_the_same_and_the_opposite_one_who_decided(
    tmp_path: Path, version: tuple[int, int]
) -> None:
    async with connected_bot(tmp_path, ntfy_version=version) as world:
        handle, push = await asked(world)
        assert push.labels == ["Approve", "Deny", "Open"]
        approve, deny = tokens_of([dict(action) for action in push.actions])
        first = await world.tap("carl", handle, "Approve")
        assert (first.status, said(first.text).partition(", started")[0]) == (200, f"{handle} approved")
        assert await world.tap_token(approve) == first
        opposite = await world.tap_token(deny)
        assert opposite.status == 409
        assert said(opposite.text).startswith(f"Refused (approval_decided): {handle} is already approved, by carl")
        await world.card("olga", "DONE")
        assert len([row for row in await world.audit() if row["action"] == "effect-dispatch"]) == 1


async def test_by_the_command_topic_a_tap_is_answered_with_a_notification(tmp_path: Path) -> None:
    async with connected_bot(tmp_path, ntfy_actions="topic") as world:
        await world.ntfy.opened(1)
        handle, push = await asked(world)
        assert push.actions[0]["headers"]["Authorization"] == f"Bearer {COMMAND_NTFY_TOKEN}"
        assert push.actions[0]["url"] == f"{world.ntfy.url}/out-carl-cmd"
        assert (await world.tap("carl", handle, "Deny")).status == 200
        await world.push("carl", f"{handle} refused. Nothing was started.")
        await world.card("olga", f"{handle} strict: refused by carl.")
        (approve, _deny) = tokens_of([dict(action) for action in push.actions])
        await world.type("carl", f"~{approve}")
        await world.push("carl", f"Refused (approval_decided): {handle} is already denied, by carl")
        assert [row for row in await world.audit() if row["action"] == "effect-dispatch"] == []


async def test_a_press_published_to_somebody_elses_topic_presses_nothing(tmp_path: Path) -> None:
    async with connected_bot(tmp_path, ntfy_actions="topic") as world:
        await world.ntfy.opened(1)
        handle, push = await asked(world)
        (approve, _deny) = tokens_of([dict(action) for action in push.actions])
        await world.type("vic", f"~{approve}")
        await world.push("vic", "Refused (button_misplaced)")
        assert handle in (await world.push("carl", "asks to run")).message
        assert [row for row in await world.audit() if row["action"] == "effect-dispatch"] == []


async def test_without_buttons_a_request_says_where_to_decide(tmp_path: Path) -> None:
    async with connected_bot(tmp_path, ntfy_actions="none") as world:
        await world.ntfy.opened(1)
        handle, push = await asked(world)
        assert push.labels == ["Open"]
        assert (await world.ntfy.tap("out-carl", push.key, "Open")).text == world.bot.url
        await world.type("carl", f"ok {handle}")
        await world.push("carl", "Not yet (proof_too_weak): ok needs the proof account")


async def test_what_was_typed_while_the_line_was_cut_is_answered_once_it_is_back(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        await world.ntfy.opened(1)
        await world.type("carl", "whoami")
        await world.push("carl", "You are Carl")
        world.ntfy.hang_up()
        await world.ntfy.closed()
        await world.type("carl", "halt")
        await world.push("carl", "Mode is now off, it was read-only.")
        halts = [row for row in await world.audit() if row["action"] == "halt"]
        assert [row["outcome"] for row in halts] == ["done"]


async def test_no_code_goes_by_ntfy(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        world.telegram.block(world.user("olga"))
        await world.text("olga", "run mutation")
        handle, code = await world.code("olga")
        world.say("vic", "halt")
        await world.push("olga", "Mode is now off")
        shown = [one.message for topic in ("olga", "ann", "carl") for one in world.ntfy.notifications(f"out-{topic}")]
        assert [text for text in shown if code in text or f"ok {handle}" in text] == []
