"""Who is asked and told: approvers see exactly what would run, nobody taps away a risk, and every surface learns the end."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.audience import approval_notices, approvers, mode_notices, outcome_card, reminder, resolved
from commands.strangers import alarms_about
from domain.approvals import Approval, ApprovalState, Vote
from domain.effects import Deliver, Outgoing, Tell, TellTeam
from domain.messages import Inbound
from domain.modes import Mode
from domain.notices import Choice, ChoiceStyle, Notice, NoticeKind, Urgency
from domain.people import Address, AddressKind, Proof
from domain.requests import Risk
from policy.loading import load_policy
from tests.fakes.announcing import AnnouncingDesk, announcing
from tests.fakes.chat import chat
from tests.fakes.directory import PEOPLE
from tests.fakes.policies import example_policy, loaded
from tests.fakes.records import make_approval
from tests.fakes.virtual_time import START

POLICY = loaded(example_policy())
NUMBERS = st.integers(0, 99).map(lambda number: f"{number:02}")
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)


def ask(**fields: Any) -> tuple[Outgoing, ...]:
    return approval_notices(make_approval(**fields), PEOPLE, POLICY)


def asked_of(outgoing: tuple[Outgoing, ...]) -> dict[str, Notice]:
    return {one.person: one.notice for one in outgoing if isinstance(one, Tell)}


def team_notice(outgoing: tuple[Outgoing, ...]) -> Notice:
    (told,) = [one for one in outgoing if isinstance(one, TellTeam)]
    return told.notice


def test_everybody_who_may_approve_is_asked_except_who_asked() -> None:
    mine = make_approval(requested_by="ann")
    assert {one.id for one in approvers(mine, PEOPLE, POLICY)} == {"owner", "ben"}
    assert {one.id for one in approvers(replace(mine, allow_self=True), PEOPLE, POLICY)} == {"owner", "ann", "ben"}
    assert list(approvers(mine, PEOPLE, load_policy(None))) == []
    assert set(asked_of(ask(requested_by="ann"))) == {"owner", "ben"}


def test_a_request_shows_everything_that_would_run_and_how_to_answer() -> None:
    notice = asked_of(ask(inputs={"threshold": "90", "image": "x" * 300}))["ann"]
    assert notice.text == (
        "3K: olga asks to run strict\n"
        "acme/shop ci.yml on main\n"
        f"image={'x' * 300}\n"
        "threshold=90\n"
        "risk report, rule approval_needed: 0 of 1 approvals given\n"
        "digest dddddddddddd, until 14:15 UTC\n"
        "Answer ok 3K or no 3K."
    )
    assert notice.key == "APPROVAL-1:approval-request"
    assert (notice.kind, notice.urgency, notice.subject) == (
        NoticeKind.APPROVAL_REQUEST,
        Urgency.HIGH,
        "APPROVAL-1",
    )


def test_an_action_that_left_the_policy_is_said_to_have_left_it() -> None:
    assert "an action that the policy no longer names on main" in asked_of(ask(action="gone"))["ann"].text
    without = approval_notices(make_approval(), PEOPLE, load_policy(None))
    assert "no longer names" in team_notice(without).text


def test_the_buttons_belong_to_one_person_one_digest_and_the_life_of_the_request() -> None:
    asked = ask()
    notice = asked_of(asked)["ben"]
    assert (notice.choices_for, notice.digest) == ("ben", "d" * 64)
    assert notice.choices_until == START + timedelta(minutes=15)
    shared = team_notice(asked)
    assert shared == replace(notice, choices_for=None)


def test_what_only_reports_can_be_approved_by_one_tap() -> None:
    assert asked_of(ask())["ann"].choices == (
        Choice("Approve", "ok 3K", ChoiceStyle.APPROVE),
        Choice("Deny", "no 3K", ChoiceStyle.DENY),
    )


def test_what_is_riskier_takes_the_number_from_the_requesters_screen() -> None:
    notice = asked_of(ask(risk=Risk.MEDIUM, match_number="07"))["ann"]
    *numbers, deny = notice.choices
    assert deny == Choice("Deny", "no 3K", ChoiceStyle.DENY)
    assert len({one.label for one in numbers}) == 4
    assert all(one == Choice(one.label, f"ok 3K {one.label}", ChoiceStyle.APPROVE) for one in numbers)
    assert "07" in {one.label for one in numbers}
    assert notice.text.endswith(
        "Answer ok 3K <number> or no 3K. olga sees the number; the page and the console need none."
    )
    assert "07" not in notice.text


def test_a_request_that_has_no_number_can_only_be_denied_by_a_tap() -> None:
    assert [one.label for one in asked_of(ask(risk=Risk.MEDIUM))["ann"].choices] == ["Deny"]


def test_what_is_hard_to_undo_is_never_approved_by_a_tap() -> None:
    notice = asked_of(ask(risk=Risk.HIGH, match_number="07"))["ann"]
    assert notice.choices == (Choice("Deny", "no 3K", ChoiceStyle.DENY),)
    assert notice.text.endswith("Approve it at the console, or on the page with a passkey. Refuse it with no 3K.")


@given(NUMBERS, DIGESTS)
def test_any_of_the_four_numbers_would_have_shown_the_same_four(right: str, digest: str) -> None:
    def shown(number: str) -> list[str]:
        asked = asked_of(ask(risk=Risk.MEDIUM, match_number=number, digest=digest))
        return [one.label for one in asked["ann"].choices[:-1]]

    numbers = shown(right)
    assert right in numbers
    assert len(set(numbers)) == 4
    assert all(shown(other) == numbers for other in numbers)


def test_the_order_of_the_numbers_does_not_give_the_right_one_away() -> None:
    places = {
        [one.label for one in asked_of(ask(risk=Risk.MEDIUM, match_number=f"{number:02}"))["ann"].choices].index(
            f"{number:02}"
        )
        for number in range(100)
    }
    assert places == {0, 1, 2, 3}


def test_a_reminder_goes_to_those_approvers_who_have_not_answered() -> None:
    waiting = make_approval(needed=2, votes=(Vote("ann", True, START, ""),))
    reminded = reminder(waiting, PEOPLE, POLICY)
    assert set(asked_of(reminded)) == {"owner", "ben"} == {one.person for one in reminded if isinstance(one, Tell)}
    assert len(reminded) == 2
    notice = asked_of(reminded)["ben"]
    assert notice.key == "APPROVAL-1:approval-request:reminder"
    assert notice.text.startswith("Still waiting, on the message above or here. 3K: olga asks to run strict\n")
    assert "1 of 2 approvals given" in notice.text
    assert notice.choices == ()  # one message has the buttons, so that all of them die together


async def resolve(desk: AnnouncingDesk, approval: Approval) -> tuple[Outgoing, ...]:
    def show(tables: Any) -> None:
        for to in ("telegram:ann", "telegram:-100"):
            tables.cards.put(to, approval.id, "42", START)
        tables.cards.put("telegram:ann", "ANOTHER", "43", START)

    await desk.write(show)
    return await desk.store.read(lambda tables: resolved(approval, "approved by ann, started as 4M", tables, START))


async def test_the_end_is_shown_wherever_the_request_was_and_told_to_who_asked(tmp_path: Path) -> None:
    async with announcing(tmp_path) as desk:
        outgoing = await resolve(desk, make_approval(reply_to="sms:olga"))
    *cards, told, team = outgoing
    card = Notice(
        "APPROVAL-1:card",
        NoticeKind.CARD,
        "3K strict: approved by ann, started as 4M, 14:00 UTC.",
        subject="APPROVAL-1",
    )
    assert cards == [Deliver("telegram:-100", card), Deliver("telegram:ann", card)]
    notice = Notice(
        "APPROVAL-1:approval-resolved",
        NoticeKind.APPROVAL_RESOLVED,
        "3K strict: approved by ann, started as 4M.",
        subject="APPROVAL-1",
    )
    assert told == Tell("olga", notice, origin="sms:olga")
    assert team == TellTeam(notice, but_not="telegram")


@pytest.mark.parametrize(
    ("state", "decided_by", "text"),
    [
        (ApprovalState.APPROVED, "ann", "3K strict: approved by ann."),
        (ApprovalState.DENIED, "ben", "3K strict: refused by ben."),
        (ApprovalState.EXPIRED, "reins", "3K strict: expired, nothing was started."),
        (ApprovalState.OPEN, None, "3K strict: still waits."),
    ],
)
def test_a_message_sent_too_late_is_brought_up_to_date(state: ApprovalState, decided_by: str | None, text: str) -> None:
    card = outcome_card(make_approval(state=state, decided_by=decided_by), "telegram:ann")
    assert card == Deliver("telegram:ann", Notice("APPROVAL-1:card", NoticeKind.CARD, text, subject="APPROVAL-1"))


async def test_a_new_mode_is_urgent_news_for_everybody_else_and_the_team(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        told = mode_notices(bot.context("vic"), Mode.OFF)
    (notice,) = {one.notice for one in told if isinstance(one, Tell | TellTeam)}
    assert notice.text == "Mode is now off, set by vic on web."
    assert (notice.kind, notice.urgency, notice.mode) == (NoticeKind.MODE_CHANGED, Urgency.HIGH, "off")
    assert set(asked_of(told)) == {"owner", "ann", "ben", "olga"}
    assert team_notice(told) == notice


async def test_a_stranger_alarms_those_who_may_approve_once_an_hour_and_channel(tmp_path: Path) -> None:
    def from_stranger(channel: AddressKind) -> Inbound:
        sender = Address(channel, "+41790001111")
        return Inbound(channel.value, "us", "m1", sender, "hello", Proof.ADDRESS, START)

    def alarms(channel: AddressKind, desk: AnnouncingDesk) -> Any:
        return desk.write(lambda tables: alarms_about(from_stranger(channel), PEOPLE, POLICY, tables, desk.clock.now()))

    async with announcing(tmp_path) as desk:
        first = await alarms(AddressKind.SMS, desk)
        assert {one.person for one in first} == {"owner", "ann", "ben"}
        (notice,) = {one.notice for one in first}
        assert (notice.kind, notice.urgency) == (NoticeKind.ALARM, Urgency.HIGH)
        assert notice.text == "Somebody unknown wrote on sms (sms:…1111). They got no answer."
        assert await alarms(AddressKind.SMS, desk) == ()
        assert len(await alarms(AddressKind.TELEGRAM, desk)) == 3
        desk.clock.advance(3600)
        assert len(await alarms(AddressKind.SMS, desk)) == 3
