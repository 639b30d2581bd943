"""Calls and answers of the fake GitHub are held against GitHub's own description; what does not fit is named."""

import pytest

from forge.github_settings import READ_ACTIONS
from tests.fakes.github_rig import github_rig
from tests.fakes.providers.conformance import NotConformant, conformance_for
from tests.forge.github_by_hand import DISPATCH, NEW, OLD, REPO, world

pytestmark = [
    pytest.mark.conformance,
    pytest.mark.skipif(not conformance_for("github").checked, reason="the published descriptions are not here"),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "complaint"),
    [
        ("POST", DISPATCH, {"ref": "main", "return_run_details": True}, "return_run_details"),
        ("GET", f"{REPO}/actions/runs?head=main", None, "'head' was unexpected"),
        ("GET", f"{REPO}/actions/runs?per_page=many", None, "per_page"),
        ("GET", f"{REPO}/actions/runs/latest", None, "run_id"),
        ("POST", f"{REPO}/issues/7/comments", {"text": "hi"}, "'body' is a required property"),
        ("GET", f"{REPO}/actions/secrets", None, "no such operation"),
    ],
)
async def test_a_call_github_would_not_understand_fails_the_test_that_made_it(
    method: str, path: str, body: object, complaint: str
) -> None:
    with pytest.raises(NotConformant, match=complaint):
        async with world() as (_github, _clock, client):
            await client.call(method, path, body)


async def test_of_very_many_calls_a_test_may_have_one_in_so_many_looked_at() -> None:
    async with github_rig(checked_one_in=3) as rig:
        for _ in range(4):
            await rig.client.read(f"{REPO}/actions/runs?head=main", {}, READ_ACTIONS)
        assert ["'head'" in str(violation) for violation in rig.github.violations] == [True, True]
        rig.github.violations.clear()


@pytest.mark.parametrize(
    ("version", "operation", "answer", "complaint"),
    [
        (NEW, "actions/create-workflow-dispatch", {"status": 204, "body": None}, "status 204 is not described"),
        (NEW, "actions/cancel-workflow-run", {"status": 202, "body": None}, "is not of type 'object'"),
        (OLD, "actions/create-workflow-dispatch", {"status": 204, "body": {}}, "no content is described"),
        (OLD, "issues/create-comment", {"status": 422, "body": {}}, "'message' is a required property"),
        (OLD, "actions/get-workflow-run", {"status": 401, "body": {"message": 7}}, "7 is not of type 'string'"),
    ],
)
def test_a_wrong_answer_is_named(version: str, operation: str, answer: dict[str, object], complaint: str) -> None:
    with pytest.raises(NotConformant, match=complaint):
        conformance_for("github", version=version).answer(operation, answer)


async def test_null_is_taken_where_one_of_several_shapes_may_be_null() -> None:
    rules = conformance_for("github")
    async with world() as (_github, _clock, client):
        branch = (await client.get(f"{REPO}/branches/main")).body
    branch["commit"]["author"] = None
    rules.answer("repos/get-branch", {"status": 200, "body": branch})
    branch["commit"]["author"] = 7
    with pytest.raises(NotConformant, match="author"):
        rules.answer("repos/get-branch", {"status": 200, "body": branch})


async def test_an_answer_with_a_wrong_invented_or_missing_field_is_named() -> None:
    rules = conformance_for("github")
    async with world() as (github, _clock, client):
        github.workflow("ci.yml")
        await client.call("POST", DISPATCH, {"ref": "main"})
        (done,) = github.effects.dispatches
        run = (await client.get(f"{REPO}/actions/runs/{done.run_id}")).body
    rules.answer("actions/get-workflow-run", {"status": 200, "body": run})
    without = {name: value for name, value in run.items() if name != "display_title"}
    for body, complaint in (
        ({**run, "invented": 1}, "'invented' was unexpected"),
        ({**run, "head_sha": None}, "None is not of type 'string'"),
        ({**run, "created_at": "2026-11-22T14:00:00+01:00"}, "is not a 'date-time'"),
        ({**run, "repository": {**run["repository"], "fork": "no"}}, "repository.fork"),
        (without, "'display_title' is a required property"),
    ):
        with pytest.raises(NotConformant, match=complaint):
            rules.answer("actions/get-workflow-run", {"status": 200, "body": body})
