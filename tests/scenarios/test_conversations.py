"""Whole conversations with a served bot, its real local forge and the sample artifacts, written as they read on a phone."""

from pathlib import Path
from typing import Any

from bot.home import Home
from tests.fakes.served_bot import Browser, Events, ServedBot, served_bot


async def say(who: Browser, text: str) -> str:
    reply = await who.say(text)
    assert reply.status == 200, reply
    return str(reply.body["entry"]["text"])


async def hear(events: Events, until: str) -> list[str]:
    """Return the kinds of the notices that arrive, up to the first of kind `until`, whose text comes last."""
    heard: list[str] = []
    while True:
        event = await events.next()
        assert event is not None, heard
        if event.comment is not None or event.entry["kind"] in ("message", "reply"):
            continue
        heard.append(event.entry["kind"])
        if event.entry["kind"] == until:
            return [*heard, event.entry["text"]]


async def test_a_run_from_the_first_word_to_the_last_figure(tmp_path: Path) -> None:
    async with served_bot(tmp_path) as bot:
        owner = await bot.sign_in()
        assert "Mutation: unknown, never measured" in await say(owner, "status")
        async with owner.events() as events:
            accepted = await say(owner, "Run mutation.")
            handle = accepted.split()[0]
            assert accepted == f"{handle} mutation on local/sample@main accepted. Notices come here."
            *kinds, final = await hear(events, "final")
        assert kinds == ["attempt-start", "attempt-done", "final"]
        score = (await say(owner, "mutation")).split()[1]
        assert float(score) > 0
        assert final.startswith(f"DONE {handle} mutation on local/sample@main: ")
        assert score.split(".")[0] in final
        assert "unknown" not in final
        assert f"Mutation: {score} %" in await say(owner, "status")
        why = await say(owner, f"why {handle}")
        assert "asked > accepted" in why
        assert "> succeeded: " in why


async def test_a_refusal_names_its_rule_and_can_be_asked_about(tmp_path: Path) -> None:
    async with served_bot(tmp_path) as bot:
        await bot.enrol("vic", "viewer")
        vic = await bot.sign_in("vic")
        refused = await say(vic, "run mutation")
        assert refused.startswith("Refused (scope_missing): run needs the scope operate. More: why ")
        handle = refused.split()[-1]
        why = await say(vic, f"why {handle}")
        assert why.startswith("deny by rule scope_missing: run needs the scope operate\nvic asked run mutation on web")
        assert "run mutation" not in await say(vic, "menu")


async def test_an_approval_by_a_second_person(tmp_path: Path) -> None:
    async with served_bot(tmp_path) as bot:
        await bot.enrol("olga", "operator")
        owner, olga = await bot.sign_in(), await bot.sign_in("olga")
        async with owner.events() as to_owner, olga.events() as to_olga:
            waits = await say(olga, "run mutation-strict threshold=95")
            handle = waits.split()[0]
            assert waits == f"{handle} mutation-strict waits for 1 approval(s), 15 min."
            *_, asked = await hear(to_owner, "approval-request")
            assert asked.startswith(
                f"{handle}: olga asks to run mutation-strict\nlocal/sample mutation-loop on main\nthreshold=95\n"
            )
            assert (await say(olga, f"ok {handle}")).startswith("Refused (scope_missing)")
            approved = await say(owner, f"ok {handle}")
            run = approved.split()[-1].rstrip(".")
            assert approved == f"{handle} approved, started as {run}."
            *kinds, final = await hear(to_olga, "final")
        assert sorted(kinds) == ["approval-resolved", "attempt-done", "attempt-start", "final"]
        assert final.startswith(f"DONE {run} mutation-strict on local/sample@main: ")
        assert (await say(owner, f"ok {handle}")).startswith("Refused (approval_decided)")


async def test_a_halt_in_between_stops_what_has_not_begun(tmp_path: Path) -> None:
    async with served_bot(tmp_path) as bot:
        await bot.enrol("vic", "viewer")
        owner, vic = await bot.sign_in(), await bot.sign_in("vic")
        async with owner.events() as events:
            assert (await say(vic, "halt")).startswith("Mode is now off, it was read-only.")
            *_, told = await hear(events, "mode-changed")
            assert told == "Mode is now off, set by vic on web."
        assert (await say(owner, "run mutation")).startswith(
            "Refused (mode_off): the mode is off, held by the stored mode"
        )
        assert (await say(owner, "pause")).startswith("Not yet (proof_too_weak)")
        assert (await say(bot.console(), "pause")).startswith("Mode is now read-only, it was off.")
        assert "accepted" in await say(owner, "run mutation")


async def test_a_halt_file_made_by_hand_holds_until_it_is_removed_by_hand(tmp_path: Path) -> None:
    async with served_bot(tmp_path) as bot:
        owner = await bot.sign_in()
        halt = Home.of(bot.settings).halt_file
        halt.touch()
        assert "held by the HALT file" in await say(owner, "run mutation")
        async with bot.outage():
            assert "(The audit log cannot be written" in await say(owner, "status")
        assert (await say(owner, "status")).startswith("Mode off, held by the HALT file")
        halt.unlink()
        assert (await say(owner, "status")).startswith("Mode read-only")


async def test_a_restart_in_between_forgets_nothing(tmp_path: Path) -> None:
    async with served_bot(tmp_path) as bot:
        owner = await bot.sign_in()
        first = await owner.say("run triage", nonce="a" * 32)
        await bot.restart()
        again = await owner.say("run triage", nonce="a" * 32)
        assert again.body == {**first.body, "repeated": True, "entry": _same_but_when(first, again)}
        finals = await _finals(bot, owner)
        assert len(finals) == 1
        assert finals[0].startswith(f"DONE {first.body['entry']['text'].split()[0]} triage on local/sample@main: ")


def _same_but_when(first: Any, again: Any) -> Any:
    return {**first.body["entry"], "at": again.body["entry"]["at"]}


async def _finals(bot: ServedBot, who: Browser) -> list[str]:
    """Return the final notices in a person's chat, once there is one."""
    async with who.events(query="?after=0") as events:
        await hear(events, "final")
    await bot.bot.watch.look()
    return [entry["text"] for entry in await who.entries() if entry["kind"] == "final"]
