"""Names what happened to a log where two of its parts do not fit together."""

from collections.abc import Iterator
from itertools import chain

from audit.chain import Item, Proven
from audit.report import Problem, ProblemKind
from audit.row import row_start
from audit.seals import Seal


def broken_link(proven: Proven, row: tuple[int, str], row_hash: str, rest: Iterator[Item]) -> Problem:
    """Explain a row whose number or whose link to the row before is not what is due.

    `row` is the number and the previous hash it carries; `rest` is what follows it in the log.
    """
    due, (seq, prev) = proven.due, row
    if prev == proven.head:
        return Problem(
            ProblemKind.EDITED, due, f"row {due} is linked to the row before it but carries the number {seq}"
        )
    if seq > due:
        return _gap(due, f"row {seq} stands where row {due} was due", rest)
    if seq < due and (proven.first_row is None or seq < proven.first_row):
        return Problem(ProblemKind.REORDERED, seq, f"row {seq} stands behind what must follow it")
    if seq < due:
        return Problem(ProblemKind.DUPLICATED, seq, f"row {seq} stands in the log twice")
    # Either this row or the one before was changed. The one before is beyond doubt right behind a seal; else the next
    # item tells, by vouching for this row or not.
    doubtless = due == 1 or proven.sealed_size == due - 1
    culprit = due - 1 if not doubtless and _vouches(next(rest, None), due, row_hash) else due
    return Problem(ProblemKind.EDITED, culprit, f"row {culprit} was changed: it does not fit the rows next to it")


def contradicting_seal(last: Seal, seal: Seal) -> Problem | None:
    """Find a seal that repeats, contradicts or is older than the one before it."""
    size = seal.size
    if seal == last:
        return Problem(ProblemKind.DUPLICATED, size, f"the seal over row {size} stands in the log twice")
    if size < last.size or seal.at < last.at:
        return Problem(ProblemKind.ROLLED_BACK, size, f"the seal over row {size} is older than the one before it")
    if size == last.size and seal.head != last.head:
        return Problem(ProblemKind.RESEALED, size, f"two seals over row {size} name different heads")
    return None


def misplaced_seal(due: int, seal: Seal, rest: Iterator[Item]) -> Problem:
    """Explain a seal that does not stand right behind the last row it covers; row `due` would come next."""
    if seal.size < due:
        return Problem(ProblemKind.REORDERED, seal.size, f"the seal over row {seal.size} stands behind later rows")
    what = f"a seal covers {seal.size} rows, but row {due} does not stand before it"
    follower = _next_row(rest)
    if follower is None:
        return Problem(ProblemKind.TRUNCATED, due, f"{what}, and no row follows")
    return _gap(due, what, chain([follower], rest))


def broken_seal(sealed_size: int, seal: Seal, rest: Iterator[Item]) -> Problem:
    """Explain a genuine seal that names another head than the rows before it have.

    One changed row is told from rows rewritten with new links by what the row behind the seal names, or by there being
    only one row since the seal before, over row `sealed_size`.
    """
    follower = _next_row(rest)
    if _vouches(follower, seal.size, seal.head) or (follower is None and seal.size - sealed_size == 1):
        return Problem(ProblemKind.EDITED, seal.size, f"row {seal.size} was changed: its seal names another hash")
    what = f"the rows up to {seal.size} fit each other, but their seal names another head: they were rewritten"
    return Problem(ProblemKind.RESEALED, seal.size, what)


def _gap(due: int, what: str, rest: Iterator[Item]) -> Problem:
    start = b'{"seq":%d,' % due
    if any(isinstance(item, tuple) and item[1].startswith(start) for item in rest):
        return Problem(ProblemKind.REORDERED, due, f"{what}; it comes later")
    return Problem(ProblemKind.MISSING, due, f"{what}; it is gone")


def _next_row(rest: Iterator[Item]) -> Item | None:
    return next((item for item in rest if isinstance(item, tuple)), None)


def _vouches(item: Item | None, seq: int, row_hash: str) -> bool:
    """Tell whether what follows a row names it by this hash."""
    if isinstance(item, tuple):
        return item[1].startswith(row_start(seq + 1, row_hash))
    return isinstance(item, Seal) and item.head == row_hash
