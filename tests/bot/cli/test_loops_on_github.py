"""The loops' commands over runs on GitHub: with nothing but a token, as a workflow's job calls them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from domain.clock import SystemClock, to_text
from tests.bot.cli.command_line import CommandLine
from tests.bot.cli.provider_thread import beside
from tests.fakes.loop_artifacts import outcomes, rows
from tests.fakes.providers.github import HOME, TOKEN, FakeGitHub
from tests.fakes.providers.github_plan import completed
from tests.fakes.providers.github_runs import Artifact, Run, zipped

BRIDGE, TESTS = "reins-triage-bridge.yml", "reins-mutation-tests.yml"
ENDED = (completed("failure"),)
NOW = to_text(SystemClock().now())  # of this test run: an artifact's bytes must not change between two looks


@pytest.fixture
def github(bare: CommandLine) -> Iterator[FakeGitHub]:
    """A GitHub whose bridge has run once, and the environment that a job has."""
    with beside(FakeGitHub(SystemClock())) as github:
        github.workflow(BRIDGE, plan=ENDED, artifacts=[Artifact("reins-backlog-1-1", packed_backlog)])
        shards = [Artifact(f"mutation-outcomes-shard-{number}", shard(number)) for number in (1, 2)]
        github.workflow(TESTS, plan=ENDED, artifacts=shards)
        bare.set("GITHUB_TOKEN", TOKEN)
        bare.set("GITHUB_API_URL", github.url)
        bare.set("GITHUB_REPOSITORY", HOME)
        yield github


def packed_backlog(run: Run, **changes: Any) -> bytes:
    items = [{"category": "security", "severity": "high", "summary": "a hole", "path": "src/a.py", "line": 3}]
    document = {
        "source": "coderabbit",
        "repository": HOME,
        "pr_number": None,
        "head_sha": run.head_sha,
        "generated_at": NOW,
        "items": items,
    }
    return zipped({"backlog-medium.json": json.dumps(document | changes).encode()})


def shard(number: int) -> bytes:
    document = outcomes(rows(100 * number, killed=8, survived=2), end_time=NOW)
    return zipped({f"shard-{number}-outcomes.json": json.dumps(document).encode()})


def test_the_newest_run_of_the_branch_is_reported_and_quoted(bare: CommandLine, github: FakeGitHub) -> None:
    run = github.home.run_by_others(BRIDGE)
    ended = bare.run("triage-loop", "--format", "json")
    report = json.loads(ended.out)
    assert (ended.code, report["reason"], report["unresolved"]) == (0, "unresolved", 1)
    (attempt,) = report["attempts"]
    assert (attempt["source_run_id"], attempt["source_sha"]) == (run.id, run.head_sha)
    assert attempt["source_run_url"] == f"{github.url}/{HOME}/actions/runs/{run.id}"
    assert attempt["correlation"] == "source_artifact_sha_validated"
    assert f"attempt 1: run {run.id}.1 of {run.head_sha[:12]}" in ended.err
    assert TOKEN not in ended.out + ended.err


def test_a_pinned_run_is_read_although_a_newer_one_is_there(bare: CommandLine, github: FakeGitHub) -> None:
    run = github.home.run_by_others(BRIDGE)
    github.home.commits.push("main")
    github.home.run_by_others(BRIDGE)
    pin = ("--source-event", "workflow_run", "--source-run-id", str(run.id), "--source-run-sha", run.head_sha)
    report = json.loads(bare.done("triage-loop", "--format", "json", *pin))
    assert report["attempts"][0]["source_run_id"] == run.id


def test_enforcing_ends_with_1_while_work_remains(bare: CommandLine, github: FakeGitHub) -> None:
    github.home.run_by_others(BRIDGE)
    assert bare.run("triage-loop", "--enforce").code == 1
    github.workflow(
        BRIDGE, plan=ENDED, artifacts=[Artifact("reins-backlog-2-1", lambda run: packed_backlog(run, items=[]))]
    )
    github.home.run_by_others(BRIDGE)
    assert bare.run("triage-loop", "--enforce").code == 0


def test_shards_are_merged_and_counted(bare: CommandLine, github: FakeGitHub) -> None:
    run = github.home.run_by_others(TESTS)
    command = ("mutation-loop", "--format", "json", "--threshold", "80")
    report = json.loads(bare.done(*command, "--expected-shards", "2"))
    assert (report["reason"], report["score_percent"], report["counts"]["killed"]) == ("threshold_met", "80.00", 16)
    assert report["attempts"][0]["source_run_id"] == run.id
    ended = bare.run(*command, "--expected-shards", "3")
    assert (ended.code, json.loads(ended.out)["reason"]) == (3, "incomplete_shards")


def test_a_bundle_and_a_proposal_are_written_where_they_are_asked_for(bare: CommandLine, github: FakeGitHub) -> None:
    github.home.run_by_others(BRIDGE)
    bare.done("triage-loop", "--emit-bundle", "--bundle-dir", "out", "--mp-proposal", "--mp-proposal-path", "plan.md")
    assert {"triage-loop.md", "triage-loop.json", "triage-loop-proposal.md"} <= {
        path.name for path in (bare.folder / "out").iterdir()
    }
    assert "## security" in (bare.folder / "plan.md").read_text()


def test_a_repository_without_a_run_ends_with_3(bare: CommandLine, github: FakeGitHub) -> None:
    ended = bare.run("mutation-loop", "--format", "json")
    assert (ended.code, json.loads(ended.out)["reason"], github.effects.dispatches) == (3, "no_source_run", [])


def test_a_token_that_may_read_nothing_is_told_what_is_missing(bare: CommandLine, github: FakeGitHub) -> None:
    blind = "github_pat_that_reads_no_runs_000"
    github.tokens.add(blind, permissions={"contents": "read"})
    bare.set("GITHUB_TOKEN", blind)
    ended = bare.run("triage-loop")
    assert ended.code == 3
    assert "needs the permission actions=read" in ended.out


def test_an_unreachable_github_is_unknown_and_never_good(bare: CommandLine, github: FakeGitHub) -> None:
    bare.set("GITHUB_API_URL", "http://127.0.0.1:9")
    ended = bare.run("triage-loop", "--format", "json", "--poll-seconds", "60", "--deadline-seconds", "60")
    report = json.loads(ended.out)
    assert (ended.code, report["status"], report["unresolved"], report["reason"]) == (
        3,
        "unknown",
        None,
        "forge_unreachable",
    )
    assert github.seen == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--source-event", "workflow_run", "--source-run-id", "5"), "needs both"),
        (("--source-run-sha", "main"), "whole commit id"),
        (("--poll-seconds", "1"), "--poll-seconds"),
        (("--timeout-seconds", "5"), "--timeout-seconds"),
        (("--max-attempts", "0"), "--max-attempts"),
        (("--artifacts", ".", "--mode", "fix-only"), "leave --artifacts out"),
        (("--artifacts", ".", "--notify", "summary-and-comment"), "leave --artifacts out"),
    ],
)
def test_what_cannot_be_meant_ends_with_2_before_anything_is_asked(
    bare: CommandLine, github: FakeGitHub, arguments: tuple[str, ...], says: str
) -> None:
    ended = bare.run("triage-loop", *arguments)
    assert (ended.code, github.seen) == (2, [])
    assert says in ended.err


@pytest.mark.parametrize("name", ["mutation-loop", "triage-loop"])
def test_a_policy_file_that_cannot_be_read_is_said_before_anything_is_asked(
    bare: CommandLine, github: FakeGitHub, name: str
) -> None:
    ended = bare.run(name, "--policy-file", ".")
    assert (ended.code, github.seen) == (2, [])
    assert "policy file cannot be read" in ended.err


@pytest.mark.parametrize("name", ["mutation-loop", "triage-loop"])
def test_without_a_repository_or_files_there_is_nothing_to_read(bare: CommandLine, name: str) -> None:
    ended = bare.run(name)
    assert ended.code == 2
    assert "--artifacts" in ended.err


def test_without_a_token_it_says_where_one_comes_from(bare: CommandLine) -> None:
    ended = bare.run("triage-loop", "--repo", HOME)
    assert ended.code == 2
    assert "GITHUB_TOKEN: ${{ github.token }}" in ended.err


def test_a_report_becomes_the_one_comment_of_its_pull_request(bare: CommandLine, github: FakeGitHub) -> None:
    run = github.home.run_by_others(BRIDGE)
    github.home.discussion.open_pull(7, "main", run.head_sha, run.head_sha)
    github.home.discussion.comments_by_others(7, 3)
    command = ("triage-loop", "--notify", "summary-and-comment", "--comment-pr-number", "7")
    first = bare.run(*command)
    assert (first.code, "comment created: " in first.err) == (0, True)
    again = bare.run(*command)
    assert (again.code, "comment unchanged: " in again.err) == (0, True)
    own = [one for one in github.home.discussion.comments.values() if one.author == "reins-bot"]
    assert len(own) == 1
    assert "src/a.py:3 a hole" in own[0].body


def test_a_report_is_not_commented_on_in_a_dry_run(bare: CommandLine, github: FakeGitHub) -> None:
    run = github.home.run_by_others(BRIDGE)
    github.home.discussion.open_pull(7, "main", run.head_sha, run.head_sha)
    before = len(github.home.discussion.comments)
    bare.done("triage-loop", "--notify", "summary-and-comment", "--comment-pr-number", "7", "--dry-run")
    assert len(github.home.discussion.comments) == before


def test_trouble_with_the_comment_never_changes_the_verdict(bare: CommandLine, github: FakeGitHub) -> None:
    github.home.run_by_others(BRIDGE)
    command = ("triage-loop", "--notify", "summary-and-comment", "--comment-pr-number", "9", "--json-output", "r.json")
    ended = bare.run(*command)
    assert (ended.code, "comment failed: " in ended.err) == (5, True)
    assert json.loads((bare.folder / "r.json").read_text())["reason"] == "unresolved"


def test_the_policy_may_allow_fewer_comments_than_asked_for(bare: CommandLine, github: FakeGitHub) -> None:
    run = github.home.run_by_others(BRIDGE)
    github.home.discussion.open_pull(7, "main", run.head_sha, run.head_sha)
    before = len(github.home.discussion.comments)
    policy = {"schema_version": 2, "roles": {}, "loops": {"triage": {"max_comment_updates_per_hour": 0}}}
    (bare.folder / "policy.json").write_text(json.dumps(policy))
    pull = ("--comment-pr-number", "7", "--policy-file", "policy.json", "--max-per-hour", "20")
    ended = bare.run("triage-loop", "--notify", "summary-and-comment", *pull)
    assert "comment capped: " in ended.err
    assert len(github.home.discussion.comments) == before
