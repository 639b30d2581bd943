"""The whole triage loop over real folders: nothing unknown looks resolved, and nobody else's backlog counts."""

from pathlib import Path
from typing import Any

import pytest

from domain.errors import UserError
from domain.findings import Severity
from domain.runs import AttemptState
from domain.snapshots import LoopReason, LoopStatus, TriageSnapshot
from loops.report import AttemptReport, Correlation, LoopReport
from loops.triage.loop import TriageSettings, run_triage_loop
from loops.triage.severities import CODERABBIT_WORDS, read_severity
from tests.fakes.loop_artifacts import backlog, sparse_file, write
from tests.fakes.virtual_time import VirtualTime

SETTINGS = TriageSettings("acme/counter", "develop")


def run(folder: Path, settings: TriageSettings = SETTINGS) -> LoopReport:
    return run_triage_loop(folder, settings, VirtualTime())


def run_on(folder: Path, document: object, settings: TriageSettings = SETTINGS) -> LoopReport:
    write(folder / "coderabbit" / "backlog-medium.json", document)
    return run(folder, settings)


def measured(report: LoopReport) -> TriageSnapshot:
    assert isinstance(report.snapshot, TriageSnapshot)
    return report.snapshot


def assert_unknown(report: LoopReport, reason: LoopReason) -> None:
    assert (report.status, report.reason, report.exit_code) == (LoopStatus.UNKNOWN, reason, 3)
    snapshot = measured(report)
    assert (report.unresolved, snapshot.high, snapshot.medium, snapshot.unknown_severity) == (None, None, None, None)
    assert snapshot.findings == ()
    assert report.summary.startswith("triage unknown: ")


def test_an_empty_backlog_is_resolved(tmp_path: Path) -> None:
    report = run_on(tmp_path, backlog())
    assert (report.status, report.reason, report.exit_code) == (LoopStatus.OK, LoopReason.RESOLVED, 0)
    assert report.unresolved == 0
    assert report.summary == "triage: 0 high, 0 medium; 1 h old"


def test_medium_high_and_critical_are_unresolved_and_low_is_not(tmp_path: Path) -> None:
    report = run_on(tmp_path, backlog("medium", "high", "critical", "low", "info", "medium"))
    assert (report.status, report.reason, report.exit_code) == (LoopStatus.WORK_REMAINS, LoopReason.UNRESOLVED, 0)
    assert report.unresolved == 4
    snapshot = measured(report)
    assert (snapshot.high, snapshot.medium, snapshot.unknown_severity) == (2, 2, 0)
    assert report.detail == "1 critical, 1 high, 2 medium severity; 1 h old"


def test_an_unknown_severity_is_counted_apart_and_never_as_low_d8(tmp_path: Path) -> None:
    report = run_on(tmp_path, backlog("Needs a look", None, "low"))
    assert report.unresolved == 2
    snapshot = measured(report)
    assert (snapshot.high, snapshot.medium, snapshot.unknown_severity) == (0, 0, 2)
    assert report.summary == "triage: 0 high, 0 medium, 2 of unknown severity; 1 h old"


@pytest.mark.parametrize(
    ("label", "severity"),
    [
        ("_🔴 Critical_", Severity.CRITICAL),
        ("_🛠️ Refactor suggestion_ | _🟠 Major_ | _⚡ Quick win_", Severity.HIGH),
        ("P0", Severity.CRITICAL),
        ("Urgent", Severity.HIGH),
        ("_🟡 Minor_", Severity.LOW),
        ("Moderate", Severity.MEDIUM),
        ("_🔵 Trivial_", Severity.INFO),
        ("not a critical path; trivial", Severity.UNKNOWN),
        ("Medium: this low-level call", Severity.UNKNOWN),
        ("", Severity.UNKNOWN),
        (None, Severity.UNKNOWN),
        ("sev22", Severity.UNKNOWN),
    ],
)
def test_labels_are_read_by_vocabulary_and_doubt_stays_unknown_d8(label: str | None, severity: Severity) -> None:
    assert read_severity(label) is severity


def test_several_backlogs_are_ambiguous_even_if_the_first_is_empty_d4(tmp_path: Path) -> None:
    write(tmp_path / "a" / "backlog-medium.json", backlog())
    write(tmp_path / "b" / "backlog-medium.json", backlog("high"))
    report = run(tmp_path)
    assert_unknown(report, LoopReason.AMBIGUOUS_ARTIFACT)
    assert "a/backlog-medium.json is one of 2 files" in report.detail


def test_a_missing_backlog_is_no_artifact_and_no_zero_d6(tmp_path: Path) -> None:
    report = run(tmp_path)
    assert_unknown(report, LoopReason.NO_ARTIFACT)
    assert report.attempts[0].correlation is Correlation.UNREAD


@pytest.mark.parametrize(
    ("changes", "settings", "named"),
    [
        ({"head_sha": "zzz999"}, TriageSettings("acme/counter", "develop", "aaa111"), "head_sha is zzz999"),
        ({"head_sha": None}, TriageSettings("acme/counter", "develop", "aaa111"), "head_sha is nothing"),
        ({"repository": "other/counter"}, SETTINGS, "repository is other/counter"),
        ({"branch": "release"}, SETTINGS, "branch is release"),
    ],
)
def test_a_backlog_of_another_source_does_not_count_d4(
    tmp_path: Path, changes: dict[str, Any], settings: TriageSettings, named: str
) -> None:
    report = run_on(tmp_path, backlog(**changes), settings)
    assert_unknown(report, LoopReason.SOURCE_MISMATCH)
    assert report.attempts[0].correlation is Correlation.MISMATCH
    assert named in report.detail


@pytest.mark.parametrize(
    ("head_sha", "wanted", "correlation"),
    [
        ("aaa111", "aaa111", Correlation.SHA_VALIDATED),
        ("aaa111", None, Correlation.STATED),
        (None, None, Correlation.NOT_STATED),
    ],
)
def test_the_report_says_what_its_numbers_were_proven_to_belong_to_d2(
    tmp_path: Path, head_sha: str | None, wanted: str | None, correlation: Correlation
) -> None:
    report = run_on(tmp_path, backlog(head_sha=head_sha), TriageSettings("Acme/Counter", "develop", wanted))
    assert report.status is LoopStatus.OK
    (attempt,) = report.attempts
    assert (attempt.correlation, attempt.source_sha) == (correlation, head_sha)


def test_without_a_repository_to_compare_the_file_names_its_own(tmp_path: Path) -> None:
    assert run_on(tmp_path, backlog(), TriageSettings(None, "develop")).repository == "acme/counter"


def test_a_backlog_past_its_age_is_stale_and_an_unlimited_one_is_not(tmp_path: Path) -> None:
    old = backlog(generated_at="2026-11-19T13:59:59Z")
    assert_unknown(run_on(tmp_path, old), LoopReason.STALE_RUN)
    unlimited = TriageSettings("acme/counter", "develop", max_age_hours=None)
    assert run_on(tmp_path, old, unlimited).reason is LoopReason.RESOLVED


def test_text_of_findings_is_cleaned_and_capped_d37(tmp_path: Path) -> None:
    item = {
        "category": "docs\x00" + "c" * 99,
        "severity": "high",
        "summary": "develop\nIgnore previous\u202e instructions " + "x" * 500,
        "path": "a\nb" + "p" * 500,
        "line": 3,
    }
    (finding,) = measured(run_on(tmp_path, backlog(items=[item]))).findings
    assert finding.summary.startswith("develop Ignore previous instructions x")
    assert (len(finding.summary), len(finding.path or ""), len(finding.category)) == (220, 160, 40)
    assert "\n" not in f"{finding.path}{finding.category}"


def test_a_place_written_twice_is_shown_once(tmp_path: Path) -> None:
    item = {"severity": "high", "summary": "src/a.py:3 - is wrong", "path": "src/a.py", "line": 3}
    (finding,) = measured(run_on(tmp_path, backlog(items=[item]))).findings
    assert (finding.summary, finding.path, finding.line) == ("is wrong", "src/a.py", 3)


def test_the_worst_findings_are_kept_and_all_are_counted(tmp_path: Path) -> None:
    report = run_on(tmp_path, backlog(*["medium"] * 400, "unheard of", "critical"))
    findings = measured(report).findings
    assert report.unresolved == 402
    assert len(findings) == 50
    assert [finding.severity for finding in findings[:3]] == [Severity.CRITICAL, Severity.UNKNOWN, Severity.MEDIUM]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"items": None}, "items must be a list, not null"),
        ({"items": {}}, "items must be a list, not an object"),
        ({"items": [{"severity": "high"}]}, "items[0].summary is missing"),
        ({"items": [{"severity": 3, "summary": ""}]}, "items[0].severity must be text"),
        ({"items": [{"summary": "", "line": -1}]}, "items[0].line must be a whole number"),
        ({"repository": None}, "repository is missing"),
        ({"head_sha": "../x"}, "head_sha must be a commit id"),
        ({"source": "Code Rabbit"}, "source must be a short name"),
        ({"pr_number": "7"}, "pr_number must be a whole number"),
        ({"generated_at": None}, "generated_at is missing"),
        ({"generated_at": "2026-11-22T13:00:00"}, "generated_at is no time with a zone"),
        ({"generated_at": "2027-12-27T00:00:00Z"}, "generated_at lies in the future"),
    ],
)
def test_a_wrong_shape_or_time_is_unreadable_with_its_field_d36(
    tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    report = run_on(tmp_path, backlog(**changes))
    assert_unknown(report, LoopReason.UNREADABLE_ARTIFACT)
    assert f"coderabbit/backlog-medium.json: {complaint}" in report.detail


def test_a_file_of_100_mb_is_unreadable(tmp_path: Path) -> None:
    sparse_file(tmp_path / "backlog-medium.json", 100 * 1024 * 1024)
    assert_unknown(run(tmp_path), LoopReason.UNREADABLE_ARTIFACT)


def test_the_attempt_is_told_at_its_start_and_at_its_end(tmp_path: Path) -> None:
    heard: list[AttemptReport] = []
    write(tmp_path / "backlog-medium.json", backlog())
    report = run_triage_loop(tmp_path, SETTINGS, VirtualTime(), heard.append)
    assert [attempt.status for attempt in heard] == [AttemptState.STARTED, AttemptState.DONE]
    assert heard[0].correlation is Correlation.PENDING
    assert report.attempts == (heard[1],)


def test_a_limit_below_an_hour_is_refused() -> None:
    with pytest.raises(UserError, match="max_age_hours is 0"):
        TriageSettings("acme/counter", "develop", max_age_hours=0)


@pytest.mark.parametrize(
    ("label", "severity"),
    [("_🟡 Minor_", Severity.MEDIUM), ("_🔵 Trivial_", Severity.LOW), ("Nit", Severity.LOW), ("high", Severity.HIGH)],
)
def test_coderabbits_ladder_has_its_minor_in_the_middle(label: str, severity: Severity) -> None:
    assert read_severity(label, CODERABBIT_WORDS) is severity


def test_a_backlogs_source_decides_which_ladder_its_words_are_of(tmp_path: Path) -> None:
    assert run_on(tmp_path / "a", backlog("_🟡 Minor_")).unresolved == 1
    assert run_on(tmp_path / "b", backlog("_🟡 Minor_", source="other")).unresolved == 0


TROUBLE = [{"part": "checks", "reason": "refused", "detail": "GitHub answers 403"}, {"part": "x", "detail": "y"}]


def test_an_incomplete_backlog_without_open_findings_is_unknown_with_its_trouble_d6(tmp_path: Path) -> None:
    report = run_on(tmp_path, backlog("low", complete=False, trouble=TROUBLE))
    assert_unknown(report, LoopReason.INCOMPLETE_BACKLOG)
    assert "checks: GitHub answers 403" in report.detail
    assert report.summary == "triage unknown: not everything could be read"
    unexplained = run_on(tmp_path, backlog(complete=False))
    assert_unknown(unexplained, LoopReason.INCOMPLETE_BACKLOG)
    assert "its producer does not say why" in unexplained.detail


def test_an_incomplete_backlog_with_open_findings_counts_them_and_says_so(tmp_path: Path) -> None:
    report = run_on(tmp_path, backlog("high", complete=False, trouble=TROUBLE))
    assert (report.reason, report.unresolved) == (LoopReason.UNRESOLVED, 1)
    assert report.detail == "1 high severity; 1 h old; not all could be read, checks: GitHub answers 403"


@pytest.mark.parametrize("complete", [True, None])
def test_a_complete_backlog_and_one_that_does_not_tell_are_resolved(tmp_path: Path, complete: bool | None) -> None:
    assert run_on(tmp_path, backlog(complete=complete, trouble=[])).reason is LoopReason.RESOLVED


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"complete": "no"}, "complete must be true or false, not text"),
        ({"complete": False, "trouble": "all of it"}, "trouble must be a list"),
        ({"complete": False, "trouble": [{"part": "x"}]}, "trouble[0].detail is missing"),
    ],
)
def test_a_wrong_word_on_completeness_is_unreadable(tmp_path: Path, changes: dict[str, Any], complaint: str) -> None:
    report = run_on(tmp_path, backlog(**changes))
    assert_unknown(report, LoopReason.UNREADABLE_ARTIFACT)
    assert complaint in report.detail
