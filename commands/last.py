"""last: the newest runs, their attempts, where they can be read and how they ended."""

from commands.command import Arguments, ArgumentType, Command, Context, Outcome, Parameter, Reply, reading
from commands.wording import run_details, run_line
from domain.people import Scope
from store.tables import Tables

DEFAULT_SHOWN = 5
MOST_SHOWN = 20


def run(arguments: Arguments, context: Context, tables: Tables) -> Outcome:
    """Show the last n runs, the newest first."""
    runs = tables.runs.latest(arguments.count("n", DEFAULT_SHOWN))
    if not runs:
        return Outcome(Reply("Nothing has run yet. Try run mutation.", ("run mutation",)))
    lines = []
    for one in runs:
        lines += [run_line(one, context.now), run_details(one)]
    return Outcome(Reply("\n".join(lines), tuple(f"why {one.handle}" for one in runs[:3]), picture="last"))


LAST = Command(
    verb="last",
    short="l",
    usage="last [n]",
    summary="the last runs and how they ended",
    examples=("last", "last 10"),
    scope=Scope.READ,
    parameters=(Parameter("n", ArgumentType.COUNT, required=False, highest=MOST_SHOWN),),
    about=reading("last"),
    run=run,
)
