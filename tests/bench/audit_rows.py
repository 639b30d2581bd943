"""Audit rows in great number: a real row of the bot, encoded, linked and sealed as the bot does it, written in bulk."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from audit.row import Entry, encode, link
from audit.seals import SEAL_EVERY_ROWS, SealKey
from bot.audit_key import AUDIT_ORIGIN
from channels.web import to_inbound
from commands.ledger import entry_of
from domain.decisions import Decision, Verdict
from domain.modes import Mode, ModeSources
from domain.people import Person, Proof, Scope
from domain.requests import Request, RequestKind
from policy.facts import Case, Facts
from policy.loading import load_policy
from store.sqlite_connection import SqliteRows, connect
from store.tables import Tables


def add_audit_rows(database: Path, key: SealKey, count: int) -> None:
    """Append so many rows to the log, with their seals. Not durable while it writes: the file is for measuring only."""
    with closing(connect(database, read_only=False)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        tables = Tables(SqliteRows(connection))
        connection.execute("BEGIN IMMEDIATE")
        rows = _rows(tables, key, count)
        connection.executemany("INSERT INTO audit (seq, body, hash) VALUES (?, ?, ?)", rows)
        connection.execute("COMMIT")


def _rows(tables: Tables, key: SealKey, count: int) -> Iterator[tuple[int, bytes, str]]:
    entry = _entry_of_a_message()
    size, head = tables.audit.head()
    for seq in range(size + 1, size + count + 1):
        body = encode(replace(entry, correlation=f"person-7:{seq:032x}"), seq, head)
        head = link(body)
        yield seq, body, head
        if seq % SEAL_EVERY_ROWS == 0 or seq == size + count:
            tables.seals.add(seq, entry.at, key.sign(AUDIT_ORIGIN, seq, head, entry.at).to_json())


def _entry_of_a_message() -> Entry:
    now = datetime.now(UTC)
    message = to_inbound("person-7", "whoami", "0" * 32, str(int(now.timestamp())), now)
    person = Person("person-7", "Person 7", ("operator",), (message.sender,))
    facts = Facts("web", ModeSources(None, Mode.READ_ONLY, halt_file=False), messages_this_hour=17, sent_age_seconds=1)
    request = Request("whoami", RequestKind.READ, Scope.READ)
    decision = Decision(Verdict.ALLOW, "allowed", "the roles, the proof and the policy allow it")
    return entry_of(message, Case(request, person, Proof.SESSION, facts, load_policy(b"{}")), decision, (), now)
