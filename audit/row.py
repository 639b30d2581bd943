"""One audit row: canonical JSON bytes, written once, hashed as written and linked to the row before."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from domain.ids import crockford

GENESIS = "0" * 64  # what the first row names as the row before it
KEYS = (
    "seq", "prev", "at", "actor", "address_kind", "channel", "proof", "action", "target",
    "digest", "decision", "rule", "reason", "policy_version", "outcome", "correlation", "evidence",
)  # fmt: skip
_KEY_LIST = [*KEYS]  # compares faster with a row's keys than a tuple does
MAX_EVIDENCE_DEPTH = 16  # facts are flat; the cap keeps a hostile nesting from exhausting the stack
MARK_CHARACTERS = 8  # 40 bits of the row's hash: short enough to read aloud, 2**40 tries to forge one
_MARK_HEX_DIGITS = 10  # the same 40 bits in hex
_HEX_SHA256 = re.compile(r"[0-9a-f]{64}")
_TEXT_TYPES = frozenset({str, type(None)})
_SCALAR_TYPES = frozenset({str, int, bool, type(None)})
_TEXTS = slice(2, -1)  # every key but seq, prev and evidence


class NotCanonicalError(ValueError):
    """A value that has no single spelling in an audit row, or bytes that are not the one spelling of theirs."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the caller says happened; `at` is UTC with Z.

    `evidence` holds text, integers, booleans, nulls, lists and objects of these: no floats, because two JSON writers
    spell one float differently.
    """

    at: str
    actor: str | None
    address_kind: str | None
    channel: str | None
    proof: str | None
    action: str | None
    target: str | None
    digest: str | None
    decision: str | None
    rule: str | None
    reason: str | None
    policy_version: str | None
    outcome: str | None
    correlation: str | None
    evidence: Mapping[str, object]


def encode(entry: Entry, seq: int, prev: str) -> bytes:
    """Write a row as one line of canonical JSON, without a line end; `prev` is the hash of the row before.

    Raises:
        NotCanonicalError: a field is no text, or the evidence holds a float, a lone surrogate, an integer beyond
            64 bits or anything else that has no single spelling in JSON.
    """
    row = {
        "seq": seq,
        "prev": prev,
        "at": entry.at,
        "actor": entry.actor,
        "address_kind": entry.address_kind,
        "channel": entry.channel,
        "proof": entry.proof,
        "action": entry.action,
        "target": entry.target,
        "digest": entry.digest,
        "decision": entry.decision,
        "rule": entry.rule,
        "reason": entry.reason,
        "policy_version": entry.policy_version,
        "outcome": entry.outcome,
        "correlation": entry.correlation,
        "evidence": dict(entry.evidence),
    }
    values = list(row.values())
    if not _TEXT_TYPES.issuperset(map(type, values[_TEXTS])):
        _refuse_untextual(row)
    _check_evidence(entry.evidence.values())
    try:
        return orjson.dumps(row)
    except orjson.JSONEncodeError as error:
        raise NotCanonicalError(f"audit row {seq} cannot be written: {error}") from error


def decode(body: bytes) -> dict[str, Any]:
    """Read a row's bytes, and accept only bytes that `encode` could have written.

    Raises:
        ValueError: the bytes are no JSON, have other keys or types than a row, or (`NotCanonicalError`) are spelled
            in another way.
    """
    row = orjson.loads(body)
    if type(row) is not dict or [*row] != _KEY_LIST:
        raise NotCanonicalError("the keys are not those of an audit row")
    values = [*row.values()]
    if type(values[0]) is not int or values[0] < 1 or type(values[-1]) is not dict:
        raise NotCanonicalError("seq or evidence has a wrong type")
    if values[1] is None or values[2] is None or not _TEXT_TYPES.issuperset(map(type, values[1:-1])):
        raise NotCanonicalError("a field is no text")
    if values[-1]:
        _check_evidence(values[-1].values())
    if orjson.dumps(row) != body:
        raise NotCanonicalError("the bytes are not in canonical form")
    return row


def row_start(seq: int, prev: str) -> bytes:
    """Return the bytes that a row of this number behind this row begins with."""
    return b'{"seq":%d,"prev":"%s",' % (seq, prev.encode())


def link(body: bytes) -> str:
    """Return the hash of a row, as the next row names it: SHA-256 over the stored bytes, in hex."""
    return sha256(body).hexdigest()


def mark(row_hash: str) -> str:
    """Return the first 40 bits of a hash in 8 Crockford characters."""
    return crockford(int(row_hash[:_MARK_HEX_DIGITS], 16), MARK_CHARACTERS)


def receipt(seq: int, row_hash: str) -> str:
    """Write the line that goes to the phone: `audit 1241·7F3C9K2M`."""
    return f"audit {seq}·{mark(row_hash)}"


def is_hash(text: object) -> bool:
    """Tell whether a value is a SHA-256 in lower-case hex."""
    return type(text) is str and _HEX_SHA256.fullmatch(text) is not None


def _check_evidence(values: Collection[object], depth: int = MAX_EVIDENCE_DEPTH) -> None:
    for value in values:
        if type(value) in _SCALAR_TYPES:
            continue
        if depth == 0:
            raise NotCanonicalError(f"evidence is nested deeper than {MAX_EVIDENCE_DEPTH} levels")
        if isinstance(value, dict):
            _check_evidence(value.values(), depth - 1)
        elif isinstance(value, list | tuple):
            _check_evidence(value, depth - 1)
        elif not isinstance(value, str | int):  # enumerations of text and numbers are written by their value
            what = f"evidence holds a {type(value).__name__}"
            raise NotCanonicalError(f"{what}; only text, integers, lists and objects have one spelling")


def _refuse_untextual(row: Mapping[str, object]) -> None:
    for key in KEYS[_TEXTS]:
        if not isinstance(row[key], str | None):
            raise NotCanonicalError(f"audit field {key} holds a {type(row[key]).__name__}; it must be text or None")
