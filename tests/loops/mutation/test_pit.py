"""Reports of PIT: every status, places as Java names them, and no document that could expand or fetch anything."""

import json
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.findings import HotSpot
from domain.snapshots import LoopReason, LoopStatus, MutationSnapshot
from loops.artifacts import ArtifactError, ArtifactFile
from loops.mutation.loop import MutationSettings, run_mutation_loop
from loops.mutation.merge import merge
from loops.mutation.model import MutantStatus, ToolRun
from loops.mutation.pit import read_pit
from loops.report import LoopReport
from tests.bot.cli.command_line import CommandLine
from tests.fakes.loop_artifacts import sparse_file, write_outcomes
from tests.fakes.mutation_reports import MUTATORS, pit_mutation, pit_report, write_pit
from tests.fakes.virtual_time import VirtualTime

STATUSES = {
    "KILLED": MutantStatus.KILLED,
    "TIMED_OUT": MutantStatus.TIMEOUT,
    "SURVIVED": MutantStatus.SURVIVED,
    "NO_COVERAGE": MutantStatus.NO_COVERAGE,
    "NON_VIABLE": MutantStatus.INVALID,
    "EQUIVALENT": MutantStatus.IGNORED,
    "RUN_ERROR": MutantStatus.ERROR,
    "MEMORY_ERROR": MutantStatus.ERROR,
    "NOT_STARTED": MutantStatus.PENDING,
    "STARTED": MutantStatus.PENDING,
    "SOMETHING_NEW": MutantStatus.ERROR,
}
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


def read(tmp_path: Path, *mutations: str) -> ToolRun:
    return read_pit(ArtifactFile(write_pit(tmp_path / "mutations.xml", *mutations), "mutations.xml", 0))


def run(folder: Path) -> LoopReport:
    return run_mutation_loop(folder, MutationSettings("acme/bank", "main"), VirtualTime())


def measured(report: LoopReport) -> MutationSnapshot:
    assert isinstance(report.snapshot, MutationSnapshot)
    return report.snapshot


@pytest.mark.parametrize(("status", "expected"), STATUSES.items())
def test_each_status_has_its_meaning_and_a_new_one_is_no_result(
    tmp_path: Path, status: str, expected: MutantStatus
) -> None:
    (only,) = read(tmp_path, pit_mutation(status)).mutants
    assert only.status is expected


def test_file_method_line_mutator_and_description_are_kept_d17(tmp_path: Path) -> None:
    (only,) = read(tmp_path, pit_mutation("SURVIVED", 41)).mutants
    assert (only.file, only.function, only.line) == ("com/acme/bank/Account.java", "Account.withdraw", 41)
    assert (only.operator, only.replacement) == ("ConditionalsBoundaryMutator", "changed conditional boundary")


@pytest.mark.parametrize(
    ("owner", "method", "file", "function"),
    [
        ("com.acme.Account$Entry", "<init>", "com/acme/Account.java", "Account$Entry.<init>"),
        ("Account", "lambda$run$0", "Account.java", "Account.lambda$run$0"),
    ],
)
def test_inner_classes_constructors_and_the_unnamed_package_have_their_place(
    tmp_path: Path, owner: str, method: str, file: str, function: str
) -> None:
    (only,) = read(tmp_path, pit_mutation("SURVIVED", mutatedClass=owner, mutatedMethod=method)).mutants
    assert (only.file, only.function) == (file, function)


@pytest.mark.parametrize("line", ["0", "", None])
def test_code_without_line_numbers_has_no_line(tmp_path: Path, line: str | None) -> None:
    (only,) = read(tmp_path, pit_mutation("SURVIVED", lineNumber=line)).mutants
    assert only.line is None


def test_the_older_form_with_one_index_is_read(tmp_path: Path) -> None:
    newer = "<indexes><index>5</index></indexes><blocks><block>1</block></blocks>"
    mutation = pit_mutation("KILLED", description=None, methodDescription=None).replace(newer, "<index>5</index>")
    (only,) = read(tmp_path, mutation).mutants
    assert (only.status, only.replacement) == (MutantStatus.KILLED, "")


def test_a_mutation_never_started_makes_the_score_provisional_d16(tmp_path: Path) -> None:
    write_pit(tmp_path / "mutations.xml", pit_mutation("KILLED"), pit_mutation("NOT_STARTED", 2))
    report = run(tmp_path)
    assert (report.status, report.reason) == (LoopStatus.UNKNOWN, LoopReason.UNFINISHED_RUN)
    assert (measured(report).score_basis_points, measured(report).provisional) == (10_000, True)
    assert "1 mutants were not started or not ended" in report.detail


@pytest.mark.parametrize("status", ["RUN_ERROR", "MEMORY_ERROR"])
def test_an_error_is_not_detected_whatever_pit_counts(tmp_path: Path, status: str) -> None:
    write_pit(tmp_path / "mutations.xml", pit_mutation("SURVIVED"), pit_mutation(status, 2))
    report = run(tmp_path)
    assert report.reason is LoopReason.UNFINISHED_RUN
    assert measured(report).score_basis_points == 0


@pytest.mark.parametrize("mutations", [(), (pit_mutation("NON_VIABLE"), pit_mutation("EQUIVALENT", 2))])
def test_nothing_that_could_be_tested_is_no_perfect_score_d14(tmp_path: Path, mutations: tuple[str, ...]) -> None:
    write_pit(tmp_path / "mutations.xml", *mutations)
    report = run(tmp_path)
    assert (report.reason, measured(report).score_basis_points) == (LoopReason.NO_MUTANTS, None)


def test_hot_spots_are_methods_and_categories_are_mutators_d17_d18(tmp_path: Path) -> None:
    write_pit(
        tmp_path / "target" / "pit-reports" / "mutations.xml",
        pit_mutation("SURVIVED", 1),
        pit_mutation("SURVIVED", 2, mutator=f"{MUTATORS}.VoidMethodCallMutator"),
        pit_mutation("NO_COVERAGE", 9, mutatedMethod="close"),
        pit_mutation("NON_VIABLE", 10),
        pit_mutation("TIMED_OUT", 11),
    )
    report = run(tmp_path)
    snapshot = measured(report)
    file = "com/acme/bank/Account.java"
    assert (snapshot.tool, snapshot.score_basis_points, report.unresolved) == ("PIT", 2_500, 3)
    assert snapshot.hot_spots == (HotSpot(file, "Account.withdraw", 2), HotSpot(file, "Account.close", 1))
    assert snapshot.categories == (("ConditionalsBoundaryMutator", 1), ("VoidMethodCallMutator", 1), ("no_coverage", 1))


def test_overloads_and_repeats_in_one_report_are_all_counted(tmp_path: Path) -> None:
    mutations = [pit_mutation("KILLED"), pit_mutation("SURVIVED", methodDescription="(J)Z"), pit_mutation("SURVIVED")]
    counts = merge([read(tmp_path, *mutations)], []).counts
    assert (counts.killed, counts.survived) == (1, 2)


def test_reports_of_two_modules_make_one_score_and_two_results_for_one_mutant_none(tmp_path: Path) -> None:
    write_pit(tmp_path / "a" / "mutations.xml", pit_mutation("KILLED"))
    write_pit(tmp_path / "b" / "mutations.xml", pit_mutation("SURVIVED", mutatedClass="com.acme.web.Page"))
    assert measured(run(tmp_path)).score_basis_points == 5_000
    write_pit(tmp_path / "c" / "mutations.xml", pit_mutation("SURVIVED"))
    assert run(tmp_path).reason is LoopReason.AMBIGUOUS_ARTIFACT


def test_reports_beside_results_of_another_tool_are_ambiguous_d4(tmp_path: Path) -> None:
    write_pit(tmp_path / "mutations.xml", pit_mutation("KILLED"))
    write_outcomes(tmp_path, [])
    assert run(tmp_path).reason is LoopReason.AMBIGUOUS_ARTIFACT


def test_a_named_report_is_told_by_its_ending(tmp_path: Path) -> None:
    assert measured(run(write_pit(tmp_path / "nightly.xml", pit_mutation("KILLED")))).tool == "PIT"


WHOLE = pit_report(pit_mutation("KILLED"))
WITH_DTD = WHOLE.replace("<mutations", f'<!DOCTYPE mutations [<!ENTITY l0 "ha">{LAUGHS}]><mutations')


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b" \n", "is empty"),
        (WHOLE[: len(WHOLE) // 2].encode(), "is not XML (no element found"),
        (WHOLE.replace("</mutations>", "</mutation>").encode(), "is not XML (mismatched tag"),
        (WHOLE.replace("withdraw", "&l9;").encode(), "is not XML (undefined entity"),
        (WHOLE.replace("withdraw", "with\x00draw").encode(), "is not XML (not well-formed"),
        (WHOLE.replace("withdraw", "dépôt").encode("latin-1"), "is not UTF-8 text (byte "),
        (WHOLE.encode("utf-16"), "is not UTF-8 text (byte 0)"),
        (WITH_DTD.replace("withdraw", "&l9;").encode(), "has a document type or entities, which are never expanded"),
        (WITH_DTD.encode("utf-16"), "is not UTF-8 text"),
        (b'<!DOCTYPE m SYSTEM "file:///etc/passwd"><mutations/>', "has a document type or entities"),
        (b"<a>" * 200_000 + b"</a>" * 200_000, "must hold mutations, not another document"),
        (b"<mutations>" + b"<a/>" * 2_000_000 + b"</mutations>", "holds more than 2000000 tags"),
        (b"<mutations " + b'a="" ' * 670_000 + b"/>", "holds more than 2000000 tags"),
        (b'<mutations><!ENTITY a "ha"></mutations>', "has a document type or entities"),
        (b"<html/>", "must hold mutations, not another document"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_no_report_is_unreadable_with_its_name(tmp_path: Path, content: bytes, complaint: str) -> None:
    (tmp_path / "mutations.xml").write_bytes(content)
    report = run(tmp_path)
    assert (report.reason, measured(report).counts) == (LoopReason.UNREADABLE_ARTIFACT, None)
    assert report.detail.startswith(f"mutations.xml {complaint}")


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "mutations.xml").write_text(WHOLE, encoding="utf-8-sig")
    assert run(tmp_path).reason is LoopReason.THRESHOLD_MET


def test_the_encoding_that_a_document_declares_is_not_believed(tmp_path: Path) -> None:
    declared = WHOLE.replace('encoding="UTF-8"', 'encoding="ISO-8859-1"').replace("withdraw", "dépôt")
    (tmp_path / "mutations.xml").write_text(declared.replace("KILLED", "SURVIVED"), encoding="utf-8")
    assert measured(run(tmp_path)).hot_spots[0].function == "Account.dépôt"


def test_a_huge_file_is_unreadable_with_its_name(tmp_path: Path) -> None:
    sparse_file(tmp_path / "mutations.xml", 100 * 1024 * 1024)
    assert run(tmp_path).detail.startswith("mutations.xml is larger than 32 MiB")


@pytest.mark.parametrize(
    ("mutation", "complaint"),
    [
        (pit_mutation("KILLED", sourceFile=None), "mutations.xml: mutation[1].sourceFile is missing"),
        (pit_mutation("KILLED", mutatedClass=" "), "mutation[1].mutatedClass is missing"),
        (pit_mutation("KILLED", mutatedMethod=None), "mutation[1].mutatedMethod is missing"),
        (pit_mutation("KILLED", mutator=None), "mutation[1].mutator is missing"),
        (pit_mutation("KILLED", "-1"), "mutation[1].lineNumber must be a whole number from 0 to 10000000"),
        (pit_mutation("KILLED", "10000001"), "mutation[1].lineNumber must be a whole number"),
        (pit_mutation("KILLED", "9" * 9_999), "mutation[1].lineNumber must be a whole number"),
        (pit_mutation("KILLED").replace("status='KILLED'", ""), "mutation[1].status is missing"),
    ],
)
def test_a_wrong_shape_is_refused_with_file_and_field(tmp_path: Path, mutation: str, complaint: str) -> None:
    with pytest.raises(ArtifactError) as refused:
        read(tmp_path, pit_mutation("KILLED"), mutation)
    assert complaint in str(refused.value)


attributes = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]))


@given(st.lists(st.tuples(st.sampled_from(sorted(STATUSES)) | attributes, st.integers(1, 3))))
def test_every_mutant_is_counted_once_whatever_its_status(
    tmp_path_factory: pytest.TempPathFactory, mutants: list[tuple[str, int]]
) -> None:
    made = [pit_mutation("?", line).replace("'?'", quoteattr(status)) for status, line in mutants]
    facts = merge([read(tmp_path_factory.mktemp("report"), *made)], [])
    assert facts.counts.total == len(mutants)
    assert facts.counts.killed == sum(status == "KILLED" for status, _ in mutants)


def test_the_command_line_reads_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pit(tmp_path / "in" / "mutations.xml", pit_mutation("KILLED"), pit_mutation("SURVIVED", 2))
    command_line = CommandLine(tmp_path, monkeypatch, capsys)
    printed = command_line.done(
        "mutation-loop", "--artifacts", str(tmp_path / "in"), "--repo", "a/b", "--format", "json"
    )
    report = json.loads(printed)
    assert (report["tool"], report["score_basis_points"]) == ("PIT", 5_000)
    assert report["playbook"][0]["function"] == "Account.withdraw"
