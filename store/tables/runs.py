"""Runs, their attempts, and every change of their state as a row of its own."""

import json
from collections.abc import Iterable
from datetime import datetime

from domain.clock import from_text, to_text
from domain.runs import Attempt, AttemptState, Run, RunState
from store.rows import Row, Rows

_COLUMNS = (
    "id, handle, action, repository, ref, inputs, state, requested_by, reply_to, correlation, created_at, deadline_at,"
    " finished_at, reason, summary, unresolved, url, head_sha, approval, expected_sha"
)
_OPEN = "state IN ('accepted', 'dispatched', 'running')"


def _moment(text: str | None) -> datetime | None:
    return from_text(text) if text is not None else None


class RunsTable:
    """What was asked to run and what became of it."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def add(self, run: Run, slot: str) -> None:
        """Keep a new run; a second open one in the same slot breaks the transaction."""
        self._rows.run(
            "INSERT INTO runs (id, handle, action, slot, repository, ref, inputs, state, requested_by, reply_to, correlation,"
            " created_at, deadline_at, approval, expected_sha) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                run.id,
                run.handle,
                run.action,
                slot,
                run.repository,
                run.ref,
                json.dumps(run.inputs, sort_keys=True),
                run.state.value,
                run.requested_by,
                run.reply_to,
                run.correlation,
                to_text(run.created_at),
                to_text(run.deadline_at),
                run.approval,
                run.expected_sha,
            ),
        )
        self._note_transition(run.id, run.created_at, "", run.state, None)

    def change(self, run: Run, now: datetime) -> None:
        """Write a run's new state and figures, its transition, and its attempts. A final state never changes."""
        was = self._rows.one("SELECT state FROM runs WHERE id = ?", (run.id,))
        if was is None or RunState(was[0]).final:
            return
        self._rows.run(
            "UPDATE runs SET state = ?, finished_at = ?, reason = ?, summary = ?, unresolved = ?, url = ?, head_sha = ?"
            f" WHERE id = ? AND {_OPEN}",
            (
                run.state.value,
                to_text(run.finished_at) if run.finished_at else None,
                run.reason,
                run.summary,
                run.unresolved,
                run.url,
                run.head_sha,
                run.id,
            ),
        )
        if was[0] != run.state.value:
            self._note_transition(run.id, now, was[0], run.state, run.reason)
        for attempt in run.attempts:
            self._put_attempt(run.id, attempt)

    def expect(self, run_id: str, head_sha: str) -> None:
        """Note the commit that an open run is dispatched for, before its forge is asked to start it."""
        self._rows.run(f"UPDATE runs SET expected_sha = ? WHERE id = ? AND {_OPEN}", (head_sha, run_id))

    def _note_transition(self, run_id: str, now: datetime, was: str, became: RunState, reason: str | None) -> None:
        self._rows.run(
            "INSERT INTO transitions (run_id, at, was, became, reason) VALUES (?, ?, ?, ?, ?)",
            (run_id, to_text(now), was, became.value, reason),
        )

    def _put_attempt(self, run_id: str, attempt: Attempt) -> None:
        self._rows.run(
            "INSERT INTO attempts (run_id, number, state, started_at, finished_at, conclusion, summary)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run_id, number) DO UPDATE SET state = excluded.state,"
            " finished_at = excluded.finished_at, conclusion = excluded.conclusion, summary = excluded.summary"
            " WHERE attempts.state = 'started'",
            (
                run_id,
                attempt.number,
                attempt.state.value,
                to_text(attempt.started_at),
                to_text(attempt.finished_at) if attempt.finished_at else None,
                attempt.conclusion,
                attempt.summary,
            ),
        )

    def get(self, run_id: str) -> Run | None:
        """Return one run with its attempts."""
        return self._first("id = ?", (run_id,))

    def holder_of(self, slot: str) -> Run | None:
        """Return the open run in a slot."""
        return self._first(f"slot = ? AND {_OPEN}", (slot,))

    def unfinished(self) -> list[Run]:
        """Return every open run, oldest first."""
        return self._read(self._rows.all(f"SELECT {_COLUMNS} FROM runs WHERE {_OPEN} ORDER BY created_at"))

    def latest(self, limit: int) -> list[Run]:
        """Return the newest runs, newest first (ULIDs sort by time)."""
        return self._read(self._rows.all(f"SELECT {_COLUMNS} FROM runs ORDER BY id DESC LIMIT ?", (limit,)))

    def clean_report_runs(self) -> tuple[int, datetime | None]:
        """Return how many runs could make their report, and when the first of all runs was asked for (soak window)."""
        row = self._rows.one("SELECT count(*) FILTER (WHERE state = 'succeeded'), min(created_at) FROM runs")
        return (int(row[0]), _moment(row[1])) if row else (0, None)

    def transitions(self, run_id: str) -> list[tuple[datetime, str, str, str | None]]:
        """Return a run's changes of state: when, from, to, why."""
        rows = self._rows.all(
            "SELECT at, was, became, reason FROM transitions WHERE run_id = ? ORDER BY seq", (run_id,)
        )
        return [(from_text(at), was, became, reason) for at, was, became, reason in rows]

    def _first(self, condition: str, values: tuple[object, ...]) -> Run | None:
        found = self._read(self._rows.all(f"SELECT {_COLUMNS} FROM runs WHERE {condition} LIMIT 1", values))
        return found[0] if found else None

    def _read(self, rows: Iterable[Row]) -> list[Run]:
        return [_to_run(row, self._attempts(row[0])) for row in rows]

    def _attempts(self, run_id: str) -> tuple[Attempt, ...]:
        rows = self._rows.all(
            "SELECT number, state, started_at, finished_at, conclusion, summary FROM attempts WHERE run_id = ? ORDER BY number",
            (run_id,),
        )
        return tuple(
            Attempt(number, AttemptState(state), from_text(started), _moment(finished), conclusion, summary)
            for number, state, started, finished, conclusion, summary in rows
        )


def _to_run(row: Row, attempts: tuple[Attempt, ...]) -> Run:
    return Run(
        id=row[0],
        handle=row[1],
        action=row[2],
        repository=row[3],
        ref=row[4],
        inputs=json.loads(row[5]),
        state=RunState(row[6]),
        requested_by=row[7],
        reply_to=row[8],
        correlation=row[9],
        created_at=from_text(row[10]),
        deadline_at=from_text(row[11]),
        finished_at=_moment(row[12]),
        reason=row[13],
        summary=row[14],
        unresolved=row[15],
        url=row[16],
        head_sha=row[17],
        approval=row[18],
        expected_sha=row[19],
        attempts=attempts,
    )
