"""Conversations by SMS with a whole bot and a fake Twilio, written as they read on a phone without data."""

from pathlib import Path

from domain.people import AddressKind
from tests.fakes.connected_bot import ConnectedWorld, connected_bot
from tests.fakes.providers.segments import segments
from tests.fakes.providers.twilio import Forgery

STRANGER = "+41791234567"
EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response />'


def bare(text: str) -> str:
    """Return a text without the reference it is found again by."""
    return text.rpartition(" #")[0]


async def ask_to_run(world: ConnectedWorld, person: str) -> str:
    """Let somebody start a run with its one-time code; return the run's handle."""
    await world.text(person, "Run mutation.")
    handle, code = await world.code(person)
    await world.text(person, f"ok {handle} {code}")
    return (await world.texted(person, "accepted")).split()[0]


async def test_a_run_is_confirmed_by_code_and_its_end_comes_back_to_the_number(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        answer = await world.text("olga", "status")
        assert (answer.status, answer.content_type, answer.text) == (200, "text/xml", EMPTY)
        assert bare(await world.texted("olga", "Mode")) == (
            "Mode read-only. Mutation unknown. Backlog unknown high, unknown medium. Runs open 0, waiting 0."
            " CI unknown 2/2."
        )
        run = await ask_to_run(world, "olga")
        final = await world.texted("olga", "DONE")
        assert final.startswith(f"DONE {run} mutation on local/sample@main: mutation 59.79%, needs 80.00%;")
        assert "mode read-only." in final

        asked, code = await world.code("olga")
        status, challenge, accepted, end = world.texts("olga")
        assert bare(challenge) == f"{asked}: Run mutation.? Send ok {asked} {code} within 10 min."
        assert bare(accepted) == f"{run} mutation on local/sample@main accepted. Notices come here."
        assert {segments(text) for text in (status, challenge, accepted, end)} == {1}
        # Attempts are worth no text: they are shown where they cost nothing, on one card.
        card = await world.card("olga", f"{run} mutation: succeeded")
        assert (card.edits, card.silent, len(world.cards("olga"))) == (2, True, 1)


async def test_a_text_that_twilio_sends_again_is_answered_and_acted_on_once(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        await ask_to_run(world, "olga")
        assert (await world.twilio.text_again(world.phone("olga"))).status == 200
        await world.texted("olga", "DONE")
        assert [text.split()[0] for text in world.texts("olga")].count("DONE") == 1
        assert len([text for text in world.texts("olga") if "accepted" in text]) == 1
        assert [row["outcome"] for row in await world.audit() if row["action"] == "effect-dispatch"] == ["delivered"]


async def test_a_wrong_code_is_said_to_be_wrong_and_a_used_one_does_nothing_twice(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        await world.text("olga", "run mutation")
        handle, code = await world.code("olga")
        wrong = f"{(int(code) + 1) % 1_000_000:06}"
        await world.text("olga", f"ok {handle} {wrong}")
        assert "the code is wrong; 4 tries left" in await world.texted("olga", "code_wrong")
        await world.text("olga", f"ok {handle}")
        assert "3 tries left" not in (await world.until(lambda: world.texts("olga")[2:]))[0]
        world.say("ann", f"ok {handle} {code}")
        assert "waits for somebody else" in (await world.card("ann", "confirmation_foreign")).text
        await world.text("olga", f"ok {handle.lower()} {code}")
        await world.texted("olga", "accepted")
        await world.text("olga", f"ok {handle} {code}")
        assert "nothing is done twice" in await world.texted("olga", "confirmation_used")
        await world.texted("olga", "DONE")
        assert len([row for row in await world.audit() if row["action"] == "effect-dispatch"]) == 1


async def test_a_code_lives_ten_minutes(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        await world.text("olga", "run mutation")
        handle, code = await world.code("olga")
        await world.pass_time(10 * 60)
        await world.text("olga", f"ok {handle} {code}")
        assert "has expired; send the command again" in await world.texted("olga", "confirmation_expired")


async def test_a_refusal_names_its_rule_and_can_be_asked_about(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        await world.text("vic", "run mutation")
        refused = await world.texted("vic", "Refused")
        assert refused.startswith("Refused (scope_missing): run needs the scope operate. More: why ")
        asked = bare(refused).split()[-1]
        await world.text("vic", f"why {asked}")
        assert (await world.texted("vic", "deny by rule")).startswith("deny by rule scope_missing: run needs the scope")
        assert all(segments(text) == 1 for text in world.texts("vic"))


async def test_a_long_answer_is_cut_to_one_segment_and_goes_on_by_its_id(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        await world.text("olga", "menu")
        first = bare(await world.texted("olga", ".. why"))
        await world.text("olga", f"why {first.split()[-1]}")
        second = bare((await world.until(lambda: world.texts("olga")[1:]))[0])
        begun = first.partition(".. why")[0]
        assert second
        assert begun not in second
        assert segments(first) == segments(second) == 1


async def test_approving_and_raising_the_mode_are_not_for_texts_but_halting_always_is(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        world.say("olga", "run strict")
        asked = (await world.card("olga", "strict waits for 1 approval")).text.split()[0]
        await world.text("ann", f"ok {asked}")
        assert "carries at most the scope operate" in await world.texted("ann", "Refused (channel_scope)")
        await world.text("ann", "resume")
        await world.until(lambda: world.texts("ann")[1:])
        assert world.texts("ann")[1].startswith("Refused (channel_scope)")
        await world.text("vic", "halt")
        assert (await world.texted("vic", "Mode is now off")).startswith("Mode is now off, it was read-only.")
        await world.card("ann", "Mode is now off, set by vic on sms.")
        await world.push("carl", "Mode is now off, set by vic on sms.")
        await world.posted("Mode is now off, set by vic on sms.")
        await world.text("olga", "run mutation")
        assert "mode_off" in await world.texted("olga", "Refused")


async def test_stop_silences_a_number_and_start_brings_it_back(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        await world.text("olga", " stop")
        alarm = "sms:…0003 of olga has opted out at the carrier: no text arrives there any more."
        for approver in ("ann", "ben"):
            await world.card(approver, alarm)
        await world.push("carl", alarm)
        await world.card("olga", "To undo it, send START from that phone.")

        await world.text("olga", "status")
        await world.bot.bot.relay.tick()
        assert world.texts("olga") == []
        (row,) = [row for row in await world.audit() if row["outcome"] == "dead"]
        assert "21610" in row["evidence"]["error"]

        await world.text("olga", "START")
        await world.text("olga", "status")
        await world.texted("olga", "Mode read-only")


async def test_an_opt_out_that_only_the_carrier_knew_of_is_told_and_the_text_goes_elsewhere(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        run = await ask_to_run(world, "olga")
        await world.texted("olga", f"DONE {run}")
        world.twilio.opted_out.add(world.phone("olga"))
        await world.text("olga", "run mutation")
        await world.card("ann", "sms:…0003 of olga has opted out at the carrier")
        await world.card("olga", "sms:…0003 of olga has opted out at the carrier")


async def test_carrier_words_and_a_bare_yes_decide_nothing(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        await world.text("olga", "run mutation")
        await world.code("olga")
        for word in ("YES", "HELP", "Info"):
            assert (await world.text("olga", word)).text == EMPTY
        await world.text("olga", "ja")
        await world.texted("olga", "Not done: there is no command ja")
        assert len(world.texts("olga")) == 2
        assert [row for row in await world.audit() if row["action"] == "effect-dispatch"] == []


async def test_a_stranger_hears_nothing_until_they_send_the_code_that_was_made_for_a_person(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        await world.text(STRANGER, "status")
        await world.card("ann", "Somebody unknown wrote on sms (sms:…4567). They got no answer.")
        await world.text(STRANGER, "link 00000000")
        assert world.texts(STRANGER) == []
        made = await world.link_code("vic", AddressKind.SMS)
        await world.text(STRANGER, f"Link {made.lower()}")
        assert (await world.texted(STRANGER, "is linked")).startswith("sms:...4567 is linked: it is vic from now on.")
        await world.card("vic", "sms:…4567 is linked: it is vic from now on.")
        await world.text(STRANGER, "whoami")
        assert "You are Vic (vic), roles viewer" in await world.texted(STRANGER, "You are")
        await world.text(STRANGER, "run mutation")
        await world.texted(STRANGER, "Refused (scope_missing)")
        await world.text("+41797654321", f"link {made}")  # a spent code links nobody else
        assert world.texts("+41797654321") == []


async def test_forged_texts_reach_nobody_and_leave_a_trace(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        answers = [await world.twilio.attack(forgery, world.phone("ann"), "halt") for forgery in Forgery]
        assert {answer.status for answer in answers} == {403}
        refused = [row for row in await world.audit() if row["action"] == "sms-request"]
        assert [row["outcome"] for row in refused] == ["refused"] * len(Forgery)
        assert "Mode is now off" not in " ".join(one.text for one in world.ledger)


async def test_a_text_that_failed_on_its_way_is_told_by_another_channel(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        run = await ask_to_run(world, "olga")
        await world.texted("olga", "DONE")
        sid = next(one.id for one in reversed(world.ledger) if one.to == world.phone("olga"))
        before = len(world.cards("olga"))
        for answer in await world.twilio.report(sid, "sent", "undelivered", error_code=30005):
            assert answer.status == 200
        await world.until(lambda: len(world.cards("olga")) > before)
        assert world.cards("olga")[-1].text.startswith(f"DONE {run} mutation")
        (row,) = [row for row in await world.audit() if row["outcome"] == "dead"]
        assert "undelivered 30005" in row["evidence"]["error"]
