"""Fixing from end to end: the real command, a real working tree, and a GitHub that takes real pushes."""

import base64
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from domain.clock import SystemClock, to_text
from tests.bot.cli.command_line import CommandLine, Ended
from tests.bot.cli.provider_thread import beside
from tests.fakes.policies import example_policy
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.github import HOME, FakeGitHub
from tests.fakes.providers.github import TOKEN as READER
from tests.fakes.providers.github_git import ADVERTISE, PUSH
from tests.fakes.providers.github_plan import completed
from tests.fakes.providers.github_runs import Artifact, Run, zipped
from tests.fakes.providers.github_tokens import USUAL_PERMISSIONS
from tests.fakes.workshop import PRELUDE, git

BRIDGE = "reins-triage-bridge.yml"
RUNS_LIST = "actions/list-workflow-runs"
TOKEN = "github_pat_that_may_push_0123456789abc"
BASIC = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
NOW = to_text(SystemClock().now())  # of this test run: an artifact's bytes must not change between two looks
POLICY = "control_plane_policy.json"
WORKFLOW = ".github/workflows/x.yml"
FIX = "commit(sys.argv[1], 'mended')"
TOUCH = "commit('notes.md', str(os.getpid()))"  # a commit that mends nothing
RAN = "pathlib.Path(__file__).with_name('ran').touch()\n"


@dataclass
class World:
    """A repository of GitHub whose bridge finds `app.py` broken until it is mended, and a working tree of it."""

    reins: CommandLine
    github: FakeGitHub
    folder: Path
    source: Run
    measured: list[Run] = field(default_factory=list)

    @property
    def tree(self) -> Path:
        return self.folder / "tree"

    @property
    def branch_head(self) -> str:
        return self.github.home.commits.branches["main"]

    @property
    def program_ran(self) -> bool:
        return (self.folder / "ran").exists()

    def asked(self, operation: str) -> int:
        return [one.operation for one in self.github.seen].count(operation)

    def fix(self, script: str, *options: str, mode: str = "fix-only", policy: str = f"tree/{POLICY}") -> Ended:
        """Run the loop with a fix action whose program, outside of the tree, is this script."""
        (self.folder / "program.py").write_text(PRELUDE + RAN + script)
        given = ("--mode", mode, "--fix-command", "mend file=app.py", "--policy-file", policy)
        return self.reins.run("triage-loop", "--format", "json", *given, "--working-tree", "tree", *options)

    def nothing_was_pushed(self) -> bool:
        return (self.branch_head, self.asked(PUSH), self.measured) == (self.source.head_sha, 0, [])


def policy(folder: Path, mode: str = "operate", **limits: Any) -> str:
    mend = {
        "name": "mend",
        "argv": [sys.executable, str(folder / "program.py"), "{file}"],
        "arguments": {"file": {"type": "string", "pattern": "[a-z.]+"}},
        "timeout_seconds": 60,
    }
    document = example_policy() | {"autonomy_mode_default": mode}
    document["loops"]["triage"] = {"allowed_branches": ["main"], "fix_actions": [mend], **limits}
    return json.dumps(document)


def report_of(ended: Ended) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(ended.out)
    assert report["exit_code"] == ended.code
    return report


@pytest.fixture
def world(bare: CommandLine) -> Iterator[World]:
    folder = bare.folder
    with beside(FakeGitHub(SystemClock())) as github:
        github.tokens.add(TOKEN, permissions={**USUAL_PERMISSIONS, "contents": "write"})
        files = {"app.py": "broken\n", POLICY: policy(folder), WORKFLOW: "on: push\n"}
        github.git.make(folder / "served", HOME, files)

        def backlog(run: Run) -> bytes:
            return packed_backlog(run, broken=github.home.commits.graph.files[run.head_sha]["app.py"] != b"mended")

        github.workflow(BRIDGE, plan=(completed("failure"),), artifacts=[Artifact("reins-backlog-1-1", backlog)])
        world = World(bare, github, folder, github.home.run_by_others(BRIDGE))

        def measure(_repository: object, branch: str, sha: str) -> None:
            world.measured.append(github.home.run_by_others(BRIDGE, branch=branch, head_sha=sha))

        github.git.on_push(measure)
        check_out(github, folder)
        for name, value in {"TOKEN": TOKEN, "API_URL": github.url, "REPOSITORY": HOME}.items():
            bare.set(f"GITHUB_{name}", value)
        bare.set("AUTONOMY_MODE", "operate")
        yield world


def check_out(github: FakeGitHub, folder: Path) -> None:
    """Check out as a workflow does that keeps no credential."""
    git(folder, "clone", "-q", str(folder / "served" / f"{HOME}.git"), "tree")
    git(folder / "tree", "remote", "set-url", "origin", f"{github.url}/{HOME}.git")


def packed_backlog(run: Run, *, broken: bool) -> bytes:
    item = {"category": "security", "severity": "high", "summary": "a hole", "path": "app.py", "line": 1}
    document = {
        "source": "coderabbit",
        "repository": HOME,
        "pr_number": None,
        "head_sha": run.head_sha,
        "generated_at": NOW,
        "items": [item] if broken else [],
    }
    return zipped({"backlog-medium.json": json.dumps(document).encode()})


# --- fix-only ---------------------------------------------------------------------------------------------------


def test_a_fix_is_pushed_and_the_verdict_rests_on_the_run_of_its_commit(world: World) -> None:
    ended = world.fix(FIX)
    report, (run,) = report_of(ended), world.measured
    assert (ended.code, report["reason"], report["unresolved"]) == (0, "resolved", 0)
    first, second = report["attempts"]
    assert (first["source_run_id"], first["conclusion"]) == (world.source.id, "unresolved")
    assert (first["fix_commit"], first["fix_exit_code"]) == (run.head_sha, 0)
    assert (second["source_run_id"], second["source_sha"], second["fix_commit"]) == (run.id, run.head_sha, None)
    assert (second["correlation"], second["conclusion"]) == ("source_artifact_sha_validated", "resolved")
    assert second["source_run_url"] == f"{world.github.url}/{HOME}/actions/runs/{run.id}"
    assert world.branch_head == run.head_sha == git(world.tree, "rev-parse", "HEAD")
    assert world.github.home.commits.graph.parents[run.head_sha] == world.source.head_sha


def test_the_token_is_told_to_nobody_and_left_nowhere(world: World) -> None:
    ended = world.fix(
        "import json; pathlib.Path('seen.json').write_text(json.dumps([dict(os.environ), sys.argv]));"
        "print(*os.environ.items()); " + FIX
    )
    assert report_of(ended)["reason"] == "resolved"
    seen = world.github.home.commits.graph.files[world.branch_head]["seen.json"]
    environment, argv = json.loads(seen)
    assert argv == [str(world.folder / "program.py"), "app.py"]
    assert environment["REINS_SOURCE_SHA"] == world.source.head_sha
    assert (environment["REINS_LOOP"], environment["REINS_UNRESOLVED"]) == ("triage", "1")
    assert not any(name.startswith(("GITHUB_", "GIT_", "AUTONOMY_")) for name in environment)
    settings = (world.tree / ".git" / "config").read_text()
    for place in (str(seen), ended.out, ended.err, settings):
        assert TOKEN not in place
        assert BASIC not in place


def test_every_fix_is_measured_until_no_more_are_allowed(world: World) -> None:
    ended = world.fix(TOUCH, "--max-attempts", "2")
    report = report_of(ended)
    assert (ended.code, report["reason"], report["escalation_needed"]) == (6, "attempts_exhausted", True)
    assert [one["fix_commit"] for one in report["attempts"]] == [*(run.head_sha for run in world.measured), None]
    assert [one["source_run_id"] for one in report["attempts"]] == [one.id for one in (world.source, *world.measured)]
    assert len(world.measured) == 2


def test_a_push_whose_answer_is_lost_is_looked_up_and_not_repeated(world: World) -> None:
    world.github.faults_on(PUSH).add(Fault.ERROR_AFTER_ACCEPT)
    assert report_of(world.fix(FIX))["reason"] == "resolved"
    assert world.asked(PUSH) == 1


def test_a_fix_that_commits_nothing_is_told_at_once(world: World) -> None:
    ended = world.fix("print('nothing to do')")
    report = report_of(ended)
    assert (ended.code, report["reason"], report["unresolved"]) == (6, "fix_made_no_commit", 1)
    assert (world.asked(RUNS_LIST), world.asked(PUSH), len(report["attempts"])) == (1, 0, 1)


def test_what_a_failing_program_wrote_is_shown_as_data(world: World) -> None:
    ended = world.fix("print('::add-mask::x'); print('done ##[group]'); sys.exit(3)")
    assert (ended.code, report_of(ended)["reason"]) == (6, "fix_failed")
    assert "fix 1: mend failed with exit code 3\n  | ::add-mask::x\n  | done ## [group]\n" in ended.err
    assert world.nothing_was_pushed()


def test_a_token_that_may_not_write_code_pushes_nothing(world: World) -> None:
    world.reins.set("GITHUB_TOKEN", READER)
    ended = world.fix(FIX)
    report = report_of(ended)
    assert (ended.code, report["reason"]) == (6, "fix_not_pushed")
    assert "error: 403" in report["detail"]
    assert world.nothing_was_pushed()


# --- what is never pushed ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [WORKFLOW, ".github/workflows/new.yml", POLICY])
def test_workflows_and_the_policy_stay_as_they_are(world: World, path: str) -> None:
    ended = world.fix(f"{FIX}; commit({path!r}, 'mine')")
    report = report_of(ended)
    assert (ended.code, report["reason"], report["escalation_needed"]) == (4, "protected_path_changed", True)
    assert path in report["detail"]
    assert world.nothing_was_pushed()


def test_the_policy_stays_as_it_is_also_where_another_checkout_s_is_read(world: World) -> None:
    (world.folder / "default-branch").mkdir()
    (world.folder / "default-branch" / POLICY).write_text(policy(world.folder))
    ended = world.fix(f"{FIX}; commit({POLICY!r}, 'mine')", policy=f"default-branch/{POLICY}")
    assert (ended.code, report_of(ended)["reason"]) == (4, "protected_path_changed")
    assert world.nothing_was_pushed()


def test_a_program_has_nothing_to_push_with_by_itself(world: World) -> None:
    pushing = "['git', 'push', 'origin', 'HEAD:main']"
    ended = world.fix(f"commit({WORKFLOW!r}, 'mine'); sys.exit(subprocess.run({pushing}).returncode)")
    assert (ended.code, report_of(ended)["reason"]) == (6, "fix_failed")
    assert "could not read Username" in ended.err
    assert [one.headers.get("Authorization") for one in world.github.seen if one.operation == ADVERTISE] == [None]
    assert world.nothing_was_pushed()


# --- what is never begun ----------------------------------------------------------------------------------------


def blocked(world: World, ended: Ended, because: str) -> bool:
    report = report_of(ended)
    assert (ended.code, report["reason"], report["unresolved"]) == (4, "fix_blocked", 1)
    assert because in report["detail"]
    return world.nothing_was_pushed() and not world.program_ran


@pytest.mark.parametrize(
    ("environment", "default", "because"),
    [
        (None, "read-only", "mode_too_low"),
        ("read-only", "operate", "mode_too_low"),
        ("operate", "read-only", "mode_too_low"),
        ("off", "operate", "mode_off"),
        ("", "operate", "mode_invalid"),
    ],
)
def test_without_the_mode_operate_nothing_is_fixed(
    world: World, monkeypatch: pytest.MonkeyPatch, environment: str | None, default: str, because: str
) -> None:
    (world.folder / "other.json").write_text(policy(world.folder, default))
    if environment is None:
        monkeypatch.delenv("AUTONOMY_MODE")
    else:
        world.reins.set("AUTONOMY_MODE", environment)
    assert blocked(world, world.fix(FIX, policy="other.json"), because)


def test_a_branch_that_takes_pull_requests_only_is_left_alone(world: World) -> None:
    world.github.home.commits.restrict("main", "pull_request")
    assert blocked(world, world.fix(FIX), "branch_protected")


def test_a_branch_that_the_policy_does_not_name_is_left_alone(world: World) -> None:
    (world.folder / "other.json").write_text(policy(world.folder, allowed_branches=["develop"]))
    assert blocked(world, world.fix(FIX, policy="other.json"), "branch_not_allowed")


def test_without_a_policy_nothing_is_fixed(world: World) -> None:
    assert blocked(world, world.fix(FIX, policy="gone.json"), "policy_missing")


def test_a_fix_without_a_name_ends_with_2_before_anything_is_asked(world: World) -> None:
    ended = world.reins.run("triage-loop", "--mode", "fix-only")
    assert (ended.code, world.github.seen) == (2, [])
    assert "mode fix-only needs --fix-command" in ended.err


def test_an_app_of_our_own_has_no_token_to_push_with(world: World) -> None:
    key = world.folder / "key.pem"
    key.write_text("-----BEGIN PRIVATE KEY-----")
    key.chmod(0o600)
    for name, value in {"APP_ID": "1", "INSTALLATION_ID": "2", "PRIVATE_KEY_FILE": str(key)}.items():
        world.reins.set(f"REINS_GITHUB__{name}", value)
    ended = world.fix(FIX)
    assert (ended.code, world.github.seen) == (2, [])
    assert "a fix is pushed with a token: set GITHUB_TOKEN" in ended.err


# --- plan-then-fix ----------------------------------------------------------------------------------------------


def planned(world: World) -> tuple[str, str]:
    """Let the plan be made; return its digest and its commit."""
    ended = world.fix(FIX, mode="plan-then-fix")
    report = report_of(ended)
    assert (ended.code, report["reason"], report["unresolved"]) == (0, "awaits_approval", 1)
    plan = report["plan"]
    assert (plan["action"], plan["arguments"]) == ("mend", {"file": "app.py"})
    return plan["digest"], plan["commit"]


def approved(world: World, digest: str, *pin: str) -> Ended:
    return world.fix(FIX, "--approved-plan", digest, *pin, mode="plan-then-fix")


def test_a_plan_is_told_and_once_agreed_to_carried_out(world: World) -> None:
    digest, commit = planned(world)
    assert commit == world.source.head_sha
    assert world.nothing_was_pushed()
    assert not world.program_ran
    ended = approved(world, digest, "--source-run-sha", commit)
    report = report_of(ended)
    assert (ended.code, report["reason"], len(report["attempts"])) == (0, "resolved", 2)
    assert world.branch_head == world.measured[0].head_sha == report["attempts"][0]["fix_commit"]


def test_another_plan_than_the_agreed_one_is_not_carried_out(world: World) -> None:
    digest, commit = planned(world)
    ended = approved(world, "0" * 64, "--source-run-sha", commit)
    report = report_of(ended)
    assert (ended.code, report["reason"], report["plan"]["digest"]) == (4, "plan_changed", digest)
    assert world.nothing_was_pushed()
    assert not world.program_ran


def test_after_somebody_else_s_push_an_agreed_plan_brings_nothing_to_the_branch(world: World) -> None:
    digest, commit = planned(world)
    theirs = world.github.git.land(HOME, {"other.py": "y"})
    unpinned = approved(world, digest)
    assert (unpinned.code, report_of(unpinned)["reason"]) == (4, "plan_changed")
    git(world.tree, "fetch", "-q", str(world.folder / "served" / f"{HOME}.git"), "main")
    git(world.tree, "checkout", "-q", "FETCH_HEAD")
    fresh = approved(world, digest, "--source-run-sha", commit)
    assert (fresh.code, report_of(fresh)["reason"], world.program_ran) == (4, "fix_blocked", False)
    git(world.tree, "checkout", "-q", commit)
    late = approved(world, digest, "--source-run-sha", commit)
    assert (late.code, report_of(late)["reason"]) == (6, "fix_not_pushed")
    assert f"main has moved since it was measured: it is at {theirs[:12]}" in report_of(late)["detail"]
    assert (world.branch_head, world.asked(PUSH)) == (theirs, 0)
