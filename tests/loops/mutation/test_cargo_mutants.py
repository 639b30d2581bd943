"""Outcomes of cargo-mutants 23 to 27 are counted from their rows, whatever the layout."""

from pathlib import Path
from typing import Any

import pytest

from loops.artifacts import ArtifactError, ArtifactFile
from loops.mutation.cargo_mutants import read_cargo_mutants
from loops.mutation.model import MutantStatus, ToolRun
from tests.fakes.loop_artifacts import NOW, mutant, outcomes, rows, write


def read(tmp_path: Path, document: object, planned: object = None, name: str = "outcomes.json") -> ToolRun:
    path = write(tmp_path / "outcomes.json", document)
    plan = ArtifactFile(write(tmp_path / "mutants.json", planned), "mutants.json", 0) if planned is not None else None
    return read_cargo_mutants(ArtifactFile(path, name, 0), plan, NOW)


@pytest.mark.parametrize(
    ("summary", "status"),
    [
        ("CaughtMutant", MutantStatus.KILLED),
        ("MissedMutant", MutantStatus.SURVIVED),
        ("Timeout", MutantStatus.TIMEOUT),
        ("Unviable", MutantStatus.INVALID),
        ("Success", MutantStatus.PENDING),
        ("Failure", MutantStatus.ERROR),
        ("SomethingNew", MutantStatus.ERROR),
    ],
)
def test_each_summary_has_its_status_and_a_new_one_is_no_result(
    tmp_path: Path, summary: str, status: MutantStatus
) -> None:
    (only,) = read(tmp_path, outcomes([mutant(summary)])).mutants
    assert only.status is status


def test_file_function_line_operator_and_replacement_are_kept_d17(tmp_path: Path) -> None:
    (only,) = read(tmp_path, outcomes([mutant("MissedMutant", line=41)])).mutants
    assert (only.file, only.function, only.line) == ("src/lib.rs", "wins", 41)
    assert (only.operator, only.replacement) == ("BinaryOperator", "==")


def test_a_mutant_outside_every_function_is_at_module_level_d17(tmp_path: Path) -> None:
    (only,) = read(tmp_path, outcomes([mutant("MissedMutant", function=None)])).mutants
    assert only.function == "(module level)"


def test_the_layout_before_23_12_names_its_function_and_line_directly(tmp_path: Path) -> None:
    row = mutant("MissedMutant", function="wins")
    described = row["scenario"]["Mutant"]
    del described["span"]
    described["line"] = 12
    (only,) = read(tmp_path, outcomes([row])).mutants
    assert (only.function, only.line) == ("wins", 12)


def test_a_run_with_an_end_time_is_complete(tmp_path: Path) -> None:
    run = read(tmp_path, outcomes(rows(killed=2)))
    assert run.complete is True
    assert run.finished_at is not None
    assert run.finished_at.isoformat() == "2026-11-22T12:00:00.123456+00:00"
    assert run.tool == "cargo-mutants 27.1.0"


def test_a_null_end_time_is_an_unfinished_run_d16(tmp_path: Path) -> None:
    run = read(tmp_path, outcomes(rows(killed=2), end_time=None), planned=[{}, {}])
    assert run.complete is False
    assert "no end_time" in run.incomplete_because


def test_a_total_that_differs_from_the_rows_is_an_unfinished_run_d16(tmp_path: Path) -> None:
    run = read(tmp_path, outcomes(rows(killed=2), total_mutants=451))
    assert run.complete is False
    assert "counts 451 mutants and holds 2" in run.incomplete_because


@pytest.mark.parametrize(("planned", "complete"), [(None, None), ([{}] * 2, True), ([{}] * 711, False)])
def test_before_26_only_the_planned_list_tells_whether_the_run_ended_d16(
    tmp_path: Path, planned: object, complete: bool | None
) -> None:
    run = read(tmp_path, outcomes(rows(killed=2), end_time=..., cargo_mutants_version=...), planned)
    assert run.complete is complete
    assert run.tool == "cargo-mutants"


def test_a_planned_list_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"mutants.json must be a list of mutants"):
        read(tmp_path, outcomes([], end_time=...), planned={"mutants": []})


@pytest.mark.parametrize("summary", ["Failure", "Timeout"])
def test_a_baseline_that_did_not_pass_is_a_failed_baseline_d14(tmp_path: Path, summary: str) -> None:
    failed = {"scenario": "Baseline", "summary": summary, "phase_results": []}
    assert read(tmp_path, outcomes([], outcomes=[failed])).baseline_failed


def test_a_run_without_a_baseline_is_read(tmp_path: Path) -> None:
    run = read(tmp_path, outcomes([], outcomes=rows(killed=3), total_mutants=3))
    assert len(run.mutants) == 3
    assert not run.baseline_failed


@pytest.mark.parametrize(
    ("name", "shard"),
    [
        ("mutants-shard3.out/outcomes.json", 3),
        ("mutation-outcomes-shard-0/shard-0-outcomes.json", 0),
        ("run-shard2-of-8/shard_7-outcomes.json", 7),
        ("mutants.out/outcomes.json", None),
    ],
)
def test_the_shard_is_read_from_the_path(tmp_path: Path, name: str, shard: int | None) -> None:
    assert read(tmp_path, outcomes([]), name=name).shard == shard


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({}, "outcomes.json: outcomes must be a list, not null"),
        ({"outcomes": [{"summary": "Timeout"}]}, "outcomes.json: outcomes[0].scenario is missing"),
        ({"outcomes": [{"scenario": "Other", "summary": ""}]}, "outcomes[0].scenario must be an object, not text"),
        ({"outcomes": [{"scenario": {"Mutant": {}}, "summary": "x"}]}, "outcomes[0].scenario.Mutant.file is missing"),
        (outcomes([mutant("Timeout", span={})]), "outcomes[1].scenario.Mutant.span.start is missing"),
        (outcomes([mutant("Timeout", function=[])]), "outcomes[1].scenario.Mutant.function must be an object"),
        (outcomes([], end_time="2026-11-22T12:00:00"), "end_time is no time with a zone"),
        (outcomes([], end_time="2026-11-22T14:06:00Z"), "end_time lies in the future"),
        (outcomes([], cargo_mutants_version="<b>"), "cargo_mutants_version must be a version like 27.1.0"),
    ],
)
def test_a_wrong_shape_is_refused_with_file_and_field(tmp_path: Path, document: Any, complaint: str) -> None:
    with pytest.raises(ArtifactError) as refused:
        read(tmp_path, document)
    assert complaint in str(refused.value)
