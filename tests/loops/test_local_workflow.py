"""The loops as workflows of this machine: real artifacts in, a result, a bundle and a measurement out."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from domain.runs import Attempt, AttemptState
from domain.snapshots import LoopReason, MutationSnapshot, TriageSnapshot
from forge.local_steps import WorkflowResult
from forge.port import Job, JobState
from loops.local_workflow import MUTATION_WORKFLOW, TRIAGE_WORKFLOW, LocalLoops
from loops.snapshots import read_snapshot
from policy.file import LoopLimits, Loops
from tests.fakes.loop_artifacts import backlog, rows, write, write_outcomes
from tests.fakes.virtual_time import START, VirtualTime

JOB = Job("C1", "C1", MUTATION_WORKFLOW, "acme/shop", "feature/x", {}, JobState.RUNNING, START, START)


class Bench:
    """Both loops over folders of their own; `run` runs one and keeps what it noted."""

    def __init__(self, folder: Path, **limits: object) -> None:
        self.folder = folder
        self.notes: list[Attempt] = []
        self.cancelled = threading.Event()
        one = LoopLimits(**limits)  # type: ignore[arg-type]
        self.limits = Loops(mutation=one, triage=one)
        self.loops = LocalLoops(folder / "m", folder / "t", folder / "reports", lambda: self.limits, VirtualTime())
        for made in ("m", "t"):
            (folder / made).mkdir()

    def run(self, workflow: str = MUTATION_WORKFLOW, **changes: object) -> WorkflowResult:
        job = replace(JOB, workflow=workflow, **changes)  # type: ignore[arg-type]
        return self.loops.workflows()[workflow](job, self.notes.append, self.cancelled)


def test_a_mutation_run_measures_reports_and_notes_its_attempt(tmp_path: Path) -> None:
    bench = Bench(tmp_path, threshold_percent="80")
    write_outcomes(tmp_path / "m", rows(killed=9, survived=1))
    result = bench.run()
    assert (result.conclusion, result.ok, result.unresolved) == ("threshold_met", True, 1)
    assert [(note.number, note.state, note.conclusion) for note in bench.notes] == [
        (1, AttemptState.STARTED, None),
        (1, AttemptState.DONE, "threshold_met"),
    ]
    snapshot = read_snapshot(result.report)
    assert isinstance(snapshot, MutationSnapshot)
    assert (snapshot.score_basis_points, snapshot.reason) == (9000, LoopReason.THRESHOLD_MET)
    made = {path.name for path in (tmp_path / "reports").iterdir()}
    assert {"mutation-loop-feature-x.md", "mutation-loop-feature-x.json"} <= made


def test_a_triage_run_counts_the_backlog(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    write(tmp_path / "t" / "backlog-medium.json", backlog("high", "medium", repository="acme/shop"))
    result = bench.run(TRIAGE_WORKFLOW)
    assert (result.conclusion, result.ok, result.unresolved) == ("unresolved", True, 2)
    snapshot = read_snapshot(result.report)
    assert isinstance(snapshot, TriageSnapshot)
    assert (snapshot.high, snapshot.medium) == (1, 1)
    assert result.head_sha == "aaa111"


@pytest.mark.parametrize("workflow", [MUTATION_WORKFLOW, TRIAGE_WORKFLOW])
def test_nothing_measured_is_not_fine_and_its_count_is_unknown(tmp_path: Path, workflow: str) -> None:
    result = Bench(tmp_path).run(workflow)
    assert (result.conclusion, result.ok, result.unresolved) == ("no_artifact", False, None)


@pytest.mark.parametrize(
    ("policy", "typed", "conclusion"),
    [
        ("80", None, "threshold_met"),
        ("85", None, "threshold_met"),
        ("85.01", None, "below_threshold"),
        ("80", "90", "below_threshold"),
        ("90", "85.0", "threshold_met"),
    ],
)
def test_the_runs_own_threshold_counts_before_the_policys(
    tmp_path: Path, policy: str, typed: str | None, conclusion: str
) -> None:
    bench = Bench(tmp_path, threshold_percent=policy)
    write_outcomes(tmp_path / "m", rows(killed=17, survived=3))
    assert bench.run(inputs={} if typed is None else {"threshold": typed}).conclusion == conclusion


def test_limits_are_read_anew_for_each_run(tmp_path: Path) -> None:
    bench = Bench(tmp_path, threshold_percent="80")
    write_outcomes(tmp_path / "m", rows(killed=17, survived=3))
    assert bench.run().conclusion == "threshold_met"
    bench.limits = Loops(mutation=LoopLimits(max_age_hours=1))
    assert bench.run().conclusion == "stale_run"


def test_a_cancelled_run_leaves_no_report_behind(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    write_outcomes(tmp_path / "m", rows(killed=1))
    bench.cancelled.set()
    bench.run()
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("ref", ["main", "release/1.2", "a/../../b"])
def test_a_branch_never_names_a_path(tmp_path: Path, ref: str) -> None:
    bench = Bench(tmp_path)
    write_outcomes(tmp_path / "m", rows(killed=1))
    bench.run(ref=ref)
    made = list((tmp_path / "reports").iterdir())
    assert made
    assert {path.parent for path in made} == {tmp_path / "reports"}


@pytest.mark.parametrize("report", [None, {}, {"other": 1}])
def test_a_job_without_a_measurement_has_none(report: dict[str, object] | None) -> None:
    assert read_snapshot(report) is None


@pytest.mark.parametrize("snapshot", [None, 7, {}, {"status": "fine"}, []])
def test_a_measurement_that_cannot_be_read_is_none_and_said_in_the_log(snapshot: object) -> None:
    with capture_logs() as logs:
        assert read_snapshot({"snapshot": snapshot}) is None
    assert [line["event"] for line in logs] == ["snapshot_unreadable"]
