"""`reins triage-collect`: what it writes, carries and ends with, over a GitHub that a job would reach."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from domain.clock import SystemClock
from tests.bot.cli.command_line import CommandLine
from tests.bot.cli.provider_thread import beside
from tests.fakes.coderabbit_texts import NITPICKS, NO_TIMEOUT, PIN, SECRET_PROMPT
from tests.fakes.providers.github import HOME, TOKEN, FakeGitHub
from tests.fakes.providers.github_plan import completed
from tests.fakes.providers.github_shapes import App
from tests.fakes.providers.github_tokens import Kind

CLASSIC = "ghp_classic_made_up_0123456789"
COLLECT = ("triage-collect", "--pr-number", "7", "--out", "out")


@pytest.fixture
def github(bare: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    """A GitHub with a pull request, and the environment that a job has; its token may read checks."""
    for name in ("GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"):
        monkeypatch.delenv(name, raising=False)
    with beside(FakeGitHub(SystemClock())) as github:
        github.tokens.add(CLASSIC, Kind.CLASSIC, scopes=("repo",))
        commits = github.home.commits
        github.home.discussion.open_pull(7, "feature", commits.push("feature"), commits.branches["main"])
        bare.set("GITHUB_TOKEN", CLASSIC)
        bare.set("GITHUB_API_URL", github.url)
        bare.set("GITHUB_REPOSITORY", HOME)
        yield github


def written(bare: CommandLine, name: str = "backlog-medium.json") -> dict[str, Any]:
    document: dict[str, Any] = json.loads((bare.folder / "out" / name).read_text(encoding="utf-8"))
    return document


def head(github: FakeGitHub) -> str:
    return github.home.discussion.pulls[7].head_sha


def comment(github: FakeGitHub, body: str, line: int | None = 3) -> None:
    github.home.discussion.review(7, body, path="src/a.ts", line=line, original_line=3)


def test_the_backlog_is_written_printed_and_read_by_the_loop(bare: CommandLine, github: FakeGitHub) -> None:
    comment(github, NO_TIMEOUT)
    comment(github, PIN)
    github.home.discussion.review(7, NITPICKS)
    github.workflow("ci.yml", plan=[completed("failure")], jobs={"build": None})
    github.home.run_by_others("ci.yml", head_sha=head(github), branch="feature")
    ended = bare.run(*COLLECT)
    assert ended.code == 0
    assert "high, quality, open: src/a.ts:3 No timeout on" in ended.out
    assert "wrote out/backlog-medium.json" in ended.err
    document = written(bare)
    assert [one["summary"] for one in document["items"]] == [
        "ci.yml / build: failure (Run build)",
        "No timeout on `fetch` calls — requests can hang indefinitely.",
        "Pin the markdown-it dependency to a version that has the fix.",
    ]
    assert (document["complete"], document["head_sha"], document["branch"]) == (True, head(github), "feature")
    assert document["counts"]["low"] == 2
    report = json.loads(bare.done("triage-loop", "--artifacts", "out", "--branch", "feature", "--format", "json"))
    assert (report["reason"], report["unresolved"]) == ("unresolved", 3)
    everything = "".join(path.read_text(encoding="utf-8") for path in (bare.folder / "out").iterdir()) + ended.out
    assert SECRET_PROMPT not in everything
    assert CLASSIC not in everything + ended.err


def test_json_is_printed_for_programs(bare: CommandLine, github: FakeGitHub) -> None:
    comment(github, NO_TIMEOUT)
    assert json.loads(bare.done(*COLLECT, "--format", "json")) == written(bare, "priority.json")


def test_an_open_finding_is_carried_over_a_push_and_closed_when_outdated(bare: CommandLine, github: FakeGitHub) -> None:
    first = head(github)
    github.home.discussion.review(7, NITPICKS.replace("🧹 Nitpick", "🟡 Minor").replace("Trivial", "Minor"))
    bare.done(*COLLECT)
    github.home.discussion.pulls[7].head_sha = github.home.commits.push("feature")
    bare.done(*COLLECT, "--previous", "out")
    document = written(bare)
    assert [(one["status"], one["first_seen_sha"]) for one in document["items"]] == [("carried", first)] * 2
    assert document["head_sha"] == head(github) != first


def test_enforcing_ends_with_1_while_something_is_open(bare: CommandLine, github: FakeGitHub) -> None:
    assert bare.run(*COLLECT, "--enforce").code == 0
    comment(github, PIN)
    assert bare.run(*COLLECT).code == 0
    assert bare.run(*COLLECT, "--enforce").code == 1


def test_checks_that_the_token_may_not_read_end_with_3_and_are_no_finding(
    bare: CommandLine, github: FakeGitHub
) -> None:
    github.home.commits.check(head(github), "quality", "failure", App(77, "sonar"))
    bare.set("GITHUB_TOKEN", TOKEN)
    ended = bare.run(*COLLECT)
    assert ended.code == 3
    assert "checks, refused" in ended.out
    document = written(bare)
    assert (document["items"], document["complete"]) == ([], False)
    assert [(one["part"], one["reason"]) for one in document["trouble"]] == [("checks", "refused")]
    assert bare.run("triage-loop", "--artifacts", "out", "--branch", "feature").code == 3
    assert bare.run(*COLLECT, "--no-checks").code == 0


def test_an_unreachable_github_ends_with_3_and_keeps_what_was_open(bare: CommandLine, github: FakeGitHub) -> None:
    comment(github, NO_TIMEOUT)
    bare.done(*COLLECT)
    bare.set("GITHUB_API_URL", "http://127.0.0.1:9")
    ended = bare.run(*COLLECT, "--previous", "out/priority.json")
    assert ended.code == 3
    document = written(bare)
    assert [one["summary"] for one in document["items"]] == [
        "No timeout on `fetch` calls — requests can hang indefinitely."
    ]
    assert {one["reason"] for one in document["trouble"]} == {"unreachable"}


def test_a_commit_is_collected_without_a_pull_request(bare: CommandLine, github: FakeGitHub) -> None:
    sha = github.home.commits.branches["main"]
    github.workflow("ci.yml", plan=[completed("timed_out")], jobs={"build": None})
    run = github.home.run_by_others("ci.yml", head_sha=sha)
    of_commit = ("triage-collect", "--head-sha", sha, "--branch", "main", "--out", "out")
    bare.done(*of_commit)
    document = written(bare)
    assert (document["pr_number"], document["branch"], len(document["items"])) == (None, "main", 1)
    bare.done(*of_commit, "--run-id", str(run.id), "--run-attempt", "1")
    document = written(bare)
    assert (document["items"], document["run_id"], document["run_attempt"]) == ([], run.id, 1)


@pytest.mark.usefixtures("github")
def test_a_previous_backlog_that_cannot_be_read_makes_this_one_incomplete(bare: CommandLine) -> None:
    (bare.folder / "before.json").write_text("{", encoding="utf-8")
    ended = bare.run(*COLLECT, "--previous", "before.json")
    assert ended.code == 3
    assert "previous, unreadable: before.json is not JSON" in ended.out
    assert bare.run(*COLLECT, "--previous", "nowhere").code == 0


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["triage-collect", "--pr-number", "7"], "--out"),
        (["triage-collect", "--out", "out"], "--pr-number"),
        (["triage-collect", "--out", "out", "--head-sha", "a" * 40], "--branch"),
        ([*COLLECT, "--repo", "nobody"], "repo"),
        ([*COLLECT, "--head-sha", "main"], "head-sha"),
        ([*COLLECT, "--pr-number", "0"], "--pr-number"),
        ([*COLLECT[:-1], f"{__file__}/x"], "cannot be written"),
    ],
)
@pytest.mark.usefixtures("github")
def test_a_wrong_argument_ends_with_2_and_is_named(bare: CommandLine, arguments: list[str], field: str) -> None:
    ended = bare.run(*arguments)
    assert ended.code == 2
    assert field in ended.err


@pytest.mark.usefixtures("github")
def test_a_missing_token_ends_with_2_and_its_mend(bare: CommandLine) -> None:
    bare.set("GITHUB_TOKEN", "")
    ended = bare.run(*COLLECT)
    assert ended.code == 2
    assert "GITHUB_TOKEN: is not set" in ended.err
