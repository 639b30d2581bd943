"""The GitHub forge against a GitHub that misbehaves: one order is at most one run, and every run is found again."""

from dataclasses import replace
from typing import Any, NoReturn

import pytest

from domain.runs import AttemptState
from forge.github import CLOCK_DIFFERENCE, MAX_INPUTS, GitHubForge
from forge.github_code import GitHubCode
from forge.port import JobState, Refused, Unclear, Unreachable
from tests.fakes.github_rig import (
    CANCEL,
    DISPATCH,
    PIN,
    RUN,
    RUN_NAME,
    RUNS,
    SOURCE,
    WORKFLOW_PATH,
    correlation,
    github_rig,
    order,
    sought,
)
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.github import HOME, TOKEN
from tests.fakes.providers.github_plan import completed, in_progress, queued, waiting
from tests.fakes.providers.github_runs import Input
from tests.fakes.providers.github_tokens import Kind

HEAD, CONTENTS = "repos/get-branch", "repos/get-content"
LOST = [
    Fault.ACCEPT_THEN_DROP,
    Fault.ERROR_AFTER_ACCEPT,
    Fault.BAD_JSON_AFTER_ACCEPT,
    Fault.HUGE_BODY_AFTER_ACCEPT,
]
NOT_DONE = [Fault.ERROR, Fault.RESET]


async def test_a_dispatch_gives_exactly_the_order_and_the_correlation_id_and_returns_the_runs_page() -> None:
    async with github_rig() as rig:
        job = await rig.forge.dispatch(order())
        (started,) = rig.github.effects.dispatches
        assert (started.workflow, started.ref, started.repository) == ("ci.yml", "main", HOME)
        assert started.inputs == {"request_id": correlation(), "target": "all"}
        assert (job.state, job.external_id) == (JobState.QUEUED, str(started.run_id))
        assert job.url == f"{rig.github.url}/{HOME}/actions/runs/{started.run_id}"
        assert rig.expected == [("run-1", started.head_sha)]
        assert job.head_sha == started.head_sha


async def test_an_older_server_names_no_run_and_it_is_found_by_its_name() -> None:
    async with github_rig(old_server=True) as rig:
        job = await rig.forge.dispatch(order())
        assert (job.external_id, job.url) == ("", None)
        found = await rig.forge.find(sought())
        assert found is not None
        assert found.external_id == str(rig.github.effects.runs_of(correlation())[0])
        versions = [seen.headers["x-github-api-version"] for seen in rig.github.seen]
        assert versions == ["2026-03-10", *["2022-11-28"] * 4]


@pytest.mark.parametrize("fault", LOST)
async def test_a_lost_answer_is_unclear_and_the_run_is_found(fault: Fault) -> None:
    async with github_rig() as rig:
        rig.github.faults_on(DISPATCH).add(fault)
        with pytest.raises(Unclear):
            await rig.forge.dispatch(order())
        found = await rig.forge.find(sought())
        assert found is not None
        assert [int(found.external_id)] == rig.github.effects.runs_of(correlation())
        assert rig.asked(DISPATCH) == 1


@pytest.mark.parametrize("fault", NOT_DONE)
async def test_a_broken_call_is_unclear_though_nothing_was_started(fault: Fault) -> None:
    async with github_rig() as rig:
        rig.github.faults_on(DISPATCH).add(fault)
        with pytest.raises(Unclear):
            await rig.forge.dispatch(order())
        assert await rig.forge.find(sought()) is None


async def test_a_dispatch_that_meets_a_limit_has_not_happened_and_says_how_long_to_wait() -> None:
    async with github_rig() as rig:
        rig.github.faults_on(DISPATCH).add(Fault.TOO_MANY, retry_after_seconds=7)
        with pytest.raises(Unreachable) as limited:
            await rig.forge.dispatch(order())
        assert limited.value.retry_after_seconds == 7
        assert rig.github.effects.dispatches == []


async def test_a_github_that_is_not_there_has_not_started_anything() -> None:
    async with github_rig() as rig:
        await rig.github.close()
        with pytest.raises(Unreachable, match="cannot be reached"):
            await rig.forge.dispatch(order())


@pytest.mark.parametrize(
    ("changes", "reason", "says"),
    [
        ({"workflow": "none.yml"}, "workflow_not_found", ".github/workflows/none.yml"),
        ({"repository": "acme/none"}, "unknown_ref", "the token may not see it"),
        ({"ref": "none"}, "unknown_ref", "has no branch none"),
        ({"inputs": {"other": "1"}}, "unexpected_inputs", '"other"'),
        ({"workflow": "plain.yml", "inputs": {}}, "unexpected_inputs", "declare the input request_id"),
        ({"workflow": "needs.yml", "inputs": {}}, "missing_inputs", "'must' not provided"),
        ({"workflow": "push.yml"}, "no_dispatch_trigger", "does not have 'workflow_dispatch' trigger"),
        ({"workflow": "off.yml"}, "workflow_disabled", "disabled"),
        ({"pin": None}, "workflow_not_pinned", "`reins policy pin build`"),
        ({"pin": "0" * 40}, "workflow_changed", f"ci.yml on main is {PIN[:12]}, pinned is 000000000000"),
        ({"approved_sha": "0" * 40}, "head_moved", "main moved from the approved 000000000000 to "),
        ({"workflow": "../../../user"}, "bad_workflow", "without a folder"),
        ({"workflow": "sub/ci.yml"}, "bad_workflow", "without a folder"),
        ({"inputs": {f"i{n}": "1" for n in range(MAX_INPUTS)}}, "too_many_inputs", "take some out"),
        ({"inputs": {"request_id": "x"}}, "reserved_input", "rename"),
    ],
)
async def test_what_github_does_not_take_is_refused_with_a_reason_and_a_mend(
    changes: dict[str, Any], reason: str, says: str
) -> None:
    async with github_rig() as rig:
        takes = {"request_id": Input()}
        rig.github.workflow("plain.yml", source=SOURCE)
        rig.github.workflow("needs.yml", inputs={**takes, "must": Input(required=True)}, source=SOURCE)
        rig.github.workflow("push.yml", dispatchable=False, source=SOURCE)
        rig.github.workflow("off.yml", inputs=takes, state="disabled_manually", source=SOURCE)
        with pytest.raises(Refused, match=says) as refused:
            await rig.forge.dispatch(order(**changes))
        assert (refused.value.reason, rig.github.effects.dispatches) == (reason, [])


async def test_a_token_that_may_not_dispatch_is_told_which_permission_it_lacks() -> None:
    async with github_rig(token="github_pat_only_reading_0123456789") as rig:
        rig.github.tokens.add("github_pat_only_reading_0123456789", permissions={"actions": "read", "contents": "read"})
        with pytest.raises(Refused, match="it needs the permission actions=write") as refused:
            await rig.forge.dispatch(order())
        assert refused.value.reason == "permission_missing"


async def test_a_token_that_may_not_read_files_is_told_which_permission_it_lacks_and_starts_nothing() -> None:
    async with github_rig(token="github_pat_only_actions_0123456789") as rig:
        rig.github.tokens.add("github_pat_only_actions_0123456789", permissions={"actions": "write"})
        with pytest.raises(Refused, match="contents=read") as refused:
            await rig.forge.dispatch(order())
        assert (refused.value.reason, rig.github.effects.dispatches, rig.expected) == ("permission_missing", [], [])


async def test_what_is_expected_is_noted_down_before_anything_is_started() -> None:
    async with github_rig() as rig:
        rig.github.faults_on(DISPATCH).add(Fault.TOO_MANY)
        with pytest.raises(Unreachable):
            await rig.forge.dispatch(order())
        first = rig.github.home.commits.branches["main"]
        second = rig.github.home.commits.push("main")
        rig.clock.advance(3600)
        await rig.forge.dispatch(order())
        assert rig.expected == [("run-1", first), ("run-1", second)]
        assert [one.head_sha for one in rig.github.effects.dispatches] == [second]


async def test_the_approved_commit_is_started_and_no_other() -> None:
    async with github_rig() as rig:
        approved = rig.github.home.commits.branches["main"]
        await rig.forge.dispatch(order(approved_sha=approved))
        rig.github.home.commits.push("main")
        with pytest.raises(Refused) as refused:
            await rig.forge.dispatch(order(2, approved_sha=approved))
        assert refused.value.reason == "head_moved"
        assert [one.head_sha for one in rig.github.effects.dispatches] == [approved]


@pytest.mark.parametrize("becomes", ["name: CI \n", None])
async def test_a_workflow_that_changed_on_its_branch_is_not_started_there_and_still_is_on_another(
    becomes: str | None,
) -> None:
    async with github_rig() as rig:
        commits = rig.github.home.commits
        commits.push("main", files={WORKFLOW_PATH: SOURCE})
        commits.push("dev")
        if becomes is None:
            rig.github.home.actions.workflows["ci.yml"].source = "another text than any pin's"
        commits.push("main", files={WORKFLOW_PATH: becomes})
        with pytest.raises(Refused) as refused:
            await rig.forge.dispatch(order())
        assert (refused.value.reason, rig.github.effects.dispatches) == ("workflow_changed", [])
        await rig.forge.dispatch(order(ref="dev"))
        assert [one.ref for one in rig.github.effects.dispatches] == ["dev"]


@pytest.mark.parametrize("operation", [HEAD, CONTENTS])
@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.BAD_JSON_AFTER_ACCEPT, Fault.TOO_MANY])
async def test_a_branch_or_workflow_that_cannot_be_looked_at_now_keeps_everything_from_happening(
    operation: str, fault: Fault
) -> None:
    async with github_rig() as rig:
        rig.github.faults_on(operation).add(fault)
        with pytest.raises(Unreachable):
            await rig.forge.dispatch(order())
        assert (rig.asked(DISPATCH), rig.expected) == (0, [])


async def test_a_github_that_takes_too_long_to_show_the_branch_has_started_nothing() -> None:
    async with github_rig() as rig:
        forge = GitHubForge(rig.client, OutOfTime(rig.client), rig.clock, _expect_nothing)
        with pytest.raises(Unreachable, match="within 8 s"):
            await forge.dispatch(order())
        assert rig.asked(DISPATCH) == 0


class OutOfTime(GitHubCode):
    """What the end of the time for a look does to it."""

    async def head(self, repository: str, branch: str) -> NoReturn:
        raise TimeoutError(repository, branch)


async def _expect_nothing(run_id: str, head_sha: str) -> None:
    raise AssertionError(run_id, head_sha)


async def test_a_token_that_github_does_not_know_is_refused_and_never_quoted() -> None:
    async with github_rig(token="ghp_nobody_knows_this_0123456789") as rig:
        with pytest.raises(Refused) as refused:
            await rig.forge.dispatch(order())
        assert refused.value.reason == "token_refused"
        assert "ghp_nobody" not in f"{refused.value!r} {refused.value}"
        with pytest.raises(Unreachable, match="401"):
            await rig.forge.find(sought())


async def test_a_run_is_followed_by_its_id_through_queue_work_and_end() -> None:
    async with github_rig() as rig:
        job = await rig.forge.dispatch(order())
        seen = []
        for seconds in (0, 5, 30):
            rig.clock.advance(seconds)
            found = await rig.forge.find(sought(url=job.url))
            assert found is not None
            seen.append((found.state, found.conclusion, [(one.number, one.state) for one in found.attempts]))
        assert seen == [
            (JobState.QUEUED, None, []),
            (JobState.RUNNING, None, [(1, AttemptState.STARTED)]),
            (JobState.SUCCEEDED, "success", [(1, AttemptState.DONE)]),
        ]
        assert found is not None
        assert found.head_sha == rig.github.effects.dispatches[0].head_sha
        assert (found.url, found.summary) == (job.url, "success on GitHub")
        assert rig.asked(RUNS) == 0


@pytest.mark.parametrize(
    ("conclusion", "state", "means"),
    [
        ("success", JobState.SUCCEEDED, "success"),
        ("failure", JobState.FAILED, "failure"),
        ("cancelled", JobState.CANCELLED, "cancelled"),
        ("timed_out", JobState.FAILED, "deadline_exceeded"),
        ("skipped", JobState.FAILED, "skipped"),
        ("neutral", JobState.FAILED, "neutral"),
        ("stale", JobState.FAILED, "stale"),
        ("action_required", JobState.FAILED, "action_required"),
        ("startup_failure", JobState.FAILED, "startup_failure"),
        ("brand_new", JobState.FAILED, "unrecognised"),
    ],
)
async def test_only_success_is_success(conclusion: str, state: JobState, means: str) -> None:
    async with github_rig() as rig:
        rig.github.home.actions.workflows["ci.yml"].plan = (completed(conclusion),)
        await rig.forge.dispatch(order())
        found = await rig.forge.find(sought())
        assert found is not None
        assert (found.state, found.conclusion) == (state, means)
        rig.github.violations.clear()  # GitHub's description does not know the new word yet


async def test_a_run_that_waits_for_somebodys_approval_has_not_begun() -> None:
    async with github_rig() as rig:
        rig.github.home.actions.workflows["ci.yml"].plan = (queued(1), waiting())
        await rig.forge.dispatch(order())
        rig.clock.advance(100)
        found = await rig.forge.find(sought())
        assert found is not None
        assert (found.state, found.attempts) == (JobState.QUEUED, ())


async def test_a_rerun_is_another_attempt_of_the_same_job() -> None:
    async with github_rig() as rig:
        workflow = rig.github.home.actions.workflows["ci.yml"]
        workflow.plan = (completed("failure"),)
        job = await rig.forge.dispatch(order())
        workflow.plan = (in_progress(10), completed("success"))
        run = rig.github.home.actions.runs[int(job.external_id)]
        rig.clock.advance(60)
        rig.github.home.actions.rerun(run, "bea")
        again = await rig.forge.find(sought(url=job.url))
        rig.clock.advance(10)
        over = await rig.forge.find(sought(url=job.url))
        assert again is not None
        assert over is not None
        assert [(one.number, one.state) for one in again.attempts] == [
            (1, AttemptState.DONE),
            (2, AttemptState.STARTED),
        ]
        assert [one.conclusion for one in over.attempts] == [None, "success"]


async def test_a_run_that_github_does_not_show_yet_is_none_and_then_there() -> None:
    async with github_rig() as rig:
        rig.github.home.actions.workflows["ci.yml"].visible_after_seconds = 20
        job = await rig.forge.dispatch(order())
        for asked in (sought(), sought(url=job.url)):
            assert await rig.forge.find(asked) is None
        rig.clock.advance(20)
        for asked in (sought(), sought(url=job.url)):
            assert await rig.forge.find(asked) is not None


async def test_a_run_is_found_among_many_others_over_several_pages() -> None:
    async with github_rig() as rig:
        await rig.forge.dispatch(order())
        for number in range(2, 152):
            rig.github.home.run_by_others("ci.yml", "workflow_dispatch", title=f"CI [{correlation(number)}]")
        found = await rig.forge.find(sought())
        assert found is not None
        assert [int(found.external_id)] == rig.github.effects.runs_of(correlation())
        assert rig.asked(RUNS) == 2


async def test_a_copied_name_does_not_pass_for_our_run() -> None:
    async with github_rig() as rig:
        await rig.forge.dispatch(order())
        rig.clock.advance(5)
        title = f"CI [{correlation()}]"
        rig.github.home.run_by_others("ci.yml", "workflow_dispatch", title=title)
        rig.github.home.run_by_others("ci.yml", "push", title=title)
        found = await rig.forge.find(sought())
        assert found is not None
        assert [int(found.external_id)] == rig.github.effects.runs_of(correlation())


async def test_only_dispatched_runs_of_that_branch_and_time_are_looked_through() -> None:
    async with github_rig() as rig:
        await rig.forge.find(sought())
        (asked,) = [seen.query for seen in rig.github.seen if seen.operation == RUNS]
        assert (asked["event"], asked["branch"], asked["created"]) == (
            "workflow_dispatch",
            "main",
            ">=2026-11-22T13:55:00Z",
        )


async def test_a_clock_of_ours_that_is_minutes_ahead_hides_no_run() -> None:
    async with github_rig() as rig:
        await rig.forge.dispatch(order())
        ahead = replace(sought(), created_at=rig.clock.now() + CLOCK_DIFFERENCE)
        assert await rig.forge.find(ahead) is not None


async def test_a_page_of_another_repository_is_not_believed() -> None:
    async with github_rig() as rig:
        job = await rig.forge.dispatch(order())
        assert job.url is not None
        elsewhere = job.url.replace(HOME, "acme/other")
        assert await rig.forge.find(sought(2, url=elsewhere)) is None
        assert (rig.asked(RUN), rig.asked(RUNS)) == (0, 1)


async def test_polling_an_unchanged_run_costs_nothing_of_the_hourly_limit() -> None:
    async with github_rig() as rig:
        job = await rig.forge.dispatch(order())
        await rig.forge.find(sought(url=job.url))
        used = rig.github.token.used
        for _ in range(20):
            found = await rig.forge.find(sought(url=job.url))
            assert found is not None
            assert found.external_id == job.external_id
        assert rig.github.token.used == used
        rig.clock.advance(5)
        assert (await rig.forge.find(sought(url=job.url))) != found


@pytest.mark.parametrize("by_url", [True, False])
async def test_a_cancel_reaches_the_run(by_url: bool) -> None:
    async with github_rig() as rig:
        job = await rig.forge.dispatch(order())
        await rig.forge.cancel(sought(url=job.url if by_url else None))
        assert rig.github.effects.cancels == [int(job.external_id)]
        found = await rig.forge.find(sought(url=job.url))
        assert found is not None
        assert (found.state, found.conclusion) == (JobState.CANCELLED, "cancelled")


async def test_cancelling_what_is_over_changes_nothing() -> None:
    async with github_rig() as rig:
        job = await rig.forge.dispatch(order())
        rig.clock.advance(60)
        await rig.forge.cancel(sought(url=job.url))
        assert (rig.asked(CANCEL), rig.github.effects.cancels) == (1, [])


async def test_cancelling_what_never_was_is_refused_and_what_is_not_shown_yet_waits() -> None:
    async with github_rig() as rig:
        with pytest.raises(Refused) as refused:
            await rig.forge.cancel(sought(url=f"{rig.github.url}/{HOME}/actions/runs/7"))
        assert refused.value.reason == "unknown_job"
        with pytest.raises(Unreachable, match="not show the run yet"):
            await rig.forge.cancel(sought())


async def test_a_cancel_whose_answer_is_lost_is_unclear_and_one_without_permission_is_refused() -> None:
    async with github_rig() as rig:
        job = await rig.forge.dispatch(order())
        rig.github.faults_on(CANCEL).add(Fault.ACCEPT_THEN_DROP)
        with pytest.raises(Unclear):
            await rig.forge.cancel(sought(url=job.url))
        rig.github.tokens.add(TOKEN, Kind.FINE_GRAINED, permissions={"actions": "read"})
        with pytest.raises(Refused, match="actions=write"):
            await rig.forge.cancel(sought(url=job.url))


async def test_a_run_name_without_brackets_is_not_found() -> None:
    async with github_rig() as rig:
        rig.github.home.actions.workflows["ci.yml"].run_name = RUN_NAME.replace("[", "").replace("]", "")
        await rig.forge.dispatch(order())
        assert await rig.forge.find(sought()) is None
