"""mutation: the newest score, how fresh it is, and where the survivors gather."""

from commands.command import Arguments, Command, Context, Outcome, Reply, reading
from commands.wording import mutation_line
from domain.people import Scope
from domain.snapshots import MutationSnapshot
from store.tables import Tables

SHOWN_HOT_SPOTS = 5
SHOWN_CATEGORIES = 4


def run(arguments: Arguments, context: Context, tables: Tables) -> Outcome:  # noqa: ARG001 - every command has this shape
    """Show score, counts, hot spots and categories."""
    snapshot = tables.snapshots.mutation()
    lines = [mutation_line(snapshot, context.now, context.state)]
    if snapshot is None:
        return Outcome(Reply("\n".join([*lines, "Measure it with run mutation."]), ("run mutation",)))
    lines += _counts(snapshot)
    for spot in snapshot.hot_spots[:SHOWN_HOT_SPOTS]:
        lines.append(f"{spot.survivors} in {spot.file} {spot.function}")
    if snapshot.categories:
        lines.append(", ".join(f"{name} {count}" for name, count in snapshot.categories[:SHOWN_CATEGORIES]))
    return Outcome(Reply("\n".join(lines), ("run mutation", "last"), picture="mutation"))


def _counts(snapshot: MutationSnapshot) -> list[str]:
    counts = snapshot.counts
    if counts is None:
        return [snapshot.detail]
    seen = f"caught {counts.killed}, missed {counts.survived}, timeout {counts.timeout}"
    return [f"{seen}, untested {counts.no_coverage}, invalid {counts.invalid}"]


MUTATION = Command(
    verb="mutation",
    short="m",
    usage="mutation",
    summary="mutation score, freshness and hot spots",
    examples=("mutation",),
    scope=Scope.READ,
    about=reading("mutation"),
    run=run,
)
