"""One request on every screen at once: who may answer it, by what, and that all screens learn how it ended."""

import json
from pathlib import Path
from typing import Any

from domain.modes import Mode
from tests.fakes.connected_bot import GROUP, ConnectedWorld, connected_bot, connected_policy, tokens_of
from tests.fakes.providers.telegram_world import Shown

FIFTEEN_MINUTES = 15 * 60


async def ask(world: ConnectedWorld, person: str = "olga", words: str = "run strict") -> str:
    """Let somebody ask for something that others must approve; return its handle once everybody was asked."""

    def waiting() -> list[Shown]:
        return [one for one in world.cards(person) if "waits for" in one.text]

    before = len(waiting())
    world.say(person, words)
    handle = (await world.until(lambda: waiting()[before:]))[0].text.split()[0]
    request = f"{handle}: {person} asks to run"
    for approver in {"ann", "ben"} - {person}:
        await world.card(approver, request)
    await world.card(person, request, GROUP)
    await world.push("carl", request)
    await world.posted(request)
    return handle


async def dispatches(world: ConnectedWorld) -> list[dict[str, Any]]:
    return [row for row in await world.audit() if row["action"] == "effect-dispatch"]


async def all_show(world: ConnectedWorld, words: str) -> None:
    """Wait until every screen that was asked shows how it ended, without a button that decides."""
    for person, chat in (("ann", None), ("ben", None), ("ann", GROUP)):
        assert (await world.card(person, words, chat)).labels == []
    assert (await world.push("carl", words)).labels == []
    await world.posted(words.partition(",")[0])  # which names no time: it is a message of its own


async def test_a_button_approves_and_every_other_screen_says_by_whom(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        handle = await ask(world)
        card = await world.card("ann", f"{handle}: olga asks to run strict")
        assert card.text.splitlines()[1:3] == [
            "local/sample mutation-loop on main",
            "risk report, rule approval_needed: 0 of 1 approvals given",
        ]
        assert (card.labels, card.silent) == ([["Approve", "Deny"]], False)
        world.press("ann", card, "Approve")
        toast = await world.toast("ann", f"{handle} approved, started as ")
        run = toast.split()[-1].rstrip(".")
        await all_show(world, f"{handle} strict: approved by ann, started as {run},")
        await world.card("olga", f"{handle} strict: approved by ann, started as {run}.")
        await world.card("olga", f"DONE {run} strict on local/sample@main")
        assert len(await dispatches(world)) == 1


async def test_typed_words_approve_as_well_as_a_button(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        first = await ask(world)
        world.say("ben", f"Ok {first.lower()}.")
        await world.card("ben", f"{first} approved, started as")
        await all_show(world, f"{first} strict: approved by ben, started as")
        await world.card("olga", "DONE")

        second = await ask(world)
        page = await world.bot.sign_in("carl")
        assert (await page.say(f"no {second} not on a Friday")).body["entry"]["text"].startswith(f"{second} refused.")
        await all_show(world, f"{second} strict: refused by carl: not on a Friday,")
        await world.card("olga", f"{second} strict: refused by carl: not on a Friday.")
        assert len(await dispatches(world)) == 1


async def test_nobody_approves_their_own_request_nor_without_the_scope(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        handle = await ask(world, "ann")
        world.say("ann", f"ok {handle}")
        await world.card("ann", f"Refused (self_approval): you asked for {handle}; somebody else must approve it")
        in_group = await world.card("ann", f"{handle}: ann asks to run", GROUP)
        world.press("ann", in_group, "Approve")
        await world.toast("ann", "Refused (self_approval)", GROUP)
        world.press("olga", in_group, "Approve")
        await world.toast("olga", "Refused (scope_missing)", GROUP)
        assert [one for one in world.cards("ann") if "asks to run" in one.text] == []
        assert await dispatches(world) == []


async def test_two_of_two_in_the_group_take_two_people(tmp_path: Path) -> None:
    policy = connected_policy()
    policy["actions"]["strict"]["approvals"]["needed"] = 2
    async with connected_bot(tmp_path, policy=policy) as world:
        handle = await ask(world)
        card = await world.card("ann", f"{handle}: olga asks to run", GROUP)
        world.press("ann", card, "Approve")
        await world.toast("ann", f"{handle} has 1 of 2 approvals.", GROUP)
        world.press("ann", card, "Approve")
        await world.until(lambda: [one.text for one in world.ledger].count(f"{handle} has 1 of 2 approvals.") == 2)
        world.press("ann", await world.card("ann", f"{handle}: olga asks to run"), "Approve")
        await world.toast("ann", "Refused (voted_already)")
        assert await dispatches(world) == []
        world.press("ben", card, "Approve")
        await world.toast("ben", f"{handle} approved, started as", GROUP)
        await all_show(world, f"{handle} strict: approved by ben, started as")
        await world.card("olga", "DONE")
        assert len(await dispatches(world)) == 1


async def test_a_request_that_ran_out_is_told_on_every_screen_and_its_buttons_are_dead(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        handle = await ask(world)
        card = await world.card("ann", f"{handle}: olga asks to run")
        group = await world.card("ann", f"{handle}: olga asks to run", GROUP)
        old = [(one, one.button("Approve")["callback_data"]) for one in (card, group)]
        (pushed,) = [one for one in world.ledger if one.to == "out-carl" and one.extra["actions"]]
        await world.pass_time(FIFTEEN_MINUTES)
        await all_show(world, f"{handle} strict: expired, nothing was started,")
        await world.card("olga", f"{handle} strict: expired, nothing was started.")
        for one, token in old:
            world.telegram.press_data(world.user("ann"), one.chat, one.id, token)
        refusal = f"Refused (approval_decided): {handle} is already expired"
        await world.toast("ann", refusal)
        await world.toast("ann", refusal, GROUP)
        tapped = await world.tap_token(tokens_of(pushed.extra["actions"])[0])
        assert (tapped.status, refusal in tapped.text) == (409, True)
        world.say("ben", f"ok {handle}")
        await world.card("ben", refusal)
        assert await dispatches(world) == []


async def test_of_two_who_press_at_once_one_decides_and_the_other_is_told_who(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        handle = await ask(world)
        cards = {person: await world.card(person, f"{handle}: olga asks") for person in ("ann", "ben")}
        for person, card in cards.items():
            world.press(person, card, "Approve")
        tapped = await world.tap("carl", f"{handle}: olga asks", "Approve")
        toasts = [await world.toast(person, handle) for person in ("ann", "ben")]
        said = [*toasts, json.loads(tapped.text)["text"]]
        (won,) = [text for text in said if text.startswith(f"{handle} approved, started as ")]
        winner = ("ann", "ben", "carl")[said.index(won)]
        lost = [text for text in said if text != won]
        assert [text.partition(". More")[0] for text in lost] == [
            f"Refused (approval_decided): {handle} is already approved, by {winner}"
        ] * 2
        assert tapped.status == (200 if winner == "carl" else 409)
        await world.card("olga", f"{handle} strict: approved by {winner}, started as")
        await world.card("olga", "DONE")
        assert len(await dispatches(world)) == 1


async def test_opposite_answers_at_once_leave_one_outcome(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        handle = await ask(world)
        ann, ben = [await world.card(person, f"{handle}: olga asks") for person in ("ann", "ben")]
        page = await world.bot.sign_in("carl")
        world.press("ann", ann, "Approve")
        world.press("ben", ben, "Deny")
        said = {"carl": (await page.say(f"no {handle} late")).body["entry"]["text"]}
        said |= {person: await world.toast(person, handle) for person in ("ann", "ben")}
        lost = [text for text in said.values() if text.startswith("Refused (approval_decided)")]
        (winner,) = [person for person, text in said.items() if text not in lost]
        assert [text for text in lost if f", by {winner}. More: why" not in text] == []
        how = "approved" if winner == "ann" else "refused"
        await all_show(world, f"{handle} strict: {how} by {winner}")
        if winner == "ann":
            await world.card("olga", "DONE")
        assert len(await dispatches(world)) == (winner == "ann")


async def medium(world: ConnectedWorld) -> tuple[str, str, dict[str, Shown]]:
    """Have olga ask for something of medium risk; return its handle, its number and the approvers' messages."""
    await world.set_mode(Mode.OPERATE)
    handle = await ask(world, words="run deploy image=shop:1")
    told = (await world.card("olga", "Its number is")).text
    number = told.partition("Its number is ")[2][:2]
    return handle, number, {person: await world.card(person, f"{handle}: olga asks") for person in ("ann", "ben")}


async def test_medium_risk_is_approved_by_the_number_that_only_who_asked_can_see(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        handle, number, cards = await medium(world)
        labels = [label for row in cards["ann"].labels for label in row]
        assert number in labels[:4]
        assert (len(set(labels)), labels[-1]) == (5, "Deny")
        assert (await world.push("carl", handle)).labels == ["Deny", "Open"]  # no number on a lock screen
        wrong = next(label for label in labels[:4] if label != number)
        world.press("ann", cards["ann"], wrong)
        await world.toast("ann", f"Refused (number_wrong): that is not the number of {handle}")
        world.press("ann", cards["ann"], number)
        await world.toast("ann", "Refused (number_spent)")
        assert await dispatches(world) == []
        world.say("ben", f"ok {handle}")
        await world.card("ben", "Not yet (number_needed)")
        world.press("ben", cards["ben"], number)
        run = (await world.toast("ben", f"{handle} approved, started as ")).split()[-1].rstrip(".")
        ended = await world.card("olga", f"REFUSED {run} deploy on acme/shop@main")
        assert "the forge github is not configured" in ended.text


async def test_nothing_of_medium_risk_starts_once_the_mode_went_down(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        handle, number, cards = await medium(world)
        await world.text("vic", "pause")
        await world.texted("vic", "Mode is now read-only")
        world.press("ben", cards["ben"], number)
        await world.toast("ben", "Refused (mode_too_low): deploy needs the mode operate; it is read-only")
        assert await dispatches(world) == []
        assert handle in (await world.card("ben", "asks to run")).text


async def test_high_risk_has_no_button_that_approves(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        await world.set_mode(Mode.OPERATE)
        said = (await world.bot.console().say("run release image=shop:2")).body["entry"]["text"]
        handle = said.split()[0]
        card = await world.card("ann", f"{handle}: owner asks to run release")
        assert card.labels == [["Deny"]]
        assert "Approve it at the console, or on the page with a passkey." in card.text
        world.say("ann", f"ok {handle}")
        await world.card("ann", "Not yet (proof_too_weak): ok needs the proof device")
        world.press("ben", await world.card("ben", f"{handle}: owner asks"), "Deny")
        await world.toast("ben", f"{handle} refused. Nothing was started.")
        await world.posted(f"{handle} release: refused by ben.")
