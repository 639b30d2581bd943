"""status: mode, loops, what runs, what waits, with ages; every figure comes from the store."""

from datetime import datetime

from channels.gsm7 import fit
from commands.command import Arguments, Command, Context, Outcome, Reply, reading
from commands.lanes import Looked, looks, summary, worst
from commands.paging import ROOM_SEPTETS
from commands.wording import NOT_KNOWN, backlog_line, mutation_line, number, percent, run_line
from domain.approvals import Approval
from domain.clock import describe_age
from domain.modes import Mode
from domain.people import Scope
from policy.branches import github_branches
from policy.loading import PolicyStatus
from store.tables import Tables

SHOWN_RUNS = 3


def run(arguments: Arguments, context: Context, tables: Tables) -> Outcome:  # noqa: ARG001 - every command has this shape
    """Say in a few lines how everything stands."""
    running = tables.runs.unfinished()
    waiting = tables.approvals.waiting(context.now)
    found = looks(github_branches(context.state.policy), tables)
    lines = [
        _mode_line(context, tables),
        mutation_line(tables.snapshots.mutation(), context.now, context.state),
        backlog_line(tables.snapshots.triage(), context.now, context.state),
        summary(found, context.now) if found else "",
        *(run_line(one, context.now) for one in running[:SHOWN_RUNS]),
        f"Runs open: {len(running)}. Approvals waiting: {len(waiting)}.",
        _policy_line(context),
        _outbox_line(context, tables),
    ]
    keys = ("approvals", "last") if waiting else ("last", "mutation", "unresolved")
    short = _with_lanes(_short(context, tables, len(running), waiting), found, context.now)
    return Outcome(Reply("\n".join(line for line in lines if line), keys, short))


def _short(context: Context, tables: Tables, running: int, waiting: list[Approval]) -> str:
    """Say the same in one text message (160 septets, 3GPP TS 23.038), whatever the figures."""
    mutation, backlog = tables.snapshots.mutation(), tables.snapshots.triage()
    score = percent(mutation.score_basis_points if mutation else None)
    provisional = " provisional" if mutation and mutation.provisional else ""
    high, medium = (number(backlog.high), number(backlog.medium)) if backlog else (NOT_KNOWN, NOT_KNOWN)
    asks = f": {waiting[0].handle}" if waiting else ""
    return (
        f"Mode {context.mode.effective.value}."
        f" Mutation {score}{provisional}{_aged(mutation.measured_at if mutation else None, context.now)}."
        f" Backlog {high} high, {medium} medium{_aged(backlog.measured_at if backlog else None, context.now)}."
        f" Runs open {running}, waiting {len(waiting)}{asks}."
    )


def _with_lanes(short: str, found: list[Looked], now: datetime) -> str:
    """Say the worst of the branches behind it, where that still fits into the same text message."""
    longer = f"{short} {worst(found, now)}" if found else short
    return longer if fit(longer, limit_septets=ROOM_SEPTETS) == longer else short


def _aged(moment: datetime | None, now: datetime) -> str:
    return f" ({describe_age(moment, now)})" if moment else ""


def _mode_line(context: Context, tables: Tables) -> str:
    mode, stored = context.mode, tables.mode.current()
    since = f", set by {stored.changed_by} {describe_age(stored.changed_at, context.now)} ago" if stored else ""
    return f"Mode {mode.effective.value}, held by {mode.held_by}{since}.{_soak(context, tables)}"


def _soak(context: Context, tables: Tables) -> str:
    policy = context.state.policy
    if policy is None or context.mode.effective is Mode.OPERATE:
        return ""
    clean, first = tables.runs.clean_report_runs()
    days = (context.now - first).days if first else 0
    security = policy.security
    if days >= security.soak_days and clean >= security.soak_clean_runs:
        return " Soak window passed."
    return (
        f" Soak: {min(days, security.soak_days)}/{security.soak_days} days,"
        f" {min(clean, security.soak_clean_runs)}/{security.soak_clean_runs} clean runs."
    )


def _policy_line(context: Context) -> str:
    if context.state.status is PolicyStatus.LOADED:
        return f"Policy {context.state.version[:8]}."
    problem = context.state.problems[0] if context.state.problems else "no reason given"
    return f"{context.state.status.value}: nothing may be written. {problem}"


def _outbox_line(context: Context, tables: Tables) -> str:
    count, oldest = tables.outbox.waiting()
    return f"Outbox: {count} waiting, the oldest for {describe_age(oldest, context.now)}." if oldest else ""


STATUS = Command(
    verb="status",
    short="s",
    usage="status",
    summary="how everything stands",
    examples=("status",),
    scope=Scope.READ,
    about=reading("status"),
    run=run,
)
