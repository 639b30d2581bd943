"""The walk along a log's rows and seals, up to its end or the first thing that does not fit."""

from collections.abc import Iterator

from audit.anchors import Anchors
from audit.chain import Item, Proven, StoredRow, Unreadable
from audit.diagnosis import broken_link, broken_seal, contradicting_seal, misplaced_seal
from audit.report import Problem, ProblemKind, Report
from audit.row import decode, link, row_start
from audit.seals import SEAL_EVERY_ROWS, Keyring, Seal, SealVerdict

# One commit may carry a group of rows and be sealed once behind it, so a few intervals without a seal are no fault.
MAX_UNSEALED_ROWS = 4 * SEAL_EVERY_ROWS


class Walk:
    """One verification under way; constant memory, whatever the length of the log.

    A row that fits is not parsed at once: under a trusted seal the chain proves its bytes to be those that the key's
    holder wrote. Rows behind the last seal, and those in front of a problem, are read whole and strictly.
    """

    def __init__(self, origin: str, keyring: Keyring, anchors: Anchors) -> None:
        self._origin = origin
        self._keyring = keyring
        self._anchors = anchors
        self._anchored = anchors.rows
        self._proven = Proven()

    def run(self, items: Iterator[Item]) -> Report:
        """Take the items in the order of the log; a seal stands right behind the last row it covers."""
        problem = self._first_problem(items)
        unreadable, unsealed_since = self._read_unsealed()
        proven = self._proven
        return Report(
            origin=self._origin,
            first_row=proven.first_row,
            rows=proven.rows,
            seals=proven.seals,
            anchors=self._anchors.met,
            head=proven.head if proven.rows else None,
            unsealed_rows=len(proven.unsealed),
            unsealed_since=unsealed_since,
            problem=unreadable or problem,
        )

    def _first_problem(self, items: Iterator[Item]) -> Problem | None:
        for witnessed in self._anchors.seals:
            problem = self._untrusted(witnessed, "the witness's seal")
            if problem is not None:
                return problem
        for item in items:
            problem = self._take_row(item, items) if isinstance(item, tuple) else self._take_other(item, items)
            if problem is not None:
                return problem
        return self._at_end()

    def _take_row(self, item: StoredRow, rest: Iterator[Item]) -> Problem | None:
        proven, (stored_seq, body, stored_hash) = self._proven, item
        due = proven.due
        row_hash = link(body)
        if stored_hash is not None and stored_hash != row_hash:
            return Problem(ProblemKind.EDITED, due, f"row {due} has other bytes than the hash stored beside it")
        if not body.startswith(row_start(due, proven.head)):
            return self._explain(body, row_hash, rest)
        if stored_seq is not None and stored_seq != due:
            return Problem(ProblemKind.EDITED, due, f"row {due} is stored under the number {stored_seq}")
        if due in self._anchored and self._anchors.contradict(due, row_hash):
            return _contradicted(due)
        proven.add_row(body, row_hash)
        return _unsealed(proven) if len(proven.unsealed) > MAX_UNSEALED_ROWS else None

    def _explain(self, body: bytes, row_hash: str, rest: Iterator[Item]) -> Problem:
        try:
            row = decode(body)
        except ValueError as error:
            return _malformed(self._proven.due, error)
        return broken_link(self._proven, (row["seq"], row["prev"]), row_hash, rest)

    def _read_unsealed(self) -> tuple[Problem | None, str | None]:
        """Read the rows that no seal covers: return the first that is malformed, and the time of the first of all."""
        since = None
        for index, body in enumerate(self._proven.unsealed):
            try:
                row = decode(body)
            except ValueError as error:
                self._proven.forget_from(index)
                return _malformed(self._proven.due, error), since
            since = since or row["at"]
        return None, since

    def _take_other(self, item: Seal | Unreadable, rest: Iterator[Item]) -> Problem | None:
        if isinstance(item, Unreadable):
            return Problem(item.kind, self._proven.due, item.sentence)
        problem = self._untrusted(item, "the seal") or self._unfitting(item, rest)
        if problem is None:
            self._proven.add_seal(item)
        return problem

    def _unfitting(self, seal: Seal, rest: Iterator[Item]) -> Problem | None:
        proven = self._proven
        problem = contradicting_seal(proven.last_seal, seal) if proven.last_seal else None
        if problem is not None:
            return problem
        if proven.rows == 0:
            return _contradicted(seal.size) if self._anchors.contradict(seal.size, seal.head) else None
        if seal.size != proven.due - 1:
            return misplaced_seal(proven.due, seal, rest)
        return broken_seal(proven.sealed_size, seal, rest) if seal.head != proven.head else None

    def _untrusted(self, seal: Seal, name: str) -> Problem | None:
        where = f"{name} over row {seal.size}"
        if seal.origin != self._origin:
            return Problem(ProblemKind.FOREIGN_ORIGIN, seal.size, f"{where} belongs to another log")
        verdict = self._keyring.check(seal)
        if verdict is SealVerdict.BAD_SIGNATURE:
            return Problem(ProblemKind.EDITED, seal.size, f"{where} was changed after it was signed")
        if verdict is SealVerdict.OUTSIDE_RANGE:
            what = f"{where} was made by key {seal.key_id}, which may not seal that row"
            return Problem(ProblemKind.RESEALED, seal.size, what)
        if verdict is SealVerdict.UNKNOWN_KEY:
            # Behind seals of a trusted key this is somebody going on with a key of their own.
            kind = ProblemKind.RESEALED if self._proven.seals else ProblemKind.WRONG_KEY
            return Problem(kind, seal.size, f"{where} was made by key {seal.key_id}, which is not trusted")
        return None

    def _at_end(self) -> Problem | None:
        proven, anchors = self._proven, self._anchors
        if anchors.newest >= proven.due:
            what = f"an anchor remembers row {anchors.newest}, but the log ends before row {proven.due}"
            return Problem(ProblemKind.TRUNCATED, proven.due, what)
        if proven.last_seal is None:
            return Problem(ProblemKind.UNSEALED, 1, "no seal covers any row, so nothing is proven")
        if proven.rows == 0 and proven.last_seal.size > 0:
            what = f"a seal covers {proven.last_seal.size} rows, but there is no row at all"
            return Problem(ProblemKind.TRUNCATED, proven.last_seal.size, what)
        return _unsealed(proven) if anchors.newest_seal > proven.sealed_size else None


def _malformed(due: int, error: ValueError) -> Problem:
    return Problem(ProblemKind.MALFORMED, due, f"what stands where row {due} is due is no audit row: {error}")


def _contradicted(seq: int) -> Problem:
    what = f"an anchor remembers another row {seq}: an older copy was restored and continued, or the log was rewritten"
    return Problem(ProblemKind.ROLLED_BACK, seq, what)


def _unsealed(proven: Proven) -> Problem:
    first = proven.sealed_size + 1
    return Problem(ProblemKind.UNSEALED, first, f"the seals that are due from row {first} on are not there")
