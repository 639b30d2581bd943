"""Buttons are found by their hash, pressed once by each person and die with their subject; a card is the newest message."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from domain.messages import Inbound
from domain.people import Address, AddressKind, Proof
from store.port import Store
from store.tables import Tables
from store.tables.buttons import Button
from tests.fakes.virtual_time import START

EXPIRY = START + timedelta(minutes=15)
JUST_BEFORE = EXPIRY - timedelta(milliseconds=1)
BUTTON = Button(
    hash="a" * 64,
    to="telegram:77",
    person="ann",
    subject="APPROVAL-1",
    command="ok 3K 42",
    digest="d" * 64,
    message_id=None,
    made_at=START,
    expires_at=EXPIRY,
)
MESSAGE = Inbound("telegram", "bot", "u1", Address(AddressKind.TELEGRAM, "77"), "", Proof.ACCOUNT, START)


async def put(store: Store, *buttons: Button) -> None:
    for button in buttons:
        await store.transact(lambda tables, one=button: tables.buttons.add(one))  # type: ignore[misc]


async def get(store: Store, hashed: str = BUTTON.hash) -> Button | None:
    return await store.read(lambda tables: tables.buttons.get(hashed))


async def press(store: Store, person: str, message_id: str, hashed: str = BUTTON.hash) -> int:
    def claim_and_press(tables: Tables) -> int:
        number = tables.inbox.claim(replace(MESSAGE, message_id=message_id), person, b"[]")
        tables.buttons.press(hashed, person, number, START)
        return number

    return await store.transact(claim_and_press)


async def kill(store: Store, subject: str, at: datetime) -> int:
    return await store.transact(lambda tables: tables.buttons.kill(subject, at))


@pytest.mark.parametrize("button", [BUTTON, replace(BUTTON, person=None, subject=None, digest=None, message_id="9")])
async def test_a_button_is_found_as_it_was_made_and_only_by_its_hash(store: Store, button: Button) -> None:
    await put(store, button)
    assert await get(store) == button
    assert await get(store, "b" * 64) is None


async def test_a_token_stands_for_one_button(store: Store) -> None:
    await put(store, BUTTON)
    with pytest.raises(Exception, match="UNIQUE"):
        await put(store, replace(BUTTON, command="no 3K"))
    assert await get(store) == BUTTON


async def test_buttons_are_bound_to_the_message_they_were_sent_on(store: Store) -> None:
    others = [replace(BUTTON, hash=letter * 64) for letter in "bc"]
    await put(store, BUTTON, *others)
    await store.transact(lambda tables: tables.buttons.bind([BUTTON.hash, others[0].hash], "4711"))
    found = [await get(store, one.hash) for one in (BUTTON, *others)]
    assert [one.message_id for one in found if one] == ["4711", "4711", None]


async def test_a_press_is_kept_for_each_person_with_its_message(store: Store) -> None:
    await put(store, BUTTON, replace(BUTTON, hash="b" * 64))
    first, second = await press(store, "ann", "u1"), await press(store, "ben", "u2")

    async def pressed(hashed: str, person: str) -> int | None:
        return await store.read(lambda tables: tables.buttons.pressed(hashed, person))

    assert [await pressed(BUTTON.hash, person) for person in ("ann", "ben", "cid")] == [first, second, None]
    assert await pressed("b" * 64, "ann") is None


async def test_a_second_press_of_one_person_breaks_the_transaction(store: Store) -> None:
    await put(store, BUTTON)
    first = await press(store, "ann", "u1")
    with pytest.raises(Exception, match="UNIQUE"):
        await press(store, "ann", "u2")
    assert await store.read(lambda tables: tables.buttons.pressed(BUTTON.hash, "ann")) == first
    assert await store.read(lambda tables: tables.inbox.taken(replace(MESSAGE, message_id="u2"))) is None


async def test_a_press_needs_a_button_and_a_claimed_message(store: Store) -> None:
    with pytest.raises(Exception, match="FOREIGN KEY"):
        await press(store, "ann", "u1")
    await put(store, BUTTON)
    with pytest.raises(Exception, match="FOREIGN KEY"):
        await store.transact(lambda tables: tables.buttons.press(BUTTON.hash, "ann", 99, START))


async def test_all_buttons_of_a_subject_die_together_and_are_counted(store: Store) -> None:
    other = replace(BUTTON, hash="b" * 64, to="telegram:88", person=None)
    elsewhere = replace(BUTTON, hash="c" * 64, subject="APPROVAL-2")
    await put(store, BUTTON, other, elsewhere)
    assert await kill(store, "APPROVAL-1", JUST_BEFORE) == 2
    found = [await get(store, one.hash) for one in (BUTTON, other, elsewhere)]
    assert [one.expires_at for one in found if one] == [JUST_BEFORE, JUST_BEFORE, EXPIRY]
    assert await kill(store, "APPROVAL-1", JUST_BEFORE) == 0


async def test_a_button_that_has_expired_does_not_live_on_by_being_killed(store: Store) -> None:
    await put(store, BUTTON)
    assert await kill(store, "APPROVAL-1", EXPIRY) == 0
    assert await get(store) == BUTTON


async def show(store: Store, to: str, subject: str, provider_id: str, seconds: float = 0) -> None:
    at = START + timedelta(seconds=seconds)
    await store.transact(lambda tables: tables.cards.put(to, subject, provider_id, at))


async def test_a_card_belongs_to_one_subject_at_one_address(store: Store) -> None:
    await show(store, "telegram:77", "RUN-1", "1")
    await show(store, "telegram:88", "RUN-1", "2")
    await show(store, "telegram:77", "RUN-2", "3")

    async def card(to: str, subject: str) -> str | None:
        return await store.read(lambda tables: tables.cards.get(to, subject))

    assert [await card(f"telegram:{chat}", "RUN-1") for chat in (77, 88, 99)] == ["1", "2", None]
    assert await card("telegram:77", "RUN-2") == "3"


async def test_the_newest_card_counts_also_when_an_older_one_is_noted_late(store: Store) -> None:
    kept = []
    for provider_id, seconds in (("1", 1), ("2", 2), ("late", 1), ("same moment", 2)):
        await show(store, "telegram:77", "RUN-1", provider_id, seconds)
        kept.append(await store.read(lambda tables: tables.cards.get("telegram:77", "RUN-1")))
    assert kept == ["1", "2", "2", "same moment"]


async def test_the_addresses_that_show_a_subject_are_listed(store: Store) -> None:
    assert await store.read(lambda tables: tables.cards.showing("RUN-1")) == []
    for to, subject in (("telegram:77", "RUN-1"), ("ntfy:topic", "RUN-1"), ("telegram:88", "RUN-2")):
        await show(store, to, subject, "1")
    await show(store, "telegram:77", "RUN-1", "2")
    assert await store.read(lambda tables: tables.cards.showing("RUN-1")) == ["ntfy:topic", "telegram:77"]
