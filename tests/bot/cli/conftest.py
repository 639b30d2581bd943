"""The fixtures of the command line's tests."""

from pathlib import Path

import pytest

from tests.bot.cli.command_line import CommandLine

FOREIGN = (
    "GITHUB_TOKEN",
    "GITHUB_API_URL",
    "GITHUB_RUN_ID",
    "GITHUB_RUN_ATTEMPT",
    "AUTONOMY_MODE",
    "GITHUB_REPOSITORY",
    "REINS_PUBLIC_URL",
    "REINS_EXECUTION_SOURCE",
    "REINS_LOGIN_TOKEN",
)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """A command line on a machine where nothing was set up."""
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return CommandLine(tmp_path, monkeypatch, capsys)


@pytest.fixture
def reins(bare: CommandLine) -> CommandLine:
    """A command line on a machine that was set up."""
    bare.done("init")
    return bare
