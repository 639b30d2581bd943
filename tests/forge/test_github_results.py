"""What runs tell and leave behind on GitHub: read whole, of the right attempt, of our own code, and bounded."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from forge.github_archive import ArchiveBounds
from forge.github_results import GitHubResults
from forge.port import ForgeError, Refused, Unreachable
from forge.results import Lane, RunsSought, SourceRun
from tests.fakes.github_reading import GitHubReading, github_reading
from tests.fakes.github_rig import answering
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.github import HOME
from tests.fakes.providers.github_plan import completed, in_progress
from tests.fakes.providers.github_runs import Artifact, zipped
from tests.fakes.virtual_time import START

RUN, JOBS, LIST = (
    "actions/get-workflow-run",
    "actions/list-jobs-for-workflow-run",
    "actions/list-workflow-run-artifacts",
)
OF_REPOSITORY, OF_WORKFLOW = "actions/list-workflow-runs-for-repo", "actions/list-workflow-runs"
DOCUMENT: dict[str, Any] = {
    "id": 7,
    "head_sha": "a" * 40,
    "head_branch": "main",
    "path": ".github/workflows/ci.yml",
    "event": "push",
    "status": "completed",
    "conclusion": "success",
    "created_at": "2026-11-22T14:00:00Z",
    "updated_at": "2026-11-22T14:01:00Z",
    "repository": {"id": 1},
    "head_repository": {"id": 1},
}


def anything(_name: str) -> bool:
    return True


async def read_by_hand(**changes: Any) -> SourceRun | None:
    """Read a run from a server that answers this document."""

    async def handle(_request: web.Request) -> web.Response:
        return web.json_response({**DOCUMENT, **changes})

    async with answering(handle) as client:
        return await GitHubResults(client).run(HOME, 7)


async def test_a_run_is_shown_with_its_attempt_and_an_address_of_our_own_making() -> None:
    async with github_reading() as rig:
        first = await rig.ended_run()
        again = await rig.rerun(first)
        head = rig.github.home.commits.branches["main"]
        assert first == SourceRun(
            id=first.id,
            attempt=1,
            workflow="ci.yml",
            repository=HOME,
            branch="main",
            head_sha=head,
            event="push",
            completed=True,
            conclusion="success",
            url=f"{rig.github.url}/{HOME}/actions/runs/{first.id}",
            started_at=START,
            updated_at=START + timedelta(seconds=35),
        )
        second = START + timedelta(seconds=60)
        assert again == replace(first, attempt=2, started_at=second, updated_at=second + timedelta(seconds=35))


async def test_a_run_that_goes_on_has_no_conclusion() -> None:
    async with github_reading() as rig:
        run = await rig.read(rig.github.home.run_by_others("ci.yml").id)
        assert (run.completed, run.conclusion) == (False, None)
    odd = [await read_by_hand(status="in_progress", conclusion="failure"), await read_by_hand(conclusion=None)]
    assert [(run.completed, run.conclusion) for run in odd if run] == [(False, None), (True, None)]


async def test_the_only_pull_request_of_a_run_is_named_and_none_of_several() -> None:
    async with github_reading() as rig:
        for number in (7, 8):
            rig.github.home.discussion.open_pull(number, "topic", "a" * 40, "b" * 40)
        seen = [(await rig.ended_run(event="pull_request", pulls=pulls)).pull for pulls in ([7], [7, 8], [])]
        assert seen == [7, None, None]


async def test_a_pull_request_of_a_fork_that_lists_the_same_branch_is_not_ours() -> None:
    theirs, ours = ({"number": number, "base": {"repo": {"id": of}}} for number, of in ((3, 2), (7, 1)))
    runs = [await read_by_hand(pull_requests=pulls) for pulls in ([theirs, ours], [theirs], None)]
    assert [run.pull for run in runs if run] == [7, None, None]


async def test_code_of_another_repository_is_told_apart() -> None:
    async with github_reading() as rig:
        rig.github.home.discussion.open_pull(7, "topic", "a" * 40, "b" * 40)
        run = await rig.ended_run(event="pull_request", pulls=[7], head_repository="mallory/app")
        assert (run.own_code, run.pull) == (False, None)
    gone = [await read_by_hand(head_repository=None), await read_by_hand(repository=None, head_repository=None)]
    assert [run.own_code for run in gone if run] == [False, False]


@pytest.mark.parametrize(
    ("path", "workflow"),
    [
        (".github/workflows/ci.yml@refs/heads/main", "ci.yml"),
        ("dynamic/github-code-scanning/codeql", "codeql"),
        (".github/workflows/c\u200bi.yml", r"'c\u200bi.yml'"),
        (".github/workflows/" + "x" * 500, "'" + "x" * 254),
    ],
)
async def test_a_workflow_is_named_by_its_file_alone(path: str, workflow: str) -> None:
    run = await read_by_hand(path=path)
    assert run is not None
    assert run.workflow == workflow


async def test_words_are_cleaned_and_a_branch_never_becomes_another_one() -> None:
    run = await read_by_hand(event="pu\u202esh", conclusion="odd\n" + "x" * 500, head_branch="ma\u200bin")
    assert run is not None
    assert (run.event, run.conclusion, run.branch) == ("push", "odd " + "x" * 35 + "…", r"'ma\u200bin'")


async def test_a_run_that_is_not_there_is_none() -> None:
    async def gone(_request: web.Request) -> web.Response:
        return web.json_response({"message": "Gone"}, status=410)

    async with github_reading() as rig:
        assert await rig.results.run(HOME, 7) is None
        assert await rig.results.run("acme/other", 7) is None
    async with answering(gone) as client:
        assert await GitHubResults(client).run(HOME, 7) is None


async def test_a_run_that_the_token_may_not_read_is_refused_with_the_permission() -> None:
    async with github_reading(token="github_pat_that_reads_no_actions_0") as rig:
        rig.github.tokens.add("github_pat_that_reads_no_actions_0", permissions={"metadata": "read"})
        with pytest.raises(Refused, match="actions=read"):
            await rig.results.run(HOME, 7)


READS: list[tuple[str, Callable[[GitHubReading, SourceRun], Awaitable[object]]]] = [
    (RUN, lambda rig, run: rig.results.run(HOME, run.id)),
    (OF_REPOSITORY, lambda rig, _run: rig.results.runs(RunsSought(HOME))),
    (JOBS, lambda rig, run: rig.results.lanes(run)),
    (LIST, lambda rig, run: rig.results.artifacts(run, anything)),
]


@pytest.mark.parametrize(("operation", "read"), READS)
@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.ACCEPT_THEN_DROP, Fault.BAD_JSON_AFTER_ACCEPT, Fault.TOO_MANY])
async def test_answers_that_fail_or_are_lost_say_that_nobody_can_tell_now(
    operation: str, read: Callable[[GitHubReading, SourceRun], Awaitable[object]], fault: Fault
) -> None:
    async with github_reading() as rig:
        run = await rig.ended_run(Artifact("backlog", b"1"))
        rig.github.faults_on(operation).add(fault, times=2)  # aiohttp asks a second time by itself
        with pytest.raises(Unreachable):
            await read(rig, run)


async def test_what_has_not_changed_costs_nothing_of_the_hour() -> None:
    async with github_reading() as rig:
        run = await rig.ended_run()
        for _, read in READS:
            await read(rig, run)
        left = rig.github.tokens.figures(rig.github.token)["remaining"]
        answers = [(await read(rig, run), await read(rig, run)) for _, read in READS]
        assert [first == second for first, second in answers] == [True] * 4
        assert rig.github.tokens.figures(rig.github.token)["remaining"] == left


async def test_runs_come_newest_first_of_a_workflow_a_branch_or_a_commit() -> None:
    async with github_reading() as rig:
        home = rig.github.home
        rig.github.workflow("other.yml")
        old = home.commits.branches["main"]
        first = home.run_by_others("ci.yml").id
        head = home.commits.push("main")
        home.commits.push("topic")
        second, other = home.run_by_others("ci.yml").id, home.run_by_others("other.yml").id
        topic = home.run_by_others("ci.yml", branch="topic").id

        async def found(**sought: Any) -> list[int]:
            return [run.id for run in await rig.results.runs(RunsSought(HOME, **sought))]

        assert await found() == [topic, other, second, first]
        assert await found(workflow="ci.yml", branch="main") == [second, first]
        assert await found(head_sha=head) == [other, second]
        assert await found(workflow="ci.yml", head_sha=old) == [first]
        assert await found(branch="gone") == []
        assert (rig.asked(OF_REPOSITORY), rig.asked(OF_WORKFLOW)) == (3, 2)


async def test_no_more_runs_are_read_than_are_wanted() -> None:
    async with github_reading() as rig:
        ids = [rig.github.home.run_by_others("ci.yml").id for _ in range(130)][::-1]
        assert [run.id for run in await rig.results.runs(RunsSought(HOME, most=2))] == ids[:2]
        assert rig.github.seen[-1].query["per_page"] == "2"
        assert [run.id for run in await rig.results.runs(RunsSought(HOME, most=120))] == ids[:120]
        assert [run.id for run in await rig.results.runs(RunsSought(HOME, most=500))] == ids
        assert rig.asked(OF_REPOSITORY) == 1 + 2 + 2


async def test_runs_of_a_workflow_that_is_not_there_are_refused() -> None:
    async with github_reading() as rig:
        with pytest.raises(Refused) as refused:
            await rig.results.runs(RunsSought(HOME, workflow="gone.yml"))
        assert refused.value.reason == "not_found"


async def test_lanes_are_all_jobs_with_their_pages_and_the_steps_that_failed() -> None:
    async with github_reading() as rig:
        home = rig.github.home
        home.actions.workflows["ci.yml"].jobs = {f"job {number}": None for number in range(119)} | {"lint": "failure"}
        lanes = await rig.results.lanes(run := await rig.ended_run())
        job = home.actions.runs[run.id].latest.jobs[-1]
        assert len(lanes) == 120
        assert lanes[-1] == Lane("lint", "failure", f"{run.url}/job/{job.id}", ("Run lint",))
        assert {(lane.conclusion, lane.failed_steps) for lane in lanes[:-1]} == {("success", ())}
        assert rig.asked(JOBS) == 2


async def test_lanes_are_those_of_the_newest_attempt_and_open_while_it_goes_on() -> None:
    async with github_reading() as rig:
        workflow = rig.github.home.actions.workflows["ci.yml"]
        workflow.jobs = {"build": None, "lint": "failure"}
        run = await rig.ended_run()
        assert [lane.conclusion for lane in await rig.results.lanes(run)] == ["success", "failure"]
        workflow.plan = [in_progress(30), completed("success")]
        rig.github.home.actions.rerun(rig.github.home.actions.runs[run.id], "bea", failed_only=True)
        assert [lane.conclusion for lane in await rig.results.lanes(run)] == ["success", None]


async def lanes_by_hand(job: object) -> tuple[Lane, ...]:
    async def handle(request: web.Request) -> web.Response:
        return web.json_response({"jobs": [job]} if request.path.endswith("/jobs") else DOCUMENT)

    async with answering(handle) as client:
        results = GitHubResults(client)
        run = await results.run(HOME, 7)
        assert run is not None
        return await results.lanes(run)


async def test_names_of_jobs_and_steps_are_cleaned_and_capped() -> None:
    steps = [{"name": f"s\u202e{number}\n" + "x" * 200, "conclusion": "timed_out"} for number in range(40)]
    (lane,) = await lanes_by_hand(
        {"id": 1, "name": "a\u200b\tb" + "y" * 200, "status": "completed", "conclusion": "fai\nlure", "steps": steps}
    )
    assert (lane.name, lane.conclusion) == ("a b" + "y" * 116 + "…", "fai lure")
    assert (len(lane.failed_steps), lane.failed_steps[1]) == (10, "s1 " + "x" * 116 + "…")
    (empty,) = await lanes_by_hand({"id": 1, "name": "b", "status": "completed", "conclusion": None, "steps": None})
    assert (empty.conclusion, empty.failed_steps) == (None, ())


@pytest.mark.parametrize("job", [{"id": 0, "name": "b", "status": "completed"}, {"id": 1}, "x"])
async def test_a_list_of_jobs_that_cannot_be_read_says_so(job: object) -> None:
    with pytest.raises(ForgeError, match="GitHub's"):
        await lanes_by_hand(job)


async def test_the_files_of_all_wanted_artifacts_are_read_with_one_look_at_the_list() -> None:
    async with github_reading() as rig:
        many = [Artifact(f"log-{number}", b"") for number in range(118)]
        shards = [Artifact(f"shard-{number}", zipped({"a/out.json": b"%d" % number, "b": b""})) for number in (1, 2)]
        run = await rig.ended_run(shards[0], *many, shards[1])
        files = await rig.results.artifacts(run, lambda name: name.startswith("shard-"))
        assert files == {"shard-1/a/out.json": b"1", "shard-1/b": b"", "shard-2/a/out.json": b"2", "shard-2/b": b""}
        assert rig.asked(LIST) == 2
        assert [(one.status, one.authorization) for one in rig.github.downloads.fetched] == [(200, None)] * 2


async def test_a_file_that_was_uploaded_bare_lies_below_its_artifact_s_name() -> None:
    async with github_reading() as rig:
        run = await rig.ended_run(Artifact("backlog.json", b"{}"))
        assert await rig.results.artifacts(run, anything) == {"backlog.json/backlog.json": b"{}"}


async def test_nothing_wanted_gives_nothing_and_a_run_that_is_gone_is_refused() -> None:
    async with github_reading() as rig:
        run = await rig.ended_run(Artifact("log", b"1"))
        assert await rig.results.artifacts(run, "backlog".__eq__) == {}
        assert (rig.github.downloads.fetched, rig.asked(RUN)) == ([], 1)
        with pytest.raises(Refused) as refused:
            await rig.results.artifacts(replace(run, id=7), anything)
        assert refused.value.reason == "not_found"


async def test_artifacts_of_earlier_attempts_are_left_out() -> None:
    async with github_reading() as rig:
        first = await rig.ended_run(Artifact("backlog", b"old"), Artifact("once", b"old"))
        rig.leaves(Artifact("backlog", b"new"))
        second = await rig.rerun(first)
        assert await rig.results.artifacts(second, anything) == {"backlog/backlog": b"new"}


async def test_artifacts_of_an_attempt_that_began_meanwhile_are_not_taken_for_those_that_were_asked_for() -> None:
    async with github_reading() as rig:
        first = await rig.ended_run(Artifact("backlog", b"old"))
        rig.leaves(Artifact("backlog", b"new"))
        await rig.rerun(first)
        with pytest.raises(Refused, match="not at attempt 1 any more") as refused:
            await rig.results.artifacts(first, anything)
        assert (refused.value.reason, rig.github.downloads.fetched) == ("artifact_mismatch", [])


async def test_a_run_deleted_meanwhile_gives_no_artifacts() -> None:
    async with github_reading() as rig:
        run = await rig.ended_run(Artifact("backlog", b"1"))
        rig.github.home.actions.workflows["ci.yml"].visible_after_seconds = 1e6
        with pytest.raises(Refused, match="not at attempt 1 any more"):
            await rig.results.artifacts(run, anything)


async def test_artifacts_of_code_from_another_repository_are_refused() -> None:
    async with github_reading() as rig:
        run = await rig.ended_run(Artifact("backlog", b"1"), event="pull_request", head_repository="mallory/app")
        with pytest.raises(Refused, match="another repository") as refused:
            await rig.results.artifacts(run, anything)
        assert (refused.value.reason, rig.github.downloads.fetched) == ("artifact_mismatch", [])


async def test_one_that_has_expired_is_refused_before_any_is_fetched() -> None:
    async with github_reading() as rig:
        run = await rig.ended_run(Artifact("backlog", b"1"), Artifact("zone", b"2", days=1))
        rig.clock.advance(2 * 86_400)
        with pytest.raises(Refused) as refused:
            await rig.results.artifacts(run, anything)
        assert (refused.value.reason, rig.github.downloads.fetched) == ("artifact_expired", [])
        assert await rig.results.artifacts(run, "backlog".__eq__) == {"backlog/backlog": b"1"}


@pytest.mark.parametrize(
    ("total", "reason"),
    [
        (ArchiveBounds(), None),
        (ArchiveBounds(download_bytes=2100), "shard-3 has 1000 bytes, the limit is 100"),
        (ArchiveBounds(unpacked_bytes=2100), "has 1000 bytes"),
        (ArchiveBounds(unpacked_bytes=2999), "has 1000 bytes"),
        (ArchiveBounds(unpacked_bytes=3000), None),
    ],
)
async def test_all_artifacts_together_stay_within_bounds(total: ArchiveBounds, reason: str | None) -> None:
    async with github_reading() as rig:
        run = await rig.ended_run(*[Artifact(f"shard-{number}", b"x" * 1000) for number in (1, 2, 3)])
        results = GitHubResults(rig.client, total)
        if reason is None:
            assert len(await results.artifacts(run, anything)) == 3
            return
        with pytest.raises(Refused, match=reason) as refused:
            await results.artifacts(run, anything)
        assert refused.value.reason == "artifact_too_large"


async def test_all_files_of_all_artifacts_are_counted() -> None:
    async with github_reading() as rig:
        packed = zipped({f"{number}.json": b"{}" for number in range(6)})
        run = await rig.ended_run(Artifact("shard-1", packed), Artifact("shard-2", packed))
        assert len(await GitHubResults(rig.client, ArchiveBounds(entries=12)).artifacts(run, anything)) == 12
        with pytest.raises(Refused, match="has 6 files, the limit is 5"):
            await GitHubResults(rig.client, ArchiveBounds(entries=11)).artifacts(run, anything)


async def test_one_artifact_alone_has_its_own_bounds() -> None:
    async with github_reading() as rig:
        size = ArchiveBounds().download_bytes + 1
        run = await rig.ended_run(Artifact("backlog", b"1", change={"size_in_bytes": size}))
        with pytest.raises(Refused, match=f"has {size} bytes"):
            await rig.results.artifacts(run, anything)
