"""Mode, rates, snapshots, threads, policies, seals and audit rows: small tables, each with one promise."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from audit.row import GENESIS, Entry, link
from audit.seals import SEAL_EVERY_ROWS, SEAL_EVERY_SECONDS, Seal, SealKey
from domain.clock import to_text
from domain.findings import Finding, HotSpot, MutantCounts, Severity
from domain.modes import Mode, StoredMode
from domain.snapshots import LoopReason, LoopStatus, MutationSnapshot, TriageSnapshot
from store.port import Store
from store.sealing import Sealer
from store.tables import Tables
from store.tables.thread import Told
from tests.fakes.virtual_time import START

HOUR = timedelta(hours=1)
MUTATION = MutationSnapshot(
    LoopStatus.OK, LoopReason.THRESHOLD_MET, "d", "s", START, None, "pit", None, True, MutantCounts(killed=1),
    (HotSpot("f", "g", 2),), (("boundary", 2),),
)  # fmt: skip
TRIAGE = TriageSnapshot(
    LoopStatus.UNKNOWN, LoopReason.NO_ARTIFACT, "d", "s", START, START, None, None, None,
    (Finding("c", Severity.UNKNOWN, "s", None, None),), "sha", 7,
)  # fmt: skip
NOTHING = Entry(to_text(START), "owner", *(None,) * 12, evidence={})


async def test_a_store_where_nobody_set_a_mode_is_read_only(store: Store) -> None:
    assert await store.read(lambda tables: (tables.mode.value(), tables.mode.current())) == (Mode.READ_ONLY, None)


async def test_every_set_mode_raises_the_version_and_names_who_set_it(store: Store) -> None:
    for mode, person in ((Mode.OFF, "vic"), (Mode.OPERATE, "owner"), (Mode.OPERATE, "ann")):
        await store.transact(lambda tables, m=mode, p=person: tables.mode.set(m, p, START))  # type: ignore[misc]
    assert await store.read(lambda tables: tables.mode.current()) == StoredMode(Mode.OPERATE, 3, START, "ann")


async def test_a_set_mode_is_read_in_the_same_transaction_and_forgotten_when_it_fails(store: Store) -> None:
    def set_and_fail(tables: Tables) -> None:
        assert tables.mode.value() is Mode.READ_ONLY
        tables.mode.set(Mode.OFF, "vic", START)
        assert tables.mode.value() is Mode.OFF
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.transact(set_and_fail)
    assert await store.transact(lambda tables: tables.mode.value()) is Mode.READ_ONLY


async def count(store: Store, key: str, at: datetime) -> int:
    return await store.transact(lambda tables: tables.rates.count(key, at))


async def test_rates_count_per_key_and_clock_hour(store: Store) -> None:
    at = START + timedelta(minutes=59, seconds=59)
    assert [await count(store, "a", START), await count(store, "a", at), await count(store, "b", at)] == [1, 2, 1]
    assert await count(store, "a", START + HOUR) == 1
    assert await store.read(lambda tables: tables.rates.current("a", at)) == 2
    assert await store.read(lambda tables: tables.rates.current("c", at)) == 0


async def test_rates_of_past_hours_can_be_forgotten(store: Store) -> None:
    for key, hours in (("a", 0), ("b", 0), ("a", 1), ("a", 2)):
        await count(store, key, START + hours * HOUR)
    assert await store.transact(lambda tables: tables.rates.forget_before(START + HOUR)) == 2
    left = await store.read(lambda tables: [tables.rates.current("a", START + n * HOUR) for n in range(3)])
    assert left == [0, 1, 1]


async def test_measurements_are_kept_whole_and_apart(store: Store) -> None:
    assert await store.read(lambda tables: (tables.snapshots.mutation(), tables.snapshots.triage())) == (None, None)
    await store.transact(lambda tables: tables.snapshots.put(MUTATION))
    await store.transact(lambda tables: tables.snapshots.put(TRIAGE))
    assert await store.read(lambda tables: tables.snapshots.mutation()) == MUTATION
    assert await store.read(lambda tables: tables.snapshots.triage()) == TRIAGE


async def test_an_older_measurement_never_replaces_a_newer_one(store: Store) -> None:
    newer = replace(MUTATION, taken_at=START + HOUR, detail="newer")
    corrected = replace(newer, detail="the same moment, corrected")
    kept = []
    for snapshot in (newer, MUTATION, corrected):
        await store.transact(lambda tables, one=snapshot: tables.snapshots.put(one))  # type: ignore[misc]
        kept.append(await store.read(lambda tables: tables.snapshots.mutation()))
    assert kept == [newer, newer, corrected]


async def tell(store: Store, person: str, key: str, body: bytes = b"x") -> None:
    await store.transact(lambda tables: tables.thread.add(person, key, body, START))


async def test_a_thread_tells_each_key_once_to_each_person(store: Store) -> None:
    await tell(store, "ann", "k", b"first")
    await tell(store, "ann", "k", b"second")
    await tell(store, "ben", "k", b"third")
    assert await store.read(lambda tables: tables.thread.latest("ann", 9)) == [Told(1, START, b"first")]
    assert await store.read(lambda tables: tables.thread.latest("ben", 9)) == [Told(2, START, b"third")]


async def test_a_thread_is_read_from_where_one_left_off(store: Store) -> None:
    assert await store.read(lambda tables: tables.thread.newest("ann")) == 0
    for number in range(6):
        await tell(store, "ann" if number % 2 else "ben", f"k{number}", b"%d" % number)
    newest = await store.read(lambda tables: tables.thread.newest("ann"))
    all_of_it = await store.read(lambda tables: tables.thread.after("ann", 0, 9))
    assert all_of_it == [Told(2, START, b"1"), Told(4, START, b"3"), Told(6, START, b"5")]
    assert all_of_it[-1].seq == newest
    assert await store.read(lambda tables: tables.thread.after("ann", all_of_it[0].seq, 1)) == all_of_it[1:2]
    assert await store.read(lambda tables: tables.thread.after("ann", newest, 9)) == []
    assert await store.read(lambda tables: tables.thread.latest("ann", 2)) == all_of_it[1:]


async def test_a_policy_text_is_kept_under_its_version_for_ever(store: Store) -> None:
    await store.transact(lambda tables: tables.policies.keep("v1", b"one", START))
    await store.transact(lambda tables: tables.policies.keep("v1", b"other", START))
    assert await store.read(lambda tables: tables.policies.get("v1")) == b"one"
    assert await store.read(lambda tables: tables.policies.get("v2")) is None


async def test_audit_rows_are_chained_and_numbered_without_gap(store: Store) -> None:
    assert await store.read(lambda tables: tables.audit.head()) == (0, GENESIS)
    appended = [await store.transact(lambda tables: tables.audit.append(NOTHING)) for _ in range(3)]
    rows = await store.read(lambda tables: list(tables.audit.each()))
    assert [(seq, digest) for seq, _, digest in rows] == appended
    assert [json.loads(body)["prev"] for _, body, _ in rows] == [GENESIS, appended[0][1], appended[1][1]]
    assert [link(body) for _, body, _ in rows] == [digest for _, digest in appended]
    assert await store.read(lambda tables: tables.audit.head()) == appended[-1]
    assert await store.read(lambda tables: tables.audit.row(2)) == rows[1][1]
    assert await store.read(lambda tables: tables.audit.row(4)) is None
    assert await store.read(lambda tables: tables.audit.latest(2)) == [rows[1][1], rows[2][1]]


async def test_a_row_of_a_transaction_that_fails_leaves_no_gap(store: Store) -> None:
    def append_and_fail(tables: Tables) -> None:
        tables.audit.append(NOTHING)
        raise ZeroDivisionError

    await store.transact(lambda tables: tables.audit.append(NOTHING))
    with pytest.raises(ZeroDivisionError):
        await store.transact(append_and_fail)
    assert (await store.transact(lambda tables: tables.audit.append(NOTHING)))[0] == 2


async def test_seals_are_kept_by_size_and_two_of_one_size_both(store: Store) -> None:
    assert await store.read(lambda tables: tables.seals.newest()) is None
    for size, at, body in ((5, "b", b"2"), (1, "a", b"1"), (5, "c", b"3")):
        await store.transact(lambda tables, row=(size, at, body): tables.seals.add(*row))  # type: ignore[misc]
    assert await store.read(lambda tables: list(tables.seals.each())) == [b"1", b"2", b"3"]
    assert await store.read(lambda tables: tables.seals.newest()) == (5, "c")


async def test_a_seal_of_the_same_transaction_is_the_newest(store: Store) -> None:
    def add_two(tables: Tables) -> list[tuple[int, str] | None]:
        found = []
        for size in (1, 2):
            tables.seals.add(size, "a", b"x")
            found += [tables.seals.newest(), tables.seals.newest()]
        return found

    assert await store.transact(add_two) == [(1, "a"), (1, "a"), (2, "a"), (2, "a")]


async def seal(store: Store, rows: int, seconds: float, privileged: bool = False) -> bool:
    sealer = Sealer(SealKey(b"s" * 32), "test")

    def append_and_seal(tables: Tables) -> bool:
        for _ in range(rows):
            tables.audit.append(NOTHING)
        return sealer.seal_if_due(tables, START + timedelta(seconds=seconds), privileged=privileged)

    return await store.transact(append_and_seal)


async def test_a_log_is_sealed_at_once_then_by_rows_by_time_and_behind_every_write(store: Store) -> None:
    assert await seal(store, 1, 0)
    assert not await seal(store, SEAL_EVERY_ROWS - 1, 1)
    assert await seal(store, 1, 2)
    assert not await seal(store, 0, 1 + SEAL_EVERY_SECONDS)
    assert await seal(store, 0, 2 + SEAL_EVERY_SECONDS)
    assert await seal(store, 1, 63, privileged=True)
    assert not await seal(store, 0, 63, privileged=True)
    seals = [Seal.from_json(body) for body in await store.read(lambda tables: list(tables.seals.each()))]
    size, head = await store.read(lambda tables: tables.audit.head())
    assert (seals[-1].size, seals[-1].head, seals[-1].origin) == (size, head, "test")


async def test_a_clock_that_went_back_does_not_make_seals_run_backwards(store: Store) -> None:
    await seal(store, 1, 100)
    assert await seal(store, 1, 0)
    at = [Seal.from_json(body).at for body in await store.read(lambda tables: list(tables.seals.each()))]
    assert at == [to_text(START + timedelta(seconds=100))] * 2


async def test_a_clock_that_went_back_over_an_idle_log_makes_no_second_seal(store: Store) -> None:
    assert await seal(store, 1, 100)
    assert not await seal(store, 0, 0)
    assert len(await store.read(lambda tables: list(tables.seals.each()))) == 1
