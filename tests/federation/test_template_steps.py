"""The templates' steps, run as a runner would: real shells, the real `reins`, a GitHub on loopback, and nothing but a token."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from domain.clock import SystemClock, to_text
from tests.bot.cli.provider_thread import beside
from tests.fakes.loop_artifacts import outcomes, rows
from tests.fakes.providers.github import HOME, FakeGitHub
from tests.fakes.providers.github_plan import completed
from tests.fakes.providers.github_runs import Artifact, Run, zipped
from tests.fakes.providers.github_tokens import Kind
from tests.federation.runner import Ran, Runner
from tests.federation.templates import Job, content, read

BRIDGE, TESTS, CI = "reins-triage-bridge.yml", "reins-mutation-tests.yml", "ci.yml"
TRIAGE_LOOP, MUTATION_LOOP, FAILURES = "reins-triage-loop.yml", "reins-mutation-loop.yml", "reins-failure-triage.yml"
VARIABLES = {"REINS_REPOSITORY": "octo/reins", "REINS_REF": "c" * 40}
OWN_RUN = 4_711  # of the workflow under test, which GitHub knows nothing else of
SHARDS = 8
PULL = 7
JOB_LOGIN = "github-actions[bot]"
NOW = to_text(SystemClock().now())


@dataclass(slots=True)
class Desk:
    """A GitHub, and a runner for each run of a template there."""

    github: FakeGitHub
    folder: Path
    numbers: Iterator[int]

    def run(
        self,
        template: str,
        github: Mapping[str, Any],
        inputs: Mapping[str, str] | None = None,
        /,
        **variables: str,
    ) -> Runner:
        number = next(self.numbers)
        runner = Runner(
            read(content(template)),
            self.folder / f"run-{number}",
            {
                "api_url": self.github.url,
                "ref_name": "main",
                "ref_type": "branch",
                "repository": HOME,
                "run_attempt": "1",
                "run_id": str(OWN_RUN + number),
                "server_url": "https://github.example",
                "sha": self.github.home.commits.branches["main"],
                **github,
            },
            inputs or {},
            {**VARIABLES, **variables},
            token=self.token,
        )
        runner.run()
        return runner

    def token(self, job: Job) -> str:
        """Return a token that may do what the job's permissions say, and nothing else."""
        granted = {name.replace("-", "_"): level for name, level in (job.permissions or {}).items()}
        text = "ghs_" + "-".join(f"{name}-{level}" for name, level in granted.items())
        self.github.tokens.add(text, Kind.INSTALLATION, JOB_LOGIN, permissions={"metadata": "read", **granted})
        return text

    @property
    def writes(self) -> list[str]:
        return [f"{seen.method} {seen.path}" for seen in self.github.seen if seen.method not in {"GET", "HEAD"}]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with beside(FakeGitHub(SystemClock())) as github:
        github.workflow(BRIDGE, plan=[completed("success")], artifacts=[Artifact("reins-backlog-1-1", backlog)])
        shards = [Artifact(f"mutation-outcomes-shard-{number}", shard(number)) for number in range(SHARDS)]
        github.workflow(TESTS, plan=[completed("success")], artifacts=shards)
        yield Desk(github, tmp_path, count())


def backlog(run: Run) -> bytes:
    item = {"category": "security", "severity": "high", "summary": "a hole ::error::x", "path": "src/a.py", "line": 3}
    document = {
        "source": "coderabbit",
        "repository": HOME,
        "pr_number": PULL,
        "head_sha": run.head_sha,
        "generated_at": NOW,
        "items": [item],
    }
    return zipped({"backlog-medium.json": json.dumps(document).encode()})


def shard(number: int) -> bytes:
    document = json.dumps(outcomes(rows(100 * number + 1, killed=8, survived=1), end_time=NOW)).encode()
    record = json.dumps({"finished_at": NOW, "head_sha": None, "run_url": None}).encode()
    return zipped({"mutants.out/outcomes.json": document, "reins-run.json": record})


def ended(run: Run, conclusion: str = "success", event: str = "push") -> dict[str, Any]:
    """Return what GitHub tells a workflow that follows this run."""
    about = {
        "conclusion": conclusion,
        "event": event,
        "head_branch": run.branch,
        "head_repository": {"full_name": HOME},
        "head_sha": run.head_sha,
        "id": run.id,
    }
    repository = {"default_branch": "main"}
    return {"event_name": "workflow_run", "event": {"workflow_run": about, "repository": repository}}


def report(runner: Runner, loop: str) -> Any:
    (kept,) = runner.artifacts.values()
    return json.loads((kept / f"{loop}-loop.json").read_text(encoding="utf-8"))


def results(runner: Runner) -> dict[str, str]:
    return {name: ran.result for name, ran in runner.ran.items()}


def explained(ran: Ran) -> str:
    return f"{ran.codes}\n{ran.log}"


def test_the_bridges_end_is_reported_of_that_very_run_and_nothing_is_written(desk: Desk) -> None:
    run = desk.github.home.run_by_others(BRIDGE)
    desk.github.home.commits.push("main")
    desk.github.home.run_by_others(BRIDGE)
    runner = desk.run(TRIAGE_LOOP, ended(run))
    assert results(runner) == {"decide": "success", "report": "success", "fix": "skipped", "comment": "skipped"}, (
        explained(runner.ran["report"])
    )
    told = report(runner, "triage")
    assert (told["reason"], told["unresolved"], told["mode"]) == ("unresolved", 1, "report-only")
    assert told["attempts"][0]["source_run_id"] == run.id
    assert told["attempts"][0]["correlation"] == "source_artifact_sha_validated"
    assert desk.writes == []
    assert "a hole" in (runner.folder / "report" / ".summary").read_text(encoding="utf-8")
    assert not any(line.startswith("::") for line in runner.ran["report"].log.splitlines())


def test_by_hand_the_newest_run_of_the_branch_is_reported(desk: Desk) -> None:
    run = desk.github.home.run_by_others(BRIDGE)
    runner = desk.run(TRIAGE_LOOP, {"event_name": "workflow_dispatch", "event": {}}, {"mode": "report-only"})
    assert report(runner, "triage")["attempts"][0]["source_run_id"] == run.id


def test_all_shards_make_one_score(desk: Desk) -> None:
    run = desk.github.home.run_by_others(TESTS)
    runner = desk.run(MUTATION_LOOP, ended(run))
    assert results(runner)["report"] == "success", explained(runner.ran["report"])
    told = report(runner, "mutation")
    assert (told["reason"], told["counts"]["killed"]) == ("threshold_met", 64)
    assert report(desk.run(MUTATION_LOOP, ended(run), REINS_MUTATION_THRESHOLD="95"), "mutation")["reason"] == (
        "below_threshold"
    )
    missing = desk.run(MUTATION_LOOP, ended(run), REINS_MUTATION_SHARDS="9")
    assert report(missing, "mutation")["reason"] == "incomplete_shards"
    assert missing.ran["report"].codes["Report"] == 3


def test_a_comment_is_written_once_by_a_job_that_may_do_nothing_else(desk: Desk) -> None:
    main = desk.github.home.commits.branches["main"]
    desk.github.home.discussion.open_pull(PULL, "topic", main, main)
    run = desk.github.home.run_by_others(BRIDGE)
    for _ in range(2):
        runner = desk.run(TRIAGE_LOOP, ended(run), REINS_TRIAGE_NOTIFY="summary-and-comment")
        assert results(runner)["comment"] == "success", explained(runner.ran["comment"])
    (comment,) = desk.github.home.discussion.comments.values()
    assert comment.author == JOB_LOGIN
    assert "a hole" in comment.body


def test_enforcing_turns_the_run_red_and_the_report_and_the_comment_are_still_there(desk: Desk) -> None:
    main = desk.github.home.commits.branches["main"]
    desk.github.home.discussion.open_pull(PULL, "topic", main, main)
    run = desk.github.home.run_by_others(BRIDGE)
    variables = {"REINS_TRIAGE_ENFORCE": "true", "REINS_TRIAGE_NOTIFY": "summary-and-comment"}
    runner = desk.run(TRIAGE_LOOP, ended(run), **variables)
    assert runner.ran["report"].codes["Report"] == 1
    assert results(runner)["report"] == "failure"
    assert results(runner)["comment"] == "success", explained(runner.ran["comment"])
    assert report(runner, "triage")["unresolved"] == 1


@pytest.mark.parametrize(
    "inputs", [{"max_attempts": "$(touch pwned)"}, {"poll_seconds": "; touch pwned"}, {"timeout_seconds": "--help"}]
)
def test_an_input_that_is_no_number_is_refused_and_is_never_a_command(inputs: dict[str, str], desk: Desk) -> None:
    desk.github.home.run_by_others(BRIDGE)
    runner = desk.run(TRIAGE_LOOP, {"event_name": "workflow_dispatch", "event": {}}, {"mode": "report-only", **inputs})
    assert runner.ran["report"].codes["Report"] == 2, explained(runner.ran["report"])
    assert list(desk.folder.rglob("pwned")) == []
    assert desk.github.seen == []


def test_a_branch_whose_name_looks_like_an_option_or_a_command_stays_a_name(desk: Desk) -> None:
    name = '$(touch${IFS}pwned)";--help'
    desk.github.home.commits.push(name)
    run = desk.github.home.run_by_others(BRIDGE, branch=name)
    runner = desk.run(TRIAGE_LOOP, ended(run))
    assert list(desk.folder.rglob("pwned")) == []
    assert report(runner, "triage")["attempts"][0]["source_run_id"] == run.id


def test_an_agreed_fix_runs_on_its_commit_alone_and_writes_nothing_where_no_policy_allows_it(desk: Desk) -> None:
    run = desk.github.home.run_by_others(BRIDGE)
    asked = {"event_name": "workflow_dispatch", "event": {"repository": {"default_branch": "main"}}}
    agreed = {"mode": "report-only", "plan": "b" * 64, "commit": run.head_sha}
    runner = desk.run(TRIAGE_LOOP, asked, agreed, AUTONOMY_MODE="operate", REINS_TRIAGE_FIX="tidy level=1")
    assert results(runner) == {**results(runner), "decide": "success", "report": "skipped"}
    assert runner.ran["fix"].codes["Fix, then measure again"] == 4, explained(runner.ran["fix"])
    assert runner.fetched == {".reins-tool": "c" * 40, ".reins-policy": "main", "tree": run.head_sha}
    assert report(runner, "triage")["attempts"][0]["source_sha"] == run.head_sha
    assert desk.writes == []


def pushed(**more: Any) -> dict[str, Any]:
    return {"event_name": "push", "event": {}, "ref_name": "main", **more}


def test_the_bridge_collects_a_backlog_of_the_pushed_commit(desk: Desk) -> None:
    head = desk.github.home.commits.push("topic")
    main = desk.github.home.commits.branches["main"]
    desk.github.home.discussion.open_pull(PULL, "topic", head, main)
    desk.github.home.discussion.review(
        PULL, "_⚠️ Potential issue_ | _🔴 Critical_\n\n**A hole.**\n", path="a.py", line=3
    )
    pull = {"number": PULL, "head": {"ref": "topic", "sha": head, "repo": {"full_name": HOME}}}
    merge = {
        "event_name": "pull_request",
        "event": {"pull_request": pull},
        "ref_name": f"{PULL}/merge",
        "sha": "d" * 40,
    }
    runner = desk.run(BRIDGE, merge)
    ran = runner.ran["collect"]
    assert ran.result == "success", explained(ran)
    (kept,) = runner.artifacts.items()
    assert kept[0] == f"reins-backlog-{OWN_RUN}-1"
    written = json.loads((kept[1] / "backlog-medium.json").read_text(encoding="utf-8"))
    assert (written["head_sha"], written["branch"], written["pr_number"]) == (head, "topic", PULL)
    assert [item["severity"] for item in written["items"]] == ["critical"]
    assert "A hole" not in ran.log
    assert desk.writes == []


def test_the_bridge_takes_up_the_newest_earlier_backlog_of_its_branch_and_of_no_fork(desk: Desk) -> None:
    names = {}
    for about, more in (("older", {}), ("newest", {}), ("fork's", {"head_repository": "mallory/app"})):
        run = desk.github.home.run_by_others(BRIDGE, **more)
        (stored,) = desk.github.home.actions.uploaded(run)
        stored.declared = replace(stored.declared, name=f"reins-backlog-{run.id}-1")
        names[about] = stored.declared.name
    desk.github.home.run_by_others(BRIDGE)  # it ended without a backlog of its own
    runner = desk.run(BRIDGE, pushed())
    ran = runner.ran["collect"]
    assert ran.codes["Find the newest earlier backlog of this branch"] == 0, explained(ran)
    assert ran.codes["Fetch it"] == 1  # this runner keeps none of earlier runs
    assert runner.asked == [names["newest"]]


def test_the_first_backlog_of_a_branch_needs_none_before_it(desk: Desk) -> None:
    ran = desk.run(BRIDGE, pushed()).ran["collect"]
    assert "Fetch it" not in ran.codes
    assert ran.result == "success", explained(ran)


def test_a_github_that_does_not_tell_the_earlier_backlog_ends_the_run(desk: Desk) -> None:
    ran = desk.run(BRIDGE, pushed(api_url="http://127.0.0.1:9")).ran["collect"]
    assert ran.codes["Find the newest earlier backlog of this branch"] == 1
    assert ran.result == "failure"
    assert "Collect" not in ran.codes


def test_a_fork_is_not_collected(desk: Desk) -> None:
    pull = {"number": PULL, "head": {"ref": "main", "sha": "d" * 40, "repo": {"full_name": "mallory/app"}}}
    runner = desk.run(BRIDGE, {"event_name": "pull_request", "event": {"pull_request": pull}})
    assert results(runner) == {"collect": "skipped"}


def test_failed_lanes_are_listed_with_a_token_that_only_reads(desk: Desk) -> None:
    desk.github.workflow(CI, plan=[completed("failure")], jobs={"lint": "success", "unit tests": "failure"})
    run = desk.github.home.run_by_others(CI)
    runner = desk.run(FAILURES, ended(run, "failure"))
    assert results(runner) == {"decide": "success", "triage": "success"}, explained(runner.ran["triage"])
    (kept,) = runner.artifacts.items()
    assert kept[0] == f"reins-failures-{OWN_RUN}-1"
    written = json.loads((kept[1] / "backlog-medium.json").read_text(encoding="utf-8"))
    assert [(item["category"], item["severity"]) for item in written["items"]] == [("ci", "high")]
    assert "unit tests" in (runner.folder / "triage" / ".summary").read_text(encoding="utf-8")
    assert desk.writes == []


CARGO = """#!/bin/sh
[ "$1" = mutants ] || exit 0
echo "$@" > asked
mkdir -p results/mutants.out
echo '{{}}' > results/mutants.out/outcomes.json
exit {code}
"""


@pytest.mark.parametrize(
    ("code", "ends", "recorded"),
    [(0, 0, True), (2, 0, True), (3, 0, True), (4, 4, True), (1, 1, False), (70, 70, False), (137, 137, False)],
)
def test_only_a_tool_that_came_to_its_end_is_recorded_as_ended(
    code: int, ends: int, recorded: bool, tmp_path: Path
) -> None:
    cargo = tmp_path / "bin" / "cargo"
    cargo.parent.mkdir()
    cargo.write_text(CARGO.format(code=code), encoding="utf-8")
    cargo.chmod(0o755)
    github = {"repository": HOME, "run_id": "12", "server_url": "https://github.example", "sha": "a" * 40}
    runner = Runner(read(content(TESTS)), tmp_path / "run", {**github, "run_attempt": "1"}, matrix={"shard": 3})
    runner.environment = {"PATH": f"{cargo.parent}:/usr/bin:/bin"}
    ran = runner.run()["mutants"]
    assert ran.codes["Test the mutants"] == ends, explained(ran)
    assert (runner.folder / "mutants" / "asked").read_text() == "mutants --shard 3/8 --timeout 180 --output results\n"
    kept = runner.artifacts["mutation-outcomes-shard-3"]
    assert (kept / "reins-run.json").exists() is recorded
    if recorded:
        record = json.loads((kept / "reins-run.json").read_text())
        assert record["head_sha"] == "a" * 40
        assert record["run_url"] == f"https://github.example/{HOME}/actions/runs/12"
        assert record["finished_at"].endswith("Z")
