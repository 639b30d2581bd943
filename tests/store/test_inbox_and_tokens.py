"""Messages are claimed for ever; one-time tokens are spent once; sessions end when they are ended or expire."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from domain.messages import Inbound
from domain.people import Address, AddressKind, Proof
from store.port import Store
from store.tables import Tables
from store.tables.thread import Exchange
from tests.fakes.virtual_time import START

MESSAGE = Inbound("web", "web", "m1", Address(AddressKind.WEB, "owner"), "status", Proof.SESSION, START)
LATER = START + timedelta(minutes=10)
LIFETIME = (START, LATER)
JUST_BEFORE = LATER - timedelta(milliseconds=1)


async def claim(store: Store, message: Inbound, person: str | None = "owner", answer: bytes = b"[]") -> None:
    await store.transact(lambda tables: tables.inbox.claim(message, person, answer))


async def test_a_message_is_unknown_until_it_is_claimed(store: Store) -> None:
    assert await store.read(lambda tables: tables.inbox.taken(MESSAGE)) is None
    await claim(store, MESSAGE, answer=b"hello")
    taken = await store.read(lambda tables: tables.inbox.taken(MESSAGE))
    assert taken is not None
    assert (taken.text, taken.answer, taken.received_at) == ("status", b"hello", START)


async def test_an_answer_is_found_again_by_the_number_of_its_message(store: Store) -> None:
    await claim(store, replace(MESSAGE, message_id="m0"), None, b"for a stranger")
    await claim(store, MESSAGE, answer=b"hello")
    found = await store.read(lambda tables: [tables.inbox.answered(number) for number in (1, 2, 3)])
    assert found == [(None, b"for a stranger"), ("owner", b"hello"), None]


async def test_a_second_claim_of_one_id_breaks_the_transaction(store: Store) -> None:
    await claim(store, MESSAGE)
    with pytest.raises(Exception, match="UNIQUE"):
        await claim(store, replace(MESSAGE, text="halt"))
    taken = await store.read(lambda tables: tables.inbox.taken(MESSAGE))
    assert taken is not None
    assert taken.text == "status"


@pytest.mark.parametrize(
    "other",
    [replace(MESSAGE, channel="sms"), replace(MESSAGE, account="other"), replace(MESSAGE, message_id="M1")],
)
async def test_channel_account_and_id_together_name_a_message(store: Store, other: Inbound) -> None:
    await claim(store, MESSAGE)
    assert await store.read(lambda tables: tables.inbox.taken(other)) is None
    await claim(store, other)


async def test_a_persons_thread_holds_their_messages_with_the_answers_oldest_first(store: Store) -> None:
    def take(tables: Tables) -> None:
        for number in range(5):
            message = replace(MESSAGE, message_id=f"m{number}", received_at=START + timedelta(seconds=number))
            claimed = tables.inbox.claim(message, "owner", b"%d" % number)
            tables.thread.add_exchange("owner", claimed, message.received_at)
        tables.thread.add_exchange("vic", claimed, START)

    await store.transact(take)
    newest = await store.read(lambda tables: tables.thread.latest("owner", 3))
    found = [(row.message_id, row.taken.answer) for row in newest if isinstance(row, Exchange)]
    assert found == [("m2", b"2"), ("m3", b"3"), ("m4", b"4")]


async def add_token(store: Store) -> None:
    await store.transact(lambda tables: tables.nonces.add("hash", "login", "owner", "binding", LIFETIME))


def spend(tables: Tables) -> tuple[str, str] | None:
    return tables.nonces.spend("hash", "login", START)


async def test_a_token_is_spent_once_and_gives_person_and_binding(store: Store) -> None:
    await add_token(store)
    assert await store.transact(spend) == ("owner", "binding")
    assert await store.transact(spend) is None


async def test_eight_callers_at_once_spend_a_token_once(store: Store) -> None:
    await add_token(store)
    results = await asyncio.gather(*(store.transact(spend) for _ in range(8)))
    assert sorted(results, key=str) == [("owner", "binding"), *[None] * 7]


@pytest.mark.parametrize(("at", "person"), [(JUST_BEFORE, "owner"), (LATER, None), (LATER + timedelta(days=1), None)])
async def test_a_token_is_worth_nothing_from_exactly_its_expiry(store: Store, at: object, person: str | None) -> None:
    await add_token(store)
    spent = await store.transact(lambda tables: tables.nonces.spend("hash", "login", at))  # type: ignore[arg-type]
    assert (spent[0] if spent else None) == person


@pytest.mark.parametrize(("hashed", "purpose"), [("other", "login"), ("hash", "approve"), ("HASH", "login")])
async def test_a_token_is_good_for_its_own_purpose_only(store: Store, hashed: str, purpose: str) -> None:
    await add_token(store)
    assert await store.transact(lambda tables: tables.nonces.spend(hashed, purpose, START)) is None
    assert await store.transact(spend) is not None


async def test_a_token_spent_in_a_transaction_that_fails_is_not_spent(store: Store) -> None:
    await add_token(store)

    def spend_and_fail(tables: Tables) -> None:
        assert spend(tables) is not None
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.transact(spend_and_fail)
    assert await store.transact(spend) is not None


async def test_tokens_that_could_still_be_spent_are_counted_by_purpose_and_person(store: Store) -> None:
    def add_some(tables: Tables) -> None:
        for hashed, purpose, person, until in (
            ("a", "link", "ann", LATER),
            ("b", "link", "ann", LATER),
            ("c", "link", "ann", JUST_BEFORE),
            ("d", "login", "ann", LATER),
            ("e", "link", "ben", LATER),
        ):
            tables.nonces.add(hashed, purpose, person, "", (START, until))
        tables.nonces.spend("b", "link", START)

    async def pending(purpose: str, person: str, at: datetime) -> int:
        return await store.read(lambda tables: tables.nonces.pending(purpose, person, at))

    await store.transact(add_some)
    assert [await pending("link", "ann", at) for at in (START, JUST_BEFORE, LATER)] == [2, 1, 0]
    assert [await pending(*who, START) for who in (("login", "ann"), ("link", "ben"), ("link", "cid"))] == [1, 1, 0]


async def sessions(store: Store, *hashes: str, person: str = "owner") -> None:
    for hashed in hashes:
        await store.transact(lambda tables, one=hashed: tables.sessions.add(one, person, START, LATER))  # type: ignore[misc]


async def person_of(store: Store, hashed: str, at: object = START) -> str | None:
    return await store.read(lambda tables: tables.sessions.person_of(hashed, at))  # type: ignore[arg-type]


async def test_a_session_belongs_to_its_person_until_exactly_its_expiry(store: Store) -> None:
    await sessions(store, "a")
    assert await person_of(store, "a", JUST_BEFORE) == "owner"
    assert await person_of(store, "a", LATER) is None
    assert await person_of(store, "b") is None


async def test_an_ended_session_is_nobodys(store: Store) -> None:
    await sessions(store, "a", "b")
    await store.transact(lambda tables: tables.sessions.end("a", START))
    await store.transact(lambda tables: tables.sessions.end("unknown", START))
    assert [await person_of(store, one) for one in ("a", "b")] == [None, "owner"]


async def test_all_sessions_of_a_person_end_together_and_are_counted(store: Store) -> None:
    await sessions(store, "a", "b", "c")
    await sessions(store, "d", person="vic")
    await store.transact(lambda tables: tables.sessions.end("a", START))
    assert await store.transact(lambda tables: tables.sessions.end_all_of("owner", START)) == 2
    assert await store.transact(lambda tables: tables.sessions.end_all_of("owner", START)) == 0
    assert [await person_of(store, one) for one in ("a", "b", "c", "d")] == [None, None, None, "vic"]
