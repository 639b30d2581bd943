"""Comments, reviews, checks and branches on the fake GitHub, and who may read and write them."""

import pytest

from tests.fakes.providers.github_commits import annotation
from tests.fakes.providers.github_shapes import ACTIONS_APP, App
from tests.fakes.providers.github_tokens import USUAL_PERMISSIONS, Kind
from tests.forge.github_by_hand import OLD, REPO, next_page, world

COMMENTS = f"{REPO}/issues/7/comments"
MARKER = "<!-- reins:triage key=ci.yml:7 -->"


class TestComments:
    async def test_a_comment_is_written_changed_and_noted(self) -> None:
        async with world() as (github, clock, client):
            github.home.discussion.open_issue(7)
            written = await client.call("POST", COMMENTS, {"body": "first"})
            clock.advance(60)
            path = f"{REPO}/issues/comments/{written.body['id']}"
            changed = await client.call("PATCH", path, {"body": "second"})
            assert (written.status, written.body["user"]["login"]) == (201, "reins-bot")
            assert (changed.body["body"], changed.body["updated_at"]) == ("second", "2026-11-22T14:01:00Z")
            noted = [(one.kind, one.where, one.body, one.author, one.by) for one in github.effects.comments]
            assert noted == [
                ("create", "acme/app#7", "first", "reins-bot", "reins-bot"),
                ("update", "acme/app#7", "second", "reins-bot", "reins-bot"),
            ]

    async def test_a_strangers_copy_of_a_marker_has_another_author_and_comes_first(self) -> None:
        async with world() as (github, _clock, client):
            github.home.discussion.open_issue(7)
            github.home.discussion.comments_by_others(7, 150)
            github.home.discussion.comment(7, f"{MARKER}\nmine!", author="mallory")
            own = (await client.call("POST", COMMENTS, {"body": f"{MARKER}\nreport"})).body
            first = await client.get(f"{COMMENTS}?per_page=100")
            second = await client.get(str(next_page(first)))
            assert (len(first.body), len(second.body), next_page(second)) == (100, 52, None)
            found = [one for one in first.body + second.body if one["body"].startswith(MARKER)]
            assert [(one["id"] == own["id"], one["user"]["login"]) for one in found] == [
                (False, "mallory"),
                (True, "reins-bot"),
            ]

    async def test_since_leaves_out_what_has_not_changed(self) -> None:
        async with world() as (github, clock, client):
            talk = github.home.discussion
            talk.open_issue(7)
            talk.comment(7, "old")
            clock.advance(60)
            talk.comment(7, "new")
            assert [one["body"] for one in (await client.get(f"{COMMENTS}?since=2026-11-22T14:00:30Z")).body] == ["new"]

    async def test_a_deleted_comment_is_404_and_takes_no_change(self) -> None:
        async with world() as (github, _clock, client):
            github.home.discussion.open_issue(7)
            written = (await client.call("POST", COMMENTS, {"body": "first"})).body
            github.home.discussion.delete_comment(written["id"])
            answer = await client.call("PATCH", f"{REPO}/issues/comments/{written['id']}", {"body": "second"})
            assert (answer.status, len(github.effects.comments), (await client.get(COMMENTS)).body) == (404, 1, [])

    @pytest.mark.parametrize(
        ("state", "body", "status"),
        [("", "x", 404), ("locked", "x", 403), ("deleted", "x", 410), ("open", " ", 422), ("open", "x" * 65_537, 422)],
    )
    async def test_what_cannot_be_commented_on_or_said_is_refused(self, state: str, body: str, status: int) -> None:
        async with world() as (github, _clock, client):
            if state:
                issue = github.home.discussion.open_issue(7)
                issue.locked, issue.deleted = state == "locked", state == "deleted"
            assert (await client.call("POST", COMMENTS, {"body": body})).status == status
            assert github.effects.comments == []

    async def test_a_comment_on_a_commit_takes_more_to_change_than_to_write(self) -> None:
        async with world() as (github, _clock, client):
            sha = github.home.commits.branches["main"]
            written = await client.call("POST", f"{REPO}/commits/{sha}/comments", {"body": "first", "path": "a.py"})
            path = f"{REPO}/comments/{written.body['id']}"
            assert (written.status, written.body["path"], written.body["line"]) == (201, "a.py", None)
            refused = await client.call("PATCH", path, {"body": "second"})
            assert (refused.status, refused.headers["X-Accepted-GitHub-Permissions"]) == (403, "contents=write")
            github.tokens.add("more", permissions={"contents": "write", "metadata": "read"})
            assert (await client.call("PATCH", path, {"body": "second"}, Authorization="Bearer more")).status == 200
            as_issue = f"{REPO}/issues/comments/{written.body['id']}"
            assert (await client.call("PATCH", as_issue, {"body": "third"})).status == 404
            shown = (await client.get(f"{REPO}/commits/{sha}/comments")).body
            assert [one["body"] for one in shown] == ["second"]

    async def test_reviews_and_their_inline_comments_are_apart(self) -> None:
        async with world() as (github, _clock, client):
            sha = github.home.commits.branches["main"]
            github.home.discussion.open_pull(7, "main", sha, sha)
            github.home.discussion.review(7, "**Actionable comments posted: 1**")
            github.home.discussion.review(7, "outdated", path="a.py", original_line=3)
            (review,) = (await client.get(f"{REPO}/pulls/7/reviews")).body
            (inline,) = (await client.get(f"{REPO}/pulls/7/comments")).body
            assert review["user"] == inline["user"]
            assert (review["user"]["login"], review["commit_id"]) == ("coderabbitai[bot]", sha)
            assert (inline["path"], inline["line"], inline["original_line"]) == ("a.py", None, 3)
            assert (await client.get(f"{REPO}/pulls/8/reviews")).status == 404

    async def test_inline_comments_are_sorted_and_cut_by_time(self) -> None:
        async with world() as (github, clock, client):
            sha = github.home.commits.branches["main"]
            github.home.discussion.open_pull(7, "main", sha, sha)
            for body in ("old", "new"):
                github.home.discussion.review(7, body, path="a.py", line=3)
                clock.advance(60)
            shown = [
                [one["body"] for one in (await client.get(f"{REPO}/pulls/7/comments?{query}")).body]
                for query in ("direction=asc", "direction=desc", "since=2026-11-22T14:00:30Z")
            ]
            assert shown == [["old", "new"], ["new", "old"], ["new"]]


class TestChecks:
    @pytest.mark.parametrize(
        ("states", "sum_of_them"),
        [
            ([], "pending"),
            (["success"], "success"),
            (["success", "pending"], "pending"),
            (["pending", "error"], "failure"),
        ],
    )
    async def test_no_status_at_all_is_pending_too(self, states: list[str], sum_of_them: str) -> None:
        async with world() as (github, _clock, client):
            sha = github.home.commits.branches["main"]
            for number, state in enumerate(states):
                github.home.commits.status(sha, f"context {number}", state)
            answer = (await client.get(f"{REPO}/commits/main/status")).body
            assert (answer["state"], answer["total_count"], answer["sha"]) == (sum_of_them, len(states), sha)

    async def test_the_newest_status_of_a_context_counts(self) -> None:
        async with world() as (github, _clock, client):
            sha = github.home.commits.branches["main"]
            for state in ("failure", "success"):
                github.home.commits.status(sha, "build", state)
            assert (await client.get(f"{REPO}/commits/{sha}/status")).body["state"] == "success"

    async def test_no_fine_grained_token_reads_checks(self) -> None:
        async with world() as (github, _clock, client):
            refused = await client.get(f"{REPO}/commits/main/check-runs")
            assert (refused.status, refused.headers["X-Accepted-GitHub-Permissions"]) == (403, "checks=read")
            with pytest.raises(ValueError, match="checks"):
                github.tokens.add("no", permissions={"checks": "read"})

    async def test_an_app_or_a_classic_token_reads_checks_of_jobs_and_of_others(self) -> None:
        async with world() as (github, clock, client):
            github.tokens.add("classic", Kind.CLASSIC, scopes=("repo",))
            github.tokens.add("app", Kind.INSTALLATION, permissions={"checks": "read"}, app=App(9, "reins"))
            github.workflow("ci.yml", jobs={"build": "failure"})
            github.home.run_by_others("ci.yml")
            sha, bad = github.home.commits.branches["main"], annotation("a.py", 3, "not sorted")
            check = github.home.commits.check(sha, "lint", "failure", App(5, "linter"), annotations=[bad])
            clock.advance(35)
            for token in ("classic", "app"):
                asked = {"Authorization": f"Bearer {token}"}
                shown = (await client.get(f"{REPO}/commits/{sha}/check-runs", **asked)).body["check_runs"]
                names = [(one["name"], one["conclusion"], one["app"]["slug"]) for one in shown]
                assert names == [("lint", "failure", "linter"), ("build", "failure", "github-actions")]
                for query in (f"app_id={ACTIONS_APP.id}", "check_name=build"):
                    found = (await client.get(f"{REPO}/commits/main/check-runs?{query}", **asked)).body
                    assert [one["name"] for one in found["check_runs"]] == ["build"]
                unfinished = await client.get(f"{REPO}/commits/main/check-runs?status=queued", **asked)
                assert unfinished.body["total_count"] == 0
                assert (await client.get(f"{REPO}/check-runs/{check.id}/annotations", **asked)).body == [bad]

    async def test_a_branch_tells_what_it_waits_for_and_its_protection_only_to_administrators(self) -> None:
        async with world() as (github, _clock, client):
            github.tokens.add("admin", permissions={**USUAL_PERMISSIONS, "administration": "read"})
            github.home.commits.push("release/1")
            github.home.commits.protect("main", ["build"])
            github.home.commits.rule("main", ["test"])
            shown = (await client.get(f"{REPO}/branches/main")).body
            assert (shown["protected"], shown["protection"]["required_status_checks"]["contexts"]) == (True, ["build"])
            (rule,) = (await client.get(f"{REPO}/rules/branches/main")).body
            assert rule["parameters"]["required_status_checks"][0]["context"] == "test"
            assert (await client.get(f"{REPO}/branches/main/protection")).status == 403
            asked = {"Authorization": "Bearer admin"}
            whole = (await client.get(f"{REPO}/branches/main/protection", **asked)).body
            assert whole["required_status_checks"]["contexts"] == ["build"]
            assert (await client.get(f"{REPO}/branches/release/1/protection", **asked)).status == 404
            assert (await client.get(f"{REPO}/branches/release/1")).body["protected"] is False
            assert (await client.get(f"{REPO}/branches/gone")).status == 404


async def test_what_a_setup_check_asks_is_answered() -> None:
    async with world() as (github, _clock, client):
        github.workflow("ci.yml", source="on: workflow_dispatch\n")
        assert (await client.get("/user")).body["login"] == "reins-bot"
        assert (await client.get(REPO)).body["full_name"] == "acme/app"
        file = (await client.get(f"{REPO}/contents/.github/workflows/ci.yml")).body
        assert (file["encoding"], file["size"]) == ("base64", 22)
        assert (await client.get(f"{REPO}/contents/.github/workflows/other.yml")).status == 404
        (listed,) = (await client.get(f"{REPO}/actions/workflows")).body["workflows"]
        assert (await client.get(f"{REPO}/actions/workflows/{listed['id']}")).body == listed


@pytest.mark.parametrize("version", [OLD, "2026-03-10"])
async def test_the_whole_limits_are_told_for_nothing(version: str) -> None:
    async with world() as (_github, _clock, client):
        client.headers["X-GitHub-Api-Version"] = version
        answers = [(await client.get("/rate_limit")).body for _ in range(2)]
        assert [one["resources"]["core"]["used"] for one in answers] == [0, 0]
        assert ("rate" in answers[0]) is (version == OLD)
