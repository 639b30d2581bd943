"""The fake GitHub's files and commits: held by commits, compared as GitHub does, with the files on the first page alone."""

import base64

from tests.fakes.providers.github_graph import blob_sha
from tests.forge.github_by_hand import REPO, next_page, world

CI = ".github/workflows/ci.yml"


async def test_a_file_is_what_the_commit_holds_and_else_the_workflow_s_text() -> None:
    async with world() as (github, _clock, client):
        github.workflow("ci.yml", source="one")
        before = github.home.commits.branches["main"]
        after = github.home.commits.push("main", files={CI: "two", "a/b.py": b"\xff"})
        answers = [(await client.get(f"{REPO}/contents/{CI}?ref={ref}")).body for ref in (before, after, "main")]
        assert [base64.b64decode(one["content"]) for one in answers] == [b"one", b"two", b"two"]
        assert [one["sha"] for one in answers] == [blob_sha("one"), blob_sha("two"), blob_sha(b"two")]
        assert (await client.get(f"{REPO}/contents/a/b.py")).body["size"] == 1
        assert (await client.get(f"{REPO}/contents/a/b.py?ref={before}")).status == 404


async def test_commits_are_compared_from_where_they_parted() -> None:
    async with world() as (github, _clock, client):
        commits = github.home.commits
        base = commits.push("main", files={"was": "1", "same": "2"})
        head = commits.push("topic", files={"was": None, "is": "1"})
        commits.push("main", files={"same": "3"})
        ahead = (await client.get(f"{REPO}/compare/{base}...topic")).body
        assert (ahead["status"], ahead["ahead_by"], ahead["behind_by"]) == ("ahead", 1, 0)
        assert [(one["filename"], one["status"], one["previous_filename"]) for one in ahead["files"]] == [
            ("is", "renamed", "was")
        ]
        diverged = (await client.get(f"{REPO}/compare/main...{head}")).body
        assert (diverged["status"], diverged["merge_base_commit"]["sha"]) == ("diverged", base)
        assert [one["filename"] for one in diverged["files"]] == ["is"]
        behind = (await client.get(f"{REPO}/compare/main...{base}")).body
        assert (behind["status"], behind["behind_by"], "files" in behind) == ("behind", 1, False)
        assert (await client.get(f"{REPO}/compare/main...gone")).status == 404


async def test_the_files_of_a_comparison_come_with_its_first_page_of_commits() -> None:
    async with world() as (github, _clock, client):
        base = github.home.commits.branches["main"]
        pushed = [github.home.commits.push("main", files={f"{number}": "x"}) for number in range(3)]
        first = await client.get(f"{REPO}/compare/{base}...main?per_page=2")
        second = await client.get(next_page(first) or "")
        assert [one["sha"] for page in (first, second) for one in page.body["commits"]] == pushed
        assert (len(first.body["files"]), "files" in second.body) == (3, False)
        assert second.body["commits"][0]["parents"][0]["sha"] == pushed[1]


async def test_a_branch_tells_after_which_commit_it_comes() -> None:
    async with world() as (github, _clock, client):
        before = github.home.commits.branches["main"]
        github.home.commits.push("topic")
        commit = (await client.get(f"{REPO}/branches/topic")).body["commit"]
        assert [parent["sha"] for parent in commit["parents"]] == [before]
