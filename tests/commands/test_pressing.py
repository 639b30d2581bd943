"""A button is worth exactly one press of the person, in the chat and on the message it was made for (E1)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from commands.answer import Answer
from domain.approvals import Approval, ApprovalState
from domain.decisions import Verdict
from domain.effects import Deliver
from domain.ids import fingerprint
from domain.notices import Choice, Notice, NoticeKind, Urgency
from domain.people import AddressKind
from tests.fakes.chat import Chat, chat, every_channel, handle_in
from tests.fakes.policies import example_policy

GROUP = "telegram:-100"
LIFETIME_SECONDS = 15 * 60


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Chat]:
    async with chat(tmp_path, policy=every_channel(), reachable=[AddressKind.TELEGRAM], team=(GROUP,)) as made:
        yield made


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Chat]:
    """A bot under a policy that wants two approvals."""
    document = example_policy()
    document["actions"]["strict"]["approvals"]["needed"] = 2
    async with chat(tmp_path, policy=every_channel(document), reachable=[AddressKind.TELEGRAM], team=(GROUP,)) as made:
        yield made


async def ask(bot: Chat, to: str = "telegram:ann") -> tuple[str, Notice]:
    """Have olga ask for a run; return the request's handle and how it is shown at `to`."""
    handle = handle_in(await bot.say("run strict", person="olga"))
    (notice,) = [one for one in bot.sent_to(to) if one.kind is NoticeKind.APPROVAL_REQUEST]
    return handle, notice


async def shown(bot: Chat, to: str = "telegram:ann", on: str | None = "77") -> tuple[str, str, str]:
    """Return a request's handle and the tokens of its two buttons at `to`."""
    handle, notice = await ask(bot, to)
    approve, deny = await bot.show(to, notice, on)
    return handle, approve, deny


async def approval(bot: Chat, handle: str) -> Approval:
    meaning = await bot.read(lambda tables: tables.handles.meaning(handle, "approval"))
    assert meaning is not None
    found = await bot.read(lambda tables: tables.approvals.get(meaning[1]))
    assert found is not None
    return found


def toasts(bot: Chat) -> list[Notice]:
    return [one for one in bot.notices() if one.kind is NoticeKind.TOAST]


def replies(bot: Chat) -> list[Notice]:
    return [one for one in bot.notices() if one.kind is NoticeKind.REPLY]


async def refused(bot: Chat, answer: Answer, rule: str) -> None:
    """Check that a press did nothing but leave a row that names the rule."""
    assert (answer.verdict, answer.rule) == (Verdict.DENY, rule)
    row = (await bot.audit_rows())[-1]
    assert (row["decision"], row["rule"], row["outcome"]) == ("deny", rule, "refused")
    assert bot.dispatches() == []
    waiting = await bot.read(lambda tables: tables.approvals.waiting(bot.clock.now()))
    assert [one.votes for one in waiting] == [()]


async def test_a_button_runs_its_command_and_the_press_is_told_what_came_of_it(bot: Chat) -> None:
    handle, approve, _ = await shown(bot)
    answer = await bot.press(approve, "ann")
    (run,) = await bot.runs()
    assert answer.text == f"{handle} approved, started as {run.handle}."
    assert [vote.person for vote in (await approval(bot, handle)).votes] == ["ann"]
    (toast,) = toasts(bot)
    assert (toast.text, toast.acknowledges) == (answer.text, "query-m2")
    assert replies(bot) == []  # the card says it


async def test_a_second_press_is_told_what_the_first_one_did_and_has_no_second_effect(bot: Chat) -> None:
    _, approve, _ = await shown(bot)
    first = await bot.press(approve, "ann")
    before = len(bot.outbox())
    again = await bot.press(approve, "ann")
    assert again == replace(first, repeated=True)
    assert len(bot.dispatches()) == 1
    added = [row.effect for row in bot.outbox()[before:]]
    assert [(one.notice.kind, one.notice.text) for one in added if isinstance(one, Deliver)] == [
        (NoticeKind.TOAST, first.text)
    ]
    assert {toast.acknowledges for toast in toasts(bot)} == {"query-m2", "query-m3"}
    row = (await bot.audit_rows())[-1]
    assert (row["action"], row["target"], row["outcome"]) == ("button-pressed-again", "m3", "repeated")
    assert row["evidence"]["person"] == "ann"
    assert (await bot.verify_audit()).ok
    assert bot.relay_calls == 3


async def test_a_press_that_the_provider_sends_again_adds_nothing_at_all(bot: Chat) -> None:
    _, approve, _ = await shown(bot)
    first = await bot.press(approve, "ann", message_id="u1")
    before = (bot.outbox(), await bot.audit_rows())
    assert await bot.press(approve, "ann", message_id="u1") == replace(first, repeated=True)
    assert (bot.outbox(), await bot.audit_rows()) == before


async def test_a_press_that_is_answered_in_silence_ends_the_waiting_sign_and_says_nothing(tmp_path: Path) -> None:
    async with chat(tmp_path, policy=every_channel(per_hour=1)) as bot:
        for _ in range(2):
            await bot.text("status", "ann", "telegram")
        (token, *_) = await bot.show("telegram:ann", replies(bot)[0])
        silent = await bot.press(token, "ann")
        again = await bot.press(token, "ann")
        assert (silent.rule, silent.text, again.text) == ("rate_limited", None, None)
        assert [toast.text for toast in toasts(bot)] == ["", ""]


WRONG_PLACES = [
    ({"person": "ben", "chat": "ann"}, "button_not_yours", "this button was made for somebody else"),
    ({"person": "ben"}, "button_misplaced", "this button belongs to another message"),
    ({"person": "ann", "chat": "-100"}, "button_misplaced", "this button belongs to another message"),
    ({"person": "ann", "channel": "ntfy"}, "button_misplaced", "this button belongs to another message"),
    ({"person": "ann", "on": "78"}, "button_misplaced", "this button belongs to another message"),
]


@pytest.mark.parametrize(("how", "rule", "reason"), WRONG_PLACES)
async def test_the_token_of_a_button_is_worth_nothing_to_others_elsewhere_or_on_another_message(
    bot: Chat, how: dict[str, Any], rule: str, reason: str
) -> None:
    handle, approve, _ = await shown(bot)
    answer = await bot.press(approve, **how)
    await refused(bot, answer, rule)
    assert reason in (answer.text or "")
    assert toasts(bot)[-1].text == answer.text
    assert (await bot.press(approve, "ann")).rule == "allowed"  # nobody's press was spent by it
    assert (await approval(bot, handle)).state is ApprovalState.APPROVED


async def test_a_button_on_a_message_that_never_got_its_id_is_refused_with_the_text_form(bot: Chat) -> None:
    handle, approve, _ = await shown(bot, on=None)
    answer = await bot.press(approve, "ann")
    await refused(bot, answer, "button_misplaced")
    assert f"send ok {handle} instead" in (answer.text or "")


async def test_a_channel_that_names_no_message_presses_by_token_alone(bot: Chat) -> None:
    _, notice = await ask(bot)
    approve, _ = await bot.show("ntfy:ann", notice, on="n1")
    assert (await bot.press(approve, "ann", "ntfy", on=None)).rule == "allowed"


async def test_a_token_that_was_never_made_is_refused(bot: Chat) -> None:
    await shown(bot)
    await refused(bot, await bot.press("f" * 32, "ann"), "button_unknown")


@pytest.mark.parametrize(
    ("seconds", "rule"), [(LIFETIME_SECONDS - 0.001, "allowed"), (LIFETIME_SECONDS, "button_expired")]
)
async def test_a_button_expires_with_its_request(bot: Chat, seconds: float, rule: str) -> None:
    handle, approve, _ = await shown(bot)
    bot.clock.advance(seconds)
    answer = await bot.press(approve, "ann")
    assert answer.rule == rule
    assert (f"too old; send ok {handle} instead" in (answer.text or "")) == (rule == "button_expired")
    assert len(bot.dispatches()) == int(rule == "allowed")


async def test_a_button_without_a_time_of_its_own_lives_for_a_day(bot: Chat) -> None:
    keys = (Choice("status", "status"), Choice("menu", "menu"))
    early, late = await bot.show("telegram:ann", Notice("n", NoticeKind.ALARM, "text", choices=keys, choices_for="ann"))
    bot.clock.advance(86_400 - 0.001)
    assert (await bot.press(early, "ann")).rule == "allowed"
    bot.clock.advance(0.001)
    assert (await bot.press(late, "ann")).rule == "button_expired"


async def test_a_button_that_stands_for_something_else_than_what_waits_is_refused(bot: Chat) -> None:
    _, notice = await ask(bot)
    approve, _ = await bot.show("telegram:ann", replace(notice, digest="d" * 64))
    answer = await bot.press(approve, "ann")
    await refused(bot, answer, "button_changed")
    assert "has changed since it was shown" in (answer.text or "")


async def test_a_policy_that_changed_meanwhile_voids_the_button(bot: Chat) -> None:
    _, approve, _ = await shown(bot)
    document = example_policy()
    document["actions"]["strict"]["title"] = "Something else"
    bot.policy = every_channel(document)
    await refused(bot, await bot.press(approve, "ann"), "digest_changed")


@pytest.mark.parametrize(("pressed", "state"), [(0, "approved"), (1, "denied")])
async def test_after_a_decision_every_button_is_dead_and_says_who_decided(bot: Chat, pressed: int, state: str) -> None:
    handle, notice = await ask(bot)
    (bens,) = [one for one in bot.sent_to("telegram:ben") if one.kind is NoticeKind.APPROVAL_REQUEST]
    (groups,) = [one for one in bot.sent_to(GROUP) if one.kind is NoticeKind.APPROVAL_REQUEST]
    tokens = await bot.show("telegram:ann", notice)
    others, shared = await bot.show("telegram:ben", bens), await bot.show(GROUP, groups)
    await bot.press(tokens[pressed], "ann")
    started = len(bot.dispatches())
    for token, who, where in (
        (tokens[1 - pressed], "ann", "ann"),
        (others[0], "ben", "ben"),
        (shared[1], "ben", "-100"),
    ):
        answer = await bot.press(token, who, chat=where)
        assert answer.rule == "approval_decided"
        assert f"{handle} is already {state}, by ann" in (answer.text or "")
    buttons = [
        await bot.read(lambda tables, one=token: tables.buttons.get(fingerprint(one)))  # type: ignore[misc]
        for token in (*tokens, *others, *shared)
    ]
    assert {button.expires_at for button in buttons if button} == {bot.clock.now()}
    assert len(bot.dispatches()) == started


async def test_a_request_that_nobody_decided_in_time_says_that_it_expired(bot: Chat) -> None:
    _, approve, _ = await shown(bot)
    bot.clock.advance(LIFETIME_SECONDS)
    (overdue,) = await bot.read(lambda tables: tables.approvals.overdue(bot.clock.now()))
    await bot.store.transact(
        lambda tables: tables.approvals.decide(overdue.id, ApprovalState.EXPIRED, "reins", bot.clock.now())
    )
    assert "is already expired, by reins" in ((await bot.press(approve, "ann")).text or "")


async def test_in_a_group_every_approver_presses_once_and_two_of_two_start_it(pair: Chat) -> None:
    handle, approve, _ = await shown(pair, GROUP)
    first = await pair.press(approve, "ann", chat="-100")
    assert first.text == f"{handle} has 1 of 2 approvals."
    again = await pair.press(approve, "ann", chat="-100")
    assert (again.text, again.repeated) == (first.text, True)
    assert pair.dispatches() == []
    second = await pair.press(approve, "ben", chat="-100")
    assert second.rule == "allowed"
    assert len(pair.dispatches()) == 1
    assert [vote.person for vote in (await approval(pair, handle)).votes] == ["ann", "ben"]


@pytest.mark.parametrize(("who", "rule"), [("vic", "scope_missing"), ("olga", "scope_missing")])
async def test_in_a_group_a_press_of_somebody_who_may_not_spends_nobody_elses(bot: Chat, who: str, rule: str) -> None:
    _, approve, _ = await shown(bot, GROUP)
    for _ in range(2):  # judged anew each time: what is refused for a passing reason is not spent
        await refused(bot, await bot.press(approve, who, chat="-100"), rule)
    assert (await bot.press(approve, "ann", chat="-100")).rule == "allowed"


async def test_a_stranger_who_presses_is_told_nothing_and_does_nothing(bot: Chat) -> None:
    _, approve, deny = await shown(bot, GROUP)
    answer = await bot.press(approve, "nobody", chat="-100", message_id="u1")
    assert (answer.text, answer.rule) == (None, "unknown_person")
    (toast,) = toasts(bot)  # ends the waiting sign on the button
    assert (toast.text, toast.urgency, toast.acknowledges) == ("", Urgency.NORMAL, "query-u1")
    for token in (approve, deny):  # the same id again, and another press under it
        await bot.press(token, "nobody", chat="-100", message_id="u1")
    assert len(toasts(bot)) == 1
    assert (await bot.press(approve, "ann", chat="-100")).rule == "allowed"


async def test_what_was_refused_is_shown_until_it_is_closed_and_every_toast_goes_out_at_once(bot: Chat) -> None:
    _, approve, deny = await shown(bot)
    await bot.press(approve, "ann")
    await bot.press(deny, "ann")
    assert [one.urgency for one in toasts(bot)] == [Urgency.NORMAL, Urgency.HIGH]
    now = bot.clock.now()
    first = await bot.store.transact(lambda tables: tables.outbox.lease("me", now, now + timedelta(seconds=20), 50))
    kinds = [row.effect.notice.kind if isinstance(row.effect, Deliver) else None for row in first]
    assert max(i for i, kind in enumerate(kinds) if kind is NoticeKind.TOAST) < kinds.index(None)  # the dispatch


async def test_who_agreed_may_take_it_back_by_the_other_button(pair: Chat) -> None:
    handle, approve, deny = await shown(pair, GROUP)
    await pair.press(approve, "ann", chat="-100")
    assert (await pair.press(deny, "ann", chat="-100")).text == f"{handle} refused. Nothing was started."
    assert (await approval(pair, handle)).state is ApprovalState.DENIED


async def test_a_key_under_an_answer_is_a_button_of_the_person_who_got_it(bot: Chat) -> None:
    await bot.text("whoami", "ann", "telegram", chat="-100")
    (answered,) = replies(bot)
    assert [choice.command for choice in answered.choices] == ["menu", "status"]
    menu, status = await bot.show(GROUP, answered)
    assert (await bot.press(status, "ben", chat="-100")).rule == "button_not_yours"
    pressed = await bot.press(status, "ann", chat="-100")
    assert (pressed.text or "").startswith("Mode read-only")
    assert [one.text for one in toasts(bot)][1:] == [""]  # the answer is a message of its own
    assert [one.text for one in replies(bot)][1:] == [pressed.text]
    assert (await bot.press(menu, "ann", chat="-100")).rule == "allowed"


async def test_a_key_that_needs_an_approval_is_answered_by_a_message_with_the_requests_keys(bot: Chat) -> None:
    keys = (Choice("run strict", "run strict"),)
    (token,) = await bot.show("telegram:olga", Notice("n", NoticeKind.REPLY, "text", choices=keys, choices_for="olga"))
    pressed = await bot.press(token, "olga")
    assert pressed.rule == "approval_needed"
    assert [one.text for one in toasts(bot)] == [""]
    (answered,) = replies(bot)
    assert answered.text == pressed.text
    assert [choice.command for choice in answered.choices] == list(pressed.keys)


async def test_no_token_lies_anywhere_in_clear(bot: Chat) -> None:
    _, approve, deny = await shown(bot)
    await bot.press(approve, "ben")
    await bot.press(approve, "ann")
    await bot.press(deny, "ann")
    assert approve not in bot.dump()
    assert deny not in bot.dump()
    assert f"button {fingerprint(approve)[:12]}" in bot.dump()


async def test_another_press_under_a_known_message_id_does_nothing(bot: Chat) -> None:
    handle, approve, deny = await shown(bot)
    await bot.text("status", "ann", "telegram", message_id="u1")
    answer = await bot.press(deny, "ann", message_id="u1")
    assert answer.rule == "id_reused"
    assert (await approval(bot, handle)).votes == ()
    assert (await bot.press(approve, "ann")).rule == "allowed"
