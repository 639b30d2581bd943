"""Receipts only rise, cursors move, opt-outs last until they are taken back, and held notices wait for their moment."""

from datetime import datetime, timedelta

import pytest

from domain.effects import Deliver
from domain.notices import Choice, Notice, NoticeKind
from store.port import Store
from store.tables.held import Held
from store.tables.reachability import OptOut
from store.tables.receipts import Receipt
from tests.fakes.virtual_time import START


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


async def note(store: Store, rank: int, status: str, error: str | None = None, message: str = "SM1") -> bool:
    return await store.transact(lambda tables: tables.receipts.note("sms", message, rank, status, error, at(rank)))


async def receipt(store: Store, channel: str = "sms", message: str = "SM1") -> Receipt | None:
    return await store.read(lambda tables: tables.receipts.get(channel, message))


async def test_a_receipt_only_ever_rises_in_rank(store: Store) -> None:
    raised = [await note(store, rank, status) for rank, status in ((2, "sent"), (1, "queued"), (2, "sent again"))]
    assert raised == [True, False, False]
    assert await receipt(store) == Receipt(2, "sent", None, at(2))
    assert await note(store, 3, "undelivered", "30005")
    assert await receipt(store) == Receipt(3, "undelivered", "30005", at(3))


async def test_a_receipt_belongs_to_one_message_of_one_channel(store: Store) -> None:
    await note(store, 2, "sent")
    await note(store, 1, "queued", message="SM2")
    second = await receipt(store, message="SM2")
    assert second is not None
    assert second.status == "queued"
    assert await receipt(store, "telegram") is None
    assert await receipt(store, message="SM3") is None


async def test_a_cursor_is_where_it_was_last_put(store: Store) -> None:
    async def read(name: str) -> str | None:
        return await store.read(lambda tables: tables.cursors.read(name))

    assert await read("ntfy") is None
    for name, position in (("ntfy", "b"), ("telegram:1", "9"), ("ntfy", "a")):
        await store.transact(lambda tables, n=name, p=position: tables.cursors.keep(n, p, START))  # type: ignore[misc]
    assert [await read(name) for name in ("ntfy", "telegram:1", "telegram:2")] == ["a", "9", None]


async def test_an_address_that_opted_out_stays_out_until_it_opts_in(store: Store) -> None:
    async def opted_out(address: str) -> bool:
        return await store.read(lambda tables: tables.reachability.opted_out(address))

    assert await store.transact(lambda tables: tables.reachability.opt_out("sms:a", at(1), "STOP"))
    assert not await store.transact(lambda tables: tables.reachability.opt_out("sms:a", at(2), "21610"))
    assert await store.transact(lambda tables: tables.reachability.opt_out("sms:b", at(3), "21610"))
    assert [await opted_out(f"sms:{letter}") for letter in "abc"] == [True, True, False]
    everybody = await store.read(lambda tables: tables.reachability.all())
    assert everybody == {"sms:a": OptOut(at(1), "STOP"), "sms:b": OptOut(at(3), "21610")}
    assert await store.transact(lambda tables: tables.reachability.opt_in("sms:a"))
    assert not await store.transact(lambda tables: tables.reachability.opt_in("sms:a"))
    assert list(await store.read(lambda tables: tables.reachability.all())) == ["sms:b"]


def deliver(key: str, to: str = "telegram:1") -> Deliver:
    return Deliver(to, Notice(key, NoticeKind.FINAL, "text", choices=(Choice("Why", "why 3K"),)), ("sms:+41",))


async def hold(store: Store, key: str, until: float, person: str = "ann", to: str = "telegram:1") -> None:
    one = deliver(key, to)
    await store.transact(lambda tables: tables.held.add(person, to, one, START, at(until), at(9)))


async def due(store: Store, seconds: float) -> dict[tuple[str, str], list[Held]]:
    return await store.read(lambda tables: tables.held.due(at(seconds)))


async def test_a_held_notice_is_due_at_its_moment_and_as_it_was(store: Store) -> None:
    await hold(store, "k", 5)
    assert await due(store, 4.999) == {}
    held = Held(1, "ann", "telegram:1", deliver("k"), START, at(5), at(9))
    assert await due(store, 5) == {("ann", "telegram:1"): [held]}


async def test_held_notices_are_gathered_by_person_and_address_in_the_order_they_came(store: Store) -> None:
    await hold(store, "b", 2)
    await hold(store, "a", 1)
    await hold(store, "a", 1, to="ntfy:topic")
    await hold(store, "c", 1, person="ben", to="telegram:2")
    await hold(store, "later", 7)
    found = {where: [one.deliver.notice.key for one in held] for where, held in (await due(store, 5)).items()}
    assert found == {("ann", "telegram:1"): ["b", "a"], ("ann", "ntfy:topic"): ["a"], ("ben", "telegram:2"): ["c"]}


async def test_a_notice_is_held_once_for_an_address_and_its_first_moment_counts(store: Store) -> None:
    await hold(store, "k", 5)
    await hold(store, "k", 6)
    (held,) = (await due(store, 9))["ann", "telegram:1"]
    assert held.until == at(5)


async def test_a_notice_that_has_expired_meanwhile_is_due_all_the_same(store: Store) -> None:
    await hold(store, "k", 5)
    (held,) = (await due(store, 3600))["ann", "telegram:1"]
    assert held.expires_at == at(9)


@pytest.mark.parametrize(("dropped", "left"), [([1], ["b"]), ([2, 1], []), ([], ["a", "b"]), ([3], ["a", "b"])])
async def test_dropped_notices_are_held_no_longer(store: Store, dropped: list[int], left: list[str]) -> None:
    await hold(store, "a", 1)
    await hold(store, "b", 1)
    await store.transact(lambda tables: tables.held.drop(dropped))
    found = (await due(store, 5)).get(("ann", "telegram:1"), [])
    assert [one.deliver.notice.key for one in found] == left
