"""A confirmation is used once and in time; wrong codes count per address; an authenticator's code is good once."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from domain.confirmations import Confirmation
from domain.messages import Inbound
from domain.people import Address, AddressKind, Proof
from store.port import Store
from store.tables import Tables
from tests.fakes.virtual_time import START

EXPIRY = START + timedelta(minutes=10)
JUST_BEFORE = EXPIRY - timedelta(milliseconds=1)
ASKED = Confirmation(
    id="CONFIRMATION-1",
    handle="3K",
    person="ann",
    to="sms:+41790000000",
    text="run mutation",
    made_at=START,
    expires_at=EXPIRY,
)
MESSAGE = Inbound("sms", "+41", "SM1", Address(AddressKind.SMS, "+41790000000"), "ok 3K", Proof.ADDRESS, START)


async def ask(store: Store, confirmation: Confirmation = ASKED) -> None:
    await store.transact(lambda tables: tables.confirmations.open(confirmation))


async def get(store: Store) -> Confirmation:
    found = await store.read(lambda tables: tables.confirmations.get(ASKED.id))
    assert found is not None
    return found


async def claim(store: Store) -> int:
    return await store.transact(lambda tables: tables.inbox.claim(MESSAGE, "ann", b"[]"))


async def consume(store: Store, message: int, at: datetime = START) -> bool:
    return await store.transact(lambda tables: tables.confirmations.consume(ASKED.id, message, at))


async def set_code(store: Store, code_hash: str, at: datetime = START, until: datetime = EXPIRY) -> bool:
    return await store.transact(lambda tables: tables.confirmations.set_code(ASKED.id, code_hash, at, until))


async def test_a_confirmation_is_kept_as_it_was_asked_for(store: Store) -> None:
    await ask(store)
    assert await get(store) == ASKED
    assert await store.read(lambda tables: tables.confirmations.get("CONFIRMATION-2")) is None


async def test_the_newest_code_counts(store: Store) -> None:
    await ask(store)
    assert await set_code(store, "one")
    assert await set_code(store, "two", until=JUST_BEFORE)
    assert await get(store) == replace(ASKED, code_hash="two", code_expires_at=JUST_BEFORE)


async def test_no_code_is_set_once_a_confirmation_is_over(store: Store) -> None:
    assert not await set_code(store, "unknown")
    await ask(store)
    assert not await set_code(store, "expired", EXPIRY)
    assert await set_code(store, "in time", JUST_BEFORE)
    await consume(store, await claim(store))
    assert not await set_code(store, "consumed")
    assert (await get(store)).code_hash == "in time"


async def test_a_confirmation_is_used_once_and_says_by_which_message(store: Store) -> None:
    await ask(store)
    number = await claim(store)
    used = await asyncio.gather(*(consume(store, number) for _ in range(8)))
    assert sorted(used) == [False] * 7 + [True]
    assert await get(store) == replace(ASKED, consumed_at=START, consumed_by=number)


async def test_a_confirmation_is_worth_nothing_from_exactly_its_expiry(store: Store) -> None:
    await ask(store)
    number = await claim(store)
    assert not await consume(store, number, EXPIRY)
    assert await consume(store, number, JUST_BEFORE)


async def test_only_a_claimed_message_can_use_a_confirmation(store: Store) -> None:
    await ask(store)
    with pytest.raises(Exception, match="FOREIGN KEY"):
        await consume(store, 99)
    assert (await get(store)).consumed_at is None


async def test_wrong_codes_are_counted_per_address_and_after_a_moment(store: Store) -> None:
    def note(tables: Tables) -> None:
        for to, seconds in (("sms:a", 0), ("sms:a", 5), ("sms:a", 5), ("sms:b", 5)):
            tables.confirmations.note_wrong(to, START + timedelta(seconds=seconds))

    await store.transact(note)

    async def wrong(to: str, seconds: float) -> int:
        since = START + timedelta(seconds=seconds)
        return await store.read(lambda tables: tables.confirmations.wrong_since(to, since))

    assert [await wrong("sms:a", seconds) for seconds in (-1, 0, 4.999, 5)] == [3, 2, 2, 0]
    assert [await wrong("sms:b", -1), await wrong("sms:c", -1)] == [1, 0]


async def enrol(store: Store, person: str, secret: str) -> None:
    await store.transact(lambda tables: tables.authenticators.put(person, secret, START))


async def spend(store: Store, person: str, step: int) -> bool:
    return await store.transact(lambda tables: tables.authenticators.spend_step(person, step))


async def test_a_secret_belongs_to_one_person_until_it_is_replaced_or_removed(store: Store) -> None:
    async def secret_of(person: str) -> str | None:
        return await store.read(lambda tables: tables.authenticators.secret_of(person))

    await enrol(store, "ann", "ONE")
    await enrol(store, "ben", "TWO")
    await enrol(store, "ann", "THREE")
    assert [await secret_of(person) for person in ("ann", "ben", "cid")] == ["THREE", "TWO", None]
    assert await store.transact(lambda tables: tables.authenticators.remove("ann"))
    assert not await store.transact(lambda tables: tables.authenticators.remove("ann"))
    assert [await secret_of(person) for person in ("ann", "ben")] == [None, "TWO"]


async def test_the_code_of_a_time_step_is_good_once_and_none_before_it(store: Store) -> None:
    await enrol(store, "ann", "ONE")
    await enrol(store, "ben", "TWO")
    assert [await spend(store, "ann", step) for step in (0, 0, 7, 7, 6, 8)] == [True, False, True, False, False, True]
    assert await spend(store, "ben", 8)
    assert not await spend(store, "cid", 8)


async def test_of_eight_uses_of_one_code_at_once_one_counts(store: Store) -> None:
    await enrol(store, "ann", "ONE")
    results = await asyncio.gather(*(spend(store, "ann", 7) for _ in range(8)))
    assert sorted(results) == [False] * 7 + [True]


async def test_a_secret_that_is_put_again_does_not_make_a_spent_code_good(store: Store) -> None:
    await enrol(store, "ann", "ONE")
    await spend(store, "ann", 7)
    await enrol(store, "ann", "ONE")
    assert not await spend(store, "ann", 7)
