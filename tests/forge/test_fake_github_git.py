"""The fake GitHub's git side: real clients fetch and push by their tokens, and the API shows what they brought."""

import base64
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from domain.clock import SystemClock
from tests.bot.cli.provider_thread import beside
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.github import HOME, TOKEN, FakeGitHub
from tests.fakes.providers.github_git import FETCH, PUSH
from tests.fakes.providers.github_tokens import USUAL_PERMISSIONS
from tests.fakes.workshop import IDENTITY, git

WRITER, BLIND = "github_pat_that_may_push_0123456789", "github_pat_that_sees_no_code_0123456789"


@pytest.fixture
def github(tmp_path: Path) -> Iterator[FakeGitHub]:
    with beside(FakeGitHub(SystemClock())) as github:
        github.tokens.add(WRITER, permissions={**USUAL_PERMISSIONS, "contents": "write"})
        github.tokens.add(BLIND, permissions={"metadata": "read"})
        github.git.make(tmp_path, HOME, {"app.py": "broken\n", "docs/a.md": "one\n"})
        yield github


def client(github: FakeGitHub, folder: Path, *words: str, header: str | None) -> subprocess.CompletedProcess[str]:
    """Run a git client that shows this Authorization header; it can ask nobody for another one."""
    shown = {} if header is None else config(github, header)
    environment = {**os.environ, **IDENTITY, "GIT_TERMINAL_PROMPT": "0", **shown}
    return subprocess.run(
        ["git", *words], cwd=folder, check=False, capture_output=True, text=True, env=environment, timeout=60
    )


def config(github: FakeGitHub, header: str) -> Mapping[str, str]:
    key = f"http.{github.url}/.extraheader"
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": key,
        "GIT_CONFIG_VALUE_0": f"Authorization: {header}",
    }


def basic(token: str, user: str = "x-access-token") -> str:
    return "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()


def cloned(github: FakeGitHub, folder: Path) -> Path:
    tree = folder / "tree"
    ended = client(github, folder, "clone", "-q", f"{github.url}/{HOME}.git", str(tree), header=basic(TOKEN))
    assert ended.returncode == 0, ended.stderr
    return tree


def committed(tree: Path, files: Mapping[str, str]) -> str:
    for name, text in files.items():
        (tree / name).write_text(text)
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "work")
    return git(tree, "rev-parse", "HEAD")


def test_the_first_commit_is_the_branch_s_head_and_can_be_cloned(github: FakeGitHub, tmp_path: Path) -> None:
    tree = cloned(github, tmp_path)
    head = git(tree, "rev-parse", "HEAD")
    assert github.home.commits.branches["main"] == head
    assert github.home.commits.graph.files[head] == {"app.py": b"broken\n", "docs/a.md": b"one\n"}
    assert (tree / "docs" / "a.md").read_text() == "one\n"
    assert FETCH in [one.operation for one in github.seen]


@pytest.mark.parametrize("header", [basic(WRITER), f"Bearer {WRITER}"])
def test_a_push_moves_the_branch_and_its_commits_are_known(github: FakeGitHub, tmp_path: Path, header: str) -> None:
    tree, before = cloned(github, tmp_path), github.home.commits.branches["main"]
    heard: list[tuple[str, str, str]] = []
    github.git.on_push(lambda repository, branch, sha: heard.append((repository.full_name, branch, sha)))
    (tree / "docs" / "a.md").unlink()
    middle = committed(tree, {"app.py": "better\n"})
    last = committed(tree, {"new.py": "x"})
    assert client(github, tree, "push", "-q", "origin", "HEAD:main", header=header).returncode == 0
    commits = github.home.commits
    assert (commits.branches["main"], heard) == (last, [(HOME, "main", last)])
    assert (commits.graph.parents[last], commits.graph.parents[middle]) == (middle, before)
    assert [(one.path, one.status) for one in commits.graph.changes(before, last)] == [
        ("app.py", "modified"),
        ("docs/a.md", "removed"),
        ("new.py", "added"),
    ]


def test_a_merge_comes_after_its_first_parent_and_a_branch_can_go(github: FakeGitHub, tmp_path: Path) -> None:
    tree = cloned(github, tmp_path)
    git(tree, "checkout", "-q", "-b", "topic")
    aside = committed(tree, {"aside.py": "x"})
    git(tree, "checkout", "-q", "main")
    first = committed(tree, {"app.py": "better\n"})
    git(tree, "merge", "-q", "--no-ff", "-m", "merge", "topic")
    merged = git(tree, "rev-parse", "HEAD")
    assert client(github, tree, "push", "-q", "origin", "main", "topic", header=basic(WRITER)).returncode == 0
    commits = github.home.commits
    assert (commits.branches["topic"], commits.graph.parents[merged]) == (aside, first)
    assert [one.path for one in commits.graph.changes(first, merged)] == ["aside.py"]
    assert client(github, tree, "push", "-q", "origin", ":topic", header=basic(WRITER)).returncode == 0
    assert [*commits.branches] == ["main"]


def test_somebody_else_s_push_is_shown_and_heard_and_nothing_is_forced(github: FakeGitHub, tmp_path: Path) -> None:
    tree = cloned(github, tmp_path)
    heard: list[str] = []
    github.git.on_push(lambda _repository, _branch, sha: heard.append(sha))
    theirs = github.git.land(HOME, {"other.py": "y"})
    assert (github.home.commits.branches["main"], heard) == (theirs, [theirs])
    committed(tree, {"app.py": "better\n"})
    assert client(github, tree, "push", "-q", "origin", "HEAD:main", header=basic(WRITER)).returncode != 0
    assert (github.home.commits.branches["main"], heard) == (theirs, [theirs])


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (None, "could not read Username"),
        (basic("github_pat_nobody_knows_this_one_0"), "could not read Username"),
        (basic(WRITER, user="ann"), "could not read Username"),
        (basic(TOKEN), "403"),
    ],
)
def test_without_a_token_that_may_write_nothing_is_pushed(
    github: FakeGitHub, tmp_path: Path, header: str | None, says: str
) -> None:
    tree, before = cloned(github, tmp_path), github.home.commits.branches["main"]
    committed(tree, {"app.py": "better\n"})
    ended = client(github, tree, "push", "-q", "origin", "HEAD:main", header=header)
    assert ended.returncode != 0
    assert says in ended.stderr
    assert PUSH not in [one.operation for one in github.seen]
    assert github.home.commits.branches["main"] == before


@pytest.mark.parametrize(
    ("token", "name", "says"),
    [(BLIND, HOME, "403"), (TOKEN, "acme/gone", "not found"), (TOKEN, "eve/app", "not found")],
)
def test_code_is_shown_to_those_who_may_read_it(
    github: FakeGitHub, tmp_path: Path, token: str, name: str, says: str
) -> None:
    ended = client(github, tmp_path, "clone", f"{github.url}/{name}.git", "tree", header=basic(token))
    assert ended.returncode != 0
    assert says in ended.stderr


def test_a_push_whose_answer_is_lost_was_taken_all_the_same(github: FakeGitHub, tmp_path: Path) -> None:
    tree = cloned(github, tmp_path)
    made = committed(tree, {"app.py": "better\n"})
    github.faults_on(PUSH).add(Fault.ACCEPT_THEN_DROP)
    assert client(github, tree, "push", "-q", "origin", "HEAD:main", header=basic(WRITER)).returncode != 0
    assert github.home.commits.branches["main"] == made
