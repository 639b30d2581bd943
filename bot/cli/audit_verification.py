"""Verifying a log from the database or from an export, and saying what came out."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from audit.anchors import Anchor
from audit.report import Problem, ProblemKind, Report
from audit.row import receipt
from audit.seals import TrustedKey
from audit.verify import verify, verify_export
from bot.audit_key import AUDIT_ORIGIN
from bot.cli.sealed_rows import UnreadableSealError, read_seals
from domain.clock import describe_age, from_text
from domain.errors import UserError
from store.tables import Tables


def verify_database(tables: Tables, keys: Sequence[TrustedKey], anchors: Sequence[Anchor]) -> Report:
    """Verify the log in the database, row by row."""
    try:
        return verify(tables.audit.each(), read_seals(tables), keys, AUDIT_ORIGIN, anchors)
    except UnreadableSealError as error:
        problem = Problem(ProblemKind.MALFORMED, 0, str(error))
        return Report(AUDIT_ORIGIN, None, 0, 0, 0, None, 0, None, problem)


def verify_file(path: Path, keys: Sequence[TrustedKey], anchors: Sequence[Anchor]) -> Report:
    """Verify an exported log, line by line.

    Raises:
        UserError: the file cannot be opened.
    """
    try:
        with path.open("rb") as lines:
            return verify_export(lines, keys, anchors)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); name an exported log") from error


def describe(report: Report, now: datetime) -> list[str]:
    """Say in lines what was proven, and what is wrong first."""
    last = (report.first_row or 1) + report.rows - 1
    head = receipt(last, report.head) if report.head else "none"
    lines = [
        f"log {report.origin or 'unknown'}: {_rows(report, last)}, {report.seals} seals, {report.anchors} anchors met",
        f"head {head}",
    ]
    if report.unsealed_rows and report.unsealed_since:
        age = age_of(report.unsealed_since, now)
        lines.append(f"the last {report.unsealed_rows} rows have no seal yet, age of the oldest: {age}")
    if report.problem is None:
        return [*lines, "OK: everything was proven"]
    return [*lines, f"NOT OK: row {report.problem.seq}, {report.problem.kind.value}: {report.problem.sentence}"]


def age_of(at: str, now: datetime) -> str:
    """Say how old a row is; a row no seal covers may hold anything, also where its time should be."""
    try:
        return describe_age(from_text(at), now)
    except ValueError:
        return "unknown"


def _rows(report: Report, last: int) -> str:
    return f"rows {report.first_row} to {last}" if report.rows else "no rows"
