"""GitHub's reviews, comments, checks and remarks: every page of them, and refusals that stay refusals."""

from typing import Any

import pytest
from aiohttp import web

from forge.github_reviews import GitHubReviews
from forge.port import Refused, Unreachable
from forge.reviews import Annotation, CheckRun, PullRequest
from tests.fakes.github_rig import GitHubRig, answering, github_rig
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.github import HOME
from tests.fakes.providers.github_commits import annotation
from tests.fakes.providers.github_plan import completed
from tests.fakes.providers.github_shapes import App
from tests.fakes.providers.github_tokens import Kind

CLASSIC = "ghp_classic_made_up_0123456789"
SONAR = App(77, "sonar")


def pulled(rig: GitHubRig, number: int = 7, **more: Any) -> str:
    """Open a pull request from a branch of its own; return its head."""
    commits = rig.github.home.commits
    sha = commits.push(f"feature-{number}")
    rig.github.home.discussion.open_pull(number, f"feature-{number}", sha, commits.branches["main"], **more)
    return sha


def classic(rig: GitHubRig) -> None:
    """Let the rig's token be known as a classic one, which may read checks."""
    rig.github.tokens.add(CLASSIC, Kind.CLASSIC, scopes=("repo",))


async def test_a_pull_request_is_read_by_its_number() -> None:
    async with github_rig() as rig:
        sha = pulled(rig)
        reviews = GitHubReviews(rig.client)
        assert await reviews.pull(HOME, 7) == PullRequest(7, sha, "feature-7", "open")
        assert await reviews.pull(HOME, 8) is None


async def test_a_silent_github_is_unreachable() -> None:
    async with github_rig() as rig:
        rig.github.faults.add(Fault.ERROR)
        with pytest.raises(Unreachable):
            await GitHubReviews(rig.client).pull(HOME, 7)


async def test_a_token_that_may_not_read_pull_requests_is_refused() -> None:
    async with github_rig() as rig:
        rig.github.token.permissions = {"metadata": "read"}
        with pytest.raises(Refused, match="pull_requests=read"):
            await GitHubReviews(rig.client).pull(HOME, 7)


async def test_a_commits_pull_request_is_the_open_one_that_it_is_the_head_of() -> None:
    async with github_rig() as rig:
        sha = pulled(rig, 7, state="closed")
        reviews = GitHubReviews(rig.client)
        assert await reviews.pull_of_commit(HOME, sha) == PullRequest(7, sha, "feature-7", "closed")
        rig.github.home.discussion.open_pull(9, "again", sha, sha)
        assert await reviews.pull_of_commit(HOME, sha) == PullRequest(9, sha, "again", "open")
        assert await reviews.pull_of_commit(HOME, rig.github.home.commits.branches["main"]) is None


async def test_a_commit_on_its_way_in_belongs_to_the_pull_request_that_was_merged() -> None:
    def document(number: int, merged_at: str | None) -> dict[str, Any]:
        head = {"sha": f"{number}" * 40, "ref": f"b{number}"}
        return {"number": number, "state": "closed", "head": head, "merged_at": merged_at}

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response([document(1, None), document(2, "2026-11-22T14:00:00Z"), document(3, None)])

    async with answering(answer) as client:
        found = await GitHubReviews(client).pull_of_commit(HOME, "a" * 40)
        assert found == PullRequest(2, "2" * 40, "b2", "closed")


async def test_250_comments_are_read_over_all_pages_with_pages_of_our_own() -> None:
    async with github_rig() as rig:
        sha = pulled(rig)
        discussion = rig.github.home.discussion
        for number in range(249):
            discussion.review(7, f"finding {number}", path="src/a.py", line=number + 1, original_line=number + 1)
        first = discussion.reviews[0]
        discussion.review(7, "thanks", author="ann", path="src/a.py", line=1, in_reply_to=first.id)
        comments = await GitHubReviews(rig.client).review_comments(HOME, 7)
        assert [one.body for one in comments] == [*(f"finding {number}" for number in range(249)), "thanks"]
        assert (comments[0].author, comments[0].path, comments[0].line) == ("coderabbitai[bot]", "src/a.py", 1)
        assert (comments[0].commit_id, comments[0].in_reply_to, comments[0].outdated) == (sha, None, False)
        assert comments[0].url == f"{rig.github.url}/{HOME}/pull/7#discussion_r{first.id}"
        assert (comments[-1].author, comments[-1].in_reply_to) == ("ann", first.id)
        assert rig.asked("pulls/list-review-comments") == 9


async def test_a_comment_without_a_line_is_outdated_unless_it_is_about_the_file() -> None:
    base: dict[str, Any] = {"user": None, "body": "b", "path": "a.py", "commit_id": "c" * 40, "line": None}

    async def answer(_request: web.Request) -> web.Response:
        old = {**base, "id": 1, "original_line": 9, "subject_type": "line"}
        return web.json_response([old, {**base, "id": 2, "subject_type": "file"}])

    async with answering(answer) as client:
        outdated, of_file = await GitHubReviews(client).review_comments(HOME, 7)
        assert (outdated.outdated, outdated.line, outdated.original_line, outdated.author) == (True, None, 9, "")
        assert (of_file.outdated, of_file.original_line) == (False, None)


async def test_reviews_are_read_over_all_pages() -> None:
    async with github_rig() as rig:
        sha = pulled(rig)
        for number in range(31):
            rig.github.home.discussion.review(7, f"review {number}", state="CHANGES_REQUESTED")
        reviews = await GitHubReviews(rig.client).reviews(HOME, 7)
        assert [one.body for one in reviews] == [f"review {number}" for number in range(31)]
        newest = reviews[-1]
        assert (newest.author, newest.state, newest.commit_id) == ("coderabbitai[bot]", "CHANGES_REQUESTED", sha)
        assert newest.submitted_at == rig.clock.now()
        assert newest.url == f"{rig.github.url}/{HOME}/pull/7#pullrequestreview-{newest.id}"


async def test_a_review_may_lack_its_author_text_commit_and_time() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response([{"id": 1, "user": None, "body": None, "state": "PENDING", "commit_id": None}])

    async with answering(answer) as client:
        (review,) = await GitHubReviews(client).reviews(HOME, 7)
        assert (review.author, review.body, review.commit_id, review.submitted_at) == ("", "", None, None)


async def test_checks_and_their_remarks_are_read() -> None:
    async with github_rig(token=CLASSIC) as rig:
        classic(rig)
        sha = pulled(rig)
        remarks = [annotation("src/a.py", number + 1, f"remark {number}") for number in range(120)]
        made = rig.github.home.commits.check(sha, "lint", "failure", SONAR, annotations=remarks)
        rig.github.workflow("ci.yml", plan=[completed("success")], jobs={"build": None})
        rig.github.home.run_by_others("ci.yml", head_sha=sha)
        rig.github.home.commits.check(sha, "slow", None, SONAR)
        reviews = GitHubReviews(rig.client)
        checks = {one.name: one for one in await reviews.checks(HOME, sha)}
        page = f"{rig.github.url}/{HOME}/runs/{made.id}"
        assert checks["lint"] == CheckRun(made.id, "lint", "sonar", "completed", "failure", page, 120)
        assert (checks["build"].app, checks["build"].conclusion) == ("github-actions", "success")
        assert (checks["slow"].status, checks["slow"].conclusion) == ("in_progress", None)
        found = await reviews.annotations(HOME, checks["lint"])
        assert len(found) == 120
        assert found[0] == Annotation("src/a.py", 1, "failure", "remark 0", "")


async def test_a_fine_grained_token_may_never_read_checks_and_that_is_a_refusal() -> None:
    async with github_rig() as rig:
        sha = pulled(rig)
        with pytest.raises(Refused, match="checks=read") as caught:
            await GitHubReviews(rig.client).checks(HOME, sha)
        assert caught.value.reason == "permission_missing"


async def test_a_check_may_lack_its_app() -> None:
    async def answer(_request: web.Request) -> web.Response:
        check = {"id": 1, "name": "x", "status": "completed", "conclusion": "success", "app": None, "output": {}}
        return web.json_response({"total_count": 1, "check_runs": [check]})

    async with answering(answer) as client:
        (check,) = await GitHubReviews(client).checks(HOME, "a" * 40)
        assert (check.app, check.annotations_count) == ("", 0)


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"number": 0, "state": "open", "head": {"sha": "main", "ref": "x"}}, "no pull: head, number"),
        ([], "no pull: all"),
    ],
)
async def test_an_answer_of_another_shape_names_its_fields_and_quotes_nothing(document: object, sentence: str) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(document)

    async with answering(answer) as client:
        with pytest.raises(Unreachable, match=sentence):
            await GitHubReviews(client).pull(HOME, 7)
