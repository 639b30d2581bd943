"""Failed jobs, checks and remarks as items: how bad each end is, and when everything at a commit is over."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.findings import Severity
from forge.results import Lane, SourceRun
from forge.reviews import Annotation, CheckRun
from loops.collecting.items import ItemSource
from loops.collecting.lanes import bad, checks_seen, lanes_seen

AT = datetime(2026, 11, 22, 13, tzinfo=UTC)
SHA = "a" * 40
RUN = SourceRun(
    id=5,
    attempt=1,
    workflow="ci.yml",
    repository="acme/app",
    branch="feature",
    head_sha=SHA,
    event="push",
    completed=True,
    conclusion="failure",
    url="https://github.example/run",
    started_at=AT,
    updated_at=AT,
)
CHECK = CheckRun(9, "lint", "sonar", "completed", "failure", "https://github.example/check", 1)
REMARK = Annotation("src/a.py", 3, "failure", "undefined name", "F821")


def lane(name: str, conclusion: str | None, *steps: str) -> Lane:
    return Lane(name, conclusion, f"https://github.example/job/{name}", steps)


def test_a_failed_lane_is_an_item_with_its_steps() -> None:
    seen = lanes_seen([(RUN, (lane("build", "failure", "Test", "Pack"), lane("lint", "success")))])
    (item,) = seen.items
    assert item.summary == "ci.yml / build: failure (Test, Pack)"
    assert (item.source, item.category, item.severity) == (ItemSource.LANE, "ci", Severity.HIGH)
    assert (item.url, item.seen_sha, item.path) == ("https://github.example/job/build", SHA, None)
    assert seen.settled


@pytest.mark.parametrize(
    ("conclusion", "severity"),
    [
        ("failure", Severity.HIGH),
        ("timed_out", Severity.HIGH),
        ("startup_failure", Severity.HIGH),
        ("action_required", Severity.MEDIUM),
        ("cancelled", Severity.MEDIUM),
        ("stale", Severity.MEDIUM),
        ("exploded", Severity.UNKNOWN),
    ],
)
def test_how_bad_an_end_is(conclusion: str, severity: Severity) -> None:
    (item,) = lanes_seen([(RUN, (lane("build", conclusion),))]).items
    assert item.severity is severity
    assert item.severity_word == (conclusion if severity is Severity.UNKNOWN else None)


@pytest.mark.parametrize("conclusion", ["success", "neutral", "skipped", None])
def test_what_ended_well_or_goes_on_is_no_item(conclusion: str | None) -> None:
    assert not bad(conclusion)
    run = replace(RUN, conclusion=conclusion, completed=conclusion is not None)
    seen = lanes_seen([(run, (lane("build", conclusion),))])
    assert seen.items == ()
    assert (len(seen.passed) > 0, seen.settled) == (conclusion is not None, conclusion is not None)


def test_a_run_that_failed_before_its_jobs_is_an_item_itself() -> None:
    (item,) = lanes_seen([(replace(RUN, conclusion="startup_failure"), ())]).items
    assert (item.summary, item.url) == ("ci.yml: startup_failure", RUN.url)
    after = lanes_seen([(RUN, (lane("build", "failure"),))])
    assert item.fingerprint in after.passed


def test_a_lane_has_one_name_in_every_run() -> None:
    first = lanes_seen([(RUN, (lane("build", "failure"),))])
    later = lanes_seen([(replace(RUN, id=6, head_sha="b" * 40, conclusion="success"), (lane("build", "success"),))])
    assert first.items[0].fingerprint in later.passed


def test_nothing_started_is_not_settled() -> None:
    assert not lanes_seen([]).settled
    assert not checks_seen([], SHA).settled
    going = replace(CHECK, status="in_progress", conclusion=None)
    assert not checks_seen([(CHECK, ()), (going, ())], SHA).settled


def test_another_apps_failed_check_and_its_remarks_are_items() -> None:
    seen = checks_seen([(CHECK, (REMARK, replace(REMARK, title="", path="b.py"))), (replace(CHECK, name="q"), ())], SHA)
    check, remark, untitled, _ = seen.items
    assert (check.source, check.summary, check.severity) == (ItemSource.CHECK, "sonar: lint: failure", Severity.HIGH)
    assert (remark.source, remark.summary) == (ItemSource.ANNOTATION, "lint: F821: undefined name")
    assert (remark.path, remark.line, remark.category, remark.seen_sha) == ("src/a.py", 3, "ci", SHA)
    assert (untitled.summary, untitled.path) == ("lint: undefined name", "b.py")
    assert seen.settled


def test_a_job_is_no_check_but_its_remarks_on_lines_are_items() -> None:
    job = replace(CHECK, app="github-actions", name="build")
    exit_code = Annotation(".github", 1, "failure", "Process completed with exit code 1.", "")
    warning = replace(REMARK, level="warning")
    assert [one.source for one in checks_seen([(job, (REMARK, exit_code, warning))], SHA).items] == [
        ItemSource.ANNOTATION
    ]


def test_a_good_checks_remarks_are_no_items() -> None:
    seen = checks_seen([(replace(CHECK, conclusion="success"), (REMARK,))], SHA)
    assert (seen.items, len(seen.passed)) == ((), 1)
