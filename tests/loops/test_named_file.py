"""A result file that is named itself, instead of the folder it lies in, is read whatever it is called."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.snapshots import LoopReason, MutationSnapshot, TriageSnapshot
from loops.mutation.loop import run_mutation_loop
from loops.mutation.settings import MutationSettings
from loops.triage.loop import run_triage_loop
from loops.triage.settings import TriageSettings
from tests.fakes.virtual_time import VirtualTime

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
STATS = {
    "killed": 3,
    "survived": 1,
    "total": 4,
    "no_tests": 0,
    "skipped": 0,
    "suspicious": 0,
    "timeout": 0,
    "check_was_interrupted_by_user": 0,
    "segfault": 0,
}
OUTCOMES = {
    "outcomes": [
        {"scenario": "Baseline", "summary": "Success"},
        {
            "scenario": {
                "Mutant": {
                    "name": "m",
                    "package": "p",
                    "file": "src/a.rs",
                    "function": None,
                    "span": {"start": {"line": 1, "column": 1}, "end": {"line": 1, "column": 2}},
                    "replacement": "x",
                    "genre": "FnValue",
                }
            },
            "summary": "CaughtMutant",
        },
    ],
    "total_mutants": 1,
    "missed": 0,
    "caught": 1,
    "timeout": 0,
    "unviable": 0,
    "success": 0,
    "start_time": "2026-11-22T10:00:00Z",
    "end_time": "2026-11-22T11:00:00Z",
    "cargo_mutants_version": "27.0.0",
}


@pytest.mark.parametrize(
    ("name", "content", "score"),
    [
        ("nightly.json", OUTCOMES, 10_000),
        ("of-monday-cicd-stats.json", STATS, 7_500),
        ("calc.meta.json", {"exit_code_by_key": {"calc.x_f__mutmut_1": 1, "calc.x_f__mutmut_2": 0}}, 5_000),
    ],
)
def test_a_named_mutation_result_is_read_by_its_content(
    tmp_path: Path, name: str, content: dict[str, object], score: int
) -> None:
    file = tmp_path / name
    file.write_text(json.dumps(content))
    (tmp_path / "outcomes.json").write_text("not looked at")
    settings = MutationSettings("a/b", "main", max_age_hours=None)
    report = run_mutation_loop(file, settings, VirtualTime(NOW))
    assert isinstance(report.snapshot, MutationSnapshot)
    assert report.snapshot.score_basis_points == score


def test_a_named_backlog_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    file = tmp_path / "renamed.json"
    head = {"source": "coderabbit", "repository": "a/b", "pr_number": 7, "head_sha": "a" * 40}
    file.write_text(json.dumps({**head, "generated_at": "2026-11-22T11:00:00+00:00", "items": []}))
    report = run_triage_loop(file, TriageSettings("a/b", "main"), VirtualTime(NOW))
    assert isinstance(report.snapshot, TriageSnapshot)
    assert report.reason is LoopReason.RESOLVED
