"""Conversations on Telegram with a whole bot and a fake Bot API, written as they read in private and in the group."""

from pathlib import Path

from domain.people import AddressKind
from tests.fakes.connected_bot import GROUP, WEBHOOK_SECRET, ConnectedWorld, connected_bot

STRANGER = "8899001122"


async def run_to_its_end(world: ConnectedWorld, person: str) -> str:
    """Let somebody start a run and wait for its end; return its handle."""
    world.say(person, "run mutation")
    run = (await world.card(person, "accepted")).text.split()[0]
    await world.card(person, f"DONE {run}")
    await world.card(person, f"{run} mutation: succeeded")
    return run


async def test_a_run_keeps_one_card_through_its_attempts_and_ends_with_one_new_message(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        run = await run_to_its_end(world, "olga")
        accepted, card, final = world.cards("olga")
        assert accepted.text.startswith(f"{run} mutation on local/sample@main accepted. Notices come here.")
        assert accepted.labels == [[f"why {run}", f"abort {run}", "status"]]
        shown = [one.text for one in world.ledger if one.id == str(card.id) and one.to == str(world.user("olga"))]
        assert [text.partition(": ")[2] for text in shown[:2]] == [
            "attempt 1 started on local/sample@main.",
            "attempt 1 done, below threshold.",
        ]
        assert (len(shown), card.edits, card.labels) == (3, 2, [])
        # Edits make no sound, so the end is a message of its own, and it does.
        assert (card.silent, final.silent, final.edits) == (True, False, 0)
        assert final.text.startswith(f"DONE {run} mutation on local/sample@main: mutation 59.79%, needs 80.00%;")
        await world.card("olga", f"DONE {run}", GROUP)
        await world.posted(f"DONE {run}")


async def test_the_keys_under_an_answer_are_pressed_in_place_of_typing(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        world.say("vic", "/start")
        menu = await world.card("vic", "status")
        assert "run" not in [label for row in menu.labels for label in row]
        world.say("vic", "run mutation")
        refused = await world.card("vic", "Refused (scope_missing): run needs the scope operate.")
        (why, _menu), *_ = refused.labels
        world.press("vic", refused, why)
        answer = await world.card("vic", "deny by rule scope_missing")
        assert "vic asked run mutation on telegram" in answer.text
        assert await world.toast("vic", "") == ""  # ends the waiting sign; the answer is a message of its own


async def test_the_mutation_report_comes_with_its_trend_as_a_picture(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        await run_to_its_end(world, "olga")
        world.say("olga", "mutation")
        report = await world.card("olga", "Mutation: 59.79 %")
        assert report.photo is not None
        assert report.photo.startswith(b"\x89PNG\r\n\x1a\n")
        assert "caught" in report.text
        assert report.labels == [["run mutation", "last"]]


async def test_a_button_pressed_again_says_again_what_it_did(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        world.say("olga", "mutation")
        asked = await world.card("olga", "Measure it with run mutation.")
        world.press("olga", asked, "run mutation")
        first = (await world.card("olga", "accepted")).text.splitlines()[0]
        await world.card("olga", "DONE")
        world.press("olga", asked, "run mutation")
        assert await world.toast("olga", "accepted") == first
        assert len([row for row in await world.audit() if row["action"] == "effect-dispatch"]) == 1


async def test_a_stranger_is_told_nothing_and_a_deep_link_makes_them_somebody(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        world.telegram.start(int(STRANGER))
        world.say(STRANGER, "/start")
        await world.card("ann", "Somebody unknown wrote on telegram (telegram:…1122). They got no answer.")
        world.say(STRANGER, "/start 00000000")
        made = await world.link_code("vic", AddressKind.TELEGRAM)
        world.say(STRANGER, f"/start {made}")
        told = await world.card(STRANGER, "telegram:…1122 is linked: it is vic from now on.")
        assert world.cards(STRANGER) == [told]
        await world.card("vic", "telegram:…1122 is linked: it is vic from now on.")
        world.say(STRANGER, "whoami")
        assert "roles viewer, scopes read." in (await world.card(STRANGER, "You are Vic (vic)")).text
        world.say(STRANGER, "run mutation")
        await world.card(STRANGER, "Refused (scope_missing)")


async def test_a_linking_code_for_one_channel_or_from_a_group_links_nothing(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        world.telegram.start(int(STRANGER))
        by_sms = await world.link_code("vic", AddressKind.SMS)
        by_telegram = await world.link_code("vic", AddressKind.TELEGRAM)
        world.say(STRANGER, f"link {by_sms}")
        world.say(STRANGER, f"/link {by_telegram}", GROUP)
        world.say("vic", "whoami")
        await world.card("vic", "You are Vic")
        assert world.cards(STRANGER) == []
        (burnt,) = [row for row in await world.audit() if row["action"] == "link-code"]
        assert burnt["evidence"]["private"] is False  # everybody in the group has read it
        world.say(STRANGER, f"link {by_telegram}")
        world.say(STRANGER, "whoami")
        world.say("vic", "status")
        await world.card("vic", "Mode")
        assert world.cards(STRANGER) == []


async def test_in_a_group_only_commands_are_taken_and_only_in_the_one_that_is_listed(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        world.telegram.group(-100777)
        world.say("ann", "/halt", -100777)
        world.say("ann", "halt, they said", GROUP)
        world.say("ann", "/halt@another_bot", GROUP)
        world.telegram.say_as_anonymous_admin(GROUP, "/halt")
        world.telegram.forward(world.user("ann"), "halt")
        world.telegram.edit(world.user("ann"), "halt")
        world.say("vic", "/status@reins_test_bot", GROUP)
        status = await world.card("vic", "Mode", GROUP)
        assert status.text.startswith("Mode read-only, held by")
        assert world.cards("ann", -100777) == []
        assert world.cards("ann") == []


async def test_anybody_halts_and_everybody_learns_it(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        world.say("vic", "Halt.")
        await world.card("vic", "Mode is now off, it was read-only.")
        said = "Mode is now off, set by vic on telegram."
        for person in ("ann", "ben", "olga"):
            assert not (await world.card(person, said)).silent
        await world.card("ann", said, GROUP)
        assert (await world.push("carl", said)).priority == 5
        world.say("ann", "pause")
        await world.card("ann", "Not yet (proof_too_weak): pause needs the proof device")


async def test_an_update_that_comes_by_webhook_needs_the_secret(tmp_path: Path) -> None:
    async with connected_bot(tmp_path, telegram_webhook=True) as world:
        world.say("olga", "status")
        assert await world.post_updates(secret="") == [403]
        assert await world.post_updates(secret=WEBHOOK_SECRET[:-1] + "x") == [403]
        assert world.cards("olga") == []
        assert await world.post_updates() == [200]
        await world.card("olga", "Mode read-only")


async def test_who_blocked_the_bot_is_told_by_another_channel(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        world.telegram.block(world.user("ann"))
        world.say("vic", "halt")
        await world.push("ann", "Mode is now off, set by vic on telegram.")
