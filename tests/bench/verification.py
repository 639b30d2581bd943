"""How fast the audit log is verified, reading it from the database included."""

import time
from contextlib import closing
from statistics import median

from audit.seals import SealKey, TrustedKey
from bot.cli.audit_verification import verify_database
from store.sqlite_connection import SqliteRows, connect
from store.sqlite_schema import migrate
from store.tables import Tables
from tests.bench.audit_rows import add_audit_rows
from tests.bench.bench import Bench
from tests.bench.table import Aim, Figure

SPEED_AIM = Aim(200_000, at_least=True)


def measure(bench: Bench) -> list[Figure]:
    """Verify a generated log as `reins audit verify` does, several times."""
    database, key, rows = bench.folder / "verification.db", SealKey(b"b" * 32), bench.effort.verified_rows
    migrate(database)
    add_audit_rows(database, key, rows)
    speeds = []
    with closing(connect(database, read_only=True)) as connection:
        tables = Tables(SqliteRows(connection))
        for _ in range(bench.effort.rounds):
            started = time.perf_counter()
            report = verify_database(tables, [TrustedKey(key.public_hex)], ())
            speeds.append(rows / (time.perf_counter() - started))
            assert (report.problem, report.rows) == (None, rows)
    detail = f"{rows:,} rows, {report.seals:,} seals; {min(speeds):,.0f} to {max(speeds):,.0f}"
    return [Figure("audit verify", median(speeds), "rows/s", SPEED_AIM, detail)]
