"""unresolved: how many medium and high findings are open, and the first of them."""

from commands.command import Arguments, Command, Context, Outcome, Reply, reading
from commands.wording import backlog_line
from domain.people import Scope
from store.tables import Tables

SHOWN_FINDINGS = 5


def run(arguments: Arguments, context: Context, tables: Tables) -> Outcome:  # noqa: ARG001 - every command has this shape
    """Show counts and top findings of the newest backlog; what is unknown is said to be unknown."""
    snapshot = tables.snapshots.triage()
    lines = [backlog_line(snapshot, context.now, context.state)]
    if snapshot is None:
        return Outcome(Reply("\n".join([*lines, "Measure it with run triage."]), ("run triage",)))
    if snapshot.high is None:
        lines.append(snapshot.detail)
    for finding in snapshot.findings[:SHOWN_FINDINGS]:
        where = (
            f" {finding.path}:{finding.line}" if finding.path and finding.line else f" {finding.path or ''}".rstrip()
        )
        lines.append(f"[{finding.severity.value}]{where} {finding.summary}")
    hidden = len(snapshot.findings) - SHOWN_FINDINGS
    if hidden > 0:
        lines.append(f"and {hidden} more in the report")
    return Outcome(Reply("\n".join(lines), ("run triage", "last")))


UNRESOLVED = Command(
    verb="unresolved",
    short="u",
    usage="unresolved",
    summary="open medium and high findings",
    examples=("unresolved",),
    scope=Scope.READ,
    about=reading("unresolved"),
    run=run,
)
