"""The `reins` command as a whole: what importing it costs, and how it ends."""

import subprocess
import sys

import pytest

from bot.cli.application import command_words
from tests.bot.cli.command_line import CommandLine
from tests.fakes.busy_database import held_for_writing

HEAVY = ("aiohttp", "tinydb", "nacl", "rich", "rapidfuzz", "segno", "structlog", "sqlite3")


def test_importing_the_command_line_costs_a_running_bot_nothing_it_does_not_need() -> None:
    script = f"import sys, bot.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert printed.strip() == "[]"


def test_help_lists_every_command(bare: CommandLine) -> None:
    out = bare.done("--help")
    names = (
        "init",
        "serve",
        "migrate",
        "doctor",
        "chat",
        "link",
        "mutation-loop",
        "triage-loop",
        "people",
        "policy",
        "audit",
    )
    assert [name for name in names if f"\n  {name} " not in out] == []


@pytest.mark.parametrize(
    "arguments", [["dance"], ["people", "dance"], ["audit", "tail", "-n", "0"], ["chat", "--wait-seconds", "x"]]
)
def test_arguments_nobody_understands_end_with_2(bare: CommandLine, arguments: list[str]) -> None:
    ended = bare.run(*arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err


def test_a_database_that_cannot_be_written_is_said_in_a_sentence(reins: CommandLine) -> None:
    with held_for_writing(reins.paths().database):
        ended = reins.run("link", "owner")
    assert ended.code == 3
    assert "reins doctor" in ended.err
    assert "#login=" not in ended.out


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["people", "add", "ann", "--name", "x"], "people add"),
        (["doctor", "--json"], "doctor"),
        (["people"], "people"),
        (["--help"], "none"),
        (["rm", "-rf"], "none"),
        ([], "none"),
    ],
)
def test_the_words_that_name_a_command_are_told_from_its_arguments(argv: list[str], words: str) -> None:
    assert command_words(argv) == words


def test_it_runs_from_a_shell(bare: CommandLine) -> None:
    shell = subprocess.run(
        [sys.executable, "-m", "bot", "people", "list"],
        check=False,
        capture_output=True,
        text=True,
        cwd=bare.folder,
        env={"REINS_HOME": str(bare.home), "PYTHONPATH": ":".join(sys.path)},
    )
    assert shell.returncode == 0
    assert "nobody yet" in shell.stdout
