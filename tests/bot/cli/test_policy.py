"""`reins policy`: the same gate as for messages, asked without leaving a trace."""

import json
from pathlib import Path

import pytest

from tests.bot.cli.command_line import CommandLine

VERSION_1 = {
    "schema_version": 1,
    "triage_loop": {"allowed_branches": ["main"], "allowed_fix_command_prefixes": ["make"]},
}


def decides(out: str) -> str:
    return next((line[2:].split("  ")[0] for line in out.splitlines() if line.startswith(">")), "")


def test_the_policy_in_force_is_checked(reins: CommandLine) -> None:
    assert "loaded" in reins.done("policy", "check")


@pytest.mark.parametrize(
    ("text", "status", "problem"),
    [(None, "policy_missing", "no policy file"), ('{"schema_version": 2, "rolls": {}}', "policy_invalid", "rolls")],
)
def test_a_policy_that_cannot_be_used_ends_with_1_and_its_problems(
    bare: CommandLine, text: str | None, status: str, problem: str
) -> None:
    file = bare.folder / "policy.json"
    if text is not None:
        file.write_text(text)
    ended = bare.run("policy", "check", str(file))
    assert ended.code == 1
    assert status in ended.out
    assert problem in ended.out


def test_a_policy_that_cannot_be_read_is_named(bare: CommandLine) -> None:
    ended = bare.run("policy", "check", str(bare.folder))
    assert ended.code == 2
    assert str(bare.folder) in ended.err


def test_an_allowed_command_is_explained_rule_by_rule(reins: CommandLine) -> None:
    out = reins.done("policy", "explain", "owner", "run", "mutation", "main")
    assert decides(out) == ""
    assert "allow (allowed)" in out
    assert "approvals needed" in out


@pytest.mark.parametrize(
    ("command", "options", "rule", "code"),
    [
        (["run", "mutation-strict"], [], "approvals needed", "approval_needed"),
        (["run", "deploy"], [], "action", "action_unknown"),
        (["run", "mutation"], ["--proof", "address"], "proof", "proof_too_weak"),
        (["run", "mutation"], ["--channel", "slack"], "scope", "channel_scope"),
        (["ok", "3K"], [], "approval", "approval_unknown"),
    ],
)
def test_a_command_that_would_not_be_allowed_names_the_rule_and_ends_with_4(
    reins: CommandLine, command: list[str], options: list[str], rule: str, code: str
) -> None:
    ended = reins.run("policy", "explain", "owner", *command, *options)
    assert ended.code == 4
    assert decides(ended.out) == rule
    assert f"({code})" in ended.out


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], 4),
        (["--approved"], 0),
        (["--approved", "--mode", "off"], 4),
        (["--approved", "--proof", "address"], 4),
        (["--not-approved"], 4),
    ],
)
def test_how_things_might_be_is_asked_of_the_same_rules(reins: CommandLine, options: list[str], code: int) -> None:
    assert reins.run("policy", "simulate", "owner", "run", "mutation-strict", *options).code == code


def test_a_role_is_added_for_the_question_only(reins: CommandLine) -> None:
    reins.done("people", "add", "vic", "--name", "Vic", "--role", "viewer")
    assert reins.run("policy", "simulate", "vic", "run", "triage").code == 4
    assert reins.run("policy", "simulate", "vic", "run", "triage", "--role", "operator").code == 0
    assert reins.run("policy", "simulate", "vic", "run", "triage", "--role", "king").code == 2
    assert "viewer" in reins.done("people", "show", "vic")


def test_the_halt_file_and_the_environment_count_in_an_explanation(reins: CommandLine) -> None:
    reins.set("AUTONOMY_MODE", "off")
    assert decides(reins.run("policy", "explain", "owner", "run", "mutation").out) == "mode"
    reins.set("AUTONOMY_MODE", "operate")
    reins.done("policy", "explain", "owner", "run", "mutation")
    reins.paths().halt_file.touch()
    assert decides(reins.run("policy", "explain", "owner", "run", "mutation").out) == "mode"


def test_asking_leaves_no_trace(reins: CommandLine) -> None:
    tables = ("audit", "rates", "inbox", "runs", "outbox", "handles", "approvals")
    before = [reins.sql(f"SELECT count(*) FROM {name}") for name in tables]
    reins.run("policy", "explain", "owner", "run", "mutation")
    reins.run("policy", "simulate", "owner", "run", "mutation-strict", "--approved")
    assert [reins.sql(f"SELECT count(*) FROM {name}") for name in tables] == before


def test_words_that_are_no_command_are_refused(reins: CommandLine) -> None:
    ended = reins.run("policy", "explain", "owner", "dance")
    assert ended.code == 2
    assert "there is no command dance" in ended.err


def test_the_schema_is_json(bare: CommandLine) -> None:
    assert json.loads(bare.done("policy", "schema"))["properties"]["schema_version"]


def test_an_old_file_is_upgraded_and_what_was_left_out_is_said(bare: CommandLine) -> None:
    old, new = bare.folder / "old.json", bare.folder / "new.json"
    old.write_text(json.dumps(VERSION_1))
    ended = bare.run("policy", "upgrade", str(old), "--repository", "acme/shop", "--output", str(new))
    assert (ended.code, ended.out) == (0, "")
    assert "note: " in ended.err
    assert "allowed_fix_command_prefixes" in ended.err
    assert bare.run("policy", "check", str(new)).code == 0
    printed = bare.run("policy", "upgrade", str(old), "--repository", "acme/shop")
    assert printed.out == new.read_text()


@pytest.mark.parametrize("content", [b"", b"{", b'{"schema_version": 2}', b" " * 1_048_577])
def test_what_is_no_old_policy_is_not_upgraded(bare: CommandLine, content: bytes) -> None:
    old = bare.folder / "old.json"
    old.write_bytes(content)
    assert bare.run("policy", "upgrade", str(old), "--repository", "acme/shop").code == 2
    assert list(bare.folder.iterdir()) == [old]


def test_a_file_that_is_not_there_is_named(bare: CommandLine) -> None:
    ended = bare.run("policy", "upgrade", "nowhere.json", "--repository", "acme/shop")
    assert ended.code == 2
    assert "nowhere.json" in ended.err


def test_a_result_that_cannot_be_written_leaves_nothing_half(bare: CommandLine) -> None:
    old = bare.folder / "old.json"
    old.write_text(json.dumps(VERSION_1))
    target = bare.folder / "no" / "such" / "folder.json"
    ended = bare.run("policy", "upgrade", str(old), "--repository", "acme/shop", "--output", str(target))
    assert ended.code == 2
    assert str(target) in ended.err
    in_the_way = Path(bare.folder / "taken")
    in_the_way.mkdir()
    assert bare.run("policy", "upgrade", str(old), "--repository", "a/b", "--output", str(in_the_way)).code == 2
    assert sorted(path.name for path in bare.folder.iterdir()) == ["old.json", "taken"]
