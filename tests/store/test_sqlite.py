"""The SQLite store: grouped commits that fail one by one, steady reads, and a plain word when the disk refuses."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Self

import pytest
from structlog.testing import capture_logs

from domain.modes import Mode
from store.port import StoreUnwritable
from store.sqlite import SqliteStore
from store.sqlite_connection import connect
from store.tables import Tables
from tests.fakes.busy_database import held_for_writing
from tests.fakes.full_disk import full_disk
from tests.fakes.virtual_time import START


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "reins.db")
    await opened.open()
    yield opened
    await opened.close()


def count(key: str) -> Callable[[Tables], int]:
    return lambda tables: tables.rates.count(key, START)


def fail_after_counting(key: str) -> Callable[[Tables], int]:
    def fn(tables: Tables) -> int:
        tables.rates.count(key, START)
        raise ZeroDivisionError(key)

    return fn


def current(key: str) -> Callable[[Tables], int]:
    return lambda tables: tables.rates.current(key, START)


class HeldWriter:
    """A commit that does not come back, so that whatever is asked for meanwhile becomes one group."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._go_on = threading.Event()

    def _hold(self) -> None:
        self._go_on.wait()

    async def __aenter__(self) -> Self:
        assert self._store._writer is not None
        self._store._writer._orders.put(self._hold)
        self._task = asyncio.create_task(self._store.transact(lambda _tables: None))
        for _ in range(3):  # the task begins, its group runs, its commit is ordered behind what does not come back
            await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._go_on.set()
        await asyncio.wait([self._task])


async def grouped(store: SqliteStore, *fns: Callable[[Tables], object]) -> list[object]:
    """Run transactions as one group and return what each gave or raised."""
    async with HeldWriter(store):
        tasks = [asyncio.create_task(store.transact(fn)) for fn in fns]
        await asyncio.sleep(0)  # each has queued its transaction by now
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_waits_is_committed_together(tmp_path: Path, store: SqliteStore) -> None:
    def seen_by_others(_tables: Tables) -> list[str]:
        other = connect(tmp_path / "reins.db", read_only=True)
        try:
            return [row[0] for row in other.execute("SELECT key FROM rates").fetchall()]
        finally:
            other.close()

    assert await grouped(store, count("a"), seen_by_others, current("a")) == [1, [], 1]
    assert await store.transact(seen_by_others) == ["a"]


async def test_one_failing_transaction_does_not_fail_its_neighbours(store: SqliteStore) -> None:
    results = await grouped(
        store, count("a"), fail_after_counting("b"), count("a"), fail_after_counting("c"), count("d")
    )
    assert [type(one) for one in results] == [int, ZeroDivisionError, int, ZeroDivisionError, int]
    assert [str(one) for one in results] == ["1", "b", "2", "c", "1"]
    kept = await store.read(lambda tables: [tables.rates.current(key, START) for key in "abcd"])
    assert kept == [2, 0, 0, 1]


async def test_neighbours_of_a_failure_see_nothing_of_it(store: SqliteStore) -> None:
    def lower_and_fail(tables: Tables) -> None:
        tables.mode.set(Mode.OFF, "vic", START)
        assert tables.mode.value() is Mode.OFF
        raise ZeroDivisionError

    results = await grouped(store, lower_and_fail, lambda tables: tables.mode.value())
    assert results[1] is Mode.READ_ONLY


async def test_a_broken_constraint_fails_only_its_own_transaction(store: SqliteStore) -> None:
    def twice(tables: Tables) -> None:
        for _ in range(2):
            tables.sessions.add("hash", "owner", START, START)

    results = await grouped(store, count("a"), twice, count("a"))
    assert isinstance(results[1], sqlite3.IntegrityError)
    assert await store.read(current("a")) == 2


async def test_a_transaction_gives_back_what_its_function_gave(store: SqliteStore) -> None:
    answer = object()
    assert await store.transact(lambda _tables: answer) is answer
    assert await store.read(lambda _tables: answer) is answer


async def test_more_than_a_group_is_committed_in_order(store: SqliteStore) -> None:
    results = await grouped(store, *[count("a")] * 300)
    assert results == list(range(1, 301))


async def test_a_caller_that_was_cancelled_does_not_stop_the_others(store: SqliteStore) -> None:
    async with HeldWriter(store):
        cancelled = asyncio.create_task(store.transact(count("a")))
        await asyncio.sleep(0)
        cancelled.cancel()
        kept = asyncio.create_task(store.transact(count("b")))
        await asyncio.sleep(0)
    assert await kept == 1
    with pytest.raises(asyncio.CancelledError):
        await cancelled


async def test_a_read_sees_one_moment_however_long_it_lasts(store: SqliteStore) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def look_twice(tables: Tables) -> tuple[int, int]:
        before = tables.rates.current("a", START)
        begun.set()
        go_on.wait()
        return before, tables.rates.current("a", START)

    await store.transact(count("a"))
    reading = asyncio.create_task(store.read(look_twice))
    await asyncio.to_thread(begun.wait)
    await store.transact(count("a"))
    assert await store.read(current("a")) == 2
    go_on.set()
    assert await reading == (1, 1)


async def test_a_read_cannot_write_and_its_error_reaches_the_caller(store: SqliteStore) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await store.read(count("a"))
    with pytest.raises(ZeroDivisionError):
        await store.read(lambda _tables: 1 // 0)
    assert await store.read(current("a")) == 0


async def test_closing_finishes_what_waits(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "reins.db")
    await store.open()
    async with HeldWriter(store):
        waiting = [asyncio.create_task(store.transact(count("a"))) for _ in range(200)]
        await asyncio.sleep(0)
        closing = asyncio.create_task(store.close())
        await asyncio.sleep(0)
    await closing
    assert await asyncio.gather(*waiting) == list(range(1, 201))
    again = SqliteStore(tmp_path / "reins.db")
    await again.open()
    assert await again.read(current("a")) == 200
    await again.close()


async def test_a_store_that_was_never_opened_closes(tmp_path: Path) -> None:
    await SqliteStore(tmp_path / "reins.db").close()
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        sqlite3.connect(f"file:{tmp_path}/reins.db?mode=ro", uri=True)


async def test_a_full_disk_is_said_plainly_and_reads_still_answer(tmp_path: Path, store: SqliteStore) -> None:
    await store.transact(count("a"))
    with capture_logs() as logs, full_disk(tmp_path / "reins.db"):
        results = await asyncio.gather(*(store.transact(count("a")) for _ in range(9)), return_exceptions=True)
        assert {type(one) for one in results} == {StoreUnwritable}
        assert await store.read(current("a")) == 1
    assert {line["event"] for line in logs} == {"store_unwritable"}
    assert await store.transact(count("a")) == 2


def fill_cache(tables: Tables) -> None:
    """Write more than SQLite's page cache of 2 MB, so that the log grows before the commit."""
    for number in range(40):
        tables.policies.keep(f"v{number}", bytes(100_000), START)


@pytest.mark.parametrize("first", [count("a"), fail_after_counting("a")])
async def test_a_disk_that_fills_up_within_a_transaction_writes_nothing_of_its_group(
    tmp_path: Path, store: SqliteStore, first: Callable[[Tables], int]
) -> None:
    await store.transact(count("a"))
    with capture_logs(), full_disk(tmp_path / "reins.db"):
        results = await grouped(store, first, count("a"), fill_cache)
    assert {type(one) for one in results} == {StoreUnwritable}
    assert await store.read(current("a")) == 1
    assert await store.transact(count("a")) == 2


async def test_a_function_that_ends_the_transaction_itself_is_told_and_the_writer_goes_on(store: SqliteStore) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no transaction is active"):
        await store.transact(lambda tables: tables.mode._rows.run("ROLLBACK"))
    assert await store.transact(count("a")) == 1


async def test_a_database_that_somebody_else_holds_is_unwritable_within_two_seconds(
    tmp_path: Path, store: SqliteStore
) -> None:
    with capture_logs(), held_for_writing(tmp_path / "reins.db"):
        results = await asyncio.gather(*(store.transact(count("a")) for _ in range(3)), return_exceptions=True)
        assert {type(one) for one in results} == {StoreUnwritable}
        assert await store.read(current("a")) == 0
    assert await store.transact(count("a")) == 1


async def test_who_was_told_that_nothing_is_recorded_is_not_recorded_later(store: SqliteStore) -> None:
    async with HeldWriter(store):
        results = await asyncio.gather(*(store.transact(count("a")) for _ in range(2)), return_exceptions=True)
        assert {str(one) for one in results} == {"not recorded within 2 s"}
        assert {type(one) for one in results} == {StoreUnwritable}
    assert await store.transact(count("b")) == 1
    assert await store.read(current("a")) == 0


async def test_who_gives_up_while_another_process_holds_the_lock_is_not_recorded_later(
    tmp_path: Path, store: SqliteStore
) -> None:
    with capture_logs(), held_for_writing(tmp_path / "reins.db"):
        await asyncio.gather(store.transact(count("a")), store.transact(count("a")), return_exceptions=True)
    assert await store.transact(count("a")) == 1


@pytest.mark.parametrize("read_only", [False, True])
def test_every_connection_syncs_at_every_commit_and_keeps_references_whole(tmp_path: Path, read_only: bool) -> None:
    connect(tmp_path / "reins.db", read_only=False).close()
    connection = connect(tmp_path / "reins.db", read_only=read_only)
    settings = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "query_only")
    }
    connection.close()
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "query_only": int(read_only)}
