"""Whatever relays, crashes and clocks do: one row a key, no settled row again, and only the newest holder settles."""

import sqlite3
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from domain.effects import CancelRun
from domain.notices import DeliveryState
from store.migrations.runner import migrations_for
from store.sqlite_connection import SqliteRows
from store.tables.outbox import OutboxRow, OutboxTable
from tests.fakes.virtual_time import START

LEASE = timedelta(seconds=20)
FINAL = st.sampled_from([DeliveryState.DELIVERED, DeliveryState.EXPIRED, DeliveryState.DEAD])
GIVEN_BACK = st.sampled_from([DeliveryState.PENDING, DeliveryState.AMBIGUOUS])


class OutboxMachine(RuleBasedStateMachine):
    """Two relays over one outbox, whose leases run out, are given back late, and are used when they are stale."""

    held = Bundle("held")

    @initialize()
    def start(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        for migration in migrations_for("sqlite"):
            self.connection.executescript(migration.sql)
        self.outbox = OutboxTable(SqliteRows(self.connection))
        self.now = START
        self.keys: set[str] = set()
        self.settled: dict[str, str] = {}
        self.newest: dict[str, int] = {}
        self.leased_until: dict[str, datetime] = {}

    @rule(key=st.sampled_from("abcd"))
    def commit(self, key: str) -> None:
        self.outbox.add(key, CancelRun(key, "github", key), self.now, START + timedelta(days=1))
        self.keys.add(key)

    @rule(target=held, owner=st.sampled_from(["one", "two"]), limit=st.integers(1, 3))
    def lease(self, owner: str, limit: int) -> list[OutboxRow]:
        rows = self.outbox.lease(owner, self.now, self.now + LEASE, limit)
        for row in rows:
            assert row.key not in self.settled, "a settled row was leased again"
            assert row.epoch == self.newest.get(row.key, 0) + 1
            if row.key in self.leased_until:
                assert self.leased_until[row.key] <= self.now, "two hold one row"
                assert row.state is DeliveryState.AMBIGUOUS, "nobody knows whether it went"
            self.newest[row.key] = row.epoch
            self.leased_until[row.key] = self.now + LEASE
        return rows

    @rule(rows=held, state=FINAL)
    def settle(self, rows: list[OutboxRow], state: DeliveryState) -> None:
        for row in rows:
            holds = self._holds(row)
            assert self.outbox.settle(row, state, self.now, None) == holds
            if holds:
                self.settled[row.key] = state.value
                del self.leased_until[row.key]

    @rule(rows=held, state=GIVEN_BACK, seconds=st.integers(0, 60))
    def postpone(self, rows: list[OutboxRow], state: DeliveryState, seconds: int) -> None:
        for row in rows:
            holds = self._holds(row)
            assert self.outbox.postpone(row, state, self.now + timedelta(seconds=seconds), "later") == holds
            if holds:
                del self.leased_until[row.key]

    @rule(seconds=st.integers(1, 60))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def _holds(self, row: OutboxRow) -> bool:
        return self.newest[row.key] == row.epoch and row.key in self.leased_until

    @invariant()
    def every_key_has_one_row_and_settled_ones_keep_their_state(self) -> None:
        if not hasattr(self, "connection"):
            return
        rows = self.connection.execute("SELECT key, state FROM outbox").fetchall()
        assert sorted(key for key, _ in rows) == sorted(self.keys)
        assert {key: state for key, state in rows if key in self.settled} == self.settled

    def teardown(self) -> None:
        if hasattr(self, "connection"):
            self.connection.close()


OutboxMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestOutbox = OutboxMachine.TestCase
