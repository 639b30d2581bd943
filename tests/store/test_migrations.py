"""A schema is brought up to date once, never half, and never by an older program."""

import re
import sqlite3
import threading
from importlib import resources
from pathlib import Path

import pytest

from domain.errors import UserError
from store.migrations.runner import Migration, migrations_for, pending
from store.sqlite_connection import SqliteRows, connect
from store.sqlite_schema import migrate
from store.tables.approvals import ApprovalsTable

ALL = migrations_for("sqlite")


def schema(path: Path) -> tuple[int, set[str]]:
    connection = connect(path, read_only=True)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    finally:
        connection.close()
    return version, {name for (name,) in names}


def execute(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(sql)
    connection.close()


def test_files_are_numbered_from_one_without_a_gap_and_named_by_what_they_do() -> None:
    assert [migration.number for migration in ALL] == list(range(1, len(ALL) + 1))
    folder = resources.files("store.migrations") / "sqlite"
    assert {file.name for file in folder.iterdir()} == {migration.name for migration in ALL}
    assert all(re.fullmatch(r"\d{4}_[a-z0-9_]+\.sql", migration.name) for migration in ALL)
    assert all(migration.sql.startswith("--") for migration in ALL)


def test_a_fresh_database_gets_every_file(tmp_path: Path) -> None:
    assert migrate(tmp_path / "reins.db") == [migration.name for migration in ALL]
    version, tables = schema(tmp_path / "reins.db")
    assert version == len(ALL)
    assert {"inbox", "audit", "seals", "outbox", "runs", "approvals"} <= tables


def test_a_database_that_is_up_to_date_is_left_alone(tmp_path: Path) -> None:
    migrate(tmp_path / "reins.db")
    execute(tmp_path / "reins.db", "INSERT INTO rates (hour, key, count) VALUES ('h', 'k', 1)")
    before = schema(tmp_path / "reins.db")
    assert migrate(tmp_path / "reins.db") == []
    assert schema(tmp_path / "reins.db") == before


def test_a_database_of_a_newer_program_is_refused_with_the_mend(tmp_path: Path) -> None:
    execute(tmp_path / "reins.db", "PRAGMA user_version = 99")
    with pytest.raises(UserError, match=f"has schema 99, this program knows up to {len(ALL)}: install a newer Reins"):
        migrate(tmp_path / "reins.db")
    assert schema(tmp_path / "reins.db") == (99, set())


def test_a_database_of_something_else_is_left_as_it_was(tmp_path: Path) -> None:
    execute(tmp_path / "reins.db", "CREATE TABLE outbox (letter TEXT)")
    with pytest.raises(sqlite3.OperationalError, match="outbox already exists"):
        migrate(tmp_path / "reins.db")
    assert schema(tmp_path / "reins.db") == (0, {"outbox"})


def test_other_tables_in_the_database_stay(tmp_path: Path) -> None:
    execute(tmp_path / "reins.db", "CREATE TABLE letters (letter TEXT); INSERT INTO letters VALUES ('a')")
    migrate(tmp_path / "reins.db")
    assert "letters" in schema(tmp_path / "reins.db")[1]


def test_a_file_that_is_no_database_is_refused_and_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "reins.db").write_bytes(b"something else entirely" * 100)
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        migrate(tmp_path / "reins.db")
    assert (tmp_path / "reins.db").read_bytes() == b"something else entirely" * 100


def test_processes_that_start_at_once_bring_it_up_to_date_once(tmp_path: Path) -> None:
    together, applied, failed = threading.Barrier(4), [], []

    def start() -> None:
        together.wait()
        try:
            applied.append(migrate(tmp_path / "reins.db"))
        except sqlite3.Error as error:
            failed.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(applied) == [[], [], [], [migration.name for migration in ALL]]
    assert schema(tmp_path / "reins.db")[0] == len(ALL)


@pytest.mark.parametrize(("applied", "left"), [(0, [1, 2, 3]), (1, [2, 3]), (3, [])])
def test_only_files_that_were_not_applied_are_pending(applied: int, left: list[int]) -> None:
    some = [Migration(number, f"{number:04}_x.sql", "") for number in (1, 2, 3)]
    assert [migration.number for migration in pending(some, applied)] == left


def test_without_any_file_only_an_empty_database_is_known() -> None:
    assert pending([], 0) == []
    with pytest.raises(UserError, match="knows up to 0"):
        pending([], 1)


def prepare_first_release(path: Path) -> None:
    """Make a database as the first release left it, with rows in every state that the later files must carry over."""
    bodies = {
        "deliver": b'{"to":"sms:+41:9","notice":{"key":"k","kind":"final","text":"t"}}',
        "dispatch": b'{"run_id":"R"}',
        "damaged": b"{",
        "empty": b"{}",
    }
    connection = sqlite3.connect(path)
    connection.executescript(ALL[0].sql)
    connection.execute("PRAGMA user_version = 1")
    for number, (key, state) in enumerate(
        [("deliver", "pending"), ("dispatch", "sending"), ("damaged", "ambiguous"), ("empty", "dead")], 7
    ):
        kind = "dispatch" if key == "dispatch" else "deliver"
        connection.execute(
            "INSERT INTO outbox VALUES (?, ?, ?, ?, ?, 'made', 'due', 'expires', 3, 'owner', 5, 'leased', 'settled', 'no')",
            (number, key, kind, bodies[key], state),
        )
    connection.execute("INSERT INTO handles VALUES (41, '3K', 'run', 'RUN-1', 'made')")
    connection.execute(
        "INSERT INTO approvals VALUES ('A1', '4M', 'open', 'strict', 'main', '{}', 'd', 'report', 'olga', 'web:olga',"
        " 1, 0, '2026-11-22T14:00:00.000Z', '2026-11-22T14:15:00.000Z', NULL, NULL, NULL)"
    )
    connection.execute("INSERT INTO votes VALUES ('A1', 'ann', '2026-11-22T14:01:00.000Z', 1, 'fine')")
    connection.commit()
    connection.close()


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = connect(path, read_only=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_a_database_of_the_first_release_keeps_its_outbox(tmp_path: Path) -> None:
    prepare_first_release(tmp_path / "reins.db")
    columns = (
        "id, key, kind, body, state, made_at, due_at, expires_at, tries, owner, epoch, leased_until, settled_at, error"
    )
    before = rows(tmp_path / "reins.db", f"SELECT {columns} FROM outbox ORDER BY id")
    assert migrate(tmp_path / "reins.db") == [migration.name for migration in ALL[1:]]
    assert rows(tmp_path / "reins.db", f"SELECT {columns} FROM outbox ORDER BY id") == before
    added = rows(tmp_path / "reins.db", "SELECT key, channel, urgent, provider_id, fanned_at, fallbacks FROM outbox")
    new = (0, None, None, 0)
    assert added == [("deliver", "sms", *new), ("dispatch", None, *new), ("damaged", None, *new), ("empty", None, *new)]


def test_a_database_of_the_first_release_takes_the_new_kinds_and_no_others(tmp_path: Path) -> None:
    prepare_first_release(tmp_path / "reins.db")
    migrate(tmp_path / "reins.db")
    insert = "INSERT INTO outbox (key, kind, body, state, made_at, due_at, expires_at) VALUES ('{0}', '{0}', x'', 'pending', '', '', '')"
    execute(tmp_path / "reins.db", insert.format("link"))
    execute(tmp_path / "reins.db", "INSERT INTO handles VALUES (42, '5P', 'confirmation', 'C', '')")
    assert rows(tmp_path / "reins.db", "SELECT id FROM outbox WHERE kind = 'link'") == [(11,)]
    for refused in (insert.format("other"), "INSERT INTO handles VALUES (43, '5P', 'other', 'C', '')"):
        with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
            execute(tmp_path / "reins.db", refused)


def test_a_database_of_the_first_release_keeps_handles_approvals_and_votes(tmp_path: Path) -> None:
    prepare_first_release(tmp_path / "reins.db")
    migrate(tmp_path / "reins.db")
    assert rows(tmp_path / "reins.db", "SELECT * FROM handles") == [(41, "3K", "run", "RUN-1", "made")]
    connection = connect(tmp_path / "reins.db", read_only=True)
    try:
        approval = ApprovalsTable(SqliteRows(connection)).get("A1")
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()
    assert approval is not None
    assert (approval.handle, approval.match_number, approval.decided_by, approval.granted) == ("4M", None, None, 1)
