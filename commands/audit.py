"""audit: the last rows of the audit log and its head, for comparing with the receipts on this phone."""

import json

from audit.row import receipt
from commands.command import Arguments, ArgumentType, Command, Context, Outcome, Parameter, Reply, reading
from domain.people import Scope
from store.tables import Tables

DEFAULT_SHOWN = 5
MOST_SHOWN = 20


def run(arguments: Arguments, context: Context, tables: Tables) -> Outcome:  # noqa: ARG001 - every command has this shape
    """Show the newest rows, oldest first, and the head they lead to."""
    lines = [_line(body) for body in tables.audit.latest(arguments.count("n", DEFAULT_SHOWN))]
    size, digest = tables.audit.head()
    lines.append(f"Head before this message: {receipt(size, digest)}")
    return Outcome(Reply("\n".join(lines), ("audit 20", "status")))


def _line(body: bytes) -> str:
    row = json.loads(body)
    what = f"{row['action']} {row['target'] or ''}".strip()
    return f"{row['seq']} {row['at'][11:19]} {row['actor']} {what}: {row['decision'] or row['outcome']} ({row['rule'] or '-'})"


AUDIT = Command(
    verb="audit",
    usage="audit [n]",
    summary="last audit rows and the head",
    examples=("audit", "audit 10"),
    scope=Scope.READ,
    parameters=(Parameter("n", ArgumentType.COUNT, required=False, highest=MOST_SHOWN),),
    about=reading("audit"),
    run=run,
)
