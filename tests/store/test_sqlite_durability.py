"""Kill the writer at any moment: what it acknowledged is there, what is there is whole, and the chain goes on."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from audit.row import GENESIS, link
from store.sqlite_connection import SqliteRows, connect
from store.tables import Tables
from tests.house.checkout import ROOT

KILLS = 20
SEED = 20_261_122


def write_until_killed(database: Path, begin: int, acknowledgements: int) -> set[str]:
    """Let a process write, kill it after so many acknowledgements, and return all that it gave."""
    command = [sys.executable, "-m", "tests.store.store_writer", str(database), str(begin)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as writer:
        assert writer.stdout is not None
        acknowledged = [writer.stdout.readline() for _ in range(acknowledgements)]
        writer.kill()
        # What it could still say before the kill reached it was acknowledged, too; a torn last line was not.
        acknowledged += [line for line in writer.stdout if line.endswith(b"\n")]
    assert writer.returncode == -signal.SIGKILL
    return {line.decode().strip() for line in acknowledged}


def left_behind(database: Path) -> tuple[set[str], list[dict[str, object]]]:
    connection = connect(database, read_only=True)
    try:
        tables = Tables(SqliteRows(connection))
        keys = {key for (key,) in connection.execute("SELECT key FROM thread")}
        rows, previous = [], GENESIS
        for seq, body, digest in tables.audit.each():
            row = json.loads(body)
            assert (row["seq"], row["prev"], link(body)) == (seq, previous, digest)
            previous = digest
            rows.append(row)
    finally:
        connection.close()
    return keys, rows


@pytest.mark.chaos
def test_nothing_acknowledged_is_lost_and_nothing_is_half_written(tmp_path: Path) -> None:
    random = Random(SEED)
    acknowledged: set[str] = set()
    for kill in range(KILLS):
        acknowledged |= write_until_killed(tmp_path / "reins.db", kill * 1_000_000, random.randint(1, 60))
        kept, rows = left_behind(tmp_path / "reins.db")
        assert acknowledged <= kept
        assert {str(row["target"]) for row in rows} == kept
        assert len(rows) == len(kept)
