"""Results of mutmut 3: exit codes, mangled names, totals with something hidden."""

from pathlib import Path

import pytest

from loops.artifacts import ArtifactError, find_files
from loops.mutation.model import MutantStatus, ToolRun
from loops.mutation.mutmut import STATS_FILE, read_mutmut
from tests.fakes.loop_artifacts import write, write_mutmut, write_mutmut_totals


def read(folder: Path) -> ToolRun:
    files = find_files(folder, lambda name: name.endswith((".meta", ".json")))
    stats = next((file for file in files if file.own_name == STATS_FILE), None)
    return read_mutmut(stats, tuple(file for file in files if file.own_name != STATS_FILE))


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (0, MutantStatus.SURVIVED),
        (1, MutantStatus.KILLED),
        (3, MutantStatus.KILLED),
        (5, MutantStatus.NO_COVERAGE),
        (33, MutantStatus.NO_COVERAGE),
        (2, MutantStatus.PENDING),
        (None, MutantStatus.PENDING),
        (34, MutantStatus.IGNORED),
        (35, MutantStatus.ERROR),
        (36, MutantStatus.TIMEOUT),
        (24, MutantStatus.TIMEOUT),
        (-24, MutantStatus.TIMEOUT),
        (152, MutantStatus.TIMEOUT),
        (255, MutantStatus.TIMEOUT),
        (37, MutantStatus.INVALID),
        (-11, MutantStatus.ERROR),
        (-9, MutantStatus.ERROR),
        (77, MutantStatus.ERROR),
    ],
)
def test_each_exit_code_has_the_status_of_mutmuts_table(tmp_path: Path, code: int | None, status: MutantStatus) -> None:
    write_mutmut(tmp_path, {"calc.x_add__mutmut_1": code})
    (only,) = read(tmp_path).mutants
    assert only.status is status


@pytest.mark.parametrize(
    ("key", "function"),
    [
        ("pkg.calc.x_add__mutmut_12", "add"),
        ("pkg.calc.x__private__mutmut_1", "_private"),
        ("pkg.calc.xǁBoardǁmay_take__mutmut_3", "Board.may_take"),
        ("x_bare__mutmut_1", "bare"),
        ("of another form", "of another form"),
    ],
)
def test_mangled_names_become_functions_and_methods_d17(tmp_path: Path, key: str, function: str) -> None:
    write_mutmut(tmp_path, {key: 0})
    (only,) = read(tmp_path).mutants
    assert only.function == function


def test_no_line_is_made_up_where_mutmut_names_none(tmp_path: Path) -> None:
    write_mutmut(tmp_path, {"calc.x_add__mutmut_1": 0})
    (only,) = read(tmp_path).mutants
    assert only.line is None
    assert only.operator == "not stated"


@pytest.mark.parametrize("totals", [{}, {"survived": 1, "total": 1}])
def test_the_source_file_is_the_path_below_mutmuts_folder(tmp_path: Path, totals: dict[str, int]) -> None:
    write_mutmut(tmp_path / "upload", {"calc.x_add__mutmut_1": 0}, **totals)
    (only,) = read(tmp_path).mutants
    assert only.file == "src/calc.py"


def test_the_totals_mark_mutmuts_folder_when_it_was_uploaded_under_another_name(tmp_path: Path) -> None:
    write(tmp_path / "results" / "mutants" / "calc.py.meta", {"exit_code_by_key": {"calc.x_add__mutmut_1": 0}})
    write_mutmut_totals(tmp_path / "results", survived=1, total=1)
    (only,) = read(tmp_path).mutants
    assert only.file == "mutants/calc.py"


def test_mutmut_never_says_when_it_ended_d15(tmp_path: Path) -> None:
    write_mutmut(tmp_path, {"calc.x_add__mutmut_1": 1})
    assert read(tmp_path).finished_at is None


def test_a_mutant_without_a_result_makes_the_run_unfinished(tmp_path: Path) -> None:
    write_mutmut(tmp_path, {"calc.x_add__mutmut_1": 1, "calc.x_add__mutmut_2": None}, killed=1, total=2)
    run = read(tmp_path)
    assert run.complete is False
    assert "1 mutants have no result" in run.incomplete_because


def test_what_the_type_checker_caught_is_hidden_in_the_totals_and_does_not_make_it_unfinished(tmp_path: Path) -> None:
    write_mutmut(tmp_path, {"calc.x_add__mutmut_1": 1, "calc.x_add__mutmut_2": 37}, killed=1, total=2)
    assert read(tmp_path).complete is True


def test_totals_alone_give_counts(tmp_path: Path) -> None:
    write_mutmut_totals(
        tmp_path, killed=6, survived=3, total=17, no_tests=3, timeout=2, skipped=1, suspicious=1, segfault=1
    )
    run = read(tmp_path)
    assert run.sums is not None
    assert (run.sums.killed, run.sums.survived, run.sums.no_coverage, run.sums.timeout) == (6, 3, 3, 2)
    assert (run.sums.ignored, run.sums.error, run.sums.pending) == (1, 2, 0)
    assert run.complete is True


def test_totals_that_hide_something_are_unfinished(tmp_path: Path) -> None:
    write_mutmut_totals(tmp_path, killed=6, total=10)
    run = read(tmp_path)
    assert run.sums is not None
    assert run.sums.pending == 4
    assert run.complete is False


def test_an_interrupted_run_is_unfinished(tmp_path: Path) -> None:
    write_mutmut_totals(tmp_path, killed=6, total=9, check_was_interrupted_by_user=2)
    run = read(tmp_path)
    assert run.sums is not None
    assert run.sums.pending == 3
    assert run.complete is False


@pytest.mark.parametrize(
    ("totals", "complaint"),
    [
        ({"killed": 5, "total": 4}, "total is less than the sum"),
        ({"killed": -5, "total": 4}, "killed must be a whole number"),
    ],
)
def test_totals_that_cannot_be_are_refused(tmp_path: Path, totals: dict[str, int], complaint: str) -> None:
    write_mutmut_totals(tmp_path, **totals)
    with pytest.raises(ArtifactError, match=complaint):
        read(tmp_path)


def test_totals_of_another_run_than_the_mutants_are_refused(tmp_path: Path) -> None:
    write_mutmut(tmp_path, {"calc.x_add__mutmut_1": 1}, killed=14, total=14)
    with pytest.raises(ArtifactError, match=r"total is 14, but the .meta files hold 1 mutants"):
        read(tmp_path)


@pytest.mark.parametrize("code", ["1", 1.5, True, []])
def test_an_exit_code_of_another_kind_is_refused_with_its_key(tmp_path: Path, code: object) -> None:
    write(tmp_path / "calc.py.meta", {"exit_code_by_key": {"calc.x_add__mutmut_1": code}})
    with pytest.raises(
        ArtifactError, match=r"calc.py.meta: exit_code_by_key.calc.x_add__mutmut_1 must be an exit code"
    ):
        read(tmp_path)
