"""Anchors: what phones and witnesses remember of a log, so that cutting or rolling it back is found."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from audit.row import mark
from audit.seals import Seal
from domain.errors import UserError
from domain.ids import read_handle

_RECEIPT = re.compile(r"(?:AUDIT\s+)?([1-9]\d{0,17})\s*[·.\s-]\s*([0-9A-Z]{8})")


@dataclass(frozen=True, slots=True)
class Receipt:
    """A row's number and the first 40 bits of its hash in 8 Crockford characters, as a phone keeps them."""

    seq: int
    mark: str


Anchor = Receipt | Seal


def read_receipt(text: str) -> Receipt:
    """Read a receipt as a person copies it from the phone; case, O for 0 and a plain dot are forgiven.

    Raises:
        UserError: the text does not look like a receipt.
    """
    match = _RECEIPT.fullmatch(text.strip().upper())
    if match is None:
        raise UserError("receipt: must look like 'audit 1241·7F3C9K2M'; copy it from the phone whole", "bad_receipt")
    return Receipt(int(match[1]), read_handle(match[2]))


class Anchors:
    """The anchors of one verification, by the row they name."""

    def __init__(self, anchors: Iterable[Anchor]) -> None:
        self._marks: dict[int, list[str]] = {}
        self.seals: list[Seal] = []
        for anchor in anchors:
            if isinstance(anchor, Receipt):
                self._marks.setdefault(anchor.seq, []).append(anchor.mark)
            else:
                self._marks.setdefault(anchor.size, []).append(anchor.head)
                self.seals.append(anchor)
        self.rows = frozenset(self._marks)
        self.newest = max(self._marks, default=0)
        self.newest_seal = max((seal.size for seal in self.seals), default=0)
        self.met = 0

    def contradict(self, seq: int, row_hash: str) -> bool:
        """Tell whether an anchor remembers another row under this number; those that agree are counted in `met`."""
        marks = self._marks.get(seq, [])
        self.met += len(marks)
        return not {row_hash, mark(row_hash)}.issuperset(marks)
