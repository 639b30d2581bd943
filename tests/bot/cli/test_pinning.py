"""`reins policy pin`: what was looked through is written down, what is unsafe is not, and the rest of the file stays."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.cli.pinning import _edited, _replace
from domain.clock import SystemClock
from domain.errors import UserError
from policy.loading import load_policy
from tests.bot.cli.command_line import CommandLine
from tests.bot.cli.provider_thread import beside
from tests.bot.cli.test_doctor_github import GOOD, UNSAFE
from tests.fakes.policies import example_policy
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.github import HOME, TOKEN, FakeGitHub
from tests.fakes.providers.github_graph import blob_sha

CHANGED = GOOD + "# looked through again\n"
CI, NIGHTLY = ".github/workflows/ci.yml", ".github/workflows/nightly.yml"
CONTENTS = "repos/get-content"


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with beside(FakeGitHub(SystemClock())) as fake:
        fake.workflow("ci.yml")
        fake.workflow("nightly.yml")
        fake.home.commits.push("main", files={CI: GOOD, NIGHTLY: GOOD})
        fake.home.commits.push("dev", files={CI: CHANGED})
        yield fake


def write_policy(reins: CommandLine, github: FakeGitHub, text: str | None = None) -> str:
    """Join the fake GitHub and write a policy with two actions on it, `build` on two branches, as text with its own ways."""
    reins.set("REINS_GITHUB__TOKEN", TOKEN)
    reins.set("REINS_GITHUB__API_BASE", github.url)
    document = example_policy()
    document["repositories"].append(HOME)
    triage = {**document["actions"]["triage"], "repository": HOME}
    nightly = {**triage, "workflow": "nightly.yml", "refs": ["main"]}
    document["actions"] = {"near": document["actions"]["mutation"], "build": triage, "nightly": nightly}
    written = text or json.dumps(document, indent=3).replace('"refs": [\n', '"refs":  [\n')
    reins.paths().policy_file.write_text(written, encoding="utf-8")
    return written


def pins(reins: CommandLine) -> dict[str, Any]:
    """Return the pins of every action, as the file says them now."""
    policy = load_policy(reins.paths().policy_file.read_bytes()).policy
    assert policy is not None
    return {name: action.pins for name, action in policy.actions.items()}


def without_pins(text: str) -> str:
    return "\n".join(line.rstrip(",") for line in text.splitlines() if '"pins"' not in line)


def changes(reins: CommandLine) -> list[tuple[str, Any]]:
    rows = [row for row in reins.audit_rows() if row["action"] == "policy-pin"]
    return [(row["outcome"], row["evidence"]["pins"]) for row in rows]


def test_every_workflow_is_pinned_on_every_ref_and_only_pins_are_written(
    reins: CommandLine, github: FakeGitHub
) -> None:
    before = write_policy(reins, github)
    path = reins.paths().policy_file
    path.chmod(0o640)
    assert reins.done("policy", "pin").splitlines() == [
        f"build ci.yml@main: none -> {blob_sha(GOOD)[:12]}",
        f"build ci.yml@dev: none -> {blob_sha(CHANGED)[:12]}",
        f"nightly nightly.yml@main: none -> {blob_sha(GOOD)[:12]}",
    ]
    wanted = {
        "near": {},
        "build": {"main": blob_sha(GOOD), "dev": blob_sha(CHANGED)},
        "nightly": {"main": blob_sha(GOOD)},
    }
    assert pins(reins) == wanted
    assert without_pins(path.read_text(encoding="utf-8")) == without_pins(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(one.name for one in path.parent.glob(".*")) == []
    said = [f"{name}@{ref} none -> {sha}" for name, its in wanted.items() for ref, sha in its.items()]
    assert changes(reins) == [("intended", said), ("done", said)]


def test_what_is_pinned_already_is_said_and_not_written_again(reins: CommandLine, github: FakeGitHub) -> None:
    write_policy(reins, github)
    reins.done("policy", "pin")
    before, rows = reins.paths().policy_file.read_bytes(), changes(reins)
    assert reins.done("policy", "pin", "build").splitlines() == [
        f"build ci.yml@main: {blob_sha(GOOD)[:12]} unchanged",
        f"build ci.yml@dev: {blob_sha(CHANGED)[:12]} unchanged",
    ]
    assert (reins.paths().policy_file.read_bytes(), changes(reins)) == (before, rows)


def test_only_the_named_actions_are_pinned(reins: CommandLine, github: FakeGitHub) -> None:
    write_policy(reins, github)
    reins.done("policy", "pin", "nightly")
    assert pins(reins) == {"near": {}, "build": {}, "nightly": {"main": blob_sha(GOOD)}}


def test_a_dry_run_shows_and_writes_nothing(reins: CommandLine, github: FakeGitHub) -> None:
    before = write_policy(reins, github)
    assert f"build ci.yml@main: none -> {blob_sha(GOOD)[:12]}" in reins.done("policy", "pin", "--dry-run")
    assert (reins.paths().policy_file.read_text(encoding="utf-8"), changes(reins)) == (before, [])


def test_an_unsafe_workflow_keeps_its_old_pin_and_is_named_with_its_line(
    reins: CommandLine, github: FakeGitHub
) -> None:
    write_policy(reins, github)
    reins.done("policy", "pin")
    github.home.commits.push("main", files={CI: UNSAFE, NIGHTLY: CHANGED})
    ended = reins.run("policy", "pin")
    assert ended.code == 4
    assert "build ci.yml@main: not pinned\n  build: ci.yml of acme/app@main puts inputs into a script" in ended.out
    assert "(line 12: inputs.request_id); pass it through env:" in ended.out
    assert f"nightly nightly.yml@main: {blob_sha(GOOD)[:12]} -> {blob_sha(CHANGED)[:12]}" in ended.out
    assert pins(reins)["build"]["main"] == blob_sha(GOOD)
    assert pins(reins)["nightly"]["main"] == blob_sha(CHANGED)


def test_a_workflow_that_is_not_there_is_not_pinned(reins: CommandLine, github: FakeGitHub) -> None:
    write_policy(reins, github)
    github.home.actions.workflows.clear()
    github.home.commits.push("dev", files={CI: None})
    ended = reins.run("policy", "pin", "build")
    assert (ended.code, "build ci.yml@dev: not pinned" in ended.out) == (4, True)
    assert pins(reins)["build"] == {"main": blob_sha(GOOD)}


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["none"], "action: none is no action of the policy that runs on GitHub; those are: build, nightly"),
        (["near"], "action: near is no action of the policy that runs on GitHub"),
    ],
)
def test_an_action_that_is_not_on_github_is_refused(
    reins: CommandLine, github: FakeGitHub, names: list[str], says: str
) -> None:
    write_policy(reins, github)
    ended = reins.run("policy", "pin", *names)
    assert (ended.code, says in ended.err) == (2, True)


def test_without_github_or_with_a_broken_policy_nothing_is_pinned(reins: CommandLine, github: FakeGitHub) -> None:
    assert "github is not set up" in reins.run("policy", "pin").err
    write_policy(reins, github, "{")
    ended = reins.run("policy", "pin")
    assert (ended.code, "policy: policy_invalid: the file is no JSON we take" in ended.err) == (2, True)


def test_a_github_that_does_not_answer_changes_nothing(reins: CommandLine, github: FakeGitHub) -> None:
    before = write_policy(reins, github)
    github.faults_on(CONTENTS).add(Fault.ERROR)
    ended = reins.run("policy", "pin")
    assert (ended.code, "build: ci.yml of acme/app@main: GitHub" in ended.err) == (3, True)
    assert reins.paths().policy_file.read_text(encoding="utf-8") == before


def test_a_linked_policy_file_stays_a_link(reins: CommandLine, github: FakeGitHub, tmp_path: Path) -> None:
    write_policy(reins, github)
    path, kept = reins.paths().policy_file, tmp_path / "kept.json"
    path.rename(kept)
    path.symlink_to(kept)
    reins.done("policy", "pin")
    assert path.is_symlink()
    assert b'"pins"' in kept.read_bytes()


def test_a_file_that_somebody_changed_meanwhile_is_left_to_them(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    path.write_bytes(b"theirs")
    with pytest.raises(UserError, match="was changed meanwhile; nothing was written"):
        _replace(path, b"as it was read", b"ours")
    assert [one.name for one in tmp_path.iterdir()] == ["policy.json"]
    with pytest.raises(UserError, match="cannot be written"):
        _replace(tmp_path / "gone" / "policy.json", b"", b"ours")


def test_a_file_in_which_more_than_the_pins_would_change_is_not_written() -> None:
    state, other = load_policy(json.dumps(example_policy()).encode()), example_policy()
    other["actions"]["triage"]["title"] = "Another one"
    with pytest.raises(UserError, match="write them by hand"):
        _edited(state, json.dumps(other).encode(), {"triage": {"main": blob_sha(GOOD)}})
