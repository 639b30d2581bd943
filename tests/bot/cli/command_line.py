"""The command line in a folder of its own: `run` calls it as a shell would, within this process."""

import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot.cli import main
from bot.home import Home
from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


class CommandLine:
    """One installation's command line; `home` is its state folder, which `run("init")` makes."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.home = folder / "home"
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.set("REINS_HOME", str(self.home))

    def set(self, name: str, value: str) -> None:
        """Set an environment variable for this test."""
        self._monkeypatch.setenv(name, value)

    def run(self, *arguments: str, stdin: str = "") -> Ended:
        """Run one command."""
        self._monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = main(arguments)
        structlog.reset_defaults()  # the command sent its process's logs to a standard error that ends with this test
        captured = self._capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    def done(self, *arguments: str) -> str:
        """Run a command that must succeed, and return what it printed."""
        ended = self.run(*arguments)
        assert ended.code == 0, ended
        return ended.out

    def paths(self) -> Home:
        """Return where everything lies."""
        return Home.of(Settings(home=self.home))

    def audit_rows(self) -> list[dict[str, Any]]:
        """Return every audit row, oldest first."""
        return [json.loads(row[0]) for row in self.sql("SELECT body FROM audit ORDER BY seq")]

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Read or damage the database behind everybody's back."""
        with closing(sqlite3.connect(self.home / "reins.db", isolation_level=None)) as connection:
            return connection.execute(statement, values).fetchall()

    def events(self) -> list[dict[str, Any]]:
        """Return every metrics event."""
        return list(_lines(self.home / "metrics" / "events.jsonl"))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)
