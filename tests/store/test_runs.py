"""Runs: one open run a slot, every change a row, and a final state never changes."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.runs import Attempt, AttemptState, Run, RunState
from store.port import Store
from tests.fakes.records import make_run
from tests.fakes.virtual_time import START

OPEN = [state for state in RunState if not state.final]
FINAL = [state for state in RunState if state.final]


async def add(store: Store, run: Run, slot: str = "slot") -> None:
    await store.transact(lambda tables: tables.runs.add(run, slot))


async def change(store: Store, run: Run, seconds: float = 0) -> None:
    await store.transact(lambda tables: tables.runs.change(run, START + timedelta(seconds=seconds)))


async def get(store: Store, run_id: str = "RUN-1") -> Run:
    run = await store.read(lambda tables: tables.runs.get(run_id))
    assert run is not None
    return run


async def transitions(store: Store) -> list[tuple[str, str, str | None]]:
    rows = await store.read(lambda tables: tables.runs.transitions("RUN-1"))
    return [(was, became, reason) for _, was, became, reason in rows]


async def test_a_run_is_kept_as_it_was_asked_for(store: Store) -> None:
    run = make_run(inputs={"image": "api:1", "a": "ü"}, approval="APPROVAL-1", expected_sha="abc")
    await add(store, run)
    assert await get(store) == run
    assert await store.read(lambda tables: tables.runs.get("RUN-2")) is None
    assert await transitions(store) == [("", "accepted", None)]


async def test_a_run_is_kept_as_it_ended_with_its_attempts(store: Store) -> None:
    await add(store, make_run())
    moment = START + timedelta(seconds=9, milliseconds=5)
    attempts = (
        Attempt(1, AttemptState.DONE, START, moment, "work remains", "3 left"),
        Attempt(2, AttemptState.STARTED, moment),
    )
    ended: dict[str, Any] = {"finished_at": moment, "reason": "r", "summary": "s", "unresolved": 0, "url": "u"}
    run = make_run(state=RunState.SUCCEEDED, head_sha="abc", attempts=attempts, **ended)
    await change(store, run)
    assert await get(store) == run


async def test_what_a_run_is_dispatched_for_is_kept_beside_what_it_runs_at_and_not_once_it_is_over(
    store: Store,
) -> None:
    await add(store, make_run())
    for sha in ("abc", "def"):
        await store.transact(lambda tables, sha=sha: tables.runs.expect("RUN-1", sha))  # type: ignore[misc]
    await change(store, make_run(state=RunState.RUNNING, head_sha="fed"))
    assert await get(store) == make_run(state=RunState.RUNNING, head_sha="fed", expected_sha="def")
    await change(store, make_run(state=RunState.FAILED, head_sha="fed"))
    await store.transact(lambda tables: tables.runs.expect("RUN-1", "abc"))
    assert (await get(store)).expected_sha == "def"


async def test_the_database_itself_refuses_a_second_open_run_in_a_slot(store: Store) -> None:
    await add(store, make_run(1))
    with pytest.raises(Exception, match="UNIQUE"):
        await add(store, make_run(2))
    await add(store, make_run(2), "another slot")


async def test_of_eight_runs_at_once_one_gets_the_slot(store: Store) -> None:
    added = await asyncio.gather(*(add(store, make_run(n)) for n in range(8)), return_exceptions=True)
    assert [one for one in added if one is None] == [None]
    assert len(await store.read(lambda tables: tables.runs.latest(10))) == 1


@pytest.mark.parametrize("state", OPEN)
async def test_an_open_run_holds_its_slot(store: Store, state: RunState) -> None:
    await add(store, make_run(1))
    await change(store, make_run(1, state=state))
    holder = await store.read(lambda tables: tables.runs.holder_of("slot"))
    assert holder is not None
    assert holder.id == "RUN-1"
    assert await store.read(lambda tables: tables.runs.holder_of("another slot")) is None


@pytest.mark.parametrize("state", FINAL)
async def test_a_run_that_is_over_frees_its_slot_and_never_changes_again(store: Store, state: RunState) -> None:
    await add(store, make_run(1))
    over = make_run(1, state=state, finished_at=START, reason="the first reason")
    await change(store, over)
    for later in RunState:
        late_attempt = (Attempt(1, AttemptState.STARTED, START),)
        await change(store, make_run(1, state=later, reason="late", unresolved=7, attempts=late_attempt))
    assert await get(store) == over
    assert await transitions(store) == [("", "accepted", None), ("accepted", state.value, "the first reason")]
    assert await store.read(lambda tables: tables.runs.holder_of("slot")) is None
    await add(store, make_run(2))


async def test_every_change_of_state_is_a_row_and_other_changes_are_not(store: Store) -> None:
    await add(store, make_run())
    await change(store, make_run(state=RunState.DISPATCHED), 1)
    await change(store, make_run(state=RunState.DISPATCHED, url="u"), 2)
    await change(store, make_run(state=RunState.RUNNING, url="u"), 3)
    await change(store, make_run(state=RunState.FAILED, reason="no artifact"), 4)
    rows = await store.read(lambda tables: tables.runs.transitions("RUN-1"))
    assert [((at - START).total_seconds(), was, became, reason) for at, was, became, reason in rows] == [
        (0, "", "accepted", None),
        (1, "accepted", "dispatched", None),
        (3, "dispatched", "running", None),
        (4, "running", "failed", "no artifact"),
    ]


async def test_a_change_of_a_run_that_is_not_known_does_nothing(store: Store) -> None:
    await change(store, make_run(state=RunState.RUNNING))
    assert await store.read(lambda tables: tables.runs.latest(10)) == []
    assert await transitions(store) == []


async def test_an_attempt_that_is_done_stays_as_it_is(store: Store) -> None:
    await add(store, make_run())
    started = Attempt(1, AttemptState.STARTED, START)
    done = replace(started, state=AttemptState.DONE, finished_at=START, conclusion="ok")
    for attempt in (started, done, replace(done, conclusion="changed"), started):
        await change(store, make_run(state=RunState.RUNNING, attempts=(attempt,)))
    assert (await get(store)).attempts == (done,)


async def test_open_runs_come_oldest_first_and_all_runs_newest_first(store: Store) -> None:
    for number in (2, 3, 1):
        await add(store, make_run(number, created_at=START + timedelta(seconds=number)), f"slot {number}")
    await change(store, make_run(2, state=RunState.FAILED))
    unfinished = await store.read(lambda tables: tables.runs.unfinished())
    assert [run.id for run in unfinished] == ["RUN-1", "RUN-3"]
    latest = await store.read(lambda tables: tables.runs.latest(2))
    assert [run.id for run in latest] == ["RUN-3", "RUN-2"]


async def test_only_runs_that_succeeded_count_as_clean_and_the_first_run_begins_the_soak_window(store: Store) -> None:
    assert await store.read(lambda tables: tables.runs.clean_report_runs()) == (0, None)
    for number, state in enumerate(RunState):
        await add(store, make_run(number, created_at=START + timedelta(days=number)), f"slot {number}")
        await change(store, make_run(number, state=state))
    assert await store.read(lambda tables: tables.runs.clean_report_runs()) == (1, START)
