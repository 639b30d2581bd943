"""The client against GitHub's limits, its pages, its faults and servers that are none: bounded, and no token ever shows."""

import traceback
from typing import Any

import pytest
from aiohttp import web

from forge.github_client import MAX_ANSWER_BYTES, GitHubClient, Variables
from forge.github_errors import GitHubRefused
from forge.github_pages import MAX_PAGES, items
from forge.github_settings import READ_ACTIONS, WRITE_ACTIONS, GitHubSettings
from forge.port import ForgeError, Unclear, Unreachable
from tests.fakes.github_rig import RUNS, answering, github_rig
from tests.fakes.providers.fault_middleware import Handler
from tests.fakes.providers.faults import ONE_CALL_FAULTS, Fault
from tests.fakes.providers.github import HOME, TOKEN
from tests.fakes.providers.github_tokens import Kind

RUNS_PATH = "/repos/{+repository}/actions/runs{?per_page}"
ASKED: Variables = {"repository": HOME, "per_page": 1}


def saying(text: str, status: int = 200, kind: str = "application/json", **headers: str) -> Handler:
    async def handle(_request: web.Request) -> web.Response:
        return web.Response(text=text, status=status, content_type=kind, headers=headers)

    return handle


async def test_calls_name_the_api_version_themselves_and_the_token() -> None:
    async with github_rig() as rig:
        await rig.client.read("/rate_limit", {}, READ_ACTIONS)
        (seen,) = rig.github.seen
        sent = {name.lower(): value for name, value in seen.headers.items()}
        assert sent["x-github-api-version"] == "2026-03-10"
        assert sent["authorization"] == f"Bearer {TOKEN}"
        assert (sent["accept"], sent["user-agent"]) == ("application/vnd.github+json", "Reins")


async def test_nobody_may_read_what_is_public_and_nothing_else() -> None:
    async with github_rig(token=None) as rig:
        rig.github.world.add("acme/open", private=False)
        await rig.client.read(RUNS_PATH, {**ASKED, "repository": "acme/open"}, READ_ACTIONS)
        assert "authorization" not in {name.lower() for name in rig.github.seen[0].headers}
        with pytest.raises(GitHubRefused, match="404"):
            await rig.client.read(RUNS_PATH, ASKED, READ_ACTIONS)


async def test_a_limit_used_up_is_waited_for_without_asking_on() -> None:
    async with github_rig() as rig:
        await rig.client.read(RUNS_PATH, ASKED, READ_ACTIONS)
        rig.clock.advance(600)
        rig.github.tokens.exhaust(rig.github.token)
        for _ in range(3):
            with pytest.raises(Unreachable, match="hourly limit") as limited:
                await rig.client.read(RUNS_PATH, {**ASKED, "per_page": 2}, READ_ACTIONS)
            assert limited.value.retry_after_seconds == 3000
        assert rig.asked(RUNS) == 2
        rig.clock.advance(3001)
        await rig.client.read(RUNS_PATH, ASKED, READ_ACTIONS)


async def test_the_last_call_of_an_hour_is_noticed_before_github_has_to_refuse() -> None:
    async with github_rig() as rig:
        rig.github.token.limit = 1
        await rig.client.read(RUNS_PATH, ASKED, READ_ACTIONS)
        with pytest.raises(Unreachable, match="hourly limit"):
            await rig.client.read(RUNS_PATH, ASKED, READ_ACTIONS)
        assert rig.asked(RUNS) == 1


@pytest.mark.parametrize("status", [403, 429])
async def test_the_secondary_limit_is_no_missing_permission(status: int) -> None:
    async with github_rig() as rig:
        rig.github.tokens.limit_status = status
        rig.github.tokens.block(rig.github.token, 90)
        with pytest.raises(Unreachable, match="asked for a pause") as limited:
            await rig.client.write(
                "/repos/{+repository}/actions/runs/1/cancel", {"repository": HOME}, b"", WRITE_ACTIONS
            )
        assert limited.value.retry_after_seconds == 90


async def test_a_list_is_followed_to_its_end_also_where_its_links_look_different() -> None:
    async with github_rig() as rig:
        for _ in range(7):
            rig.github.home.run_by_others("ci.yml")
        listed = items(rig.client, RUNS_PATH, {**ASKED, "per_page": 3}, READ_ACTIONS, "workflow_runs")
        assert len({run["id"] async for run in listed}) == 7
        assert [seen.path.startswith("/repositories/") for seen in rig.github.seen] == [False, True, True]


async def test_a_list_without_an_end_is_given_up() -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.json_response([{}], headers={"Link": f'<{request.url}>; rel="next"'})

    async with answering(handle) as client:
        with pytest.raises(Unreachable, match=f"more than {MAX_PAGES} pages"):
            assert [one async for one in items(client, "/x", {}, READ_ACTIONS)] == []


@pytest.mark.parametrize("page", ["{}", '{"workflow_runs": {}}', "[1]", '"text"', "null", ""])
async def test_what_is_no_list_is_said_to_be_none(page: str) -> None:
    async with answering(saying(page)) as client:
        with pytest.raises(Unreachable, match="no list of workflow_runs"):
            assert [one async for one in items(client, "/x", {}, READ_ACTIONS, "workflow_runs")] == []


@pytest.mark.parametrize("elsewhere", ["https://evil.example/x", "http://127.0.0.1:1/x", "http://localhost/x"])
async def test_a_link_to_another_server_is_not_followed_with_our_token(elsewhere: str) -> None:
    handle = saying("[]", Link=f'<{elsewhere}>; rel="next"')
    async with answering(handle) as client:
        with pytest.raises(Unreachable, match="another server"):
            assert [one async for one in items(client, "/x", {}, READ_ACTIONS)] == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirection_is_not_followed(status: int) -> None:
    async with answering(saying("{}", status, Location="https://evil.example/")) as client:
        with pytest.raises(GitHubRefused) as refused:
            await client.write("/x", {}, {}, WRITE_ACTIONS)
        assert refused.value.reason == "repository_moved"


@pytest.mark.parametrize(
    ("handler", "says"),
    [
        (saying("not json"), "no JSON"),
        (saying("[" * 100_000), "no JSON"),
        (saying("<html>sign in</html>", kind="text/html"), "something else answers"),
        (saying("{}", 503), "answers 503"),
        (saying("{}", 599), "answers 599"),
        (saying("{}", 203), "answers 203"),
        (saying("", 304), "answers 304"),
        (saying(" " * (MAX_ANSWER_BYTES + 1)), "more than"),
    ],
)
async def test_an_answer_that_is_of_no_use_leaves_a_write_unclear_and_a_read_undone(
    handler: Handler, says: str
) -> None:
    async with answering(handler) as client:
        with pytest.raises(Unclear, match=says):
            await client.write("/x", {}, {}, WRITE_ACTIONS)
        with pytest.raises(Unreachable, match=says):
            await client.read("/x", {}, READ_ACTIONS)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"message": "No\\u202e way", "errors": ["a", {"message": "b"}, 3]}', "No way: a: b"),
        ('{"message": 7, "errors": "why"}', "why"),
        ("[]", "no reason given"),
        ("<html>", "no reason given"),
        ('{"message": "' + "x" * 5000 + '"}', "x…"),
    ],
)
async def test_what_a_refusal_says_is_one_clean_line(body: str, said: str) -> None:
    async with answering(saying(body, 418)) as client:
        with pytest.raises(GitHubRefused) as refused:
            await client.read("/x", {}, READ_ACTIONS)
    assert f"418 ({said})" in str(refused.value) or str(refused.value).startswith(f"GitHub answers 418 ({'x' * 159}…)")
    assert refused.value.reason == "refused"


async def test_a_bad_request_about_something_else_is_not_sent_again_in_an_older_version() -> None:
    versions = []

    async def handle(request: web.Request) -> web.Response:
        versions.append(request.headers["X-GitHub-Api-Version"])
        return web.json_response({"message": "Problems parsing JSON"}, status=400)

    async with answering(handle) as client:
        with pytest.raises(GitHubRefused, match="Problems parsing JSON"):
            await client.write("/x", {}, {}, WRITE_ACTIONS)
    assert versions == ["2026-03-10"]


async def test_odd_headers_break_nothing() -> None:
    odd: dict[str, Any] = {
        "X-RateLimit-Limit": "many",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": "soon",
        "ETag": "",
    }
    async with answering(saying('{"a": 1}', Link="<<>;;", **odd)) as client:
        assert await client.read("/x", {}, READ_ACTIONS) == {"a": 1}


@pytest.mark.parametrize("fault", ONE_CALL_FAULTS)
async def test_no_failure_shows_the_token(fault: Fault) -> None:
    async with github_rig() as rig:
        rig.github.faults.add(fault, retry_after_seconds=5)
        with pytest.raises(ForgeError) as failed:
            await rig.client.write(
                "/repos/{+repository}/actions/runs/1/cancel", {"repository": HOME}, b"", WRITE_ACTIONS
            )
        shown = "".join(traceback.format_exception(failed.value)) + repr(failed.value) + repr(rig.client)
        assert TOKEN not in shown
        assert TOKEN not in repr(rig.client.settings)


async def test_answers_of_one_token_are_not_used_for_another() -> None:
    async with github_rig() as rig:
        rig.github.tokens.add("ghp_another_token_0123456789", Kind.CLASSIC, scopes=("repo",))
        first = await rig.client.read(RUNS_PATH, ASKED, READ_ACTIONS)
        assert await rig.client.read(RUNS_PATH, ASKED, READ_ACTIONS) == first
        other = GitHubSettings(token="ghp_another_token_0123456789", api_base=rig.github.url)
        another = GitHubClient(rig.client.session, other, rig.clock)
        another._answers = rig.client._answers
        assert await another.read(RUNS_PATH, ASKED, READ_ACTIONS) == first
        sent = ["if-none-match" in {name.lower() for name in seen.headers} for seen in rig.github.seen]
        assert sent == [False, True, False]
