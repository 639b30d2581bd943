"""Checks of the record: that the store opens, the audit log is whole, the clock makes sense and effects go out."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

from audit.report import Report
from audit.row import decode
from audit.seals import SEAL_EVERY_SECONDS, TrustedKey
from bot.cli.audit_verification import age_of, verify_database
from bot.cli.checks.finding import Finding, fail, ok, warn
from bot.cli.installation import Installation
from domain.clock import describe_age, from_text, to_text
from domain.errors import UserError
from domain.modes import Mode
from store.tables import Tables

CLOCK_TOLERANCE = timedelta(seconds=5)  # two processes of one machine read one clock; more is a clock that was set back
OUTBOX_LATE_AFTER = timedelta(seconds=60)  # the relay looks every 5 s; after 60 s the next channel would be tried
OUTBOX_STUCK_AFTER = timedelta(minutes=15)
SEAL_LATE_AFTER = timedelta(seconds=3 * SEAL_EVERY_SECONDS)


def check_record(installation: Installation) -> list[Finding]:
    """Open the store and look at everything in it; whatever goes wrong on the way becomes a finding."""
    try:
        return asyncio.run(
            installation.with_store(lambda store: store.read(lambda tables: list(_check(installation, tables))))
        )
    except UserError as error:
        return [fail("store", str(error), "follow the sentence before")]
    except Exception as error:  # noqa: BLE001 - a broken database is a finding, and the other checks must still be shown
        what = f"{installation.home.database} cannot be used: {type(error).__name__}: {error}"
        return [fail("store", what, "end what holds it, free the disk, or put a backup of reins.db back")]


def _check(installation: Installation, tables: Tables) -> Iterator[Finding]:
    now = installation.clock.now()
    yield ok("store", f"{installation.home.database} opens, its schema is up to date")
    yield _check_audit(installation, tables, now)
    yield _check_clock(tables, now)
    yield _check_mode(installation, tables)
    yield _check_outbox(tables, now)


def _check_audit(installation: Installation, tables: Tables, now: datetime) -> Finding:
    try:
        key = installation.seal_key()
    except UserError as error:
        return fail("audit", str(error), "put audit.key back from your backup: a new key cannot prove the old seals")
    return judge_audit(verify_database(tables, [TrustedKey(key.public_hex)], ()), now)


def judge_audit(report: Report, now: datetime) -> Finding:
    """Turn a verification into a finding."""
    if report.problem is not None:
        what = f"row {report.problem.seq}, {report.problem.kind.value}: {report.problem.sentence}"
        return fail("audit", what, "keep a copy of reins.db, then compare receipts with `reins audit verify --receipt`")
    what = f"{report.rows} rows and {report.seals} seals proven"
    if report.unsealed_since is None:
        return ok("audit", what)
    what += f", {report.unsealed_rows} rows not sealed yet, age of the oldest: {age_of(report.unsealed_since, now)}"
    # Times are text of one width, so that text order is time order; what is no time at all is no older than that.
    if not to_text(now - SEAL_LATE_AFTER) <= report.unsealed_since <= to_text(now + CLOCK_TOLERANCE):
        return warn("audit", what, "start the bot: it seals every minute, also when idle")
    return ok("audit", what)


def _check_clock(tables: Tables, now: datetime) -> Finding:
    newest = next(iter(tables.audit.latest(1)), None)
    if newest is None:
        return ok("clock", f"{to_text(now)}, nothing recorded to compare with")
    try:
        recorded = from_text(decode(newest)["at"])
    except ValueError:
        return fail("clock", "the newest audit row tells no time to compare with", "see the audit log's own line")
    if now < recorded - CLOCK_TOLERANCE:
        what = f"{to_text(now)} lies before the newest audit row, {to_text(recorded)}"
        return fail("clock", what, "set the clock, and let NTP keep it")
    return ok("clock", f"{to_text(now)}, newest audit row {describe_age(min(recorded, now), now)} old")


def _check_mode(installation: Installation, tables: Tables) -> Finding:
    sources = installation.mode(tables)
    environment = sources.environment.value if sources.environment else "not set"
    named = f"environment {environment}, stored {sources.stored.value}, HALT file {'there' if sources.halt_file else 'not there'}"
    what = f"{sources.effective.value}, held there by {sources.held_by} ({named})"
    if sources.halt_file:
        return warn("mode", what, f"remove {installation.home.halt_file} when it may go on")
    if sources.effective is Mode.OFF:
        return warn("mode", what, "send `pause` or `resume` with a strong enough proof, such as in `reins chat`")
    return ok("mode", what)


def _check_outbox(tables: Tables, now: datetime) -> Finding:
    count, oldest = tables.outbox.waiting()
    if oldest is None:
        return ok("outbox", "nothing waits")
    what = f"{count} effects wait, the oldest for {describe_age(min(oldest, now), now)}"
    if now - oldest > OUTBOX_STUCK_AFTER:
        return fail("outbox", what, "is the bot running? its log says why they do not go out")
    if now - oldest > OUTBOX_LATE_AFTER:
        return warn("outbox", what, "is the bot running?")
    return ok("outbox", what)
