"""approvals: what waits, for whom, until when."""

from commands.command import Arguments, Command, Context, Outcome, Reply, reading
from domain.clock import describe_age
from domain.people import Scope
from store.tables import Tables

SHOWN = 10


def run(arguments: Arguments, context: Context, tables: Tables) -> Outcome:  # noqa: ARG001 - every command has this shape
    """List open approvals, the most urgent first."""
    waiting = tables.approvals.waiting(context.now)
    if not waiting:
        return Outcome(Reply("Nothing waits for an approval.", ("status",)))
    lines = [
        f"{one.handle} {one.action} on {one.ref}, asked by {one.requested_by}, risk {one.risk.value},"
        f" {one.granted} of {one.needed}, {describe_age(context.now, one.expires_at)} left"
        for one in waiting[:SHOWN]
    ]
    keys = (f"ok {waiting[0].handle}", f"no {waiting[0].handle}", f"why {waiting[0].handle}")
    return Outcome(Reply("\n".join(lines), keys))


APPROVALS = Command(
    verb="approvals",
    short="q",
    usage="approvals",
    summary="what waits for an approval",
    examples=("approvals",),
    scope=Scope.READ,
    about=reading("approvals"),
    run=run,
)
