"""Whatever relays, receipts, people, crashes and clocks do: one row a key, no settled row again, and only the newest holder settles."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from domain.clock import to_text
from domain.effects import Deliver
from domain.notices import DeliveryState, Notice, NoticeKind
from store.migrations.runner import migrations_for
from store.sqlite_connection import SqliteRows
from store.tables.outbox import OutboxRow, OutboxTable
from tests.fakes.virtual_time import START

LEASE = timedelta(seconds=20)
KEYS = st.sampled_from("abcd")
SECONDS = st.integers(0, 60)
FINAL = st.sampled_from([DeliveryState.DELIVERED, DeliveryState.EXPIRED, DeliveryState.DEAD])
GIVEN_BACK = st.sampled_from([DeliveryState.PENDING, DeliveryState.AMBIGUOUS])
WAITING = {DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.AMBIGUOUS}


@dataclass(slots=True)
class Expected:
    """What one row must look like."""

    id: int
    urgent: bool
    due_at: datetime
    state: DeliveryState = DeliveryState.PENDING
    tries: int = 0
    epoch: int = 0
    leased_until: datetime | None = None
    provider_id: str | None = None

    @property
    def attention_at(self) -> datetime:
        return self.leased_until or self.due_at


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
        self.rows: dict[str, Expected] = {}

    @rule(key=KEYS, urgent=st.booleans())
    def commit(self, key: str, urgent: bool) -> None:
        notice = Deliver("sms:+41790000000", Notice(key, NoticeKind.FINAL, "text"))
        self.outbox.add(key, notice, self.now, START + timedelta(days=1), urgent=urgent)
        self.rows.setdefault(key, Expected(len(self.rows) + 1, urgent, self.now))

    @rule(target=held, owner=st.sampled_from(["one", "two"]), limit=st.integers(1, 3))
    def lease(self, owner: str, limit: int) -> list[OutboxRow]:
        due = [key for key, row in self.rows.items() if row.state in WAITING and row.attention_at <= self.now]
        due.sort(key=lambda key: (not self.rows[key].urgent, self.rows[key].due_at, self.rows[key].id))
        assert self.outbox.next_due() == self._next_due()
        leased = self.outbox.lease(owner, self.now, self.now + LEASE, limit)
        assert [row.key for row in leased] == due[:limit]
        for row in leased:
            self._leased(row)
        return leased

    @rule(target=held)
    def probe(self) -> list[OutboxRow]:
        probed = self.outbox.probe("one", "sms", self.now, self.now + LEASE)
        free = [
            row
            for row in self.rows.values()
            if row.state is DeliveryState.PENDING or (row.state in WAITING and row.attention_at <= self.now)
        ]
        assert (probed is None) == (not free)
        if probed is None:
            return []
        assert probed.id == min(row.id for row in free)
        self._leased(probed)
        return [probed]

    @rule(closed=st.sampled_from([["sms"], ["web", "sms"]]))
    def lease_while_closed(self, closed: list[str]) -> None:
        assert self.outbox.lease("one", self.now, self.now + LEASE, 9, closed) == []
        assert self.outbox.next_due(closed) is None

    @rule(rows=held, state=FINAL)
    def settle(self, rows: list[OutboxRow], state: DeliveryState) -> None:
        for row in rows:
            holds = self._holds(row)
            assert self.outbox.settle(row, state, self.now, None) == holds
            if holds:
                self._end(row.key, state)

    @rule(rows=held, state=GIVEN_BACK, seconds=SECONDS, counts=st.booleans())
    def postpone(self, rows: list[OutboxRow], state: DeliveryState, seconds: int, counts: bool) -> None:
        for row in rows:
            holds, due_at = self._holds(row), self.now + timedelta(seconds=seconds)
            assert self.outbox.postpone(row, state, due_at, "later", counts=counts) == holds
            if holds:
                expected = self.rows[row.key]
                expected.state, expected.due_at, expected.leased_until = state, due_at, None
                expected.tries -= not counts
                if state is DeliveryState.PENDING:
                    expected.provider_id = None

    @rule(rows=held, seconds=SECONDS)
    def await_receipt(self, rows: list[OutboxRow], seconds: int) -> None:
        for row in rows:
            holds, until = self._holds(row), self.now + timedelta(seconds=seconds)
            assert self.outbox.await_receipt(row, f"SM-{row.key}", until) == holds
            if holds:
                expected = self.rows[row.key]
                expected.state, expected.leased_until = DeliveryState.SENDING, until
                expected.provider_id = f"SM-{row.key}"

    @rule(key=KEYS, state=FINAL)
    def receive(self, key: str, state: DeliveryState) -> None:
        settled = self.outbox.settle_by_receipt("sms", f"SM-{key}", state, self.now, None)
        expected = self.rows.get(key)
        under_way = expected is not None and expected.state in WAITING and expected.provider_id is not None
        assert (settled is not None) == under_way
        if under_way:
            self._end(key, state, fences=True)

    @rule(key=KEYS)
    def drop(self, key: str) -> None:
        expected = self.rows.get(key)
        waits = expected is not None and expected.state in WAITING
        assert self.outbox.drop(expected.id if expected else 99, self.now, "no longer wanted") == waits
        if waits:
            self._end(key, DeliveryState.DEAD, fences=True)

    @rule(key=KEYS)
    def retry(self, key: str) -> None:
        expected = self.rows.get(key)
        retried = self.outbox.retry(expected.id if expected else 99, self.now, START + timedelta(days=9))
        assert retried == (expected is not None and self._may_be_retried(expected))
        if expected is not None and retried:
            self._end(key, DeliveryState.PENDING, fences=True)
            expected.due_at, expected.provider_id = self.now, None

    @rule()
    def hasten(self) -> None:
        later = [row for row in self.rows.values() if row.state is DeliveryState.PENDING and row.due_at > self.now]
        assert self.outbox.hasten("sms", self.now) == len(later)
        for row in later:
            row.due_at = self.now

    @rule(seconds=st.integers(1, 60))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def _leased(self, row: OutboxRow) -> None:
        expected = self.rows[row.key]
        first = expected.state is DeliveryState.PENDING
        expected.state = DeliveryState.SENDING if first else DeliveryState.AMBIGUOUS  # nobody knows whether it went
        expected.tries += 1
        expected.epoch += 1
        expected.leased_until = self.now + LEASE
        assert (row.state, row.tries, row.epoch) == (expected.state, expected.tries, expected.epoch)

    def _end(self, key: str, state: DeliveryState, *, fences: bool = False) -> None:
        expected = self.rows[key]
        expected.state, expected.leased_until = state, None
        expected.epoch += fences

    def _holds(self, row: OutboxRow) -> bool:
        expected = self.rows[row.key]
        return expected.epoch == row.epoch and expected.leased_until is not None

    def _may_be_retried(self, row: Expected) -> bool:
        if row.state is DeliveryState.AMBIGUOUS:
            return row.leased_until is None or row.leased_until <= self.now
        return row.state in {DeliveryState.DEAD, DeliveryState.EXPIRED}

    def _next_due(self) -> datetime | None:
        return min((row.attention_at for row in self.rows.values() if row.state in WAITING), default=None)

    @invariant()
    def every_row_is_as_expected(self) -> None:
        if not hasattr(self, "connection"):
            return
        columns = "key, id, state, tries, epoch, due_at, leased_until, provider_id"
        found = self.connection.execute(f"SELECT {columns} FROM outbox ORDER BY id").fetchall()
        assert found == [
            (
                key,
                row.id,
                row.state.value,
                row.tries,
                row.epoch,
                to_text(row.due_at),
                to_text(row.leased_until) if row.leased_until else None,
                row.provider_id,
            )
            for key, row in self.rows.items()
        ]

    def teardown(self) -> None:
        if hasattr(self, "connection"):
            self.connection.close()


OutboxMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestOutbox = OutboxMachine.TestCase
