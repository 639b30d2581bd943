"""What a bot with nothing extra switched on must not carry in memory."""

import subprocess
import sys

import pytest

UNUSED_AT_REST = (
    "rich",
    "rapidfuzz",
    "segno",
    "typer.testing",
    "matplotlib",
    "telegram",
    "twilio",
    "psycopg",
    "gidgethub",
    "jwt",
)


@pytest.mark.parametrize("library", UNUSED_AT_REST)
def test_a_bot_at_rest_has_not_loaded(library: str) -> None:
    loaded = f"import bot.cli, bot.logs, bot.serve, sys; sys.exit(sys.modules.get({library!r}) is not None)"
    assert subprocess.run([sys.executable, "-c", loaded], check=False).returncode == 0
