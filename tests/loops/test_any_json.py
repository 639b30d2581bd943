"""Whatever JSON, or no JSON, lies in a folder: a loop answers with a report and closed words, and never breaks."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.snapshots import LoopStatus
from loops.documents import documents
from loops.mutation.loop import MutationSettings, run_mutation_loop
from loops.report import LoopReport
from loops.triage.loop import TriageSettings, run_triage_loop
from tests.fakes.virtual_time import VirtualTime

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
times = st.sampled_from(["2026-11-22T12:00:00Z", "2026-11-22T12:00:00", "9999-12-31T23:59:59-23:59", "now"])
anything = st.recursive(
    scalars | times, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12
)


def likely(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Make objects whose fields are mostly right, sometimes anything, sometimes absent."""
    return st.fixed_dictionaries({}, optional={name: field | anything for name, field in fields.items()})


count = st.integers(min_value=0, max_value=20)
position = likely(line=count, column=count)
mutant = likely(
    package=st.text(),
    file=st.text(),
    function=st.none() | likely(function_name=st.text()),
    span=likely(start=position, end=position),
    replacement=st.text(),
    genre=st.sampled_from(["FnValue", "BinaryOperator", "x"]),
)
summary = st.sampled_from(["Success", "CaughtMutant", "MissedMutant", "Unviable", "Timeout", "Failure"])
row = likely(scenario=st.just("Baseline") | likely(Mutant=mutant), summary=summary)
outcomes = likely(
    outcomes=st.lists(row, max_size=4),
    total_mutants=count,
    end_time=times,
    cargo_mutants_version=st.just("27.1.0"),
)
totals = likely(killed=count, survived=count, total=count, no_tests=count, skipped=count, suspicious=count)
meta = likely(exit_code_by_key=st.dictionaries(st.text(), st.none() | st.integers()))
record = likely(finished_at=times, head_sha=st.text(), run_url=st.text())
item = likely(category=st.text(), severity=st.text(), summary=st.text(), path=st.text(), line=count)
backlog = likely(
    source=st.just("coderabbit"), repository=st.text(), generated_at=times, items=st.lists(item, max_size=4)
)


def contents(document: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    written = (document | anything).map(lambda value: json.dumps(value).encode("utf-8"))
    return written | written.map(lambda text: text[: len(text) // 2]) | st.binary(max_size=40)


def assert_sound(report: LoopReport) -> None:
    assert (report.exit_code == 0) == (report.status is not LoopStatus.UNKNOWN)
    assert (report.unresolved is None) == (report.status is LoopStatus.UNKNOWN)
    assert len(report.summary) <= 120
    assert report.summary.isprintable()
    made = documents(report)
    assert json.loads(made[".json"])["status"] == report.status


@given(contents(outcomes), contents(totals), contents(meta), contents(record), st.sets(st.integers(0, 3), min_size=1))
def test_any_mutation_artifact_ends_in_a_report(
    first: bytes, second: bytes, third: bytes, fourth: bytes, chosen: set[int]
) -> None:
    names = ["outcomes.json", "mutmut-cicd-stats.json", "calc.py.meta", "reins-run.json"]
    with tempfile.TemporaryDirectory() as folder:
        for index in chosen:
            (Path(folder) / names[index]).write_bytes([first, second, third, fourth][index])
        assert_sound(run_mutation_loop(Path(folder), MutationSettings("acme/counter", "develop"), VirtualTime()))


@given(contents(backlog))
def test_any_backlog_ends_in_a_report(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "backlog-medium.json").write_bytes(content)
        assert_sound(run_triage_loop(Path(folder), TriageSettings(None, "develop"), VirtualTime()))
