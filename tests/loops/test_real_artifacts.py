"""Artifacts that real tools wrote: those that ship with Reins, and a folder of samples where there is one."""

import os
import shutil
from pathlib import Path

import pytest

from domain.findings import HotSpot
from domain.snapshots import LoopReason, LoopStatus, MutationSnapshot
from loops.documents import documents
from loops.mutation.loop import MutationSettings, run_mutation_loop
from loops.report import LoopReport
from loops.triage.loop import TriageSettings, run_triage_loop
from tests.fakes.virtual_time import VirtualTime

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "bot" / "defaults" / "artifacts"
SAMPLES = Path(os.environ.get("REINS_SAMPLES_DIR", ROOT.parent / "shared" / "samples")) / "mutation"
AGELESS = MutationSettings("local/sample", "main", max_age_hours=None)

real_samples = [
    pytest.mark.conformance,
    pytest.mark.skipif(not SAMPLES.is_dir(), reason="REINS_SAMPLES_DIR names no folder with samples of mutation runs"),
]


def after_the_samples() -> VirtualTime:
    clock = VirtualTime()
    clock.advance(seconds=365 * 86_400)
    return clock


def measure(folder: Path, settings: MutationSettings = AGELESS) -> tuple[LoopReport, MutationSnapshot]:
    report = run_mutation_loop(folder, settings, after_the_samples())
    assert isinstance(report.snapshot, MutationSnapshot)
    return report, report.snapshot


def sample(tmp_path: Path, name: str, target: str) -> Path:
    (tmp_path / target).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(SAMPLES / name, tmp_path / target)
    return tmp_path


def test_the_shipped_mutmut_run_is_measured_however_old_it_is() -> None:
    report, snapshot = measure(SHIPPED / "mutation")
    assert (report.reason, report.exit_code) == (LoopReason.BELOW_THRESHOLD, 0)
    assert snapshot.counts is not None
    assert (snapshot.counts.killed, snapshot.counts.timeout) == (56, 2)
    assert (snapshot.counts.survived, snapshot.counts.no_coverage) == (31, 8)
    assert snapshot.score_basis_points == 5_979
    assert snapshot.hot_spots[0] == HotSpot("tests/samples/roster/swaps.py", "SwapBoard.may_take", 16)


def test_every_shipped_hot_spot_names_a_file_of_this_checkout() -> None:
    _, snapshot = measure(SHIPPED / "mutation")
    assert all((ROOT / spot.file).is_file() for spot in snapshot.hot_spots)


def test_the_shipped_backlog_has_every_kind_of_finding() -> None:
    settings = TriageSettings(None, "main", max_age_hours=None)
    report = run_triage_loop(SHIPPED / "triage", settings, after_the_samples())
    assert report.repository == "local/sample"
    assert (report.reason, report.exit_code) == (LoopReason.UNRESOLVED, 0)
    assert report.summary == "triage: 2 high, 3 medium, 1 of unknown severity; 364 d old"


@pytest.mark.parametrize("name", ["mutation", "triage"])
def test_nothing_shipped_names_a_machine(name: str) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (SHIPPED / name).rglob("*") if path.is_file())
    assert text
    assert not [word for word in ("/home/", "/root", "/tmp", "/Users/", "hostname", "username") if word in text]


class TestSamplesOfRealProjects:
    pytestmark = real_samples

    def test_a_complete_cargo_mutants_run_has_its_known_figures_d17(self, tmp_path: Path) -> None:
        report, snapshot = measure(sample(tmp_path, "wincounter-27.outcomes.json", "mutants.out/outcomes.json"))
        assert snapshot.counts is not None
        assert (snapshot.counts.killed, snapshot.counts.survived) == (132, 28)
        assert (snapshot.counts.timeout, snapshot.counts.invalid) == (0, 13)
        assert (snapshot.score_basis_points, report.reason) == (8_250, LoopReason.THRESHOLD_MET)
        assert snapshot.hot_spots[0] == HotSpot("src/wins.rs", "Wins::percentage_for_player", 11)
        assert sum(spot.survivors for spot in snapshot.hot_spots) == 28
        assert dict(snapshot.categories) == {"FnValue": 19, "BinaryOperator": 8, "StructField": 1}
        assert snapshot.measured_at is not None
        assert snapshot.measured_at.isoformat() == "2026-04-12T23:15:14.757433+00:00"
        assert all("/Users/" not in text for text in documents(report).values())

    def test_a_run_that_was_cut_short_is_unknown_d16(self, tmp_path: Path) -> None:
        report, snapshot = measure(sample(tmp_path, "jphfmt-27.trimmed.json", "outcomes.json"))
        assert (report.status, report.reason) == (LoopStatus.UNKNOWN, LoopReason.UNFINISHED_RUN)
        assert (snapshot.score_basis_points, snapshot.provisional) == (6_666, True)

    def test_a_mutmut_run_has_its_known_figures(self, tmp_path: Path) -> None:
        sample(tmp_path, "mutmut-3.8.1-cicd-stats.json", "mutants/mutmut-cicd-stats.json")
        report, snapshot = measure(sample(tmp_path, "mutmut-3.8.1.meta.json", "mutants/calc.py.meta"))
        assert snapshot.counts is not None
        assert (snapshot.counts.killed, snapshot.counts.timeout) == (6, 2)
        assert (snapshot.counts.survived, snapshot.counts.no_coverage) == (3, 3)
        assert snapshot.score_basis_points == 5_714
        assert snapshot.hot_spots[0] == HotSpot("calc.py", "untested", 3)
        assert report.summary.endswith("age unknown")
