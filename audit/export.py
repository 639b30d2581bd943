"""The export file: JSON Lines of a header, the rows' exact bytes, and each seal right behind the row it covers."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import orjson

from audit.chain import Item, StoredRow, Unreadable
from audit.report import ProblemKind
from audit.row import NotCanonicalError
from audit.seals import Seal

EXPORT_VERSION = 1
_HEADER_KEYS = ["reins_audit", "origin", "rows_from"]
_ROW_START = b'{"seq":'
_SEAL_START = b'{"seal":'


@dataclass(frozen=True, slots=True)
class Header:
    """An export's first line: the log's name and the number of the first row."""

    origin: str
    rows_from: int

    def to_json(self) -> bytes:
        """Return the header as one line of canonical JSON, without a line end."""
        return orjson.dumps({"reins_audit": EXPORT_VERSION, "origin": self.origin, "rows_from": self.rows_from})

    @classmethod
    def from_json(cls, body: bytes) -> "Header":
        """Read a header, and accept only bytes that `to_json` could have written.

        Raises:
            ValueError: the bytes are no JSON, no header, of another version or spelled in another way.
        """
        fields: Any = orjson.loads(body)
        if type(fields) is not dict or [*fields] != _HEADER_KEYS:
            raise NotCanonicalError("the keys are not those of an export's header")
        version, origin, rows_from = fields.values()
        if version != EXPORT_VERSION or type(origin) is not str or type(rows_from) is not int or rows_from < 1:
            raise NotCanonicalError("the version is unknown, or origin or rows_from has a wrong type")
        header = cls(origin, rows_from)
        if header.to_json() != body:
            raise NotCanonicalError("the header is not in canonical form")
        return header


def export_lines(rows: Iterable[tuple[int, bytes]], seals: Iterable[Seal], origin: str) -> Iterator[bytes]:
    """Write an export line by line, line ends included; rows and seals come in the order of their numbers."""
    numbered = iter(rows)
    first = next(numbered, None)
    yield Header(origin, first[0] if first else 1).to_json() + b"\n"
    stored = ((seq, body, None) for seq, body in chain([first] if first else [], numbered))
    for item in interleave(stored, seals):
        if isinstance(item, tuple):
            yield item[1] + b"\n"
        else:
            yield _SEAL_START + item.to_json() + b"}\n"


def interleave(
    rows: Iterable[tuple[int, bytes, bytes | str | None]], seals: Iterable[Seal]
) -> Iterator[StoredRow | Seal]:
    """Put each seal right behind the last row it covers; rows are numbers, bytes and stored hashes, raw or in hex."""
    ordered = iter(seals)
    seal = next(ordered, None)
    for seq, body, kept in rows:
        while seal is not None and seal.size < seq:
            yield seal
            seal = next(ordered, None)
        yield (seq, body, kept.hex() if isinstance(kept, bytes) else kept)
    if seal is not None:
        yield seal
        yield from ordered


def read_lines(lines: Iterable[bytes]) -> Iterator[Item]:
    """Read the lines behind the header, line ends included; a line that cannot be read comes as `Unreadable`."""
    for line in lines:
        if not line.endswith(b"\n"):
            yield Unreadable(ProblemKind.TRUNCATED, "the last line breaks off")
        elif line.startswith(_ROW_START):
            yield (None, line[:-1], None)
        elif line.startswith(_SEAL_START) and line.endswith(b"}\n"):
            yield _read_seal(line[len(_SEAL_START) : -2])
        else:
            yield Unreadable(ProblemKind.MALFORMED, "a line is neither row nor seal")


def _read_seal(body: bytes) -> Seal | Unreadable:
    try:
        return Seal.from_json(body)
    except ValueError as error:
        return Unreadable(ProblemKind.MALFORMED, f"a seal cannot be read: {error}")
