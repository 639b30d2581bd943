"""`reins comment`: a loop's report becomes one comment on GitHub, published from the file it left behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.commenting import comment_on
from bot.cli.loop_options import Telling
from domain.clock import SystemClock
from domain.errors import UserError
from domain.snapshots import LoopReason
from loops.comments.body import comment_body
from loops.comments.documents import comment_document
from loops.comments.marker import read_comment
from loops.comments.order import CommentAction
from tests.bot.cli.command_line import CommandLine
from tests.bot.cli.provider_thread import beside
from tests.fakes.loop_reports import mutation_report, triage_report
from tests.fakes.providers.github import TOKEN, FakeGitHub
from tests.fakes.providers.github_shapes import ACTIONS_APP
from tests.fakes.providers.github_tokens import Kind

JOB_TOKEN = "ghs_15368_made.up-for_tests"
ESCALATED = triage_report(escalation_needed=True, reason=LoopReason.ATTEMPTS_EXHAUSTED)


@pytest.fixture
def github(bare: CommandLine) -> Iterator[FakeGitHub]:
    """Serve a GitHub that knows a workflow's token, which may write comments on pull requests and do nothing else."""
    with beside(FakeGitHub(SystemClock())) as fake:
        permissions = {"metadata": "read", "pull_requests": "write"}
        fake.tokens.add(JOB_TOKEN, Kind.INSTALLATION, ACTIONS_APP.login, permissions=permissions, app=ACTIONS_APP)
        fake.home.discussion.open_issue(7)
        bare.set("GITHUB_TOKEN", JOB_TOKEN)
        bare.set("GITHUB_API_URL", fake.url)
        yield fake


@pytest.fixture
def document(bare: CommandLine) -> Path:
    path = bare.folder / "triage-loop-comment.json"
    path.write_text(comment_document(triage_report()), encoding="utf-8")
    return path


def test_a_report_becomes_one_comment_of_the_workflows_bot(
    bare: CommandLine, github: FakeGitHub, document: Path
) -> None:
    first = bare.done("comment", str(document))
    (written,) = github.effects.comments
    assert first.startswith(f"created {github.url}/acme/app/pull/7#issuecomment-{written.comment_id}")
    read = read_comment(written.body)
    assert read is not None
    assert (read[1], written.by) == (comment_body(triage_report()), "github-actions[bot]")
    assert bare.done("comment", str(document)).startswith("unchanged ")
    assert len(github.effects.comments) == 1


def test_the_options_choose_target_cap_and_state_file(bare: CommandLine, github: FakeGitHub, document: Path) -> None:
    github.home.discussion.open_issue(8)
    where = ("--comment-target", "pr", "--comment-pr-number", "8", "--state-file", "state.json")
    assert bare.done("comment", str(document), *where).startswith("created ")
    assert [one.where for one in github.effects.comments] == ["acme/app#8"]
    assert f'"id": {github.effects.comments[0].comment_id}' in (bare.folder / "state.json").read_text()
    document.write_text(comment_document(triage_report(unresolved=2)), encoding="utf-8")
    assert bare.done("comment", str(document), *where, "--max-per-hour", "1").startswith("capped ")


def test_a_dry_run_prints_the_text_and_asks_nobody(bare: CommandLine, github: FakeGitHub, document: Path) -> None:
    document.write_text(comment_document(ESCALATED), encoding="utf-8")
    out = bare.done("comment", str(document), "--dry-run")
    assert "### Triage loop: work remains" in out
    assert "### Triage loop: people have to decide" in out
    assert github.seen == []


def test_what_is_not_delivered_ends_with_5(bare: CommandLine, github: FakeGitHub, document: Path) -> None:
    github.home.discussion.issues[7].locked = True
    ended = bare.run("comment", str(document))
    assert (ended.code, ended.out) == (5, "")
    assert ended.err.startswith("failed GitHub answers 403 (Unable to create comment because issue is locked.)")
    assert JOB_TOKEN not in ended.err


def test_without_a_target_the_mend_is_said(bare: CommandLine, github: FakeGitHub, document: Path) -> None:
    document.write_text(document.read_text().replace('"pr_number": 7', '"pr_number": null'), encoding="utf-8")
    ended = bare.run("comment", str(document))
    assert (ended.code, "--tracking-issue" in ended.err) == (5, True)
    assert github.effects.comments == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("gone.json",), "gone.json: cannot be read"),
        (("triage-loop-comment.json", "--comment-target", "issue"), "comment-target: must be one of auto, pr, commit"),
        (("triage-loop-comment.json", "--comment-pr-number", "0"), "comment-pr-number"),
        (("triage-loop-comment.json", "--max-per-hour", "61"), "max-per-hour"),
        (("triage-loop-comment.json",), "GITHUB_TOKEN: is not set"),
    ],
)
def test_wrong_usage_ends_with_2(bare: CommandLine, document: Path, arguments: tuple[str, ...], says: str) -> None:
    assert document.exists()
    ended = bare.run("comment", *arguments)
    assert (ended.code, says in ended.err) == (2, True), ended


def test_a_file_that_no_loop_wrote_ends_with_2(bare: CommandLine, github: FakeGitHub, document: Path) -> None:
    document.write_text(document.read_text().replace("a hole", "@everyone"), encoding="utf-8")
    ended = bare.run("comment", str(document))
    assert (ended.code, "body: holds markup, a mention" in ended.err) == (2, True)
    assert github.seen == []


def test_a_loop_publishes_its_own_report_the_same_way(bare: CommandLine, github: FakeGitHub) -> None:
    environ = {"REINS_GITHUB__TOKEN": TOKEN, "GITHUB_API_URL": github.url}
    told = comment_on(mutation_report(), Telling(state_file=bare.folder / "state.json"), environ)
    assert (told.action, told.failed) == (CommentAction.CREATED, False)
    with pytest.raises(UserError, match="GITHUB_TOKEN"):
        comment_on(mutation_report(), Telling(), {})
    with pytest.raises(UserError, match="comment-target"):
        comment_on(mutation_report(), Telling(comment_target="issue"), environ)


def test_a_question_that_nobody_can_read_is_told_before_the_report_that_they_can(github: FakeGitHub) -> None:
    github.tokens.comments_per_minute = 1
    told = comment_on(ESCALATED, Telling(), {"REINS_GITHUB__TOKEN": TOKEN, "GITHUB_API_URL": github.url})
    assert (told.action, len(github.effects.comments)) == (CommentAction.FAILED, 1)
