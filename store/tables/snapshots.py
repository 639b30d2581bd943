"""The newest measurement of each loop, as `status` and its friends read it."""

from datetime import datetime

from pydantic import TypeAdapter

from domain.ci import Branch, CiSnapshot
from domain.clock import to_text
from domain.snapshots import MutationSnapshot, TriageSnapshot
from store.rows import Rows

_MUTATION = TypeAdapter(MutationSnapshot)
_TRIAGE = TypeAdapter(TriageSnapshot)
_CI = TypeAdapter(CiSnapshot)


class SnapshotsTable:
    """The newest of each loop, which an older one never replaces, and the ones before it for trends."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def put(self, snapshot: MutationSnapshot | TriageSnapshot | CiSnapshot) -> None:
        """Keep a measurement unless a newer one is there."""
        if isinstance(snapshot, MutationSnapshot):
            body = _MUTATION.dump_json(snapshot)
            self._put("mutation", snapshot.taken_at, body)
            self._rows.run(
                "INSERT INTO measurements (name, taken_at, body) VALUES ('mutation', ?, ?) ON CONFLICT DO NOTHING",
                (to_text(snapshot.taken_at), body),
            )
        elif isinstance(snapshot, CiSnapshot):
            self._put(_ci_name(snapshot.branch), snapshot.taken_at, _CI.dump_json(snapshot))
        else:
            self._put("triage", snapshot.taken_at, _TRIAGE.dump_json(snapshot))

    def _put(self, name: str, taken_at: datetime, body: bytes) -> None:
        self._rows.run(
            "INSERT INTO snapshots (name, taken_at, body) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE"
            " SET taken_at = excluded.taken_at, body = excluded.body WHERE excluded.taken_at >= snapshots.taken_at",
            (name, to_text(taken_at), body),
        )

    def mutation(self) -> MutationSnapshot | None:
        """Return the newest mutation measurement."""
        row = self._rows.one("SELECT body FROM snapshots WHERE name = 'mutation'")
        return _MUTATION.validate_json(row[0]) if row else None

    def mutation_history(self, limit: int) -> list[MutationSnapshot]:
        """Return the newest mutation measurements, oldest first: what a trend is drawn from."""
        rows = self._rows.all(
            "SELECT body FROM measurements WHERE name = 'mutation' ORDER BY taken_at DESC LIMIT ?", (limit,)
        )
        return [_MUTATION.validate_json(row[0]) for row in reversed(rows)]

    def triage(self) -> TriageSnapshot | None:
        """Return the newest backlog measurement."""
        row = self._rows.one("SELECT body FROM snapshots WHERE name = 'triage'")
        return _TRIAGE.validate_json(row[0]) if row else None

    def ci(self, branch: Branch) -> CiSnapshot | None:
        """Return the newest look at a branch's lanes."""
        row = self._rows.one("SELECT body FROM snapshots WHERE name = ?", (_ci_name(branch),))
        return _CI.validate_json(row[0]) if row else None


def _ci_name(branch: Branch) -> str:
    return f"ci:{branch}"
