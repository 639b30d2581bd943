"""Reading GitHub's runs: only a dispatched one that carries our id is ours, and what is no run is refused by its fields."""

from typing import Any

import pytest

from forge.github_runs import carries, job_of, read_run
from forge.github_settings import GitHubSettings
from forge.port import JobState, Unreachable
from tests.fakes.github_rig import correlation, sought

NAMED = {"event": "workflow_dispatch", "display_title": f"CI [{correlation()}]"}
RUN: dict[str, Any] = {
    **NAMED,
    "id": 7,
    "head_sha": "a" * 40,
    "path": ".github/workflows/ci.yml",
    "status": "queued",
    "conclusion": None,
    "created_at": "2026-11-22T14:00:00Z",
    "updated_at": "2026-11-22T14:00:00Z",
}


@pytest.mark.parametrize(
    ("changes", "ours"),
    [
        ({}, True),
        ({"display_title": f"[{correlation()}] deploy"}, True),
        ({"event": "push"}, False),
        ({"display_title": correlation()}, False),
        ({"display_title": f"CI [{correlation(2)}]"}, False),
        ({"display_title": None}, False),
    ],
)
def test_our_run_is_a_dispatched_one_with_our_id_in_brackets(changes: dict[str, Any], ours: bool) -> None:
    assert carries({**NAMED, **changes}, sought()) is ours


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", 0),
        ("id", "x"),
        ("head_sha", "main"),
        ("run_attempt", 0),
        ("created_at", "2026-11-22T14:00:00"),
        ("path", None),
    ],
)
def test_what_is_no_run_is_refused_by_the_names_of_its_fields_alone(field: str, value: object) -> None:
    with pytest.raises(Unreachable, match=f"no workflow run: {field}"):
        read_run({**RUN, field: value})
    with pytest.raises(Unreachable, match="no workflow run: all"):
        read_run([value])


@pytest.mark.parametrize(("status", "state"), [("queued", JobState.QUEUED), ("brand_new", JobState.RUNNING)])
def test_a_word_that_nobody_knows_is_neither_waiting_nor_over(status: str, state: JobState) -> None:
    job = job_of(read_run({**RUN, "status": status, "conclusion": "success"}), sought(), GitHubSettings())
    assert (job.state, job.conclusion, job.unresolved) == (state, None, None)


def test_a_conclusion_from_outside_is_quoted_as_one_short_clean_line() -> None:
    run = read_run({**RUN, "status": "completed", "conclusion": "odd\u202e\n" + "x" * 500})
    summary = job_of(run, sought(), GitHubSettings()).summary
    assert summary is not None
    assert (summary.isprintable(), len(summary) < 80) == (True, True)
