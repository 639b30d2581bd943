"""Approvals and votes: one compare-and-set decides, another one consumes."""

import json
from datetime import datetime

from domain.approvals import Approval, ApprovalState, Vote
from domain.clock import from_text, to_text
from domain.requests import Risk
from store.rows import Row, Rows

_COLUMNS = (
    "id, handle, state, action, ref, inputs, digest, risk, requested_by, reply_to, needed, allow_self, made_at,"
    " expires_at, match_number, head_sha"
)
_ALL = f"{_COLUMNS}, decided_by"


class ApprovalsTable:
    """What waits, and how it was decided."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def open(self, approval: Approval) -> None:
        """Keep a new, open approval."""
        self._rows.run(
            f"INSERT INTO approvals ({_COLUMNS}) VALUES (?, ?, 'open', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                approval.id,
                approval.handle,
                approval.action,
                approval.ref,
                json.dumps(approval.inputs, sort_keys=True),
                approval.digest,
                approval.risk.value,
                approval.requested_by,
                approval.reply_to,
                approval.needed,
                int(approval.allow_self),
                to_text(approval.made_at),
                to_text(approval.expires_at),
                approval.match_number,
                approval.head_sha,
            ),
        )

    def get(self, approval_id: str) -> Approval | None:
        """Return one approval with its votes."""
        row = self._rows.one(f"SELECT {_ALL} FROM approvals WHERE id = ?", (approval_id,))
        return self._read(row) if row else None

    def waiting(self, now: datetime) -> list[Approval]:
        """Return what is open and not expired, the most urgent first."""
        rows = self._rows.all(
            f"SELECT {_ALL} FROM approvals WHERE state = 'open' AND expires_at > ? ORDER BY expires_at",
            (to_text(now),),
        )
        return [self._read(row) for row in rows]

    def overdue(self, now: datetime) -> list[Approval]:
        """Return what is still open although its time is up: `now == expires_at` is expired."""
        rows = self._rows.all(
            f"SELECT {_ALL} FROM approvals WHERE state = 'open' AND expires_at <= ? ORDER BY expires_at",
            (to_text(now),),
        )
        return [self._read(row) for row in rows]

    def to_remind(self, now: datetime) -> list[Approval]:
        """Return what is past half of its time, still open and not reminded of, the most urgent first."""
        rows = self._rows.all(
            f"SELECT {_ALL} FROM approvals WHERE state = 'open' AND expires_at > ? AND reminded_at IS NULL"
            " ORDER BY expires_at",
            (to_text(now),),
        )
        found = (self._read(row) for row in rows)
        return [one for one in found if now - one.made_at >= one.expires_at - now]

    def mark_reminded(self, approval_id: str, now: datetime) -> bool:
        """Note that people were reminded; False when they were before, or when it is decided."""
        changed = self._rows.run(
            "UPDATE approvals SET reminded_at = ? WHERE id = ? AND state = 'open' AND reminded_at IS NULL",
            (to_text(now), approval_id),
        )
        return changed == 1

    def note_wrong_number(self, approval_id: str, person: str, now: datetime) -> None:
        """Note that somebody picked a wrong number; their first one counts."""
        self._rows.run(
            "INSERT INTO wrong_numbers (approval, person, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (approval_id, person, to_text(now)),
        )

    def wrong_number(self, approval_id: str, person: str) -> bool:
        """Tell whether somebody picked a wrong number for this approval."""
        row = self._rows.one("SELECT 1 FROM wrong_numbers WHERE approval = ? AND person = ?", (approval_id, person))
        return row is not None

    def vote(self, approval_id: str, vote: Vote) -> None:
        """Keep one person's answer. A refusal replaces an agreement; any other second answer breaks the transaction."""
        if not vote.grants:
            self._rows.run(
                "DELETE FROM votes WHERE approval = ? AND person = ? AND grants = 1", (approval_id, vote.person)
            )
        self._rows.run(
            "INSERT INTO votes (approval, person, at, grants, note) VALUES (?, ?, ?, ?, ?)",
            (approval_id, vote.person, to_text(vote.at), int(vote.grants), vote.note),
        )

    def decide(self, approval_id: str, state: ApprovalState, person: str, now: datetime) -> bool:
        """Close an open approval; False when somebody or the clock was first.

        Expiring needs the time to be up, every other decision needs it not to be.
        """
        edge = "expires_at <= ?" if state is ApprovalState.EXPIRED else "expires_at > ?"
        changed = self._rows.run(
            f"UPDATE approvals SET state = ?, decided_at = ?, decided_by = ? WHERE id = ? AND state = 'open' AND {edge}",
            (state.value, to_text(now), person, approval_id, to_text(now)),
        )
        return changed == 1

    def consume(self, approval_id: str, now: datetime) -> bool:
        """Use an approved approval for its one dispatch; False when it is not approved or was used before."""
        changed = self._rows.run(
            "UPDATE approvals SET consumed_at = ? WHERE id = ? AND state = 'approved' AND consumed_at IS NULL",
            (to_text(now), approval_id),
        )
        return changed == 1

    def _read(self, row: Row) -> Approval:
        votes = self._rows.all("SELECT person, grants, at, note FROM votes WHERE approval = ? ORDER BY at", (row[0],))
        return Approval(
            id=row[0],
            handle=row[1],
            state=ApprovalState(row[2]),
            action=row[3],
            ref=row[4],
            inputs=json.loads(row[5]),
            digest=row[6],
            risk=Risk(row[7]),
            requested_by=row[8],
            reply_to=row[9],
            needed=row[10],
            allow_self=bool(row[11]),
            made_at=from_text(row[12]),
            expires_at=from_text(row[13]),
            match_number=row[14],
            head_sha=row[15],
            decided_by=row[16],
            votes=tuple(Vote(person, bool(grants), from_text(at), note) for person, grants, at, note in votes),
        )
