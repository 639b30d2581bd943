"""The entries of a chat as the page and the console see them: messages, replies and notices in one shape."""

from datetime import datetime
from typing import Any

import orjson

from commands.answer import Answer
from domain.clock import to_text
from store.tables import Tables
from store.tables.thread import Exchange, Told

Entry = dict[str, Any]
HISTORY = 100


def message_entry(message_id: str, text: str, at: datetime) -> Entry:
    """Show what the person wrote."""
    return _entry(f"m:{message_id}", at, "me", "message", text)


def reply_entry(message_id: str, answer: Answer, at: datetime) -> Entry:
    """Show what the bot answered, with verdict, rule and receipt."""
    entry = _entry(f"r:{message_id}", at, "reins", "reply", answer.text or "")
    entry["verdict"] = answer.verdict.value if answer.verdict else None
    entry["rule"], entry["receipt"], entry["keys"] = answer.rule, answer.receipt, list(answer.keys)
    return entry


def notice_entry(told: Told) -> Entry:
    """Show a notice from the person's thread."""
    notice = orjson.loads(told.body)
    entry = _entry(f"n:{told.seq}", told.at, "reins", notice["kind"], notice["text"])
    entry["keys"] = notice["keys"]
    return entry


def entries_of(row: Told | Exchange) -> list[Entry]:
    """Show one row of a thread: a notice, or a message and its answer where there was one."""
    if isinstance(row, Told):
        return [notice_entry(row)]
    taken = row.taken
    shown = [message_entry(row.message_id, taken.text, taken.received_at)]
    answer = Answer.from_json(taken.answer)
    if answer.text is not None:
        shown.append(reply_entry(row.message_id, answer, taken.received_at))
    return shown


def history(tables: Tables, person: str, limit: int) -> tuple[list[Entry], int]:
    """Return the newest entries of a person, oldest first, and the number of the newest row."""
    entries = [entry for row in tables.thread.latest(person, limit) for entry in entries_of(row)]
    return entries[-limit:], tables.thread.newest(person)


def _entry(entry_id: str, at: datetime, sender: str, kind: str, text: str) -> Entry:
    return {
        "id": entry_id,
        "at": to_text(at),
        "from": sender,
        "kind": kind,
        "text": text,
        "verdict": None,
        "rule": None,
        "receipt": None,
        "keys": [],
    }
