"""Reports of the mutation-testing-elements schema: every status, both versions, whatever else lies in the file."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.findings import HotSpot
from domain.snapshots import LoopReason, LoopStatus, MutationSnapshot
from loops.artifacts import ArtifactError, ArtifactFile
from loops.mutation.loop import MutationSettings, run_mutation_loop
from loops.mutation.merge import merge
from loops.mutation.model import MutantStatus, ToolRun
from loops.mutation.stryker import read_stryker
from loops.report import LoopReport
from tests.bot.cli.command_line import CommandLine
from tests.fakes.loop_artifacts import sparse_file, write, write_mutmut
from tests.fakes.mutation_reports import stryker_mutant, stryker_report
from tests.fakes.virtual_time import VirtualTime

STATUSES = {
    "Killed": MutantStatus.KILLED,
    "Survived": MutantStatus.SURVIVED,
    "NoCoverage": MutantStatus.NO_COVERAGE,
    "CompileError": MutantStatus.INVALID,
    "RuntimeError": MutantStatus.INVALID,
    "Timeout": MutantStatus.TIMEOUT,
    "Ignored": MutantStatus.IGNORED,
    "Pending": MutantStatus.PENDING,
    "SomethingNew": MutantStatus.ERROR,
}


def read(tmp_path: Path, document: object) -> ToolRun:
    return read_stryker(ArtifactFile(write(tmp_path / "mutation.json", document), "mutation.json", 0))


def run(folder: Path) -> LoopReport:
    return run_mutation_loop(folder, MutationSettings("acme/shop", "main"), VirtualTime())


def measured(report: LoopReport) -> MutationSnapshot:
    assert isinstance(report.snapshot, MutationSnapshot)
    return report.snapshot


@pytest.mark.parametrize(("status", "expected"), STATUSES.items())
def test_each_status_has_its_meaning_and_a_new_one_is_no_result(
    tmp_path: Path, status: str, expected: MutantStatus
) -> None:
    (only,) = read(tmp_path, stryker_report(stryker_mutant(status))).mutants
    assert only.status is expected


@pytest.mark.parametrize("version", ["1", "1.0", "2", "2.0", "2.0.11"])
def test_versions_1_and_2_of_the_schema_are_read(tmp_path: Path, version: str) -> None:
    assert len(read(tmp_path, stryker_report(stryker_mutant("Killed"), schemaVersion=version)).mutants) == 1


def test_place_operator_and_replacement_are_kept_and_no_function_is_made_up_d17(tmp_path: Path) -> None:
    (only,) = read(tmp_path, stryker_report(stryker_mutant("Survived", 41))).mutants
    assert (only.file, only.function, only.line) == ("src/cart.ts", "(function not stated)", 41)
    assert (only.operator, only.replacement) == ("EqualityOperator", "a <= b")


@pytest.mark.parametrize(
    ("framework", "tool"),
    [
        ({"name": "StrykerJS", "version": "8.2.6"}, "StrykerJS 8.2.6"),
        ({"name": "Stryker.NET"}, "Stryker.NET"),
        ({"name": "\u202e" + "x" * 99}, "x" * 39 + "…"),
        (..., "Stryker"),
        ({"name": "\x07"}, "Stryker"),
    ],
)
def test_the_tool_is_named_as_the_report_names_it_cleaned_and_capped(
    tmp_path: Path, framework: object, tool: str
) -> None:
    assert read(tmp_path, stryker_report(framework=framework)).tool == tool


def test_a_report_names_no_end_so_its_age_is_unknown_d15(tmp_path: Path) -> None:
    write(tmp_path / "mutation.json", stryker_report(stryker_mutant("Killed")))
    assert run(tmp_path).summary.endswith("age unknown")


def test_a_pending_mutant_makes_the_score_provisional_d16(tmp_path: Path) -> None:
    write(tmp_path / "mutation.json", stryker_report(stryker_mutant("Killed"), stryker_mutant("Pending", 2)))
    report = run(tmp_path)
    assert (report.status, report.reason) == (LoopStatus.UNKNOWN, LoopReason.UNFINISHED_RUN)
    assert (measured(report).score_basis_points, measured(report).provisional) == (10_000, True)
    assert "1 mutants are still pending" in report.detail


@pytest.mark.parametrize("statuses", [(), ("CompileError", "RuntimeError", "Ignored")])
def test_nothing_that_could_be_tested_is_no_perfect_score_d14(tmp_path: Path, statuses: tuple[str, ...]) -> None:
    mutants = [stryker_mutant(status, number) for number, status in enumerate(statuses, 1)]
    write(tmp_path / "mutation.json", stryker_report(*mutants))
    report = run(tmp_path)
    assert (report.reason, measured(report).score_basis_points) == (LoopReason.NO_MUTANTS, None)


def test_invalid_and_ignored_mutants_are_left_out_of_the_score(tmp_path: Path) -> None:
    statuses = ["Killed", "Killed", "Timeout", "Survived", "NoCoverage", "CompileError", "RuntimeError", "Ignored"]
    mutants = [stryker_mutant(status, number) for number, status in enumerate(statuses, 1)]
    write(tmp_path / "reports" / "mutation-report.json", stryker_report(*mutants))
    report = run(tmp_path)
    snapshot = measured(report)
    assert (snapshot.score_basis_points, report.unresolved) == (6_000, 2)
    assert snapshot.hot_spots == (HotSpot("src/cart.ts", "(function not stated)", 2),)
    assert snapshot.categories == (("EqualityOperator", 1), ("no_coverage", 1))


def test_mutants_that_look_the_same_in_one_report_are_all_counted(tmp_path: Path) -> None:
    twins = [stryker_mutant(status, replacement=...) for status in ("Killed", "Survived", "Survived")]
    counts = merge([read(tmp_path, stryker_report(*twins))], []).counts
    assert (counts.killed, counts.survived) == (1, 2)


def test_files_of_one_name_in_two_packages_are_different_files(tmp_path: Path) -> None:
    for package, status in (("a", "Killed"), ("b", "Survived")):
        report = stryker_report(stryker_mutant(status), projectRoot=f"/builds/packages/{package}")
        write(tmp_path / package / "mutation.json", report)
    assert measured(run(tmp_path)).score_basis_points == 5_000


def test_a_mutant_that_two_reports_share_counts_once_and_must_agree_d16(tmp_path: Path) -> None:
    write(tmp_path / "a" / "mutation.json", stryker_report(stryker_mutant("Killed")))
    write(
        tmp_path / "b" / "mutation.json", stryker_report(stryker_mutant("Killed", id="77"), stryker_mutant("Killed", 2))
    )
    counts = measured(run(tmp_path)).counts
    assert counts is not None
    assert counts.killed == 2
    write(tmp_path / "c" / "mutation.json", stryker_report(stryker_mutant("Survived")))
    assert run(tmp_path).reason is LoopReason.AMBIGUOUS_ARTIFACT


def test_reports_beside_results_of_another_tool_are_ambiguous_d4(tmp_path: Path) -> None:
    write(tmp_path / "mutation.json", stryker_report(stryker_mutant("Killed")))
    write_mutmut(tmp_path, {"calc.x_add__mutmut_1": 1})
    report = run(tmp_path)
    assert report.reason is LoopReason.AMBIGUOUS_ARTIFACT
    assert "StrykerJS 8.2.6" in report.detail


def test_a_named_report_is_told_by_its_content(tmp_path: Path) -> None:
    file = write(tmp_path / "nightly.json", stryker_report(stryker_mutant("Killed")))
    assert measured(run(file)).tool == "StrykerJS 8.2.6"


def test_too_many_mutants_over_all_reports_are_refused(tmp_path: Path) -> None:
    small = {"mutatorName": "x", "status": "Killed", "location": {"start": {}, "end": {}}}
    for package in ("a", "b"):
        write(tmp_path / package / "mutation.json", stryker_report(*[small] * 100_001))
    report = run(tmp_path)
    assert report.reason is LoopReason.UNREADABLE_ARTIFACT
    assert report.detail.startswith("b/mutation.json brings the mutants above 200000")


WHOLE = json.dumps(stryker_report(stryker_mutant("Killed"))).encode()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty"),
        (WHOLE[: len(WHOLE) // 2], "is not JSON"),
        (WHOLE.replace(b"cart.ts", b"c\xe4rt.ts"), "is not UTF-8 text"),
        (WHOLE.decode().encode("utf-16"), "is not UTF-8 text (byte 0)"),
        (b'{"schemaVersion":"2","files":' + b'{"a":' * 100_000, "is not JSON"),
        (b"[]", "must be an object, not a list"),
    ],
)
def test_a_file_that_is_no_json_document_is_unreadable_with_its_name(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    (tmp_path / "mutation.json").write_bytes(content)
    report = run(tmp_path)
    assert (report.reason, measured(report).counts) == (LoopReason.UNREADABLE_ARTIFACT, None)
    assert report.detail.startswith(f"mutation.json {complaint}")


def test_a_huge_file_is_unreadable_with_its_name(tmp_path: Path) -> None:
    sparse_file(tmp_path / "mutation.json", 100 * 1024 * 1024)
    assert run(tmp_path).detail.startswith("mutation.json is larger than 32 MiB")


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({}, "mutation.json: schemaVersion is missing"),
        (stryker_report(schemaVersion=2), "schemaVersion must be text, not the number 2"),
        (stryker_report(schemaVersion="3.0"), "schemaVersion must be 1 or 2, like 2.0; let the tool write"),
        (stryker_report(schemaVersion="1; x"), "schemaVersion must be 1 or 2"),
        (stryker_report(files=...), "mutation.json: files is missing"),
        (stryker_report(files=[]), "files must be an object, not a list"),
        (stryker_report(files={"a.ts": {}}), "files.a.ts.mutants must be a list, not null"),
        (stryker_report(stryker_mutant(...)), "files.src/cart.ts.mutants[0].status is missing"),
        (stryker_report(stryker_mutant(1)), "mutants[0].status must be text"),
        (stryker_report(stryker_mutant("Killed", mutatorName=...)), "mutants[0].mutatorName is missing"),
        (stryker_report(stryker_mutant("Killed", location={})), "mutants[0].location.start is missing"),
        (stryker_report(stryker_mutant("Killed", -1)), "location.start.line must be a whole number"),
        (stryker_report(projectRoot=[]), "projectRoot must be text, not a list"),
        (stryker_report(framework="StrykerJS"), "framework must be an object, not text"),
    ],
)
def test_a_wrong_shape_is_refused_with_file_and_field(tmp_path: Path, document: Any, complaint: str) -> None:
    with pytest.raises(ArtifactError) as refused:
        read(tmp_path, document)
    assert complaint in str(refused.value)


@given(st.lists(st.tuples(st.sampled_from(sorted(STATUSES)) | st.text(), st.integers(1, 3), st.text(max_size=1))))
def test_every_mutant_is_counted_once_whatever_its_status(
    tmp_path_factory: pytest.TempPathFactory, mutants: list[tuple[str, int, str]]
) -> None:
    made = [stryker_mutant(status, line, replacement=replacement) for status, line, replacement in mutants]
    facts = merge([read(tmp_path_factory.mktemp("report"), stryker_report(*made))], [])
    assert facts.counts.total == len(mutants)
    assert facts.counts.killed == sum(status == "Killed" for status, _, _ in mutants)


def test_the_command_line_reads_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "in" / "mutation.json", stryker_report(stryker_mutant("Killed"), stryker_mutant("Survived", 2)))
    command_line = CommandLine(tmp_path, monkeypatch, capsys)
    printed = command_line.done(
        "mutation-loop", "--artifacts", str(tmp_path / "in"), "--repo", "a/b", "--format", "json"
    )
    report = json.loads(printed)
    assert (report["tool"], report["score_basis_points"]) == ("StrykerJS 8.2.6", 5_000)
    assert report["playbook"][0]["steps"][0].startswith("A changed comparison goes unnoticed")
