"""The fake GitHub's operations on commits and branches: statuses, checks, pull requests, protection, rules."""

from tests.fakes.providers.github_calls import NOT_FOUND, Call, Operation, Refused, Reply, number_in, paged
from tests.fakes.providers.github_commits import (
    CheckRun,
    branch_document,
    check_document,
    combined_status,
    protection_document,
)
from tests.fakes.providers.github_discussion import pull_document

CHECKS = "checks=read"


def _sha(call: Call, name: str = "ref") -> str:
    sha = call.repository.commits.resolve(call.path[name])
    if sha is None:
        raise Refused(404 if name == "ref" else 422, f"No commit found for SHA: {call.path[name]}")
    return sha


def _branch(call: Call) -> str:
    if call.path["branch"] not in call.repository.commits.branches:
        raise Refused(404, "Branch not found")
    return call.path["branch"]


def _status(call: Call) -> Reply:
    sha = _sha(call)
    return Reply(combined_status(call.repository.named, sha, call.repository.commits.statuses.get(sha, [])))


def _list_checks(call: Call) -> Reply:
    query = call.query
    found = [
        one
        for one in call.repository.checks_of(_sha(call))
        if query.get("check_name", one.name) == one.name
        and query.get("status", one.place.status) == one.place.status
        and query.get("app_id", str(one.app.id)) == str(one.app.id)
    ]
    return paged(call, found, lambda one: check_document(call.repository.named, one), "check_runs")


def _check(call: Call) -> CheckRun | None:
    number = number_in(call, "check_run_id")
    return next((one for one in call.repository.commits.checks if one.id == number), None)


def _list_annotations(call: Call) -> Reply:
    check = _check(call)
    if check is None:
        raise Refused(404, NOT_FOUND)
    return paged(call, check.annotations, dict)


def _list_pulls(call: Call) -> Reply:
    sha = _sha(call, "commit_sha")
    pulls = [one for one in call.repository.discussion.pulls.values() if one.head_sha == sha]
    return paged(call, pulls, lambda one: pull_document(call.repository.named, one, call.version))


def _get_branch(call: Call) -> Reply:
    return Reply(branch_document(call.repository.named, _branch(call), call.repository.commits))


def _get_protection(call: Call) -> Reply:
    branch = _branch(call)
    contexts = call.repository.commits.required.get(branch)
    if contexts is None:
        raise Refused(404, "Branch not protected")
    return Reply(protection_document(call.repository.named, branch, contexts))


def _list_rules(call: Call) -> Reply:
    return paged(call, call.repository.commits.rules.get(call.path["branch"], []), dict)


# A ref may hold slashes, so what is longer comes first.
OPERATIONS = (
    Operation("repos/get-combined-status-for-ref", "GET", "/commits/{ref:.+}/status", "statuses=read", _status),
    Operation("checks/list-for-ref", "GET", "/commits/{ref:.+}/check-runs", CHECKS, _list_checks),
    Operation("checks/list-annotations", "GET", "/check-runs/{check_run_id}/annotations", CHECKS, _list_annotations),
    Operation(
        "repos/list-pull-requests-associated-with-commit",
        "GET",
        "/commits/{commit_sha}/pulls",
        "pull_requests=read",
        _list_pulls,
    ),
    Operation(
        "repos/get-branch-protection",
        "GET",
        "/branches/{branch:.+}/protection",
        "administration=read",
        _get_protection,
    ),
    Operation("repos/get-branch-rules", "GET", "/rules/branches/{branch:.+}", "metadata=read", _list_rules),
    Operation("repos/get-branch", "GET", "/branches/{branch:.+}", "contents=read", _get_branch),
)
