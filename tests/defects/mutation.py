"""Proofs that a mutation score is complete, fresh and leads somewhere: D14 to D19."""

import json
from pathlib import Path

import pytest
import typer

from bot.cli.loop_options import Destination, Telling
from bot.cli.loop_publishing import publish
from domain.findings import HotSpot
from domain.snapshots import LoopReason, LoopStatus, MutationSnapshot
from loops.documents import documents
from loops.mutation.loop import run_mutation_loop
from loops.mutation.settings import MutationSettings
from loops.report import LoopReport
from tests.fakes.loop_artifacts import BASELINE, mutant, outcomes, rows, write, write_outcomes
from tests.fakes.virtual_time import VirtualTime


def measured(folder: Path, **settings: int) -> LoopReport:
    return run_mutation_loop(folder, MutationSettings("acme/counter", "develop", **settings), VirtualTime())


def shown(report: LoopReport) -> MutationSnapshot:
    assert isinstance(report.snapshot, MutationSnapshot)
    return report.snapshot


def assert_unscored(report: LoopReport, reason: LoopReason) -> None:
    assert (report.status, report.reason, report.unresolved) == (LoopStatus.UNKNOWN, reason, None)
    assert (shown(report).score_basis_points, report.exit_code) == (None, 3)


async def d14_no_mutants_and_a_failed_baseline_have_no_score(folder: Path) -> None:
    write_outcomes(folder, [])
    assert_unscored(measured(folder), LoopReason.NO_MUTANTS)
    write_outcomes(folder, [], outcomes=[{**BASELINE, "summary": "Failure"}])
    assert_unscored(measured(folder), LoopReason.BASELINE_FAILED)


async def d15_results_are_as_old_as_their_run_and_not_as_their_file(folder: Path) -> None:
    write_outcomes(folder, rows(killed=9), end_time="2026-04-12T23:15:14Z")
    report = measured(folder)
    assert_unscored(report, LoopReason.STALE_RUN)
    assert "223 d old" in report.detail


async def d16_a_part_of_a_run_is_no_result(folder: Path) -> None:
    part = folder / "shard-0-outcomes.json"
    write(part, outcomes(rows(killed=8, survived=2)))
    assert_unscored(measured(folder, expected_shards=8), LoopReason.INCOMPLETE_SHARDS)
    for cut_short in ({"end_time": None}, {"total_mutants": 99}):
        write(part, outcomes(rows(killed=8, survived=2), **cut_short))
        report = measured(folder)
        assert (report.status, report.reason) == (LoopStatus.UNKNOWN, LoopReason.UNFINISHED_RUN)


async def d17_every_survivor_has_its_file_and_function(folder: Path) -> None:
    in_wins = [mutant("MissedMutant", line) for line in range(20)]
    in_draw = [
        mutant("MissedMutant", line, file="src/draw.rs", function={"function_name": "draw"}) for line in range(8)
    ]
    write_outcomes(folder, [*in_wins, *in_draw, *rows(100, killed=132, invalid=13)])
    report = measured(folder)
    assert shown(report).hot_spots == (HotSpot("src/lib.rs", "wins", 20), HotSpot("src/draw.rs", "draw", 8))
    first = json.loads(documents(report)[".json"])["survivors"][0]
    assert (first["line"], first["operator"], first["replacement"]) == (0, "BinaryOperator", "==")


async def d18_advice_and_categories_follow_from_what_survived(folder: Path) -> None:
    write_outcomes(folder, [mutant("MissedMutant", 1), mutant("MissedMutant", 2, genre="FnValue", replacement="true")])
    assert shown(measured(folder)).categories == (("BinaryOperator", 1), ("FnValue", 1))
    playbooks = []
    for genre in ("FnValue", "MatchArm"):
        write_outcomes(folder, [mutant("MissedMutant", genre=genre, replacement="")])
        playbooks.append(documents(measured(folder))["-playbook.md"])
    assert ["constant returned" in one for one in playbooks] == [True, False]
    assert ["deleted match arm" in one for one in playbooks] == [False, True]


async def d19_a_report_below_the_threshold_is_red_only_where_that_is_enforced(folder: Path) -> None:
    write_outcomes(folder, rows(killed=1, survived=1))
    report = measured(folder)
    assert report.reason is LoopReason.BELOW_THRESHOLD
    codes = []
    for enforce in (False, True):
        with pytest.raises(typer.Exit) as ended:
            publish(report, Telling(), Destination(dry_run=True, enforce=enforce))
        codes.append(ended.value.exit_code)
    assert codes == [0, 1]
