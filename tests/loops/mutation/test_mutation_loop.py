"""The whole mutation loop over real folders: each state has its reason, and only a proven score is a score."""

from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import UserError
from domain.runs import AttemptState
from domain.snapshots import LoopReason, LoopStatus, MutationSnapshot
from loops.mutation.loop import MutationSettings, run_mutation_loop
from loops.report import AttemptReport, Correlation, LoopReport
from tests.fakes.loop_artifacts import (
    BASELINE,
    NOW,
    mutant,
    outcomes,
    rows,
    sparse_file,
    write,
    write_mutmut,
    write_mutmut_totals,
    write_outcomes,
)
from tests.fakes.virtual_time import VirtualTime

SETTINGS = MutationSettings("acme/counter", "develop")


def run(folder: Path, settings: MutationSettings = SETTINGS) -> LoopReport:
    return run_mutation_loop(folder, settings, VirtualTime())


def measured(report: LoopReport) -> MutationSnapshot:
    assert isinstance(report.snapshot, MutationSnapshot)
    return report.snapshot


def assert_unknown(report: LoopReport, reason: LoopReason) -> None:
    assert (report.status, report.reason, report.exit_code) == (LoopStatus.UNKNOWN, reason, 3)
    assert report.unresolved is None
    assert report.summary.startswith("mutation unknown: ")
    assert measured(report).status is LoopStatus.UNKNOWN


def assert_unscored(report: LoopReport, reason: LoopReason) -> None:
    assert_unknown(report, reason)
    snapshot = measured(report)
    assert (snapshot.score_basis_points, snapshot.counts, snapshot.provisional) == (None, None, False)
    assert (snapshot.hot_spots, snapshot.categories) == ((), ())


def test_a_score_above_the_threshold_is_good(tmp_path: Path) -> None:
    write_outcomes(tmp_path, rows(killed=7, timeout=1, survived=2, invalid=5))
    report = run(tmp_path)
    assert (report.status, report.reason, report.exit_code) == (LoopStatus.OK, LoopReason.THRESHOLD_MET, 0)
    assert measured(report).score_basis_points == 8_000
    assert report.unresolved == 2
    assert report.summary == "mutation 80.00%, needs 80.00%; 2 of 10 missed; 1 h old"
    assert report.detail.startswith("80.00% reaches the threshold of 80.00%: of 10 mutants 7 were killed, 1 timed out")
    assert measured(report).tool == "cargo-mutants 27.1.0"


def test_report_only_exits_with_0_below_the_threshold_d19(tmp_path: Path) -> None:
    write_outcomes(tmp_path, rows(killed=1, survived=1))
    report = run(tmp_path)
    assert (report.status, report.reason) == (LoopStatus.WORK_REMAINS, LoopReason.BELOW_THRESHOLD)
    assert report.exit_code == 0


def test_one_hundredth_of_a_percent_below_is_below(tmp_path: Path) -> None:
    write_outcomes(tmp_path, rows(killed=2, survived=1))
    assert run(tmp_path, MutationSettings("a/b", "x", 6_666)).reason is LoopReason.THRESHOLD_MET
    assert run(tmp_path, MutationSettings("a/b", "x", 6_667)).reason is LoopReason.BELOW_THRESHOLD


@pytest.mark.parametrize("mutants", [[], rows(invalid=13)])
def test_no_mutants_are_no_perfect_score_d14(tmp_path: Path, mutants: list[dict[str, object]]) -> None:
    write_outcomes(tmp_path, mutants)
    assert_unscored(run(tmp_path), LoopReason.NO_MUTANTS)


@pytest.mark.parametrize("summary", ["Failure", "Timeout"])
def test_a_failed_baseline_gives_no_score_d14(tmp_path: Path, summary: str) -> None:
    failed = {**BASELINE, "summary": summary}
    write_outcomes(tmp_path, rows(killed=9), outcomes=[failed, *rows(killed=9)])
    assert_unscored(run(tmp_path), LoopReason.BASELINE_FAILED)


def test_the_age_comes_from_the_end_of_the_run_and_never_from_the_file_d15(tmp_path: Path) -> None:
    write_outcomes(tmp_path, rows(killed=9), end_time="2026-04-12T23:15:14Z")
    report = run(tmp_path)
    assert_unscored(report, LoopReason.STALE_RUN)
    assert measured(report).measured_at is not None
    assert "223 d old, the limit is 168 h" in report.detail


def test_the_limit_on_age_holds_to_the_second_d15(tmp_path: Path) -> None:
    write_outcomes(tmp_path, rows(killed=9), end_time="2026-11-22T12:00:00Z")
    assert run(tmp_path, MutationSettings("a/b", "x", max_age_hours=2)).reason is LoopReason.THRESHOLD_MET
    write_outcomes(tmp_path, rows(killed=9), end_time="2026-11-22T11:59:59Z")
    assert run(tmp_path, MutationSettings("a/b", "x", max_age_hours=2)).reason is LoopReason.STALE_RUN


def test_without_a_limit_an_old_score_still_shows_its_age(tmp_path: Path) -> None:
    write_outcomes(tmp_path, rows(killed=9), end_time="2026-04-12T23:15:14Z")
    report = run(tmp_path, MutationSettings("a/b", "x", max_age_hours=None))
    assert report.status is LoopStatus.OK
    assert report.summary.endswith("223 d old")


def test_an_end_in_the_future_is_unreadable_d36(tmp_path: Path) -> None:
    write_outcomes(tmp_path, rows(killed=9), end_time="2027-12-27T00:00:00Z")
    report = run(tmp_path)
    assert_unscored(report, LoopReason.UNREADABLE_ARTIFACT)
    assert "mutants.out/outcomes.json: end_time lies in the future" in report.detail


def shard(folder: Path, number: int, first_line: int) -> None:
    write(folder / f"mutants-shard{number}.out" / "outcomes.json", outcomes(rows(first_line, killed=8, survived=2)))


def test_one_of_eight_shards_gives_no_score_d16(tmp_path: Path) -> None:
    shard(tmp_path, 0, 1)
    report = run(tmp_path, MutationSettings("a/b", "x", expected_shards=8))
    assert_unscored(report, LoopReason.INCOMPLETE_SHARDS)
    assert "1 of 8 shards found" in report.detail


def test_all_shards_make_one_score_and_overlap_counts_once_d16(tmp_path: Path) -> None:
    for number in range(3):
        shard(tmp_path, number, 1 + 10 * (number % 2))
    report = run(tmp_path, MutationSettings("a/b", "x", expected_shards=3))
    assert report.reason is LoopReason.THRESHOLD_MET
    counts = measured(report).counts
    assert counts is not None
    assert (counts.killed, counts.survived) == (16, 4)
    assert measured(report).source.endswith("mutants-shard2.out/outcomes.json")


def test_many_files_are_named_in_part(tmp_path: Path) -> None:
    for number in range(5):
        write(tmp_path / f"shard-{number}-outcomes.json", outcomes(rows(1 + number, killed=1)))
    named = "shard-0-outcomes.json, shard-1-outcomes.json, shard-2-outcomes.json and 2 more"
    assert measured(run(tmp_path)).source == named


def test_a_merged_score_is_as_old_as_its_oldest_shard_d15(tmp_path: Path) -> None:
    write(tmp_path / "shard-0-outcomes.json", outcomes(rows(1, killed=1), end_time="2026-11-20T00:00:00Z"))
    write(tmp_path / "shard-1-outcomes.json", outcomes(rows(9, killed=1), end_time="2026-11-22T00:00:00Z"))
    assert run(tmp_path).summary.endswith("2 d old")


def test_more_files_than_shards_are_ambiguous_d16(tmp_path: Path) -> None:
    shard(tmp_path, 0, 1)
    shard(tmp_path, 1, 11)
    assert_unscored(run(tmp_path, MutationSettings("a/b", "x", expected_shards=1)), LoopReason.AMBIGUOUS_ARTIFACT)


@pytest.mark.parametrize(
    ("first", "second", "named"),
    [
        ("a/shard-1-outcomes.json", "b/shard-1-outcomes.json", "is shard 1 a second time"),
        ("a/outcomes.json", "b/outcomes.json", "two results, killed and survived"),
    ],
)
def test_files_of_two_runs_are_ambiguous_d4(tmp_path: Path, first: str, second: str, named: str) -> None:
    write(tmp_path / first, outcomes([mutant("MissedMutant")]))
    write(tmp_path / second, outcomes([mutant("CaughtMutant")]))
    report = run(tmp_path)
    assert_unscored(report, LoopReason.AMBIGUOUS_ARTIFACT)
    assert named in report.detail


def test_two_versions_of_a_tool_are_ambiguous(tmp_path: Path) -> None:
    write(tmp_path / "a" / "outcomes.json", outcomes(rows(1, killed=1)))
    write(tmp_path / "b" / "outcomes.json", outcomes(rows(2, killed=1), cargo_mutants_version="26.2.0"))
    report = run(tmp_path)
    assert_unscored(report, LoopReason.AMBIGUOUS_ARTIFACT)
    assert "is of cargo-mutants 26.2.0, but a/outcomes.json is of cargo-mutants 27.1.0" in report.detail


def test_results_of_two_tools_are_ambiguous(tmp_path: Path) -> None:
    write_outcomes(tmp_path, rows(killed=1))
    write_mutmut(tmp_path, {"calc.x_add__mutmut_1": 1})
    assert_unscored(run(tmp_path), LoopReason.AMBIGUOUS_ARTIFACT)


def test_totals_of_two_mutmut_runs_are_ambiguous_d4(tmp_path: Path) -> None:
    write_mutmut_totals(tmp_path / "a", killed=1, total=1)
    write_mutmut_totals(tmp_path / "b", killed=1, total=1)
    assert_unscored(run(tmp_path), LoopReason.AMBIGUOUS_ARTIFACT)


def test_the_run_that_the_tool_moved_aside_is_not_read(tmp_path: Path) -> None:
    write_outcomes(tmp_path, rows(killed=1))
    write(tmp_path / "mutants.out.old" / "outcomes.json", outcomes(rows(survived=1)))
    assert run(tmp_path).reason is LoopReason.THRESHOLD_MET


@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_without_results_is_no_artifact_and_no_zero_d6(tmp_path: Path, exists: bool) -> None:
    folder = tmp_path / "artifacts"
    if exists:
        write(folder / "readme.txt", "")
    report = run(folder)
    assert_unscored(report, LoopReason.NO_ARTIFACT)
    assert "artifacts holds no outcomes.json" in report.detail
    assert report.attempts[0].correlation is Correlation.UNREAD


def test_an_unfinished_run_shows_a_provisional_score_and_is_never_good_d16(tmp_path: Path) -> None:
    write_outcomes(tmp_path, rows(killed=10), end_time=None)
    report = run(tmp_path)
    assert_unknown(report, LoopReason.UNFINISHED_RUN)
    snapshot = measured(report)
    assert (snapshot.score_basis_points, snapshot.provisional) == (10_000, True)
    assert report.summary == "mutation unknown: the run did not finish; provisional 100.00%"


@pytest.mark.parametrize("summary", ["Failure", "Success"])
def test_mutants_without_a_verdict_make_the_score_provisional(tmp_path: Path, summary: str) -> None:
    write_outcomes(tmp_path, [*rows(killed=9), mutant(summary, line=99)])
    report = run(tmp_path)
    assert_unknown(report, LoopReason.UNFINISHED_RUN)
    assert measured(report).provisional


def test_a_check_only_run_has_no_score_d14(tmp_path: Path) -> None:
    write_outcomes(tmp_path, [mutant("Success", line) for line in range(1, 43)])
    report = run(tmp_path)
    assert_unknown(report, LoopReason.UNFINISHED_RUN)
    snapshot = measured(report)
    assert (snapshot.score_basis_points, snapshot.provisional) == (None, False)
    assert snapshot.counts is not None
    assert snapshot.counts.pending == 42


def test_an_old_layout_counts_as_finished_only_with_a_proof_d16(tmp_path: Path) -> None:
    write_outcomes(tmp_path, rows(killed=2), end_time=..., cargo_mutants_version=...)
    assert_unknown(run(tmp_path), LoopReason.UNFINISHED_RUN)
    write(tmp_path / "mutants.out" / "mutants.json", [{}, {}])
    report = run(tmp_path)
    assert report.reason is LoopReason.THRESHOLD_MET
    assert report.summary.endswith("age unknown")


def test_the_record_of_ci_proves_the_end_of_an_old_layout(tmp_path: Path) -> None:
    write_outcomes(tmp_path, rows(killed=2), end_time=..., cargo_mutants_version=...)
    write(tmp_path / "reins-run.json", {"finished_at": "2026-11-22T13:00:00Z"})
    assert run(tmp_path).summary.endswith("1 h old")


def test_mutmut_without_a_record_of_ci_has_an_unknown_age_and_never_looks_fresh_d15(tmp_path: Path) -> None:
    write_mutmut(tmp_path, {"calc.x_add__mutmut_1": 1})
    report = run(tmp_path)
    assert report.reason is LoopReason.THRESHOLD_MET
    assert measured(report).measured_at is None
    assert report.summary.endswith("age unknown")
    assert report.detail.endswith("age unknown")


def test_totals_alone_are_measured_without_hot_spots(tmp_path: Path) -> None:
    write_mutmut_totals(tmp_path, killed=6, timeout=2, survived=2, no_tests=1, total=11)
    report = run(tmp_path)
    snapshot = measured(report)
    assert (snapshot.score_basis_points, snapshot.hot_spots, snapshot.tool) == (7_272, (), "mutmut 3")
    assert report.unresolved == 3
    assert "3 of 11 missed" in report.summary


def test_the_record_of_ci_gives_mutmut_its_age_commit_and_run(tmp_path: Path) -> None:
    write_mutmut(tmp_path, {"calc.x_add__mutmut_1": 1})
    record = {"finished_at": "2026-11-01T00:00:00Z", "head_sha": "aaa111", "run_url": "https://ci.example/runs/5"}
    write(tmp_path / "reins-run.json", record)
    report = run(tmp_path)
    assert_unscored(report, LoopReason.STALE_RUN)
    (attempt,) = report.attempts
    assert (attempt.source_sha, attempt.source_run_url) == ("aaa111", "https://ci.example/runs/5")
    assert attempt.correlation is Correlation.STATED


def test_the_end_that_the_tool_wrote_wins_over_the_record(tmp_path: Path) -> None:
    write_outcomes(tmp_path, rows(killed=2))
    write(tmp_path / "reins-run.json", {"finished_at": "2026-11-22T13:59:00Z"})
    assert run(tmp_path).summary.endswith("1 h old")


def test_records_of_two_commits_are_ambiguous(tmp_path: Path) -> None:
    write_mutmut(tmp_path, {"calc.x_add__mutmut_1": 1})
    for sha in ("aaa111", "bbb222"):
        write(tmp_path / sha / "reins-run.json", {"finished_at": "2026-11-22T13:00:00Z", "head_sha": sha})
    assert_unscored(run(tmp_path), LoopReason.AMBIGUOUS_ARTIFACT)


@pytest.mark.parametrize(
    ("record", "complaint"),
    [
        ({}, "finished_at is missing"),
        ({"finished_at": "2026-11-22T13:00:00"}, "finished_at is no time with a zone"),
        ({"finished_at": "2026-11-22T13:00:00Z", "head_sha": "a`b"}, "head_sha must be a commit id"),
        ({"finished_at": "2026-11-22T13:00:00Z", "run_url": "javascript:alert(1)"}, "run_url must be a plain web"),
        ({"finished_at": "2026-11-22T13:00:00Z", "run_url": "https://x/)[y](z"}, "run_url must be a plain web"),
    ],
)
def test_a_record_of_another_form_is_unreadable(tmp_path: Path, record: object, complaint: str) -> None:
    write_mutmut(tmp_path, {"calc.x_add__mutmut_1": 1})
    write(tmp_path / "reins-run.json", record)
    report = run(tmp_path)
    assert_unscored(report, LoopReason.UNREADABLE_ARTIFACT)
    assert f"reins-run.json: {complaint}" in report.detail


def test_a_file_of_100_mb_is_unreadable_with_its_name(tmp_path: Path) -> None:
    sparse_file(tmp_path / "outcomes.json", 100 * 1024 * 1024)
    report = run(tmp_path)
    assert_unscored(report, LoopReason.UNREADABLE_ARTIFACT)
    assert report.detail.startswith("outcomes.json is larger than 32 MiB")


def test_too_many_mutants_are_refused(tmp_path: Path) -> None:
    codes: dict[str, int | None] = {f"x_f__mutmut_{number}": 1 for number in range(200_001)}
    write_mutmut(tmp_path, codes)
    report = run(tmp_path)
    assert_unscored(report, LoopReason.UNREADABLE_ARTIFACT)
    assert report.detail.startswith("mutants/src/calc.py.meta brings the mutants above 200000; measure a part")


def test_the_attempt_is_told_at_its_start_and_at_its_end_d2(tmp_path: Path) -> None:
    clock = VirtualTime()
    heard: list[AttemptReport] = []

    def note(attempt: AttemptReport) -> None:
        heard.append(attempt)
        clock.advance(3)

    write_outcomes(tmp_path, rows(killed=1))
    report = run_mutation_loop(tmp_path, SETTINGS, clock, note)
    started, done = heard
    assert (started.status, started.conclusion, started.finished_at) == (AttemptState.STARTED, None, None)
    assert started.correlation is Correlation.PENDING
    assert (done.status, done.conclusion) == (AttemptState.DONE, LoopReason.THRESHOLD_MET)
    assert done.correlation is Correlation.NOT_STATED
    assert (done.started_at, done.finished_at) == (NOW, NOW + timedelta(seconds=3))
    assert report.attempts == (done,)


@pytest.mark.parametrize(
    "numbers",
    [{"threshold_basis_points": 0}, {"threshold_basis_points": 10_001}, {"max_age_hours": 0}, {"expected_shards": 0}],
)
def test_settings_outside_their_range_are_refused(numbers: dict[str, int]) -> None:
    with pytest.raises(UserError, match=next(iter(numbers))):
        MutationSettings("a/b", "x", **numbers)


def test_the_summary_fits_a_phone_whatever_the_names_are(tmp_path: Path) -> None:
    write_outcomes(tmp_path, [mutant("MissedMutant", file="long/" * 400, function={"function_name": "f" * 5_000})])
    report = run(tmp_path, MutationSettings("o/" + "r" * 900, "b" * 900, max_age_hours=None))
    assert len(report.summary) <= 120
    assert len(report.detail) <= 400
    assert len(report.repository) <= 140
    (spot,) = measured(report).hot_spots
    assert (len(spot.file), len(spot.function)) == (160, 120)


def test_the_ends_of_each_range_are_settings() -> None:
    assert MutationSettings("a/b", "x", 1, 1, 1).threshold_basis_points == 1
    assert MutationSettings("a/b", "x", 10_000).threshold_basis_points == 10_000
