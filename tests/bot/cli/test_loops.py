"""`reins mutation-loop` and `reins triage-loop`: what they print, write and end with."""

import json
from pathlib import Path

import pytest

from tests.bot.cli.command_line import CommandLine

DEFAULTS = Path(__file__).resolve().parents[3] / "bot" / "defaults" / "artifacts"
MUTATION = (
    "mutation-loop",
    "--artifacts",
    str(DEFAULTS / "mutation"),
    "--repo",
    "local/sample",
    "--max-age-hours",
    "none",
)
TRIAGE = ("triage-loop", "--artifacts", str(DEFAULTS / "triage"), "--repo", "local/sample", "--max-age-hours", "none")
BOTH = pytest.mark.parametrize("command", [MUTATION, TRIAGE], ids=["mutation", "triage"])


@BOTH
def test_a_report_with_work_left_is_still_a_report(bare: CommandLine, command: tuple[str, ...]) -> None:
    ended = bare.run(*command)
    assert ended.code == 0
    assert "- Status: work_remains" in ended.out


@BOTH
def test_json_is_printed_for_programs(bare: CommandLine, command: tuple[str, ...]) -> None:
    report = json.loads(bare.done(*command, "--format", "json"))
    assert (report["repository"], report["status"]) == ("local/sample", "work_remains")


@BOTH
def test_a_report_goes_to_files_where_they_are_named(bare: CommandLine, command: tuple[str, ...]) -> None:
    out = bare.done(*command, "--output", "report.md", "--json-output", "report.json")
    assert "report: report.md" in out
    assert "# " not in out
    assert (bare.folder / "report.md").read_text().startswith("# ")
    assert json.loads((bare.folder / "report.json").read_text())["loop"] == command[0].removesuffix("-loop")


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (MUTATION, ["night-comment.json", "night-playbook.md", "night.json", "night.md"]),
        (TRIAGE, ["night-comment.json", "night-proposal.md", "night.json", "night.md"]),
    ],
    ids=["mutation", "triage"],
)
def test_a_bundle_is_written_only_when_asked_for(bare: CommandLine, command: tuple[str, ...], names: list[str]) -> None:
    where = ("--bundle-dir", "bundle", "--bundle-prefix", "night")
    bare.done(*command, *where)
    assert not (bare.folder / "bundle").exists()
    bare.done(*command, *where, "--emit-bundle")
    assert sorted(path.name for path in (bare.folder / "bundle").iterdir()) == names


@BOTH
def test_a_dry_run_prints_and_writes_nothing(bare: CommandLine, command: tuple[str, ...]) -> None:
    writes = ("--output", "a.md", "--json-output", "a.json", "--emit-bundle", "--bundle-dir", "bundle")
    assert "- Status: work_remains" in bare.done(*command, *writes, "--dry-run")
    assert list(bare.folder.iterdir()) == []


@pytest.mark.parametrize("name", ["mutation-loop", "triage-loop"])
def test_an_empty_folder_ends_with_3_and_no_figure(bare: CommandLine, name: str) -> None:
    (bare.folder / "empty").mkdir()
    ended = bare.run(name, "--artifacts", "empty", "--repo", "a/b", "--format", "json")
    assert ended.code == 3
    report = json.loads(ended.out)
    assert (report["reason"], report["unresolved"]) == ("no_artifact", None)


@pytest.mark.parametrize(
    ("threshold", "reason"), [("50", "threshold_met"), ("59.79", "threshold_met"), ("59.8", "below_threshold")]
)
def test_the_threshold_counts_in_hundredths_of_a_percent(bare: CommandLine, threshold: str, reason: str) -> None:
    assert json.loads(bare.done(*MUTATION, "--format", "json", "--threshold", threshold))["reason"] == reason


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["--threshold", "eighty"], "threshold"),
        (["--threshold", "80.123"], "threshold"),
        (["--threshold", "101"], "threshold"),
        (["--max-age-hours", "0"], "max-age-hours"),
        (["--max-age-hours", "-1"], "max-age-hours"),
        (["--repo", "nobody"], "repo"),
        (["--expected-shards", "0"], "expected-shards"),
        (["--emit-bundle", "--bundle-prefix", "../x"], "bundle prefix"),
        (["--emit-bundle", "--bundle-dir", f"{__file__}/x"], __file__),
    ],
)
def test_a_wrong_argument_ends_with_2_and_is_named(bare: CommandLine, arguments: list[str], field: str) -> None:
    ended = bare.run(*MUTATION, *arguments)
    assert ended.code == 2
    assert field in ended.err


def test_the_repository_comes_from_the_option_or_ci_and_is_else_unknown(bare: CommandLine) -> None:
    assert "- Repository: unknown" in bare.done(*MUTATION[:3])
    bare.set("GITHUB_REPOSITORY", "acme/shop")
    assert "- Repository: acme/shop" in bare.done(*MUTATION[:3])
    assert "- Repository: local/sample" in bare.done(*MUTATION)


def test_one_named_file_is_enough(bare: CommandLine) -> None:
    backlog = str(DEFAULTS / "triage" / "backlog-medium.json")
    assert "- Status: work_remains" in bare.done("triage-loop", "--artifacts", backlog)


def test_an_old_backlog_counts_as_unknown(bare: CommandLine) -> None:
    artifacts = bare.folder / "artifacts"
    artifacts.mkdir()
    backlog = json.loads((DEFAULTS / "triage" / "backlog-medium.json").read_text())
    (artifacts / "backlog-medium.json").write_text(json.dumps({**backlog, "generated_at": "2020-01-01T00:00:00Z"}))
    ended = bare.run("triage-loop", "--artifacts", "artifacts", "--max-age-hours", "24", "--format", "json")
    assert ended.code == 3
    assert json.loads(ended.out)["reason"] == "stale_run"


def test_a_backlog_of_another_commit_is_not_taken(bare: CommandLine) -> None:
    ended = bare.run(*TRIAGE, "--head-sha", "a" * 40, "--format", "json")
    assert ended.code == 3
    assert json.loads(ended.out)["reason"] == "source_mismatch"
