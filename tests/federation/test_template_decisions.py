"""What the loops' first job decides, run with a real shell: closed values, whose runs are read, and when a fix may run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.federation.runner import Ran, Runner
from tests.federation.templates import Workflow, content, read

REPOSITORY, SHA, PLAN = "octo/app", "a" * 40, "b" * 64
TOOL = {"REINS_REPOSITORY": "octo/reins", "REINS_REF": "c" * 40}
FAILURES = ("failure", "timed_out", "action_required", "startup_failure")
NOT_MEASURED = ("cancelled", "skipped", "neutral", "stale", "", "something new")
NOTHING: dict[str, str] = {"comment": "", "commit": "", "fix": "", "mode": "", "report": ""}


@dataclass(slots=True)
class Desk:
    """The first job of one loop; `variables` are written without the loop's name."""

    loop: str
    folder: Path
    asked: int = 0
    own: Mapping[str, str] = field(default_factory=lambda: dict(TOOL))

    def decide(self, github: Mapping[str, Any], inputs: Mapping[str, str] | None = None, /, **variables: str) -> Ran:
        self.asked += 1
        whole = read(content(f"reins-{self.loop}-loop.yml"))
        named = {name.replace("LOOP", f"REINS_{self.loop.upper()}"): value for name, value in variables.items()}
        runner = Runner(
            Workflow(whole.texts, {"decide": whole.jobs["decide"]}),
            self.folder / str(self.asked),
            {"repository": REPOSITORY, "sha": SHA, "ref_name": "main", "ref_type": "branch", **github},
            inputs or {},
            {**self.own, **named},
        )
        return runner.run()["decide"]


def ended(conclusion: str = "success", repository: str = REPOSITORY) -> dict[str, Any]:
    run = {"conclusion": conclusion, "head_repository": {"full_name": repository}}
    return {"event_name": "workflow_run", "event": {"workflow_run": run}}


ASKED: dict[str, Any] = {"event_name": "workflow_dispatch", "event": {}}


@pytest.fixture(params=["triage", "mutation"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    return Desk(request.param, tmp_path)


def test_out_of_the_box_a_loop_reports_and_neither_fixes_nor_comments(desk: Desk) -> None:
    expected = {"comment": "false", "commit": "", "fix": "false", "mode": "report-only", "report": "true"}
    assert desk.decide(ended()).outputs == expected
    assert desk.decide(ASKED, {"mode": "report-only"}).outputs == expected


@pytest.mark.parametrize(
    ("variable", "values"),
    [
        ("LOOP_WHEN", ["report-only", "Always", "always ", "always failure-only", "*"]),
        ("LOOP_MODE", ["always", "fix", "report-only|fix-only", "off"]),
        ("AUTONOMY_MODE", ["enforce", "on", "Operate", "operate\nfix=true"]),
        ("LOOP_NOTIFY", ["comment", "summary"]),
        ("LOOP_ENFORCE", ["yes", "1", "operate"]),
        ("REINS_REPOSITORY", ["octo", "octo/reins/x", "-/..;x", "octo/reins\nx"]),
        ("REINS_REF", ["main", "v1", "c" * 39, "C" * 40, "c" * 40 + "\n"]),
    ],
)
def test_a_value_that_nobody_knows_ends_the_run_with_the_variables_name(
    variable: str, values: list[str], desk: Desk
) -> None:
    for value, event in product(values, (ended(), ASKED)):
        decided = desk.decide(event, **{variable: value})
        assert decided.result == "failure"
        assert decided.outputs == NOTHING
        name = variable.replace("LOOP", f"REINS_{desk.loop.upper()}")
        assert f"::error title=Reins::{name} must be " in decided.log


def test_a_variable_that_is_not_set_at_all_is_refused_where_there_is_no_safe_value(desk: Desk) -> None:
    desk.own = {}
    assert "REINS_REPOSITORY must be" in desk.decide(ended()).log


@pytest.mark.parametrize("when", ["always", "failure-only", "success-only", "disabled"])
def test_the_source_runs_end_decides_with_the_variable_whether_a_loop_runs(when: str, desk: Desk) -> None:
    runs = {
        end
        for end in ("success", *FAILURES, *NOT_MEASURED)
        if desk.decide(ended(end), LOOP_WHEN=when).outputs["report"]
    }
    expected = {"always": {"success", *FAILURES}, "failure-only": {*FAILURES}, "success-only": {"success"}}
    assert runs == expected.get(when, set())


def test_what_is_left_out_says_so_and_is_no_failure(desk: Desk) -> None:
    for event, variables in (
        (ended("cancelled"), {}),
        (ended(), {"LOOP_WHEN": "disabled"}),
        (ended(), {"AUTONOMY_MODE": "off"}),
    ):
        decided = desk.decide(event, **variables)
        assert decided.result == "success"
        assert decided.outputs == NOTHING
        assert "::notice title=Reins::" in decided.log


def test_a_loop_that_people_start_does_not_ask_when_it_runs_by_itself(desk: Desk) -> None:
    assert desk.decide(ASKED, LOOP_WHEN="disabled").outputs["report"] == "true"


def test_off_stops_a_loop_that_people_start_and_a_fix_that_they_agreed_to(desk: Desk) -> None:
    for inputs in ({}, {"plan": PLAN, "commit": SHA}):
        assert desk.decide(ASKED, inputs, AUTONOMY_MODE="off").outputs == NOTHING


def test_a_run_of_another_repositorys_code_is_not_read(desk: Desk) -> None:
    assert desk.decide(ended(repository="mallory/app")).outputs == NOTHING


def test_an_agreed_plan_runs_as_a_fix_of_its_commit_and_not_as_a_report(desk: Desk) -> None:
    decided = desk.decide(ASKED, {"mode": "report-only", "plan": PLAN, "commit": SHA}, AUTONOMY_MODE="operate")
    expected = {"comment": "false", "commit": SHA, "fix": "true", "mode": "plan-then-fix", "report": "false"}
    assert decided.outputs == expected


@pytest.mark.parametrize("mode", ["read-only", ""])
def test_a_fix_needs_the_kill_switch_at_operate(mode: str, desk: Desk) -> None:
    for inputs in ({"plan": PLAN, "commit": SHA}, {"mode": "fix-only"}):
        decided = desk.decide(ASKED, inputs, AUTONOMY_MODE=mode)
        assert decided.result == "failure"
        assert decided.outputs == NOTHING


@pytest.mark.parametrize(
    "inputs",
    [
        {"plan": PLAN},
        {"commit": SHA},
        {"plan": PLAN, "commit": "main"},
        {"plan": PLAN[:-1], "commit": SHA},
        {"plan": PLAN, "commit": SHA + "\nreport=true"},
        {"plan": PLAN + "\nfix=true", "commit": SHA},
        {"plan": "$(touch pwned)", "commit": "`touch pwned`"},
        {"plan": '"; touch pwned; "', "commit": SHA},
        {"plan": PLAN.upper(), "commit": SHA},
        {"plan": PLAN, "commit": "a" * 65},
    ],
)
def test_half_a_plan_or_one_of_another_form_is_refused_and_nothing_of_it_runs(
    inputs: dict[str, str], desk: Desk
) -> None:
    decided = desk.decide(ASKED, inputs, AUTONOMY_MODE="operate")
    assert decided.result == "failure"
    assert decided.outputs == NOTHING
    assert list(desk.folder.rglob("pwned")) == []


def test_a_preapproved_fix_runs_where_somebody_starts_it(desk: Desk) -> None:
    decided = desk.decide(ASKED, {"mode": "fix-only"}, AUTONOMY_MODE="operate")
    assert decided.outputs["fix"] == "true"
    assert decided.outputs["mode"] == "fix-only"
    assert decided.outputs["commit"] == SHA


def test_the_end_of_another_run_never_starts_a_fix(desk: Desk) -> None:
    decided = desk.decide(ended(), AUTONOMY_MODE="operate", LOOP_MODE="fix-only")
    assert decided.outputs["fix"] == "false"
    assert decided.outputs["mode"] == "plan-then-fix"
    assert decided.outputs["report"] == "true"


def test_a_tag_is_no_branch_to_report_on(desk: Desk) -> None:
    assert desk.decide({**ASKED, "ref_type": "tag"}).result == "failure"


def test_a_comment_is_written_where_it_was_asked_for(desk: Desk) -> None:
    assert desk.decide(ended(), LOOP_NOTIFY="summary-and-comment").outputs["comment"] == "true"
    assert desk.decide(ASKED, {"notify": "summary-and-comment"}).outputs["comment"] == "true"


FAILED = {"event": "push", "head_branch": "main", "conclusion": "failure", "head_repository": {"full_name": REPOSITORY}}


@pytest.mark.parametrize(
    ("changed", "variables", "looks"),
    [
        ({}, {}, True),
        ({"conclusion": "timed_out", "event": "schedule"}, {}, True),
        ({"conclusion": "cancelled"}, {}, False),
        ({"event": "pull_request"}, {}, False),
        ({"head_repository": {"full_name": "mallory/app"}}, {}, False),
        ({"head_branch": "topic"}, {}, False),
        ({"head_branch": "topic"}, {"REINS_FAILURE_BRANCHES": "main,topic"}, True),
        ({"head_branch": "top"}, {"REINS_FAILURE_BRANCHES": "main,topic"}, False),
        ({}, {"REINS_FAILURE_BRANCHES": "main topic"}, None),
        ({}, {"REINS_REF": "main"}, None),
    ],
)
def test_failures_of_our_own_code_on_the_branches_named_are_looked_at(
    changed: dict[str, Any], variables: dict[str, str], looks: bool | None, tmp_path: Path
) -> None:
    whole = read(content("reins-failure-triage.yml"))
    event = {"workflow_run": {**FAILED, **changed}, "repository": {"default_branch": "main"}}
    github = {"repository": REPOSITORY, "event_name": "workflow_run", "event": event}
    runner = Runner(
        Workflow(whole.texts, {"decide": whole.jobs["decide"]}), tmp_path, github, vars={**TOOL, **variables}
    )
    decided = runner.run()["decide"]
    assert decided.outputs == {"look": "true" if looks else ""}
    assert decided.result == ("failure" if looks is None else "success")


def test_a_run_that_went_well_does_not_even_start_the_look_at_failures(tmp_path: Path) -> None:
    whole = read(content("reins-failure-triage.yml"))
    github = {"event_name": "workflow_run", "event": {"workflow_run": {**FAILED, "conclusion": "success"}}}
    assert {ran.result for ran in Runner(whole, tmp_path, github).run().values()} == {"skipped"}
