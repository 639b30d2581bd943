"""Verification of a whole log, from the database or from an export: offline, streaming, never a pass without proof."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from audit.anchors import Anchor, Anchors
from audit.export import Header, interleave, read_lines
from audit.report import Problem, ProblemKind, Report
from audit.seals import Keyring, Seal, TrustedKey
from audit.walk import Walk


def verify(
    rows: Iterable[tuple[int, bytes, bytes | str | None]],
    seals: Iterable[Seal],
    trusted_keys: Sequence[TrustedKey],
    origin: str,
    anchors: Sequence[Anchor] = (),
) -> Report:
    """Verify stored rows (number, bytes, stored hash raw or in hex or None) and seals, each in the order of its number.

    Without a trusted key the first seal is reported as `wrong_key`, and a log without seals as `unsealed`. Rows under a
    trusted seal are proven to be the bytes its key's holder wrote; only rows that no seal covers are parsed as well.

    Raises:
        UserError: a trusted key is named twice.
    """
    return Walk(origin, Keyring(trusted_keys), Anchors(anchors)).run(interleave(rows, seals))


def verify_export(
    lines: Iterable[bytes],
    trusted_keys: Sequence[TrustedKey],
    anchors: Sequence[Anchor] = (),
    origin: str | None = None,
) -> Report:
    """Verify an export, given as its lines with their line ends (a file opened in binary mode is just that).

    `origin` is the log that is expected; without it the header's word is taken, and the report says which log it was.
    """
    remaining = iter(lines)
    first = next(remaining, b"")
    if not first.endswith(b"\n"):
        return _refused(Problem(ProblemKind.TRUNCATED, 0, "the export breaks off in its first line"), origin)
    try:
        header = Header.from_json(first[:-1])
    except ValueError as error:
        return _refused(Problem(ProblemKind.MALFORMED, 0, f"the first line is no header of an export: {error}"), origin)
    if origin is not None and header.origin != origin:
        return _refused(Problem(ProblemKind.FOREIGN_ORIGIN, 0, "the export is of another log"), header.origin)
    report = Walk(header.origin, Keyring(trusted_keys), Anchors(anchors)).run(read_lines(remaining))
    if report.ok and header.rows_from != (report.first_row or 1):
        what = f"the header says that rows begin at {header.rows_from}, but they begin at {report.first_row or 1}"
        return replace(report, problem=Problem(ProblemKind.MALFORMED, 0, what))
    return report


def _refused(problem: Problem, origin: str | None) -> Report:
    return Report(origin or "", None, 0, 0, 0, None, 0, None, problem)
