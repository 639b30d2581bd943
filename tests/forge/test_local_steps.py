"""The pure steps: whatever order they come in, a final state stays and a stale holder writes nothing."""

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.runs import AttemptState
from forge.local_steps import (
    MAX_ATTEMPTS,
    MAX_DEATHS,
    Hold,
    ask_cancel,
    claim,
    end,
    expire,
    give_back,
    take_over,
    with_attempt,
    with_result,
)
from forge.port import JobState
from tests.fakes.job_samples import QUEUED
from tests.fakes.local_forge_rig import FINE, done, started
from tests.fakes.virtual_time import START

STEPS = [
    partial(ask_cancel, now=START),
    partial(claim, owner="a", now=START),
    partial(claim, owner="b", now=START),
    partial(give_back, hold=Hold("a", 1)),
    partial(give_back, hold=Hold("b", 2)),
    partial(take_over, now=START),
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=20))
def test_no_order_of_steps_changes_a_final_state_or_loses_an_owner(steps: list[partial]) -> None:  # type: ignore[type-arg]
    record = QUEUED
    for step in steps:
        after = step(record)
        if record.job.state.final:
            assert after == record
        assert after.starts >= record.starts
        assert after.owner is None or after.job.state is JobState.RUNNING
        record = after


@settings(deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=20))
def test_a_hold_never_covers_a_later_start(steps: list[partial]) -> None:  # type: ignore[type-arg]
    first = claim(QUEUED, "a", START)
    hold = Hold("a", first.starts)
    record = first
    for step in steps:
        record = step(record)
        assert not (hold.covers(record) and record.starts > first.starts)


def test_a_job_that_kills_its_process_again_and_again_is_failed() -> None:
    record = QUEUED
    for _ in range(MAX_DEATHS):
        assert not record.job.state.final
        record = take_over(claim(record, "a", START), START)
    assert (record.job.state, record.job.conclusion) == (JobState.FAILED, "interrupted")


def test_another_process_cannot_claim_what_is_owned() -> None:
    owned = claim(QUEUED, "a", START)
    assert claim(owned, "b", START) == owned


def test_a_half_failed_claim_can_be_claimed_again_under_a_new_start() -> None:
    owned = claim(QUEUED, "a", START)
    assert claim(owned, "a", START).starts == owned.starts + 1


def test_an_attempt_replaces_the_one_of_its_number() -> None:
    record = with_attempt(with_attempt(QUEUED, started(2)), started(1))
    assert [known.number for known in record.job.attempts] == [1, 2]
    assert with_attempt(record, done(1)).job.attempts == (done(1), started(2))


def test_a_job_keeps_a_limited_number_of_attempts() -> None:
    record = QUEUED
    for number in range(MAX_ATTEMPTS):
        record = with_attempt(record, started(number + 1))
    with pytest.raises(ValueError, match="one too many"):
        with_attempt(record, started(MAX_ATTEMPTS + 1))
    assert with_attempt(record, done(1)).job.attempts[0].state is AttemptState.DONE


def test_text_from_a_workflow_is_one_clean_line() -> None:
    record = with_attempt(claim(QUEUED, "a", START), done(1, "re\nsolved", "two\nlines\u202e" + "x" * 1000))
    assert record.job.attempts[0].conclusion == "re solved"
    summary = record.job.attempts[0].summary
    assert summary is not None
    assert summary.startswith("two linesxxx")
    assert len(summary) == 300
    ended = with_result(record, replace(FINE, summary="a\nb"), START)
    assert ended.job.summary == "a b"


def test_a_result_after_a_cancel_request_ends_as_cancelled() -> None:
    record = ask_cancel(claim(QUEUED, "a", START), START)
    assert (record.job.state, record.cancel_requested) == (JobState.RUNNING, True)
    assert with_result(record, FINE, START).job.state is JobState.CANCELLED
    assert expire(record, START).job.state is JobState.CANCELLED


def test_an_end_closes_open_attempts_and_leaves_done_ones_alone() -> None:
    record = with_attempt(with_attempt(claim(QUEUED, "a", START), done(1)), started(2))
    closed = end(record, JobState.FAILED, "crashed", "why", START)
    assert closed.job.attempts == (done(1), done(2, "crashed", "why"))
    assert closed.owner is None
