"""Following a job: states only go forward, every notice is told once, one final word, and unknown stays unknown."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.notices import Choice, Notice, NoticeKind, Urgency
from domain.runs import Attempt, AttemptState, Run, RunState
from domain.snapshots import LoopReason, MutationSnapshot, TriageSnapshot
from forge.port import Job, JobState
from loops.progress import (
    LOST_AFTER,
    SUMMARY_CHARACTERS,
    Progress,
    closing_cards,
    follow,
    lose,
    offering_fix,
    refuse,
)
from tests.commands.test_fix import BACKLOG, MUTANTS
from tests.fakes.records import make_run
from tests.fakes.virtual_time import START

HEIGHT = {RunState.ACCEPTED: 0, RunState.DISPATCHED: 1, RunState.RUNNING: 2}
MODE = "read-only"


def job(state: JobState, attempts: Iterable[Attempt] = (), **fields: object) -> Job:
    made = Job("C1", "1", "ci.yml", "acme/shop", "main", {}, state, START, START, tuple(attempts))
    return replace(made, **fields)  # type: ignore[arg-type]


def started(number: int) -> Attempt:
    return Attempt(number, AttemptState.STARTED, START)


def done(number: int, conclusion: str | None = "below_threshold") -> Attempt:
    return Attempt(number, AttemptState.DONE, START, START, conclusion)


def texts(progress: Progress) -> list[str]:
    return [notice.text for notice in progress.notices]


@pytest.mark.parametrize(
    ("seen", "became"),
    [
        (JobState.QUEUED, RunState.DISPATCHED),
        (JobState.RUNNING, RunState.RUNNING),
        (JobState.SUCCEEDED, RunState.SUCCEEDED),
        (JobState.FAILED, RunState.FAILED),
        (JobState.CANCELLED, RunState.CANCELLED),
    ],
)
def test_each_state_of_a_job_has_its_state_of_the_run(seen: JobState, became: RunState) -> None:
    progress = follow(make_run(), job(seen), MODE, START)
    assert progress.run.state is became
    assert [notice.kind for notice in progress.notices] == ([NoticeKind.FINAL] if became.final else [])
    assert progress.run.finished_at == (START if became.final else None)


def test_an_attempt_is_told_when_it_starts_and_when_it_is_done() -> None:
    first = follow(make_run(), job(JobState.RUNNING, [started(1)]), MODE, START)
    assert texts(first) == ["3K mutation: attempt 1 started on acme/shop@main."]
    second = follow(first.run, job(JobState.RUNNING, [done(1), started(2)]), MODE, START)
    assert texts(second) == [
        "3K mutation: attempt 1 done, below threshold.",
        "3K mutation: attempt 2 started on acme/shop@main.",
    ]


def test_an_attempt_that_was_missed_is_told_whole_and_before_the_end() -> None:
    ended = job(JobState.SUCCEEDED, [done(1, None)], summary="82.50 %", unresolved=3, head_sha="a" * 40)
    progress = follow(make_run(), ended, MODE, START)
    assert texts(progress) == [
        "3K mutation: attempt 1 started on acme/shop@main.",
        "3K mutation: attempt 1 done, no conclusion.",
        "DONE 3K mutation on acme/shop@main: 82.50 %. Unresolved 3, mode read-only.",
    ]


def test_a_notice_carries_every_field_of_a_loop_notice() -> None:
    ended = job(JobState.FAILED, conclusion="stale_run", url="https://ci.example/1", unresolved=None)
    (final,) = follow(make_run(), ended, "operate", START).notices
    assert final == Notice(
        key="RUN-1:final:0",
        kind=NoticeKind.FINAL,
        text="FAILED 3K mutation on acme/shop@main: stale_run. Unresolved unknown, mode operate.",
        run_handle="3K",
        repository="acme/shop",
        branch="main",
        run_url="https://ci.example/1",
        unresolved=None,
        mode="operate",
        reason="stale_run",
        urgency=Urgency.HIGH,
        subject="RUN-1",
    )


@pytest.mark.parametrize(
    ("state", "urgency"),
    [(JobState.SUCCEEDED, Urgency.NORMAL), (JobState.FAILED, Urgency.HIGH), (JobState.CANCELLED, Urgency.HIGH)],
)
def test_attempts_never_hurry_a_success_can_wait_and_any_other_end_is_urgent(state: JobState, urgency: Urgency) -> None:
    notices = follow(make_run(), job(state, [done(1)]), MODE, START).notices
    assert [(notice.kind, notice.urgency) for notice in notices] == [
        (NoticeKind.ATTEMPT_START, Urgency.LOW),
        (NoticeKind.ATTEMPT_DONE, Urgency.LOW),
        (NoticeKind.FINAL, urgency),
    ]


def test_a_run_that_was_lost_or_refused_is_urgent() -> None:
    lost = lose(make_run(), MODE, START + timedelta(days=9))
    refused = refuse(make_run(), "mode_off", "mode_off: the mode went off", "off", START)
    assert lost is not None
    assert [notice.urgency for notice in (*lost.notices, *refused.notices)] == [Urgency.HIGH, Urgency.HIGH]


def test_at_the_end_every_message_that_shows_the_run_is_brought_up_to_date() -> None:
    ended = follow(make_run(), job(JobState.FAILED, [done(1)], conclusion="stale_run"), MODE, START)
    cards = closing_cards(ended, ["telegram:1", "ntfy:a"])
    assert [card.to for card in cards] == ["telegram:1", "ntfy:a"]
    final, said = ended.notices[-1], "3K mutation: failed."
    assert {card.notice for card in cards} == {
        replace(final, key="RUN-1:card", kind=NoticeKind.CARD, text=said, urgency=Urgency.LOW)
    }


@pytest.mark.parametrize(("snapshot", "command"), [(BACKLOG, "fix triage"), (MUTANTS, "fix mutation")])
def test_a_measurement_with_a_plan_offers_to_carry_it_out(
    snapshot: MutationSnapshot | TriageSnapshot, command: str
) -> None:
    ended = follow(make_run(), job(JobState.SUCCEEDED, [done(1)]), MODE, START)
    offered = offering_fix(ended, replace(snapshot, reason=LoopReason.AWAITS_APPROVAL))
    *before, final = offered.notices
    assert (before, final.choices, final.subject) == (list(ended.notices[:-1]), (Choice("Fix", command),), None)
    assert closing_cards(offered, ["telegram:1"]) == closing_cards(ended, ["telegram:1"])


WAITING = LoopReason.AWAITS_APPROVAL


@pytest.mark.parametrize(
    "snapshot",
    [
        None,
        replace(BACKLOG, plan=None, reason=WAITING),
        replace(MUTANTS, plan=None, reason=WAITING),
        replace(BACKLOG, reason=LoopReason.ATTEMPTS_EXHAUSTED),
    ],
)
def test_without_a_plan_that_waits_nothing_is_offered(snapshot: MutationSnapshot | TriageSnapshot | None) -> None:
    ended = follow(make_run(), job(JobState.SUCCEEDED), MODE, START)
    assert offering_fix(ended, snapshot) == ended


@pytest.mark.parametrize(
    ("reason", "urgency"),
    [
        (LoopReason.ATTEMPTS_EXHAUSTED, Urgency.HIGH),
        (LoopReason.FIX_MADE_NO_COMMIT, Urgency.HIGH),
        (LoopReason.AWAITS_APPROVAL, Urgency.NORMAL),
        (LoopReason.UNRESOLVED, Urgency.NORMAL),
    ],
)
def test_an_end_that_people_have_to_decide_about_is_urgent(reason: LoopReason, urgency: Urgency) -> None:
    ended = follow(make_run(), job(JobState.SUCCEEDED, conclusion=reason.value), MODE, START)
    assert ended.notices[-1].urgency is urgency


def test_before_the_end_no_message_is_closed() -> None:
    going_on = follow(make_run(), job(JobState.RUNNING, [started(1)]), MODE, START)
    assert going_on.notices
    assert closing_cards(going_on, ["telegram:1"]) == ()


def test_an_unknown_count_is_said_to_be_unknown_and_zero_to_be_zero() -> None:
    unknown = follow(make_run(), job(JobState.SUCCEEDED, unresolved=None), MODE, START)
    nothing = follow(make_run(), job(JobState.SUCCEEDED, unresolved=0), MODE, START)
    assert (unknown.run.unresolved, nothing.run.unresolved) == (None, 0)
    assert "Unresolved unknown" in texts(unknown)[0]
    assert "Unresolved 0" in texts(nothing)[0]


def test_an_older_view_of_a_job_takes_nothing_back() -> None:
    running = follow(make_run(), job(JobState.RUNNING, [done(1), started(2)]), MODE, START).run
    older = follow(running, job(JobState.QUEUED, [started(1)]), MODE, START)
    assert (older.run, older.notices) == (running, ())


def test_a_summary_from_outside_is_one_short_line() -> None:
    hostile = "ok\n\u202e\u0007<b>" + "x" * 1000
    summary = follow(make_run(), job(JobState.SUCCEEDED, summary=hostile), MODE, START).run.summary
    assert summary is not None
    assert len(summary) == SUMMARY_CHARACTERS
    assert summary.isprintable()


def test_a_run_that_is_over_stays_as_it_is() -> None:
    over = make_run(state=RunState.CANCELLED)
    assert follow(over, job(JobState.SUCCEEDED), MODE, START) == Progress(over, ())
    assert lose(over, MODE, START + timedelta(days=9)) is None


@pytest.mark.parametrize("state", [RunState.ACCEPTED, RunState.DISPATCHED, RunState.RUNNING])
def test_a_job_nobody_knows_is_lost_two_minutes_after_its_deadline_and_not_before(state: RunState) -> None:
    run = make_run(state=state)
    edge = run.deadline_at + LOST_AFTER
    assert lose(run, MODE, edge - timedelta(milliseconds=1)) is None
    lost = lose(run, MODE, edge)
    assert lost is not None
    assert (lost.run.state, lost.run.reason, lost.run.unresolved) == (RunState.UNKNOWN, "lost", None)
    assert texts(lost) == [
        "FAILED 3K mutation on acme/shop@main: nobody can tell how it ended. Unresolved unknown, mode read-only."
    ]


def test_a_refused_run_has_its_reason_and_its_one_notice() -> None:
    progress = refuse(make_run(), "mode_off", "mode_off: the mode went off", "off", START)
    assert (progress.run.state, progress.run.reason, progress.run.finished_at) == (RunState.REFUSED, "mode_off", START)
    assert texts(progress) == [
        "REFUSED 3K mutation on acme/shop@main: mode_off: the mode went off. Unresolved unknown, mode off."
    ]


# Any report a forge could show, in any order: also stale ones, attempts that come and go, and ends that contradict.
ATTEMPTS = st.lists(st.builds(lambda n, over: done(n) if over else started(n), st.integers(1, 4), st.booleans()))
REPORTS = st.lists(
    st.builds(
        lambda state, attempts, unresolved, summary: job(
            state, {one.number: one for one in attempts}.values(), unresolved=unresolved, summary=summary
        ),
        st.sampled_from(JobState),
        ATTEMPTS,
        st.none() | st.integers(0, 99),
        st.none() | st.text(max_size=300),
    ),
    max_size=12,
)


@given(REPORTS)
def test_whatever_a_forge_reports_the_run_goes_forward_and_everything_is_told_once(reports: list[Job]) -> None:
    run: Run = make_run()
    notices: list[Notice] = []
    now: datetime = START
    for report in reports:
        now += timedelta(seconds=1)
        before, progress = run, follow(run, report, MODE, now)
        run = progress.run
        notices += progress.notices
        assert run == before if before.state.final else _forward(before, run)
        assert progress.run.state.final or report.unresolved == run.unresolved
    keys = [notice.key for notice in notices]
    assert len(keys) == len(set(keys))
    finals = [notice for notice in notices if notice.kind is NoticeKind.FINAL]
    assert len(finals) == int(run.state.final)
    assert all(notice.unresolved == run.unresolved for notice in finals)
    assert notices[-1:] == finals or not finals  # nothing is told after the final word
    told = {notice.key for notice in notices}
    for attempt in run.attempts:
        assert f"RUN-1:attempt-start:{attempt.number}" in told
        assert (f"RUN-1:attempt-done:{attempt.number}" in told) is (attempt.state is AttemptState.DONE)


def _forward(before: Run, after: Run) -> bool:
    states = after.state.final or HEIGHT[after.state] >= HEIGHT[before.state]
    now = {attempt.number: attempt for attempt in after.attempts}
    attempts = all(
        attempt.number in now and (attempt.state is AttemptState.STARTED or now[attempt.number] == attempt)
        for attempt in before.attempts
    )
    return states and attempts
