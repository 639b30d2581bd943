"""What people do with the outbox: they look at rows, try one again, and give one up."""

from datetime import datetime, timedelta

import pytest

from domain.effects import CancelRun, Deliver, Effect
from domain.notices import DeliveryState, Notice, NoticeKind
from store.port import Store
from store.tables import Tables
from store.tables.outbox import Listed, OutboxRow
from tests.fakes.virtual_time import START

CANCEL = CancelRun("R", "github", "C")
DELIVER = Deliver("sms:+41790000000", Notice("k", NoticeKind.FINAL, "text"))
DAY_LATER = START + timedelta(days=1)
WEEK_LATER = START + timedelta(days=7)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


async def add(store: Store, key: str = "k", effect: Effect = CANCEL, *, urgent: bool = False) -> None:
    await store.transact(lambda tables: tables.outbox.add(key, effect, START, DAY_LATER, urgent=urgent))


async def lease(store: Store, seconds: float = 0) -> list[OutboxRow]:
    """Lease for 20 s."""
    return await store.transact(lambda tables: tables.outbox.lease("one", at(seconds), at(seconds + 20), 10))


async def settle(store: Store, row: OutboxRow, state: DeliveryState, error: str | None = None) -> bool:
    return await store.transact(lambda tables: tables.outbox.settle(row, state, at(5), error))


async def retry(store: Store, seconds: float = 30) -> bool:
    return await store.transact(lambda tables: tables.outbox.retry(1, at(seconds), WEEK_LATER))


async def drop(store: Store) -> bool:
    return await store.transact(lambda tables: tables.outbox.drop(1, at(30), "no longer wanted"))


async def get(store: Store, row_id: int = 1) -> Listed:
    row = await store.read(lambda tables: tables.outbox.get(row_id))
    assert row is not None
    return row


async def test_a_row_is_shown_with_all_that_is_known_of_it(store: Store) -> None:
    await add(store, "first", DELIVER, urgent=True)
    (row,) = await lease(store)
    await store.transact(lambda tables: tables.outbox.settle(row, DeliveryState.DEAD, at(5), "opted out", "SM1"))
    assert await get(store) == Listed(
        id=1,
        key="first",
        kind="deliver",
        effect=DELIVER,
        state=DeliveryState.DEAD,
        made_at=START,
        due_at=START,
        expires_at=DAY_LATER,
        settled_at=at(5),
        tries=1,
        epoch=1,
        provider_id="SM1",
        error="opted out",
        channel="sms",
        urgent=True,
    )


async def test_a_waiting_row_is_shown_as_not_settled(store: Store) -> None:
    await add(store)
    (row,) = await lease(store)
    await store.transact(lambda tables: tables.outbox.postpone(row, DeliveryState.PENDING, at(90), "not now"))
    listed = await get(store)
    assert (listed.state, listed.due_at, listed.settled_at, listed.error) == (
        DeliveryState.PENDING, at(90), None, "not now",
    )  # fmt: skip
    assert (listed.channel, listed.urgent, listed.provider_id) == (None, False, None)


async def test_a_row_is_found_by_its_number_and_by_its_key(store: Store) -> None:
    await add(store, "a")
    await add(store, "b")
    found = await store.read(lambda tables: (tables.outbox.by_key("b"), tables.outbox.get(2)))
    assert found[0] is not None
    assert found[0] == found[1]
    assert await store.read(lambda tables: (tables.outbox.by_key("c"), tables.outbox.get(3))) == (None, None)


async def test_rows_are_listed_newest_first_by_state_and_no_more_than_asked_for(store: Store) -> None:
    for key in "abcd":
        await add(store, key)
    (first, *_, last) = await lease(store)
    for row in (first, last):
        await settle(store, row, DeliveryState.DEAD)

    async def keys(state: str | None, limit: int) -> str:
        rows = await store.read(lambda tables: tables.outbox.listing(state, limit))
        return "".join(row.key for row in rows)

    assert await keys(None, 9) == "dcba"
    assert await keys(None, 2) == "dc"
    assert await keys("dead", 9) == "da"
    assert await keys("sending", 9) == "cb"
    assert await keys("expired", 9) == ""


async def test_a_row_that_cannot_be_read_is_listed_without_its_effect(store: Store) -> None:
    await add(store)

    def damage(tables: Tables) -> None:
        tables.outbox._rows.run("UPDATE outbox SET body = ?", (b"{",))

    await store.transact(damage)
    await lease(store)
    (listed,) = await store.read(lambda tables: tables.outbox.listing("dead", 9))
    assert (listed.effect, listed.error, listed.kind) == (None, "unreadable: 1 problems", "cancel")


@pytest.mark.parametrize("state", [DeliveryState.DEAD, DeliveryState.EXPIRED])
async def test_a_row_that_was_given_up_can_be_tried_again(store: Store, state: DeliveryState) -> None:
    await add(store)
    (row,) = await lease(store)
    await store.transact(lambda tables: tables.outbox.settle(row, state, at(5), "no", "SM1"))
    assert await retry(store)
    listed = await get(store)
    assert (listed.state, listed.due_at, listed.expires_at) == (DeliveryState.PENDING, at(30), WEEK_LATER)
    assert (listed.settled_at, listed.provider_id, listed.tries) == (None, None, 1)
    (again,) = await lease(store, 30)
    assert (again.state, again.tries) == (DeliveryState.SENDING, 2)


async def test_an_unclear_row_can_be_tried_again_while_nobody_holds_it(store: Store) -> None:
    await add(store)
    (row,) = await lease(store)
    await store.transact(lambda tables: tables.outbox.postpone(row, DeliveryState.AMBIGUOUS, at(25), "lost"))
    (looking,) = await lease(store, 25)
    assert not await retry(store, 44.999)
    assert await retry(store, 45)
    assert not await settle(store, looking, DeliveryState.DELIVERED)
    assert [one.state for one in await lease(store, 45)] == [DeliveryState.SENDING]


async def test_an_unclear_row_that_was_given_back_can_be_tried_again(store: Store) -> None:
    await add(store)
    (row,) = await lease(store)
    await store.transact(lambda tables: tables.outbox.postpone(row, DeliveryState.AMBIGUOUS, at(300), "lost"))
    assert await retry(store)
    assert len(await lease(store, 30)) == 1


async def test_what_is_pending_under_way_delivered_or_unknown_is_not_tried_again(store: Store) -> None:
    assert not await retry(store)
    await add(store)
    assert not await retry(store)
    (row,) = await lease(store)
    assert not await retry(store)
    await settle(store, row, DeliveryState.DELIVERED)
    assert not await retry(store)


async def test_a_waiting_row_can_be_given_up_and_says_why(store: Store) -> None:
    await add(store)
    assert await drop(store)
    listed = await get(store)
    assert (listed.state, listed.settled_at, listed.error) == (DeliveryState.DEAD, at(30), "no longer wanted")
    assert await lease(store, 3600) == []


async def test_a_row_that_was_given_up_is_its_holders_no_longer(store: Store) -> None:
    await add(store)
    (row,) = await lease(store)
    assert await drop(store)
    assert not await settle(store, row, DeliveryState.DELIVERED)
    assert await retry(store)
    assert not await settle(store, row, DeliveryState.DELIVERED)


@pytest.mark.parametrize("state", [DeliveryState.DELIVERED, DeliveryState.EXPIRED, DeliveryState.DEAD])
async def test_a_settled_or_unknown_row_cannot_be_given_up(store: Store, state: DeliveryState) -> None:
    assert not await drop(store)
    await add(store)
    (row,) = await lease(store)
    await settle(store, row, state)
    assert not await drop(store)
    assert (await get(store)).error is None
