"""The fake GitHub's operations on workflows and runs: dispatch, list, look, cancel, rerun."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.fakes.providers.github_calls import NOT_FOUND, Call, Operation, Refused, Reply, number_in, paged
from tests.fakes.providers.github_effects import Dispatched
from tests.fakes.providers.github_plan import FAILED
from tests.fakes.providers.github_run_documents import job_document, workflow_document
from tests.fakes.providers.github_runs import Run, Workflow
from tests.fakes.providers.github_shapes import moment_text

MAX_INPUTS = 25
MAX_FILTERED_RUNS = 1_000
_FILTERS = frozenset({"actor", "branch", "event", "status", "created", "head_sha", "check_suite_id"})
READ, WRITE = "actions=read", "actions=write"


def _workflow(call: Call) -> Workflow:
    workflow = call.repository.actions.find_workflow(call.path["workflow_id"])
    if workflow is None:
        raise Refused(404, NOT_FOUND)
    return workflow


def _run(call: Call) -> Run:
    run = call.repository.actions.runs.get(number_in(call, "run_id"))
    if run is None or not run.visible(call.now):
        raise Refused(404, NOT_FOUND)
    return run


def _list_workflows(call: Call) -> Reply:
    workflows = [*call.repository.actions.workflows.values()]
    return paged(call, workflows, lambda one: workflow_document(call.repository.named, one), "workflows")


def _get_workflow(call: Call) -> Reply:
    return Reply(workflow_document(call.repository.named, _workflow(call)))


# --- dispatch ---------------------------------------------------------------------------------------------------


def _dispatch(call: Call) -> Reply:
    workflow, body = _workflow(call), call.body or {}
    _check_keys(call, body)
    given = {name: str(value) for name, value in body.get("inputs", {}).items()}
    inputs = _inputs(workflow, given)
    commits = call.repository.commits
    ref = body["ref"].removeprefix("refs/heads/").removeprefix("refs/tags/")
    sha = commits.branches.get(ref) or commits.tags.get(ref)
    if sha is None:
        raise Refused(422, f"No ref found for: {body['ref']}")
    actions = call.repository.actions
    run = actions.start(workflow, "workflow_dispatch", ref, sha, inputs=inputs, actor=call.token.login)
    request = inputs.get(call.world.request_id_input, "")
    done = Dispatched(request, call.repository.full_name, workflow.file, ref, sha, inputs, run.id)
    call.world.effects.dispatches.append(done)
    if call.version == "2022-11-28" and not body.get("return_run_details", False):
        return Reply(None, 204)
    named = call.repository.named
    urls = {"run_url": f"{named.api}/actions/runs/{run.id}", "html_url": f"{named.html}/actions/runs/{run.id}"}
    return Reply({"workflow_run_id": run.id, **urls})


def _check_keys(call: Call, body: Mapping[str, Any]) -> None:
    """Refuse keys that are not there or not known.

    Whether 2026-03-10 refuses `return_run_details` is not documented; whoever sends it there relies on that, so it does.
    """
    if "ref" not in body:
        raise Refused(422, 'Invalid request.\n\n"ref" wasn\'t supplied.')
    newest_of_old = call.version == "2022-11-28" and not call.world.old_server
    known = {"ref", "inputs"} | ({"return_run_details"} if newest_of_old else set())
    for key in body.keys() - known:
        raise Refused(422, f'Invalid request.\n\n"{key}" is not a permitted key.')


def _inputs(workflow: Workflow, given: Mapping[str, str]) -> dict[str, str]:
    if not workflow.dispatchable:
        raise Refused(422, "Workflow does not have 'workflow_dispatch' trigger")
    if workflow.state != "active":
        raise Refused(422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow")
    if len(given) > MAX_INPUTS:
        raise Refused(422, f"you may only define up to {MAX_INPUTS} `inputs` for a `workflow_dispatch` event")
    if unexpected := [name for name in given if name not in workflow.inputs]:
        quoted = ", ".join(f'"{name}"' for name in unexpected)
        raise Refused(422, f"Unexpected inputs provided: [{quoted}]")
    inputs = {name: given.get(name, one.default) for name, one in workflow.inputs.items()}
    for name, one in workflow.inputs.items():
        if one.required and not inputs[name]:
            raise Refused(422, f"Required input '{name}' not provided")
        if one.options and inputs[name] and inputs[name] not in one.options:
            raise Refused(422, f"Provided value '{inputs[name]}' for input '{name}' not in the list of allowed values")
    return inputs


# --- runs -------------------------------------------------------------------------------------------------------


def _list_runs(call: Call) -> Reply:
    runs = call.repository.actions.visible_runs()
    if "workflow_id" in call.path:
        workflow = _workflow(call)
        runs = [one for one in runs if one.workflow.file == workflow.file]
    runs = [one for one in runs if _matches(one, call.query, call.now)]
    shown = runs[:MAX_FILTERED_RUNS] if _FILTERS & call.query.keys() else runs
    with_pulls = call.query.get("exclude_pull_requests") != "true"

    def write(run: Run) -> dict[str, Any]:
        return call.repository.run_document(run, with_pulls=with_pulls)

    return paged(call, shown, write, "workflow_runs", total=len(runs))


def _matches(run: Run, query: Mapping[str, str], now: datetime) -> bool:
    place = run.latest.at(now)
    values = {
        "actor": run.attempts[0].actor,
        "branch": run.branch,
        "event": run.event,
        "head_sha": run.head_sha,
        "check_suite_id": str(run.suite_id),
    }
    same = all(query[name] == value for name, value in values.items() if name in query)
    status = query.get("status") in (None, place.status, place.conclusion)
    return same and status and _created_within(run.created_at, query.get("created", "*"))


def _created_within(created: datetime, wanted: str) -> bool:
    """Compare as GitHub's search does: `>=2026-11-22T14:00:00Z`, `2026-11-20..2026-11-22`, `2026-11-22`."""
    text = moment_text(created)
    if ".." in wanted:
        earliest, _, latest = wanted.partition("..")
        return (earliest == "*" or _cut(text, earliest) >= earliest) and (latest == "*" or _cut(text, latest) <= latest)
    limit = wanted.lstrip("<>=")
    sign, written = wanted[: len(wanted) - len(limit)], _cut(text, limit)
    results = {">=": written >= limit, "<=": written <= limit, ">": written > limit, "<": written < limit}
    return results.get(sign, wanted == "*" or written == limit)


def _cut(text: str, like: str) -> str:
    """Shorten a moment to a day where a day is what it is compared with."""
    return text[: len(like)] if "T" not in like else text


def _get_run(call: Call) -> Reply:
    with_pulls = call.query.get("exclude_pull_requests") != "true"
    return Reply(call.repository.run_document(_run(call), with_pulls=with_pulls))


def _list_jobs(call: Call) -> Reply:
    run = _run(call)
    attempts = run.attempts if call.query.get("filter") == "all" else [run.latest]
    jobs = [(attempt, job) for attempt in reversed(attempts) for job in attempt.jobs]
    named = call.repository.named
    return paged(call, jobs, lambda one: job_document(named, run, *one, call.now), "jobs")


def _list_attempt_jobs(call: Call) -> Reply:
    run, number = _run(call), number_in(call, "attempt_number")
    attempt = next((one for one in run.attempts if one.number == number), None)
    if attempt is None:
        raise Refused(404, NOT_FOUND)
    named = call.repository.named
    return paged(call, attempt.jobs, lambda job: job_document(named, run, attempt, job, call.now), "jobs")


def _cancel(call: Call) -> Reply:
    run = _run(call)
    if run.latest.at(call.now).completed:
        raise Refused(409, "Cannot cancel a workflow run that is completed.")
    call.repository.actions.cancel(run)
    call.world.effects.cancels.append(run.id)
    return Reply({}, 202)


def _rerun(call: Call, *, failed_only: bool = False) -> Reply:
    run = _run(call)
    if not run.latest.at(call.now).completed:
        raise Refused(403, "This workflow is already running")
    places = [run.latest.job_at(job, call.now) for job in run.latest.jobs]
    if failed_only and not any(place.conclusion in FAILED for place in places):
        raise Refused(403, "This workflow run has no failed jobs")
    call.repository.actions.rerun(run, call.token.login, failed_only=failed_only)
    call.world.effects.reruns.append(run.id)
    return Reply({}, 201)


def _rerun_failed(call: Call) -> Reply:
    return _rerun(call, failed_only=True)


_WORKFLOW, _RUN = "/actions/workflows/{workflow_id}", "/actions/runs/{run_id}"
OPERATIONS = (
    Operation("actions/list-repo-workflows", "GET", "/actions/workflows", READ, _list_workflows),
    Operation("actions/get-workflow", "GET", _WORKFLOW, READ, _get_workflow),
    Operation("actions/create-workflow-dispatch", "POST", f"{_WORKFLOW}/dispatches", WRITE, _dispatch),
    Operation("actions/list-workflow-runs", "GET", f"{_WORKFLOW}/runs", READ, _list_runs),
    Operation("actions/list-workflow-runs-for-repo", "GET", "/actions/runs", READ, _list_runs),
    Operation("actions/get-workflow-run", "GET", _RUN, READ, _get_run),
    Operation("actions/list-jobs-for-workflow-run", "GET", f"{_RUN}/jobs", READ, _list_jobs),
    Operation(
        "actions/list-jobs-for-workflow-run-attempt",
        "GET",
        f"{_RUN}/attempts/{{attempt_number}}/jobs",
        READ,
        _list_attempt_jobs,
    ),
    Operation("actions/cancel-workflow-run", "POST", f"{_RUN}/cancel", WRITE, _cancel),
    Operation("actions/re-run-workflow", "POST", f"{_RUN}/rerun", WRITE, _rerun),
    Operation("actions/re-run-workflow-failed-jobs", "POST", f"{_RUN}/rerun-failed-jobs", WRITE, _rerun_failed),
)
