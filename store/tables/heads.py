"""Where the branches of other forges stood when somebody last looked: what an approval is bound to without asking."""

from dataclasses import dataclass
from datetime import datetime

from domain.clock import from_text, to_text
from store.rows import Rows


@dataclass(frozen=True, slots=True)
class Head:
    """The commit a branch stood at, and when that was last seen to be so."""

    sha: str
    seen_at: datetime


class HeadsTable:
    """One head per branch. A look that is older than the one that is kept changes nothing."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def put(self, repository: str, branch: str, sha: str, seen_at: datetime) -> None:
        """Keep where a branch stands."""
        self._rows.run(
            "INSERT INTO branch_heads (repository, branch, sha, seen_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (repository, branch) DO UPDATE SET sha = excluded.sha, seen_at = excluded.seen_at"
            " WHERE excluded.seen_at >= branch_heads.seen_at",
            (repository, branch, sha, to_text(seen_at)),
        )

    def drop(self, repository: str, branch: str) -> None:
        """Forget a branch that is no longer there."""
        self._rows.run("DELETE FROM branch_heads WHERE repository = ? AND branch = ?", (repository, branch))

    def get(self, repository: str, branch: str) -> Head | None:
        """Return where a branch stood, or None where nobody has seen it."""
        row = self._rows.one(
            "SELECT sha, seen_at FROM branch_heads WHERE repository = ? AND branch = ?", (repository, branch)
        )
        return Head(row[0], from_text(row[1])) if row else None
