"""The fixtures of the command line's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.bot.cli.command_line import CommandLine

FOREIGN = ("AUTONOMY_MODE", "GITHUB_REPOSITORY", "REINS_PUBLIC_URL", "REINS_EXECUTION_SOURCE", "REINS_LOGIN_TOKEN")


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[CommandLine]:
    """A command line on a machine where nothing was set up."""
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    yield CommandLine(tmp_path, monkeypatch, capsys)
    structlog.reset_defaults()  # a command sends the logs of its process to this test's standard error


@pytest.fixture
def reins(bare: CommandLine) -> CommandLine:
    """A command line on a machine that was set up."""
    bare.done("init")
    return bare
