"""Short ids: two characters while they last, never two open things under one, and not the same again for a day."""

import itertools
from datetime import datetime, timedelta

import pytest

from domain.approvals import ApprovalState
from domain.confirmations import Confirmation
from domain.ids import CROCKFORD
from domain.messages import Inbound
from domain.people import Address, AddressKind, Proof
from domain.runs import RunState
from store.port import Store
from store.tables import Tables
from tests.fakes.records import make_approval, make_run
from tests.fakes.virtual_time import START

TWO_CHARACTERS = 1024
DAY = timedelta(hours=24)
LONG_LIVED = START + 10 * DAY
CONFIRMATION = Confirmation("CONFIRMATION-1", "3K", "ann", "sms:+42", "run mutation", START, LONG_LIVED)


def take(tables: Tables, count: int, now: datetime) -> list[str]:
    taken = []
    for number in range(count):
        taken.append(tables.handles.next(now))
        tables.handles.give(taken[-1], "decision", str(number), now)
    return taken


async def test_asking_gives_nothing_away(store: Store) -> None:
    first, second = await store.read(lambda tables: (tables.handles.next(START), tables.handles.next(START)))
    assert first == second


async def test_all_ids_of_two_characters_are_used_before_one_of_three(store: Store) -> None:
    taken = await store.transact(lambda tables: take(tables, TWO_CHARACTERS + 50, START))
    assert {len(handle) for handle in taken[:TWO_CHARACTERS]} == {2}
    assert {len(handle) for handle in taken[TWO_CHARACTERS:]} == {3}
    assert len(set(taken)) == len(taken)
    assert set("".join(taken)) <= set(CROCKFORD)


async def test_neighbours_in_time_differ_in_both_places(store: Store) -> None:
    taken = await store.transact(lambda tables: take(tables, 100, START))
    slips = [(one, two) for one, two in itertools.pairwise(taken) if one[0] == two[0] or one[1] == two[1]]
    assert slips == []


@pytest.mark.parametrize(("later", "length"), [(DAY - timedelta(milliseconds=1), 3), (DAY, 2)])
async def test_an_id_is_not_used_again_within_a_day(store: Store, later: timedelta, length: int) -> None:
    first = (await store.transact(lambda tables: take(tables, TWO_CHARACTERS, START)))[0]
    again = await store.read(lambda tables: tables.handles.next(START + later))
    assert len(again) == length
    assert (again == first) == (length == 2)


@pytest.mark.parametrize("over", [False, True])
@pytest.mark.parametrize("kind", ["run", "approval", "confirmation"])
async def test_an_id_of_something_open_is_not_used_again_at_all(store: Store, kind: str, over: bool) -> None:
    def fill(tables: Tables) -> None:
        tables.runs.add(make_run(), "slot")
        tables.approvals.open(make_approval())
        handle = tables.handles.next(START)
        tables.confirmations.open(CONFIRMATION)
        tables.handles.give(handle, kind, f"{kind.upper()}-1", START)  # type: ignore[arg-type]
        take(tables, TWO_CHARACTERS - 1, START)
        if over:
            tables.runs.change(make_run(state=RunState.FAILED), START)
            tables.approvals.decide("APPROVAL-1", ApprovalState.DENIED, "ann", START)
            message = Inbound("sms", "+41", "SM1", Address(AddressKind.SMS, "+42"), "ok", Proof.ADDRESS, START)
            tables.confirmations.consume("CONFIRMATION-1", tables.inbox.claim(message, "ann", b""), START)

    await store.transact(fill)
    assert len(await store.read(lambda tables: tables.handles.next(START + 9 * DAY))) == (2 if over else 3)


@pytest.mark.parametrize(("later", "length"), [(LONG_LIVED - timedelta(milliseconds=1), 3), (LONG_LIVED, 2)])
async def test_an_id_of_a_confirmation_is_free_again_once_that_expires(
    store: Store, later: datetime, length: int
) -> None:
    def fill(tables: Tables) -> None:
        tables.confirmations.open(CONFIRMATION)
        tables.handles.give(tables.handles.next(START), "confirmation", "CONFIRMATION-1", START)
        take(tables, TWO_CHARACTERS - 1, START)

    await store.transact(fill)
    assert len(await store.read(lambda tables: tables.handles.next(later))) == length


async def test_the_newest_bearer_of_an_id_counts_and_a_kind_can_be_asked_for(store: Store) -> None:
    def fill(tables: Tables) -> None:
        tables.handles.give("3K", "run", "old", START)
        tables.handles.give("3K", "run", "new", START)
        tables.handles.give("3K", "decision", "7", START)

    await store.transact(fill)

    async def meaning(*asked: str) -> tuple[str, str] | None:
        return await store.read(lambda tables: tables.handles.meaning(*asked))  # type: ignore[arg-type]

    assert await meaning("3K") == ("decision", "7")
    assert await meaning("3K", "run") == ("run", "new")
    assert await meaning("3K", "approval") is None
    assert await meaning("4M") is None
