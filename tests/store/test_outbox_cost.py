"""What the relay asks all the time reads only what waits, however much was settled before."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from domain.effects import Deliver
from domain.notices import DeliveryState, Notice, NoticeKind
from store.migrations.runner import migrations_for
from store.sqlite_connection import SqliteRows
from store.tables.outbox import OutboxTable
from tests.fakes.virtual_time import START

SETTLED = 20_000
STEPS_ALLOWED = 2_000  # of SQLite's machine; reading the settled rows takes some 100 000
DELIVER = Deliver("sms:+41790000000", Notice("k", NoticeKind.FINAL, "text"), ("web:ann",))
LATER = START + timedelta(seconds=20)

QUESTIONS: dict[str, Callable[[OutboxTable], object]] = {
    "lease": lambda outbox: outbox.lease("one", START, LATER, 32),
    "lease past a closed channel": lambda outbox: outbox.lease("one", START, LATER, 32, ["sms"]),
    "next_due": lambda outbox: outbox.next_due(),
    "next_due past a closed channel": lambda outbox: outbox.next_due({"sms"}),
    "probe": lambda outbox: outbox.probe("one", "sms", START, LATER),
    "hasten": lambda outbox: outbox.hasten("sms", START),
    "receipt": lambda outbox: outbox.settle_by_receipt("sms", "SM1", DeliveryState.DELIVERED, START, None),
    "to_fan_out": lambda outbox: outbox.to_fan_out(START, 100),
    "waiting": lambda outbox: outbox.waiting(),
    "oldest_by_channel": lambda outbox: outbox.oldest_by_channel(),
}


@contextmanager
def full_outbox() -> Iterator[tuple[sqlite3.Connection, OutboxTable]]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for migration in migrations_for("sqlite"):
        connection.executescript(migration.sql)
    outbox = OutboxTable(SqliteRows(connection))
    outbox.add("0", DELIVER, START, LATER)
    connection.execute("UPDATE outbox SET provider_id = 'SM0'")
    connection.execute(
        "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " INSERT INTO outbox (key, kind, body, state, made_at, due_at, expires_at, channel, fallbacks, provider_id)"
        " SELECT i, kind, body, 'delivered', made_at, due_at, expires_at, channel, fallbacks, 'SM' || i FROM n, outbox",
        (SETTLED,),
    )
    outbox.add("waits", DELIVER, START, LATER)
    connection.execute("UPDATE outbox SET state = 'delivered' WHERE key = '0'")
    try:
        yield connection, outbox
    finally:
        connection.close()


@pytest.mark.parametrize("question", QUESTIONS)
def test_settled_rows_cost_nothing(question: str) -> None:
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 100
        return 0

    with full_outbox() as (connection, outbox):
        connection.set_progress_handler(count, 100)
        QUESTIONS[question](outbox)
        connection.set_progress_handler(None, 0)
    assert steps <= STEPS_ALLOWED
