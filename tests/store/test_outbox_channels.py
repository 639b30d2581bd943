"""The outbox knows its channels: closed ones wait, urgent rows go first, receipts settle, and late notices fan out."""

from collections.abc import Collection
from datetime import datetime, timedelta

import pytest

from domain.effects import CancelRun, Deliver, Effect, LinkAddress
from domain.notices import DeliveryState, Notice, NoticeKind
from store.port import Store
from store.tables import Tables
from store.tables.outbox import OutboxRow
from tests.fakes.virtual_time import START

CANCEL = CancelRun("R", "github", "C")
DAY_LATER = START + timedelta(days=1)
FINAL = [DeliveryState.DELIVERED, DeliveryState.EXPIRED, DeliveryState.DEAD]


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def deliver(to: str, *fallbacks: str) -> Deliver:
    return Deliver(to, Notice("k", NoticeKind.FINAL, "text"), fallbacks)


SMS = deliver("sms:+41790000000")


async def add(store: Store, key: str, effect: Effect = SMS, seconds: float = 0, *, urgent: bool = False) -> None:
    await store.transact(lambda tables: tables.outbox.add(key, effect, at(seconds), DAY_LATER, urgent=urgent))


async def lease(store: Store, seconds: float = 0, limit: int = 10, closed: Collection[str] = ()) -> list[OutboxRow]:
    """Lease for 20 s."""
    return await store.transact(
        lambda tables: tables.outbox.lease("one", at(seconds), at(seconds + 20), limit, closed=closed)
    )


async def probe(store: Store, channel: str, seconds: float = 0) -> OutboxRow | None:
    return await store.transact(lambda tables: tables.outbox.probe("one", channel, at(seconds), at(seconds + 20)))


async def postpone(
    store: Store, row: OutboxRow, seconds: float, state: DeliveryState = DeliveryState.PENDING, *, counts: bool = True
) -> bool:
    return await store.transact(lambda tables: tables.outbox.postpone(row, state, at(seconds), "later", counts=counts))


async def settle(store: Store, row: OutboxRow, state: DeliveryState = DeliveryState.DELIVERED) -> bool:
    return await store.transact(lambda tables: tables.outbox.settle(row, state, START, None))


async def await_receipt(store: Store, row: OutboxRow, provider_id: str = "SM1", seconds: float = 60) -> bool:
    return await store.transact(lambda tables: tables.outbox.await_receipt(row, provider_id, at(seconds)))


async def receipt(
    store: Store, state: DeliveryState = DeliveryState.DELIVERED, provider_id: str = "SM1", channel: str = "sms"
) -> OutboxRow | None:
    return await store.transact(
        lambda tables: tables.outbox.settle_by_receipt(channel, provider_id, state, at(9), "30005")
    )


async def next_due(store: Store, closed: Collection[str] = ()) -> datetime | None:
    return await store.read(lambda tables: tables.outbox.next_due(closed=closed))


async def states(store: Store) -> dict[str, int]:
    return await store.read(lambda tables: tables.outbox.states())


async def damage(store: Store, key: str) -> None:
    def break_body(tables: Tables) -> None:
        tables.outbox._rows.run("UPDATE outbox SET body = ? WHERE key = ?", (b"{", key))

    await store.transact(break_body)


async def test_a_link_is_leased_as_it_was_committed(store: Store) -> None:
    link = LinkAddress("ann", "telegram:77")
    await add(store, "link", link)
    assert [row.effect for row in await lease(store)] == [link]


async def test_a_notice_keeps_its_fallbacks(store: Store) -> None:
    both = deliver("telegram:1", "ntfy:topic", "sms:+41790000000")
    await add(store, "k", both)
    assert [row.effect for row in await lease(store)] == [both]


async def test_urgent_rows_are_leased_before_older_ones_and_come_first(store: Store) -> None:
    for key, seconds, urgent in (("old", 0, False), ("new urgent", 3, True), ("older", -1, False), ("urgent", 2, True)):
        await add(store, key, CANCEL, seconds, urgent=urgent)
    assert [row.key for row in await lease(store, 5, limit=3)] == ["urgent", "new urgent", "older"]
    assert [row.key for row in await lease(store, 5)] == ["old"]


async def test_rows_of_one_moment_are_leased_in_the_order_they_came(store: Store) -> None:
    for key in ("c", "a", "b"):
        await add(store, key)
    assert [row.key for row in await lease(store)] == ["c", "a", "b"]


async def test_notices_of_closed_channels_wait_and_everything_else_goes(store: Store) -> None:
    await add(store, "sms")
    await add(store, "telegram", deliver("telegram:1"))
    await add(store, "web", deliver("web:ann"))
    await add(store, "cancel", CANCEL)
    assert [row.key for row in await lease(store, closed=["sms", "telegram"])] == ["web", "cancel"]
    assert [row.key for row in await lease(store, closed={"sms"})] == ["telegram"]
    assert [row.key for row in await lease(store)] == ["sms"]


async def test_the_next_moment_to_look_agrees_with_what_may_be_leased(store: Store) -> None:
    await add(store, "sms", seconds=1)
    await add(store, "web", deliver("web:ann"), seconds=2)
    await add(store, "cancel", CANCEL, seconds=3)
    assert await next_due(store) == at(1)
    assert await next_due(store, ["sms"]) == at(2)
    assert await next_due(store, {"sms", "web"}) == at(3)
    await lease(store, 3, closed={"sms", "web"})
    assert await next_due(store, {"sms", "web"}) == at(23)


async def test_a_closed_channels_row_whose_lease_ran_out_waits_too(store: Store) -> None:
    await add(store, "sms")
    await lease(store)
    assert await lease(store, 30, closed=["sms"]) == []
    assert await next_due(store, ["sms"]) is None
    assert [row.state for row in await lease(store, 30)] == [DeliveryState.AMBIGUOUS]


async def test_a_probe_takes_the_oldest_notice_of_its_channel_before_it_is_due(store: Store) -> None:
    await add(store, "telegram", deliver("telegram:1"), seconds=-9)
    await add(store, "younger", seconds=1, urgent=True)
    await add(store, "older")
    for row in await lease(store, 1):
        await postpone(store, row, 300)
    probed = await probe(store, "sms", 2)
    assert probed is not None
    assert (probed.key, probed.state, probed.tries, probed.epoch) == ("older", DeliveryState.SENDING, 2, 2)
    again = await probe(store, "sms", 2)
    assert again is not None
    assert again.key == "younger"
    assert await probe(store, "sms", 2) is None
    assert await probe(store, "ntfy", 2) is None


async def test_a_probe_holds_its_row_like_any_lease(store: Store) -> None:
    await add(store, "k")
    first = await probe(store, "sms")
    assert first is not None
    assert await probe(store, "sms", 19.999) is None
    second = await probe(store, "sms", 20)
    assert second is not None
    assert second.state is DeliveryState.AMBIGUOUS
    assert not await settle(store, first)
    assert await settle(store, second)


async def test_a_probe_leaves_what_may_have_arrived_alone_until_it_is_due(store: Store) -> None:
    await add(store, "k")
    (row,) = await lease(store)
    await postpone(store, row, 60, DeliveryState.AMBIGUOUS)
    assert await probe(store, "sms", 59.999) is None
    due = await probe(store, "sms", 60)
    assert due is not None
    assert due.state is DeliveryState.AMBIGUOUS


async def test_a_probe_sets_a_row_that_cannot_be_read_aside_and_takes_the_next(store: Store) -> None:
    await add(store, "damaged")
    await add(store, "sound", seconds=1)
    await damage(store, "damaged")
    probed = await probe(store, "sms", 1)
    assert probed is not None
    assert probed.key == "sound"
    assert await states(store) == {"dead": 1, "sending": 1}


async def test_a_recovered_channels_postponed_notices_are_due_at_once(store: Store) -> None:
    for key, effect in (("a", SMS), ("b", SMS), ("other", deliver("web:ann"))):
        await add(store, key, effect)
    for row in await lease(store):
        await postpone(store, row, 300)
    assert await store.transact(lambda tables: tables.outbox.hasten("sms", at(10))) == 2
    assert await store.transact(lambda tables: tables.outbox.hasten("sms", at(10))) == 0
    assert [row.key for row in await lease(store, 10)] == ["a", "b"]
    assert await next_due(store, ["sms"]) == at(300)


async def test_hastening_leaves_what_is_due_leased_or_may_have_arrived_alone(store: Store) -> None:
    await add(store, "may have arrived")
    (row,) = await lease(store)
    await postpone(store, row, 60, DeliveryState.AMBIGUOUS)
    await add(store, "leased")
    await lease(store)
    await add(store, "due", seconds=1)
    assert await store.transact(lambda tables: tables.outbox.hasten("sms", at(1))) == 0
    assert [row.key for row in await lease(store, 1)] == ["due"]


async def test_a_settled_row_keeps_the_providers_id(store: Store) -> None:
    await add(store, "told")
    await add(store, "untold")
    told, untold = await lease(store)
    await await_receipt(store, untold, "SM9")
    await store.transact(lambda tables: tables.outbox.settle(told, DeliveryState.DELIVERED, START, None, "SM1"))
    await settle(store, untold)
    listed = await store.read(lambda tables: tables.outbox.listing(None, 9))
    assert {row.key: row.provider_id for row in listed} == {"told": "SM1", "untold": "SM9"}


async def test_a_row_that_awaits_its_receipt_comes_back_with_the_providers_id_when_none_comes(store: Store) -> None:
    await add(store, "k")
    (row,) = await lease(store)
    assert row.provider_id is None
    assert await await_receipt(store, row)
    assert await states(store) == {"sending": 1}
    assert await next_due(store) == at(60)
    assert await lease(store, 59.999) == []
    (back,) = await lease(store, 60)
    assert (back.state, back.provider_id, back.epoch) == (DeliveryState.AMBIGUOUS, "SM1", 2)


async def test_a_row_sent_again_after_looking_back_awaits_its_new_receipt(store: Store) -> None:
    await add(store, "k")
    await lease(store)
    (again,) = await lease(store, 20)
    assert await await_receipt(store, again, "SM2", 80)
    assert await states(store) == {"sending": 1}
    settled = await receipt(store, provider_id="SM2")
    assert settled is not None
    assert settled.key == "k"


async def test_only_the_newest_holder_may_await_a_receipt(store: Store) -> None:
    await add(store, "k")
    (stale,) = await lease(store)
    (fresh,) = await lease(store, 20)
    assert not await await_receipt(store, stale)
    assert await await_receipt(store, fresh)


@pytest.mark.parametrize("state", FINAL)
async def test_a_receipt_settles_its_row_and_fences_the_holder_out(store: Store, state: DeliveryState) -> None:
    await add(store, "k")
    (row,) = await lease(store)
    await await_receipt(store, row)
    settled = await receipt(store, state)
    assert settled is not None
    assert (settled.key, settled.state, settled.epoch, settled.provider_id) == ("k", state, row.epoch + 1, "SM1")
    assert not await settle(store, row)
    assert not await postpone(store, row, 60)
    listed = await store.read(lambda tables: tables.outbox.get(row.id))
    assert listed is not None
    assert (listed.state, listed.settled_at, listed.error) == (state, at(9), "30005")
    assert await lease(store, 7200) == []


async def test_a_receipt_settles_nothing_twice_and_nothing_of_another_channel(store: Store) -> None:
    await add(store, "k")
    (row,) = await lease(store)
    await await_receipt(store, row)
    assert await receipt(store, channel="telegram") is None
    assert await receipt(store, provider_id="SM2") is None
    assert await receipt(store) is not None
    assert await receipt(store, DeliveryState.DEAD) is None
    assert await states(store) == {"delivered": 1}


async def test_a_receipt_settles_a_row_that_is_being_looked_back_at(store: Store) -> None:
    await add(store, "k")
    (row,) = await lease(store)
    await await_receipt(store, row)
    (looking,) = await lease(store, 60)
    assert await receipt(store) is not None
    assert not await postpone(store, looking, 90, DeliveryState.AMBIGUOUS)


async def test_only_a_row_given_back_as_unclear_keeps_the_providers_id(store: Store) -> None:
    await add(store, "k")
    (row,) = await lease(store)
    await await_receipt(store, row)
    (row,) = await lease(store, 60)
    await postpone(store, row, 70, DeliveryState.AMBIGUOUS)
    (row,) = await lease(store, 70)
    assert row.provider_id == "SM1"
    await postpone(store, row, 80)
    (row,) = await lease(store, 80)
    assert row.provider_id is None
    assert await receipt(store) is None


async def test_a_try_that_does_not_count_is_given_back(store: Store) -> None:
    await add(store, "k")
    for _ in range(3):
        (row,) = await lease(store)
        assert row.tries == 1
        await postpone(store, row, 0, counts=False)
    (row,) = await lease(store)
    await postpone(store, row, 0)
    (row,) = await lease(store)
    assert row.tries == 2


async def to_fan_out(store: Store, seconds: float, limit: int = 9) -> list[str]:
    rows = await store.read(lambda tables: tables.outbox.to_fan_out(at(seconds), limit))
    return [row.key for row in rows]


async def test_notices_with_a_next_channel_are_found_once_they_are_old_enough(store: Store) -> None:
    await add(store, "b", deliver("sms:+41790000000", "web:ann"), 2)
    await add(store, "a", deliver("sms:+41790000000", "web:ann"), 1)
    await add(store, "no fallback", seconds=0)
    await add(store, "no notice", CANCEL)
    assert await to_fan_out(store, 0.999) == []
    assert await to_fan_out(store, 1) == ["a"]
    assert await to_fan_out(store, 2) == ["a", "b"]
    assert await to_fan_out(store, 2, limit=1) == ["a"]


async def test_a_notice_fans_out_once(store: Store) -> None:
    await add(store, "k", deliver("sms:+41790000000", "web:ann"))
    assert await store.transact(lambda tables: tables.outbox.mark_fanned(1, START))
    assert not await store.transact(lambda tables: tables.outbox.mark_fanned(1, at(1)))
    assert not await store.transact(lambda tables: tables.outbox.mark_fanned(2, at(1)))
    assert await to_fan_out(store, 9) == []


@pytest.mark.parametrize("state", FINAL)
async def test_a_settled_notice_does_not_fan_out(store: Store, state: DeliveryState) -> None:
    await add(store, "k", deliver("sms:+41790000000", "web:ann"))
    (row,) = await lease(store)
    assert await to_fan_out(store, 9) == ["k"]
    await settle(store, row, state)
    assert await to_fan_out(store, 9) == []


async def test_a_notice_that_cannot_be_read_does_not_stop_others_from_fanning_out(store: Store) -> None:
    for key in ("damaged", "sound"):
        await add(store, key, deliver("sms:+41790000000", "web:ann"))
    await damage(store, "damaged")
    assert await to_fan_out(store, 9) == ["sound"]


async def test_the_oldest_unsettled_notice_of_each_channel_is_known(store: Store) -> None:
    for key, effect, seconds in (("a", SMS, 5), ("b", SMS, 3), ("c", deliver("web:ann"), 4), ("d", CANCEL, 1)):
        await add(store, key, effect, seconds)
    assert await store.read(lambda tables: tables.outbox.oldest_by_channel()) == {"sms": at(3), "web": at(4)}
    for row in await lease(store, 4):
        await settle(store, row)
    assert await store.read(lambda tables: tables.outbox.oldest_by_channel()) == {"sms": at(5)}
