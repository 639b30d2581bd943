"""Judging CI: the newest attempt on the newest commit counts, and nothing unknown is ever green."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ci import CiReason, CiSnapshot, CiStatus, FailingLane
from forge.results import Lane, SourceRun
from loops.ci.judging import DETAIL_CHARACTERS, MOST_LANES, MOST_RUNS, NAME_CHARACTERS, has_news, judge, newest, unseen
from tests.fakes.lanes import HEAD, MAIN, OLD_HEAD, a_lane, a_run
from tests.fakes.virtual_time import START

MINUTE = timedelta(minutes=1)
FAILING_WORDS = ("failure", "cancelled", "timed_out", "action_required", "startup_failure", "stale", "a-new-word")


def judged(*runs: SourceRun, lanes: Mapping[int, tuple[Lane, ...]] | None = None) -> CiSnapshot:
    return judge(MAIN, HEAD, runs, lanes or {}, START + MINUTE)


def figures(snapshot: CiSnapshot) -> tuple[CiStatus, CiReason, int | None, int | None]:
    return snapshot.status, snapshot.reason, snapshot.failing, snapshot.pending


def test_a_commit_on_which_everything_passed_is_green() -> None:
    snapshot = judged(a_run(1), a_run(2, workflow="lint.yml", updated_at=START + MINUTE))
    assert snapshot == CiSnapshot(
        status=CiStatus.GREEN,
        reason=CiReason.ALL_PASSED,
        detail="every workflow that ran has passed",
        branch=MAIN,
        source="github",
        taken_at=START + MINUTE,
        head_sha=HEAD,
        measured_at=START + MINUTE,
        failing=0,
        pending=0,
    )


@pytest.mark.parametrize(
    "runs", [(), (a_run(1, head_sha=OLD_HEAD),), (a_run(1, own_code=False),)], ids=["none", "another commit", "a fork"]
)
def test_a_commit_that_nothing_is_known_of_is_unknown_and_not_green(runs: tuple[SourceRun, ...]) -> None:
    snapshot = judged(*runs)
    assert figures(snapshot) == (CiStatus.UNKNOWN, CiReason.NO_RUNS, None, None)
    assert (snapshot.measured_at, snapshot.head_sha) == (None, HEAD)


@pytest.mark.parametrize("word", ["skipped", "neutral"])
def test_what_was_skipped_fails_nothing_and_proves_nothing(word: str) -> None:
    skipped = a_run(2, word, workflow="docs.yml")
    assert figures(judged(a_run(1), skipped)) == (CiStatus.GREEN, CiReason.ALL_PASSED, 0, 0)
    assert figures(judged(skipped)) == (CiStatus.UNKNOWN, CiReason.NOTHING_PASSED, None, None)


@pytest.mark.parametrize("word", FAILING_WORDS)
def test_every_other_end_is_a_failing_lane_with_its_word(word: str) -> None:
    snapshot = judged(a_run(1, word), lanes={1: (a_lane("build", "success"), a_lane("test", word))})
    assert figures(snapshot) == (CiStatus.FAILING, CiReason.LANES_FAIL, 1, 0)
    assert snapshot.lanes == (FailingLane("test", "ci.yml", word, "https://git.example/job/test"),)


def test_a_run_whose_lanes_are_not_to_blame_stands_for_itself() -> None:
    for lanes in ((), (a_lane("build", "success"), a_lane("test", "skipped"), a_lane("odd", None))):
        (lane,) = judged(a_run(1, "startup_failure"), lanes={1: lanes}).lanes
        assert lane == FailingLane("ci.yml", "ci.yml", "startup_failure", "https://git.example/acme/app/actions/runs/1")


def test_an_end_without_a_word_is_no_success() -> None:
    snapshot = judged(replace(a_run(1), conclusion=None))
    assert [lane.conclusion for lane in snapshot.lanes] == ["no conclusion"]


def test_what_goes_on_is_counted_and_its_failed_lanes_count_already() -> None:
    going = a_run(2, None, workflow="slow.yml")
    assert figures(judged(a_run(1), going)) == (CiStatus.RUNNING, CiReason.RUNS_PENDING, 0, 1)
    lanes = {2: (a_lane("a", None), a_lane("b", "failure"), a_lane("c", "success"))}
    snapshot = judged(a_run(1), going, lanes=lanes)
    assert figures(snapshot) == (CiStatus.FAILING, CiReason.LANES_FAIL, 1, 1)
    assert [lane.name for lane in snapshot.lanes] == ["b"]


def test_the_newest_attempt_of_each_workflow_counts_whatever_the_order() -> None:
    first = a_run(1, "failure", started_at=START)
    again = a_run(1, "success", attempt=2, started_at=START + MINUTE)
    later = a_run(2, "failure", started_at=START + 2 * MINUTE)
    twin = a_run(3, "success", started_at=START + 2 * MINUTE)
    for runs in ((first, again), (again, first)):
        assert figures(judged(*runs))[0] is CiStatus.GREEN
    assert newest((again, later, first), HEAD) == (later,)
    assert newest((twin, later), HEAD) == newest((later, twin), HEAD) == (twin,)


def test_an_older_commits_runs_say_nothing_of_this_one() -> None:
    assert figures(judged(a_run(9, "failure", head_sha=OLD_HEAD), a_run(1)))[0] is CiStatus.GREEN


def test_only_what_may_have_failed_is_worth_a_question() -> None:
    assert [has_news(a_run(1, word)) for word in ("success", "skipped", "neutral")] == [False] * 3
    assert all(has_news(a_run(1, word)) for word in (*FAILING_WORDS, None))


def test_a_commit_with_more_runs_than_are_read_is_never_green() -> None:
    many = [a_run(number, workflow=f"w{number}.yml") for number in range(1, MOST_RUNS + 1)]
    assert figures(judged(*many[1:]))[0] is CiStatus.GREEN
    assert figures(judged(*many)) == (CiStatus.UNKNOWN, CiReason.TOO_MANY_RUNS, None, None)
    assert figures(judged(*many[1:], a_run(1, "failure")))[:3] == (CiStatus.FAILING, CiReason.LANES_FAIL, 1)


def test_many_lanes_are_all_counted_and_the_first_are_named_with_clean_short_names() -> None:
    lanes = tuple(a_lane(f"\u202e{number:03}\n" + "x" * 200, "failure") for number in range(MOST_LANES + 5))
    snapshot = judged(a_run(1, "failure", workflow="y" * 200), lanes={1: lanes})
    assert (len(snapshot.lanes), snapshot.failing) == (MOST_LANES, MOST_LANES + 5)
    assert snapshot.lanes[0].name.startswith("000 xxx")
    assert {len(lane.name) for lane in snapshot.lanes} == {len(snapshot.lanes[0].workflow)} == {NAME_CHARACTERS}


def test_what_could_not_be_seen_says_why() -> None:
    gone = unseen(MAIN, CiReason.NO_BRANCH, START)
    assert (gone.status, gone.detail, gone.head_sha) == (CiStatus.UNKNOWN, "there is no such branch", None)
    refused = unseen(MAIN, CiReason.FORGE_REFUSED, START, "no\n" + "x" * 999)
    assert refused.detail.startswith("no xxx")
    assert len(refused.detail) == DETAIL_CHARACTERS


words = st.sampled_from(("success", "skipped", "neutral", *FAILING_WORDS, None))
mixtures = st.lists(
    st.builds(
        lambda number, word, workflow, sha: a_run(number, word, workflow=workflow, head_sha=sha),
        st.integers(1, 40),
        words,
        st.sampled_from(("a.yml", "b.yml", "c.yml")),
        st.sampled_from((HEAD, HEAD, OLD_HEAD)),
    ),
    max_size=8,
    unique_by=lambda run: run.id,
)


@given(mixtures)
def test_green_is_said_only_where_all_newest_runs_ended_well_and_one_passed(runs: list[SourceRun]) -> None:
    snapshot = judged(*runs)
    last = {}
    for run in sorted(runs, key=lambda run: run.id):
        if run.head_sha == HEAD:
            last[run.workflow] = run.conclusion
    good = "success" in last.values() and set(last.values()) <= {"success", "skipped", "neutral"}
    assert (snapshot.status is CiStatus.GREEN) is good
    known = snapshot.status is not CiStatus.UNKNOWN
    assert (snapshot.failing is not None, snapshot.pending is not None) == (known, known)
    assert (snapshot.status is CiStatus.FAILING) is bool(snapshot.failing)
