"""Effects are kept once, leased to one holder at a time, and settled only by the newest of them."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from domain.effects import CancelRun, Deliver, Dispatch, Effect
from domain.notices import DeliveryState, Notice, NoticeKind
from store.port import Store
from store.sqlite import SqliteStore
from store.tables import Tables
from store.tables.outbox import OutboxRow
from tests.fakes.virtual_time import START

DISPATCH = Dispatch("R", "triage", "github", "acme/shop", "ci.yml", "main", {"a": "b:c=d"}, "C", "d" * 64)
PINNED = replace(DISPATCH, pin="b" * 40, approved_sha="a" * 40)
CANCEL = CancelRun("R", "github", "C")
DELIVER = Deliver("web:ann", Notice("k", NoticeKind.FINAL, "text ✓", unresolved=None, mode="off"))
DAY_LATER = START + timedelta(days=1)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


async def add(store: Store, key: str = "k", effect: Effect = CANCEL, seconds: float = 0) -> None:
    await store.transact(lambda tables: tables.outbox.add(key, effect, at(seconds), DAY_LATER))


async def lease(store: Store, seconds: float = 0, owner: str = "one", limit: int = 10) -> list[OutboxRow]:
    """Lease for 20 s."""
    return await store.transact(lambda tables: tables.outbox.lease(owner, at(seconds), at(seconds + 20), limit))


async def settle(store: Store, row: OutboxRow, state: DeliveryState = DeliveryState.DELIVERED) -> bool:
    return await store.transact(lambda tables: tables.outbox.settle(row, state, START, None))


async def postpone(store: Store, row: OutboxRow, state: DeliveryState, seconds: float) -> bool:
    return await store.transact(lambda tables: tables.outbox.postpone(row, state, at(seconds), "try again"))


async def states(store: Store) -> dict[str, int]:
    return await store.read(lambda tables: tables.outbox.states())


@pytest.mark.parametrize("effect", [DISPATCH, PINNED, CANCEL, DELIVER])
async def test_an_effect_is_leased_as_it_was_committed(store: Store, effect: Effect) -> None:
    await add(store, effect=effect)
    (row,) = await lease(store)
    assert (row.key, row.effect, row.state, row.tries, row.epoch) == ("k", effect, DeliveryState.SENDING, 1, 1)
    assert (row.made_at, row.expires_at) == (START, DAY_LATER)


async def test_a_dispatch_of_an_earlier_release_is_read_without_pin_and_commit(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "reins.db")
    await store.open()
    await add(store, effect=PINNED)
    with closing(sqlite3.connect(tmp_path / "reins.db", isolation_level=None)) as outside:
        old = "CAST(json_remove(CAST(body AS TEXT), '$.pin', '$.approved_sha') AS BLOB)"
        outside.execute(f"UPDATE outbox SET body = {old}")
    assert [row.effect for row in await lease(store)] == [DISPATCH]
    await store.close()


async def test_a_key_is_kept_once_and_its_first_effect_counts(store: Store) -> None:
    await add(store, effect=CANCEL)
    await add(store, effect=DELIVER)
    assert [row.effect for row in await lease(store)] == [CANCEL]
    assert await store.read(lambda tables: tables.outbox.has("k"))
    assert not await store.read(lambda tables: tables.outbox.has("K"))


async def test_a_settled_key_is_not_sent_again(store: Store) -> None:
    await add(store)
    (row,) = await lease(store)
    await settle(store, row)
    await add(store)
    assert await lease(store, 3600) == []
    assert await states(store) == {"delivered": 1}


async def test_the_oldest_rows_are_leased_first_and_no_more_than_asked_for(store: Store) -> None:
    for key, seconds in (("c", 3), ("a", 1), ("b", 2)):
        await add(store, key, seconds=seconds)
    assert {row.key for row in await lease(store, 10, limit=2)} == {"a", "b"}
    assert {row.key for row in await lease(store, 10, limit=2)} == {"c"}


async def test_a_leased_row_is_nobody_elses_until_its_lease_runs_out(store: Store) -> None:
    await add(store)
    await lease(store)
    assert await lease(store, 19.999, "two") == []
    assert len(await lease(store, 20, "two")) == 1


async def test_a_row_whose_lease_ran_out_comes_back_ambiguous_as_nobody_knows_if_it_went(store: Store) -> None:
    await add(store)
    await lease(store)
    (row,) = await lease(store, 20, "two")
    assert (row.state, row.tries, row.epoch) == (DeliveryState.AMBIGUOUS, 2, 2)
    (row,) = await lease(store, 40, "three")
    assert (row.state, row.tries, row.epoch) == (DeliveryState.AMBIGUOUS, 3, 3)


async def test_only_the_newest_holder_settles_or_postpones(store: Store) -> None:
    await add(store)
    (stale,) = await lease(store)
    (fresh,) = await lease(store, 20, "two")
    assert not await settle(store, stale)
    assert not await postpone(store, stale, DeliveryState.PENDING, 30)
    assert await settle(store, fresh)


@pytest.mark.parametrize("state", [DeliveryState.DELIVERED, DeliveryState.EXPIRED, DeliveryState.DEAD])
async def test_a_settled_row_stays_as_it_is(store: Store, state: DeliveryState) -> None:
    await add(store)
    (row,) = await lease(store)
    assert await settle(store, row, state)
    assert not await settle(store, row, DeliveryState.DELIVERED)
    assert not await postpone(store, row, DeliveryState.PENDING, 0)
    assert await lease(store, 7200) == []
    assert await states(store) == {state.value: 1}


async def test_a_row_that_was_never_leased_cannot_be_settled(store: Store) -> None:
    await add(store)
    never_leased = OutboxRow(1, "k", CANCEL, DeliveryState.PENDING, START, DAY_LATER, 0, 0)
    assert not await settle(store, never_leased)
    assert not await postpone(store, never_leased, DeliveryState.PENDING, 0)


@pytest.mark.parametrize(
    ("given_back", "comes_back"),
    [(DeliveryState.PENDING, DeliveryState.SENDING), (DeliveryState.AMBIGUOUS, DeliveryState.AMBIGUOUS)],
)
async def test_a_postponed_row_comes_back_when_it_is_due(
    store: Store, given_back: DeliveryState, comes_back: DeliveryState
) -> None:
    await add(store)
    (row,) = await lease(store)
    assert await postpone(store, row, given_back, 60)
    assert await states(store) == {given_back.value: 1}
    assert await lease(store, 59.999) == []
    (again,) = await lease(store, 60)
    assert (again.state, again.tries, again.epoch) == (comes_back, 2, 2)


async def test_a_holder_that_gave_a_row_back_holds_it_no_longer(store: Store) -> None:
    await add(store)
    (row,) = await lease(store)
    await postpone(store, row, DeliveryState.AMBIGUOUS, 60)
    assert not await postpone(store, row, DeliveryState.PENDING, 0)
    assert not await settle(store, row)


async def next_due(store: Store) -> datetime | None:
    return await store.read(lambda tables: tables.outbox.next_due())


async def test_the_next_moment_to_look_is_when_something_is_due_or_a_lease_runs_out(store: Store) -> None:
    assert await next_due(store) is None
    await add(store, "a", seconds=5)
    assert await next_due(store) == at(5)
    (row,) = await lease(store, 5)
    assert await next_due(store) == at(25)
    await postpone(store, row, DeliveryState.PENDING, 90)
    await add(store, "b", seconds=100)
    assert await next_due(store) == at(90)
    (row,) = await lease(store, 90)
    await settle(store, row)
    assert await next_due(store) == at(100)


async def test_a_leased_ambiguous_row_is_not_due_before_its_lease_runs_out(store: Store) -> None:
    await add(store)
    await lease(store)
    await lease(store, 20, "two")
    assert await next_due(store) == at(40)


async def test_unsettled_rows_are_counted_with_the_age_of_the_oldest(store: Store) -> None:
    assert await store.read(lambda tables: tables.outbox.waiting()) == (0, None)
    await add(store, "a", seconds=5)
    await add(store, "b", seconds=3)
    (row, _) = await lease(store, 10)
    assert await store.read(lambda tables: tables.outbox.waiting()) == (2, at(3))
    await settle(store, row)
    assert (await store.read(lambda tables: tables.outbox.waiting()))[0] == 1


async def test_a_row_that_cannot_be_read_is_set_aside_and_holds_up_nothing(store: Store) -> None:
    await add(store, "damaged", DISPATCH)
    await add(store, "sound", CANCEL, seconds=1)

    def damage(tables: Tables) -> None:
        tables.outbox._rows.run("UPDATE outbox SET body = ? WHERE key = 'damaged'", (b"{",))

    await store.transact(damage)
    assert [row.key for row in await lease(store, seconds=1)] == ["sound"]
    assert await states(store) == {"dead": 1, "sending": 1}
