"""The charts that go with answers: their data from the store, their drawing in a process of its own."""

from domain.runs import Run
from domain.snapshots import MutationSnapshot
from loops.trend_document import RunPoint, RunTrend, ScorePoint, ScoreTrend, Trend
from loops.trend_process import draw
from store.port import Store

MUTATION, LAST = "mutation", "last"
DRAWN_WITHIN_SECONDS = 8.0  # the answer waits for its picture, and a try ends after 15 s
SCORES, RUNS = 60, 12  # what stays legible at a phone's width


class Pictures:
    """Draws what a notice's `picture` names."""

    def __init__(self, store: Store) -> None:
        """Take data from this store."""
        self._store = store

    async def draw(self, name: str) -> bytes | None:
        """Return a PNG, or None where there is nothing to show, no such picture, or no drawing on this machine."""
        trend = await self._trend(name)
        return await draw(trend, deadline_seconds=DRAWN_WITHIN_SECONDS) if trend is not None else None

    async def _trend(self, name: str) -> Trend | None:
        if name == MUTATION:
            history = await self._store.read(lambda tables: tables.snapshots.mutation_history(SCORES))
            return ScoreTrend("Mutation score", tuple(_score(one) for one in history)) if history else None
        if name == LAST:
            runs = await self._store.read(lambda tables: tables.runs.latest(RUNS))
            return RunTrend("Last runs", tuple(_run(one) for one in reversed(runs))) if runs else None
        return None


def _score(one: MutationSnapshot) -> ScorePoint:
    return ScorePoint(one.measured_at or one.taken_at, one.score_basis_points, one.provisional)


def _run(run: Run) -> RunPoint:
    seconds = (run.finished_at - run.created_at).total_seconds() if run.finished_at else None
    return RunPoint(run.handle, run.state, seconds)
