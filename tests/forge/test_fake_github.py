"""The fake GitHub behaves as GitHub is described to, so that what passes against it means something."""

import io
import zipfile
from typing import Any

import aiohttp
import pytest

from tests.fakes.providers.faults import Fault
from tests.fakes.providers.github import TOKEN, FakeGitHub
from tests.fakes.providers.github_plan import completed, in_progress, queued
from tests.fakes.providers.github_runs import Artifact, Input, Workflow, zipped
from tests.forge.github_by_hand import DISPATCH, OLD, REPO, Client, next_page, world

INPUTS = {"request_id": Input(), "mode": Input(default="report", options=("report", "fix"))}
NAMED = "CI ${{ inputs.request_id && format('[{0}]', inputs.request_id) || '' }}"
PLAN = (queued(5), in_progress(30), completed("success"))


def add_ci(github: FakeGitHub, **change: Any) -> None:
    github.workflow("ci.yml", **{"plan": PLAN, "run_name": NAMED, "inputs": INPUTS, **change})


class TestDispatch:
    async def test_the_new_version_always_answers_with_the_run(self) -> None:
        async with world() as (github, _clock, client):
            add_ci(github)
            answer = await client.dispatch()
            (done,) = github.effects.dispatches
            assert (answer.status, answer.body["workflow_run_id"]) == (200, done.run_id)
            assert (await client.get(answer.body["run_url"])).body["display_title"] == "CI [q7f]"
            assert (done.request_id, done.ref, done.inputs) == ("q7f", "main", {"request_id": "q7f", "mode": "report"})

    async def test_the_old_version_tells_the_run_only_to_who_asks_for_it(self) -> None:
        async with world() as (github, _clock, client):
            add_ci(github)
            client.headers["X-GitHub-Api-Version"] = OLD
            silent = await client.dispatch()
            assert (silent.status, silent.body) == (204, None)
            told = await client.dispatch("r8g", return_run_details=True)
            assert (told.status, [told.body["workflow_run_id"]]) == (200, github.effects.runs_of("r8g"))

    async def test_without_a_version_it_is_the_old_one(self) -> None:
        async with world() as (github, _clock, client):
            add_ci(github)
            del client.headers["X-GitHub-Api-Version"]
            assert (await client.dispatch()).status == 204

    async def test_the_new_version_refuses_the_flag_it_has_lost(self) -> None:
        async with world() as (github, _clock, client):
            add_ci(github)
            answer = await client.dispatch(return_run_details=True)
            assert (answer.status, github.effects.dispatches) == (422, [])
            assert '"return_run_details" is not a permitted key' in answer.body["message"]
            github.violations.clear()

    async def test_an_old_server_knows_neither_the_new_version_nor_the_flag(self) -> None:
        async with world(old_server=True) as (github, _clock, client):
            add_ci(github)
            unknown = await client.dispatch()
            assert (unknown.status, '"2026-03-10", is not a supported version' in unknown.body["message"]) == (
                400,
                True,
            )
            client.headers["X-GitHub-Api-Version"] = OLD
            assert (await client.dispatch(return_run_details=True)).status == 422
            assert (await client.dispatch()).status == 204
            assert len(github.effects.dispatches) == 1

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({"ref": "gone"}, "No ref found for: gone"),
            ({"ref": "main", "inputs": {"x": "1"}}, 'Unexpected inputs provided: ["x"]'),
            ({"ref": "main", "inputs": {"mode": "ruin"}}, "not in the list of allowed values"),
        ],
    )
    async def test_a_dispatch_that_cannot_be_is_refused(self, body: dict[str, object], message: str) -> None:
        async with world() as (github, _clock, client):
            add_ci(github)
            answer = await client.call("POST", DISPATCH, body)
            assert (answer.status, message in answer.body["message"]) == (422, True)
            assert github.effects.dispatches == []

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"inputs": {"request_id": Input(required=True)}}, "Required input 'request_id' not provided"),
            ({"dispatchable": False}, "does not have 'workflow_dispatch' trigger"),
            ({"state": "disabled_manually"}, "disabled workflow"),
        ],
    )
    async def test_a_workflow_that_cannot_be_dispatched_says_so(self, change: dict[str, Any], message: str) -> None:
        async with world() as (github, _clock, client):
            add_ci(github, **change)
            answer = await client.call("POST", DISPATCH, {"ref": "main"})
            assert (answer.status, message in answer.body["message"]) == (422, True)

    async def test_an_unknown_workflow_or_repository_is_404(self) -> None:
        async with world() as (github, _clock, client):
            add_ci(github)
            for path in (DISPATCH.replace("ci.yml", "cd.yml"), DISPATCH.replace("acme/app", "acme/other")):
                assert (await client.call("POST", path, {"ref": "main"})).status == 404

    async def test_another_repository_has_workflows_of_its_own(self) -> None:
        async with world() as (github, _clock, client):
            add_ci(github)
            github.world.add("acme/other").actions.workflow("ci.yml")
            path = DISPATCH.replace("acme/app", "acme/other")
            assert (await client.call("POST", path, {"ref": "main"})).status == 200
            assert [one.repository for one in github.effects.dispatches] == ["acme/other"]

    async def test_more_inputs_than_github_takes_are_refused(self) -> None:
        async with world() as (github, _clock, client):
            many = {f"input-{number}": "x" for number in range(26)}
            add_ci(github, inputs={name: Input() for name in many})
            assert (await client.call("POST", DISPATCH, {"ref": "main", "inputs": many})).status == 422
            github.violations.clear()

    async def test_a_tag_and_a_workflows_id_will_do(self) -> None:
        async with world() as (github, _clock, client):
            add_ci(github)
            github.home.commits.tags["v1"] = "a" * 40
            number = github.home.actions.workflows["ci.yml"].id
            path = DISPATCH.replace("ci.yml", str(number))
            assert (await client.call("POST", path, {"ref": "refs/tags/v1"})).status == 200
            assert github.effects.dispatches[0].head_sha == "a" * 40

    async def test_what_is_no_json_is_refused(self) -> None:
        async with world() as (github, _clock, client):
            add_ci(github)
            async with client.session.post(github.url + DISPATCH, data="{", headers=client.headers) as response:
                assert (response.status, github.effects.dispatches) == (400, [])

    def test_a_title_that_the_fake_cannot_work_out_is_not_made_up(self) -> None:
        workflow = Workflow(1, "ci.yml", "CI", run_name="${{ github.sha }}")
        with pytest.raises(AssertionError, match="cannot work out"):
            workflow.title({})
        workflow.run_name = "${{ github.workflow }} [${{ inputs.request_id }}]"
        assert workflow.title({"request_id": "q7f"}) == "CI [q7f]"

    async def test_a_run_is_of_the_commit_its_branch_was_at(self) -> None:
        async with world() as (github, _clock, client):
            add_ci(github)
            before = github.home.commits.branches["main"]
            await client.dispatch()
            after = github.home.commits.push("main")
            await client.dispatch("r8g", ref="refs/heads/main")
            heads = [(await client.get(client.run_path(one))).body["head_sha"] for one in ("q7f", "r8g")]
            assert heads == [before, after]


class TestRuns:
    async def test_a_run_goes_by_the_clock(self) -> None:
        async with world() as (github, clock, client):
            add_ci(github, jobs={"build": None, "lint": "failure"})
            await client.dispatch()
            places = []
            for seconds in (0, 4.9, 0.1, 29.9, 0.1):
                clock.advance(seconds)
                run = (await client.get(client.run_path())).body
                jobs = (await client.get(f"{client.run_path()}/jobs")).body["jobs"]
                places.append((run["status"], run["conclusion"], [job["conclusion"] for job in jobs]))
            still = [None, None]
            assert places[:2] == [("queued", None, still)] * 2
            assert places[2:4] == [("in_progress", None, still)] * 2
            assert places[4] == ("completed", "success", ["success", "failure"])

    async def test_a_plan_without_an_end_has_none(self) -> None:
        async with world() as (github, clock, client):
            add_ci(github, plan=[queued()])
            await client.dispatch()
            clock.advance(86_400)
            assert (await client.get(client.run_path())).body["status"] == "queued"

    async def test_a_run_may_be_hidden_at_first(self) -> None:
        async with world() as (github, clock, client):
            add_ci(github, visible_after_seconds=3)
            await client.dispatch()
            listed = f"{REPO}/actions/workflows/ci.yml/runs"
            assert (await client.get(client.run_path())).status == 404
            assert (await client.get(listed)).body["total_count"] == 0
            clock.advance(3)
            assert (await client.get(client.run_path())).status == 200
            assert (await client.get(listed)).body["total_count"] == 1

    @pytest.mark.parametrize(
        ("query", "titles"),
        [
            ("", ["late", "fork", "early"]),
            ("?event=push", ["fork", "early"]),
            ("?branch=main", ["late", "early"]),
            ("?actor=bea", ["late", "fork"]),
            ("?head_sha=" + "f" * 40, ["fork"]),
            ("?status=completed", ["early"]),
            ("?status=success", ["early"]),
            ("?status=queued", ["late", "fork"]),
            ("?created=%3E%3D2026-11-22T14:01:40Z", ["late"]),
            ("?created=%3E2026-11-22T14:01:40Z", []),
            ("?created=%3C2026-11-22T14:01:40Z", ["fork", "early"]),
            ("?created=2026-11-21..2026-11-22", ["late", "fork", "early"]),
            ("?created=2026-11-21", []),
            ("?event=push&actor=bea", ["fork"]),
        ],
    )
    async def test_the_list_is_filtered_newest_first(self, query: str, titles: list[str]) -> None:
        async with world() as (github, clock, client):
            add_ci(github)
            home = github.home
            home.run_by_others("ci.yml", title="early", actor="cem")
            clock.advance(99)
            home.run_by_others("ci.yml", branch="topic", head_sha="f" * 40, title="fork", head_repository="bea/app")
            clock.advance(1)
            home.run_by_others("ci.yml", event="schedule", title="late")
            for listed in ("/actions/runs", "/actions/workflows/ci.yml/runs"):
                answer = await client.get(REPO + listed + query)
                assert [run["display_title"] for run in answer.body["workflow_runs"]] == titles

    async def test_pages_are_linked_and_a_filtered_search_ends_after_a_thousand(self) -> None:
        async with world() as (github, _clock, client):
            add_ci(github)
            for _ in range(1_010):
                github.home.run_by_others("ci.yml")
            last = await client.get(f"{REPO}/actions/runs?branch=main&per_page=5&page=200")
            assert (len(last.body["workflow_runs"]), last.body["total_count"]) == (5, 1_010)
            assert next_page(last) is None
            unfiltered = await client.get(f"{REPO}/actions/runs?per_page=5&page=200")
            following = next_page(unfiltered)
            assert following is not None
            assert "/repositories/" in following
            assert len((await client.get(following)).body["workflow_runs"]) == 5

    async def test_pull_requests_are_shown_unless_excluded_or_of_a_fork(self) -> None:
        async with world() as (github, _clock, client):
            add_ci(github)
            sha = github.home.commits.push("topic")
            github.home.discussion.open_pull(7, "topic", sha, github.home.commits.branches["main"])
            own = github.home.run_by_others("ci.yml", "pull_request", "topic", pulls=[7])
            fork = github.home.run_by_others("ci.yml", "pull_request", "topic", pulls=[7], head_repository="bea/app")
            shown = [
                (await client.get(f"{REPO}/actions/runs/{run}{query}")).body["pull_requests"]
                for run, query in ((own.id, ""), (own.id, "?exclude_pull_requests=true"), (fork.id, ""))
            ]
            assert [[pull["number"] for pull in pulls] for pulls in shown] == [[7], [], []]
            (pull,) = (await client.get(f"{REPO}/commits/{sha}/pulls")).body
            assert (pull["number"], pull["head"]["ref"]) == (7, "topic")

    async def test_a_rerun_is_the_same_run_with_another_attempt(self) -> None:
        async with world() as (github, clock, client):
            add_ci(github, jobs={"build": "success", "test": "failure"})
            await client.dispatch()
            path = client.run_path()
            assert (await client.call("POST", f"{path}/rerun")).status == 403
            clock.advance(35)
            assert (await client.call("POST", f"{path}/rerun-failed-jobs")).status == 201
            run = (await client.get(path)).body
            assert (run["run_attempt"], run["status"], run["display_title"]) == (2, "queued", "CI [q7f]")
            counts = []
            for jobs in ("/jobs", "/jobs?filter=all", "/attempts/1/jobs", "/attempts/2/jobs"):
                found = (await client.get(path + jobs)).body["jobs"]
                counts.append([(job["run_attempt"], job["conclusion"]) for job in found])
            first, second = [(1, "success"), (1, "failure")], [(2, "success"), (2, None)]
            assert counts == [second, second + first, first, second]
            assert (await client.get(f"{path}/attempts/3/jobs")).status == 404
            assert (len(github.effects.reruns), len(github.effects.dispatches)) == (1, 1)

    async def test_only_a_run_with_failed_jobs_has_them_rerun(self) -> None:
        async with world() as (github, clock, client):
            add_ci(github)
            await client.dispatch()
            clock.advance(35)
            assert (await client.call("POST", f"{client.run_path()}/rerun-failed-jobs")).status == 403
            assert github.effects.reruns == []

    async def test_cancelling_again_does_not_put_the_end_off(self) -> None:
        async with world() as (github, clock, client):
            add_ci(github, cancel_seconds=2, jobs={"build": "failure"}, artifacts=[Artifact("a", b"x")])
            await client.dispatch()
            path = client.run_path()
            for _ in range(2):
                assert (await client.call("POST", f"{path}/cancel")).status == 202
                clock.advance(1)
            (job,) = (await client.get(f"{path}/jobs")).body["jobs"]
            assert (job["status"], job["conclusion"]) == ("completed", "cancelled")
            assert (await client.get(f"{path}/artifacts")).body["total_count"] == 0

    async def test_a_run_is_cancelled_once_and_only_while_it_goes_on(self) -> None:
        async with world() as (github, clock, client):
            add_ci(github, cancel_seconds=2)
            await client.dispatch()
            path = client.run_path()
            assert (await client.call("POST", f"{path}/cancel")).status == 202
            assert (await client.get(path)).body["status"] == "queued"
            clock.advance(2)
            run = (await client.get(path)).body
            assert (run["status"], run["conclusion"]) == ("completed", "cancelled")
            assert (await client.call("POST", f"{path}/cancel")).status == 409
            assert github.effects.cancels == github.effects.runs_of("q7f")


class TestArtifacts:
    async def finished(self, github: FakeGitHub, client: Client, *artifacts: Artifact) -> list[dict[str, Any]]:
        add_ci(github, artifacts=artifacts)
        await client.dispatch()
        assert (await client.get(f"{client.run_path()}/artifacts")).body["artifacts"] == []
        client.clock.advance(35)
        found: list[dict[str, Any]] = (await client.get(f"{client.run_path()}/artifacts")).body["artifacts"]
        return found

    async def test_an_artifact_is_fetched_from_another_host_without_credentials(self) -> None:
        async with world() as (github, _clock, client):
            (shown,) = await self.finished(github, client, Artifact("backlog", zipped({"backlog.json": b"{}"})))
            redirect = await client.get(f"{REPO}/actions/artifacts/{shown['id']}/zip")
            assert (redirect.status, redirect.body) == (302, None)
            address = redirect.headers["Location"]
            assert not address.startswith(github.url)
            assert (await client.get(address)).status == 400
            async with client.session.get(address) as response:
                packed = await response.read()
            assert zipfile.ZipFile(io.BytesIO(packed)).read("backlog.json") == b"{}"
            assert [(one.status, one.authorization) for one in github.downloads.fetched] == [
                (400, f"Bearer {TOKEN}"),
                (200, None),
            ]

    async def test_an_address_is_good_for_a_minute(self) -> None:
        async with world() as (github, clock, client):
            (shown,) = await self.finished(github, client, Artifact("raw.json", b"[]"))
            address = (await client.get(f"{REPO}/actions/artifacts/{shown['id']}/zip")).headers["Location"]
            statuses = []
            for seconds in (59.9, 0.1):
                clock.advance(seconds)
                async with client.session.get(address) as response:
                    statuses.append((response.status, await response.read()))
            assert statuses[0] == (200, b"[]")
            assert statuses[1][0] == 403

    async def test_an_old_or_deleted_artifact_is_gone(self) -> None:
        async with world() as (github, clock, client):
            short, lost = await self.finished(github, client, Artifact("lost", b"x"), Artifact("short", b"x", days=1))
            github.home.actions.artifacts[lost["id"]].lost = True
            clock.advance(86_400)
            for shown in (short, lost):
                path = f"{REPO}/actions/artifacts/{shown['id']}"
                assert (await client.get(path)).body["expired"] is True
                assert (await client.get(f"{path}/zip")).status == 410

    async def test_artifacts_say_whose_they_are_and_can_lie_about_it(self) -> None:
        async with world() as (github, _clock, client):
            honest = Artifact("a", lambda run: run.head_sha.encode())
            lie, true = await self.finished(github, client, honest, Artifact("b", b"x", change={"size_in_bytes": 7}))
            (run,) = github.effects.runs_of("q7f")
            head = github.home.commits.branches["main"]
            assert (true["size_in_bytes"], true["workflow_run"]["id"], true["workflow_run"]["head_sha"]) == (
                40,
                run,
                head,
            )
            assert (lie["name"], lie["size_in_bytes"]) == ("b", 7)
            reversed_list = (await client.get(f"{client.run_path()}/artifacts?direction=asc")).body["artifacts"]
            assert reversed_list == [true, lie]
            named = (await client.get(f"{client.run_path()}/artifacts?name=a")).body
            assert (named["total_count"], named["artifacts"][0]["digest"]) == (1, true["digest"])

    async def test_every_attempt_uploads_its_own(self) -> None:
        async with world() as (github, clock, client):
            await self.finished(github, client, Artifact("a", b"x"))
            await client.call("POST", f"{client.run_path()}/rerun")
            clock.advance(35)
            found = (await client.get(f"{client.run_path()}/artifacts")).body["artifacts"]
            assert [one["name"] for one in found] == ["a", "a"]
            assert found[0]["created_at"] > found[1]["created_at"]


class TestFaults:
    @pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.SLOW_AFTER_ACCEPT])
    async def test_a_fault_takes_effect_exactly_where_it_says_so(self, fault: Fault) -> None:
        async with world() as (github, _clock, client):
            add_ci(github)
            github.faults_on("actions/create-workflow-dispatch").add(fault, retry_after_seconds=7)
            assert (await client.get(f"{REPO}/actions/workflows")).status == 200
            try:
                answer = await client.dispatch()
            except (aiohttp.ClientError, ValueError):
                assert fault.took_effect or fault in (Fault.RESET, Fault.OUTAGE)
            else:
                shown = (answer.status, answer.headers.get("retry-after"))
                expected = {Fault.TOO_MANY: (429, "7"), Fault.ERROR: (503, None), Fault.ERROR_AFTER_ACCEPT: (500, None)}
                assert shown == expected[fault]
            assert len(github.effects.runs_of("q7f")) == fault.took_effect
            assert [seen.operation for seen in github.seen if seen.method == "POST"] == [
                "actions/create-workflow-dispatch"
            ]

    async def test_an_answer_that_never_comes_ends_when_the_client_gives_up(self) -> None:
        async with world() as (github, clock, _client):
            add_ci(github)
            github.faults.add(Fault.SLOW_AFTER_ACCEPT)
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.5)) as impatient:
                with pytest.raises(TimeoutError):
                    await Client(github, clock, impatient).dispatch()
            assert len(github.effects.runs_of("q7f")) == 1

    async def test_the_second_host_has_faults_of_its_own(self) -> None:
        async with world() as (github, clock, client):
            add_ci(github, artifacts=[Artifact("a", b"x")])
            await client.dispatch()
            clock.advance(35)
            (shown,) = (await client.get(f"{client.run_path()}/artifacts")).body["artifacts"]
            address = (await client.get(f"{REPO}/actions/artifacts/{shown['id']}/zip")).headers["Location"]
            github.downloads.faults.add(Fault.ERROR)
            statuses = []
            for _ in range(2):
                async with client.session.get(address) as response:
                    statuses.append(response.status)
            assert statuses == [503, 200]

    async def test_after_closing_connections_are_refused(self) -> None:
        async with world() as (github, _clock, client):
            await github.close()
            with pytest.raises(aiohttp.ClientConnectorError):
                await client.get("/rate_limit")
