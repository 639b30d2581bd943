"""Approvals are decided once, in time, and used once; each person answers once."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from domain.approvals import Approval, ApprovalState, Vote
from domain.requests import Risk
from store.port import Store
from tests.fakes.records import make_approval
from tests.fakes.virtual_time import START

EXPIRY = START + timedelta(minutes=15)
JUST_BEFORE = EXPIRY - timedelta(milliseconds=1)
DECISIONS = [ApprovalState.APPROVED, ApprovalState.DENIED]


async def put(store: Store, *approvals: Approval) -> None:
    for approval in approvals:
        await store.transact(lambda tables, one=approval: tables.approvals.open(one))  # type: ignore[misc]


async def get(store: Store) -> Approval:
    approval = await store.read(lambda tables: tables.approvals.get("APPROVAL-1"))
    assert approval is not None
    return approval


async def decide(store: Store, state: ApprovalState, at: datetime = START) -> bool:
    return await store.transact(lambda tables: tables.approvals.decide("APPROVAL-1", state, "ann", at))


async def vote(store: Store, person: str, grants: bool, note: str = "", seconds: int = 0) -> None:
    cast = Vote(person, grants, START + timedelta(seconds=seconds), note)
    await store.transact(lambda tables: tables.approvals.vote("APPROVAL-1", cast))


async def test_an_approval_is_kept_as_it_was_asked_for(store: Store) -> None:
    inputs = {"b": "1", "a": "ü:/="}
    asked = make_approval(inputs=inputs, risk=Risk.HIGH, needed=3, allow_self=True, match_number="07", head_sha="abc")
    await put(store, asked)
    assert await get(store) == asked
    assert await store.read(lambda tables: tables.approvals.waiting(START)) == [asked]
    assert await store.read(lambda tables: tables.approvals.get("APPROVAL-2")) is None


@pytest.mark.parametrize("state", DECISIONS)
async def test_a_decision_counts_until_just_before_the_expiry(store: Store, state: ApprovalState) -> None:
    await put(store, make_approval())
    assert not await decide(store, state, EXPIRY)
    assert (await get(store)).state is ApprovalState.OPEN
    assert await decide(store, state, JUST_BEFORE)
    assert (await get(store)).state is state


async def test_an_approval_expires_only_when_its_time_is_up(store: Store) -> None:
    await put(store, make_approval())
    assert not await decide(store, ApprovalState.EXPIRED, JUST_BEFORE)
    assert await decide(store, ApprovalState.EXPIRED, EXPIRY)
    assert (await get(store)).state is ApprovalState.EXPIRED


async def test_a_decision_says_who_made_it(store: Store) -> None:
    await put(store, make_approval())
    assert (await get(store)).decided_by is None
    await decide(store, ApprovalState.DENIED)
    assert (await get(store)).decided_by == "ann"


@pytest.mark.parametrize("first", DECISIONS)
async def test_what_is_decided_stays_decided(store: Store, first: ApprovalState) -> None:
    await put(store, make_approval())
    await decide(store, first)
    assert [await decide(store, state) for state in DECISIONS] == [False, False]
    assert not await decide(store, ApprovalState.EXPIRED, EXPIRY)
    assert (await get(store)).state is first


async def test_of_eight_decisions_at_once_one_counts(store: Store) -> None:
    await put(store, make_approval())
    results = await asyncio.gather(*(decide(store, state) for state in DECISIONS * 4))
    assert results == [True] + [False] * 7


async def test_an_unknown_approval_cannot_be_decided_or_used(store: Store) -> None:
    assert not await decide(store, ApprovalState.APPROVED)
    assert not await store.transact(lambda tables: tables.approvals.consume("APPROVAL-1", START))


async def test_an_approval_is_used_once(store: Store) -> None:
    await put(store, make_approval())
    await decide(store, ApprovalState.APPROVED)
    used = await asyncio.gather(
        *(store.transact(lambda tables: tables.approvals.consume("APPROVAL-1", START)) for _ in range(8))
    )
    assert sorted(used) == [False] * 7 + [True]


@pytest.mark.parametrize("state", [ApprovalState.OPEN, ApprovalState.DENIED, ApprovalState.EXPIRED])
async def test_only_what_was_approved_can_be_used(store: Store, state: ApprovalState) -> None:
    await put(store, make_approval())
    if state is not ApprovalState.OPEN:
        assert await decide(store, state, EXPIRY if state is ApprovalState.EXPIRED else START)
    assert not await store.transact(lambda tables: tables.approvals.consume("APPROVAL-1", START))


async def test_votes_are_kept_in_the_order_they_came(store: Store) -> None:
    await put(store, make_approval())
    await vote(store, "zoe", grants=True, note="fine", seconds=1)
    await vote(store, "ann", grants=True, seconds=2)
    votes = (await get(store)).votes
    assert [(one.person, one.note, (one.at - START).seconds) for one in votes] == [("zoe", "fine", 1), ("ann", "", 2)]


async def test_a_second_agreement_of_one_person_breaks_the_transaction(store: Store) -> None:
    await put(store, make_approval())
    await vote(store, "ann", grants=True)
    with pytest.raises(Exception, match="UNIQUE"):
        await vote(store, "ann", grants=True)
    assert (await get(store)).granted == 1


async def test_a_refusal_replaces_an_agreement_and_is_not_replaced(store: Store) -> None:
    await put(store, make_approval())
    await vote(store, "ben", grants=True)
    await vote(store, "ann", grants=True)
    await vote(store, "ann", grants=False, note="no")
    assert {(one.person, one.grants) for one in (await get(store)).votes} == {("ben", True), ("ann", False)}
    for grants in (True, False):
        with pytest.raises(Exception, match="UNIQUE"):
            await vote(store, "ann", grants=grants)


async def test_a_vote_on_nothing_is_refused_by_the_database(store: Store) -> None:
    with pytest.raises(Exception, match="FOREIGN KEY"):
        await vote(store, "ann", grants=True)


async def test_what_waits_and_what_is_overdue_meet_exactly_at_the_expiry(store: Store) -> None:
    later = replace(make_approval(2), expires_at=EXPIRY + timedelta(minutes=5))
    await put(store, later, make_approval(1), make_approval(3, expires_at=START))

    async def ids(at: datetime) -> tuple[list[str], list[str]]:
        waiting, overdue = await store.read(lambda tables: (tables.approvals.waiting(at), tables.approvals.overdue(at)))
        return [one.id[-1] for one in waiting], [one.id[-1] for one in overdue]

    assert await ids(JUST_BEFORE) == (["1", "2"], ["3"])
    assert await ids(EXPIRY) == (["2"], ["3", "1"])
    await decide(store, ApprovalState.APPROVED)
    assert await ids(EXPIRY) == (["2"], ["3"])
    assert await ids(START - timedelta(seconds=1)) == (["3", "2"], [])


HALF = START + timedelta(minutes=7, seconds=30)


async def to_remind(store: Store, at: datetime) -> list[str]:
    found = await store.read(lambda tables: tables.approvals.to_remind(at))
    return [one.id[-1] for one in found]


async def mark_reminded(store: Store, at: datetime = HALF) -> bool:
    return await store.transact(lambda tables: tables.approvals.mark_reminded("APPROVAL-1", at))


async def test_people_are_reminded_from_half_of_the_time_until_it_is_up(store: Store) -> None:
    await put(store, make_approval(), make_approval(2, expires_at=HALF), make_approval(3, made_at=HALF))
    moments = (START, HALF - timedelta(milliseconds=1), HALF, JUST_BEFORE, EXPIRY)
    assert [await to_remind(store, at) for at in moments] == [[], ["2"], ["1"], ["1", "3"], []]


async def test_people_are_reminded_once(store: Store) -> None:
    await put(store, make_approval(), make_approval(2))
    assert await mark_reminded(store)
    assert not await mark_reminded(store)
    assert await to_remind(store, JUST_BEFORE) == ["2"]


async def test_nobody_is_reminded_of_what_is_decided_or_unknown(store: Store) -> None:
    assert not await mark_reminded(store)
    await put(store, make_approval())
    await decide(store, ApprovalState.DENIED)
    assert await to_remind(store, JUST_BEFORE) == []
    assert not await mark_reminded(store)


async def test_a_wrong_number_is_held_against_one_person_and_one_approval(store: Store) -> None:
    await put(store, make_approval(), make_approval(2))
    for _ in range(2):
        await store.transact(lambda tables: tables.approvals.note_wrong_number("APPROVAL-1", "ann", START))

    async def wrong(number: int, person: str) -> bool:
        return await store.read(lambda tables: tables.approvals.wrong_number(f"APPROVAL-{number}", person))

    assert [await wrong(1, "ann"), await wrong(1, "ben"), await wrong(2, "ann")] == [True, False, False]


async def test_a_wrong_number_for_nothing_is_refused_by_the_database(store: Store) -> None:
    with pytest.raises(Exception, match="FOREIGN KEY"):
        await store.transact(lambda tables: tables.approvals.note_wrong_number("APPROVAL-1", "ann", START))
