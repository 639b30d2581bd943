"""Changes an audit log in the ways a thief, a fault or a restore would, and says what a verifier must find."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from audit.anchors import Anchor, read_receipt
from audit.export import Header
from audit.report import ProblemKind as Kind
from audit.row import GENESIS, link
from audit.seals import Seal, TrustedKey
from tests.audit.logs import ORIGIN, AuditLog, entry, make_log, seal_key, seal_rows, trust, write_rows

ROWS, EVERY = 96, 16


@dataclass(frozen=True, slots=True)
class Tampered:
    """A changed export, what its verifier knows, and the kind and place that must be named."""

    lines: list[bytes]
    kinds: frozenset[Kind]
    seq: int
    keys: Sequence[TrustedKey] = field(default_factory=lambda: trust("first"))
    anchors: Sequence[Anchor] = ()


def genuine() -> AuditLog:
    return make_log(ROWS, EVERY)


def row_index(lines: Sequence[bytes], seq: int) -> int:
    return next(index for index, line in enumerate(lines) if line.startswith(b'{"seq":%d,' % seq))


def seal_index(lines: Sequence[bytes], size: int) -> int:
    return next(
        index for index, line in enumerate(lines) if line.startswith(b'{"seal":') and b'"size":%d,' % size in line
    )


def sealed_by(seq: int) -> int:
    """Return the size of the seal that covers a row."""
    return -(-seq // EVERY) * EVERY


def rewritten(at: int, note: str = "other") -> list[tuple[int, bytes]]:
    """Rows of the genuine log up to the one before `at`, then other rows with a valid chain."""
    kept = list(genuine().rows[: at - 1])
    prev = link(kept[-1][1]) if kept else GENESIS
    return kept + write_rows([entry(seq, note) for seq in range(at, ROWS + 1)], at, prev)


def export(rows: Sequence[tuple[int, bytes]], seals: Sequence[Seal]) -> list[bytes]:
    return AuditLog(tuple(rows), tuple(seals)).lines()


SIZES = range(EVERY, ROWS + 1, EVERY)


def edit_text(random: Random) -> Tampered:
    lines, seq = genuine().lines(), random.randint(1, ROWS)
    at = row_index(lines, seq)
    old, new = random.choice(
        [(b'"owner"', b'"mallory"'), (b'"allow"', b'"deny"'), (b":null", b':"x"'), (b"[%d," % seq, b"[0,")]
    )
    lines[at] = lines[at].replace(old, new, 1)
    return Tampered(lines, frozenset({Kind.EDITED, Kind.RESEALED} if seq == ROWS else {Kind.EDITED}), seq)


def edit_link(random: Random) -> Tampered:
    lines, seq = genuine().lines(), random.randint(1, ROWS)
    at = row_index(lines, seq)
    lines[at] = re.sub(rb'"prev":"(.)', lambda m: b'"prev":"' + (b"0" if m[1] != b"0" else b"1"), lines[at], count=1)
    return Tampered(lines, frozenset({Kind.EDITED}), seq)


def edit_number(random: Random) -> Tampered:
    lines, seq = genuine().lines(), random.randint(1, ROWS)
    at = row_index(lines, seq)
    lines[at] = lines[at].replace(
        b'{"seq":%d,' % seq, b'{"seq":%d,' % random.choice([n for n in range(1, 200) if n != seq])
    )
    return Tampered(lines, frozenset({Kind.EDITED}), seq)


def edit_seal(random: Random) -> Tampered:
    lines, size = genuine().lines(), random.choice(SIZES)
    at = seal_index(lines, size)
    lines[at] = lines[at].replace(b".000Z", b".001Z")
    return Tampered(lines, frozenset({Kind.EDITED}), size)


def damage(random: Random) -> Tampered:
    lines, seq = genuine().lines(), random.randint(1, ROWS)
    at = row_index(lines, seq)
    old, new = random.choice(
        [
            (b'"evidence":', b'"extra":1,"evidence":'),
            (b'"evidence":{', b'"evidence":{"ratio":0.5,'),
            (b'"actor":', b'"actor": '),
            (b'"actor":', b'"actor":null,"actor":'),
            (b'"rule":"role_scope"', b'"rule":7'),
            (b"n\xc3\xa4h", b"n\\u00e4h"),
            (b"n\xc3\xa4h", b"n\xffh"),
            (b"}\n", b"} \n"),
            (b"}\n", b"}\r\n"),
            (b"}\n", b"}\n\n"),
        ]
    )
    lines[at : at + 1] = (
        lines[at].replace(old, new, 1).splitlines(keepends=True) if new != b"}\n\n" else [lines[at], b"\n"]
    )
    return Tampered(lines, frozenset({Kind.MALFORMED}), seq + (new == b"}\n\n"))


def remove_rows(random: Random) -> Tampered:
    lines, seq = genuine().lines(), random.randint(1, ROWS - 1)
    last = min(seq + random.randint(0, 20), ROWS - 1)
    kept = [line for line in lines if not any(line.startswith(b'{"seq":%d,' % n) for n in range(seq, last + 1))]
    return Tampered(kept, frozenset({Kind.MISSING}), seq)


def reorder_rows(random: Random) -> Tampered:
    lines = genuine().lines()
    seq, later = sorted(random.sample(range(1, ROWS + 1), 2))
    at, behind = row_index(lines, seq), row_index(lines, later)
    lines[at], lines[behind] = lines[behind], lines[at]
    return Tampered(lines, frozenset({Kind.REORDERED}), seq)


def move_seal(random: Random) -> Tampered:
    lines, size = genuine().lines(), random.choice(SIZES[:-1])
    seal = lines.pop(seal_index(lines, size))
    lines.insert(row_index(lines, size + random.randint(1, EVERY)) + 1, seal)
    return Tampered(lines, frozenset({Kind.REORDERED}), size)


def duplicate_row(random: Random) -> Tampered:
    lines, seq = genuine().lines(), random.randint(1, ROWS)
    lines.insert(random.randint(row_index(lines, seq) + 1, len(lines)), lines[row_index(lines, seq)])
    return Tampered(lines, frozenset({Kind.DUPLICATED}), seq)


def duplicate_seal(random: Random) -> Tampered:
    lines, size = genuine().lines(), random.choice(SIZES)
    lines.insert(seal_index(lines, size), lines[seal_index(lines, size)])
    return Tampered(lines, frozenset({Kind.DUPLICATED}), size)


def splice_row(random: Random) -> Tampered:
    lines, seq = genuine().lines(), random.randint(1, ROWS)
    other = make_log(ROWS, EVERY, note="elsewhere").lines()
    lines[row_index(lines, seq)] = other[row_index(other, seq)]
    return Tampered(lines, frozenset({Kind.EDITED}), seq)


def swap_logs(random: Random) -> Tampered:
    foreign = make_log(ROWS, EVERY, origin="acme/gadgets", note=random.choice(["ran", "other"])).lines()
    return Tampered([Header(ORIGIN, 1).to_json() + b"\n", *foreign[1:]], frozenset({Kind.FOREIGN_ORIGIN}), EVERY)


def cut_last_rows(random: Random) -> Tampered:
    lines, seq = genuine().lines(), random.randint(2, ROWS)
    final = lines[-1]
    return Tampered([*lines[: row_index(lines, seq)], final], frozenset({Kind.TRUNCATED}), seq)


def cut_with_seals(random: Random) -> Tampered:
    lines, seq = genuine().lines(), random.randint(1, ROWS)
    anchor = read_receipt(genuine().receipt(random.randint(seq, ROWS)))
    return Tampered(lines[: row_index(lines, seq)], frozenset({Kind.TRUNCATED}), seq, anchors=[anchor])


def strip_last_seals(random: Random) -> Tampered:
    lines, size = genuine().lines(), random.choice(SIZES)
    kept = [line for line in lines if not line.startswith(b'{"seal":') or line in lines[: seal_index(lines, size)]]
    kind = Kind.UNSEALED
    return Tampered(kept, frozenset({kind}), size - EVERY + 1, anchors=[genuine().seals[-1]])


def strip_all_seals(random: Random) -> Tampered:
    count = random.randint(1, ROWS)
    return Tampered(export(genuine().rows[:count], ()), frozenset({Kind.UNSEALED}), 1)


def rewrite_rows(random: Random) -> Tampered:
    seq = random.randint(1, ROWS)
    return Tampered(export(rewritten(seq), genuine().seals), frozenset({Kind.RESEALED}), sealed_by(seq))


def reseal_with_newer_key(random: Random) -> Tampered:
    seq = random.randint(1, 48)
    rows = rewritten(seq)
    seals = seal_rows(rows, SIZES, lambda size: seal_key("newer" if size >= seq else "first"))
    keys = [TrustedKey(seal_key("first").public_hex, 0, 48), TrustedKey(seal_key("newer").public_hex, 49)]
    return Tampered(export(rows, seals), frozenset({Kind.RESEALED}), sealed_by(seq), keys)


def reseal_with_own_key(random: Random) -> Tampered:
    seq = random.randint(1, ROWS)
    rows = rewritten(seq)
    seals = seal_rows(rows, SIZES, lambda size: seal_key("mallory" if size >= seq else "first"))
    return Tampered(export(rows, seals), frozenset({Kind.RESEALED if seq > EVERY else Kind.WRONG_KEY}), sealed_by(seq))


def contradict_seal(random: Random) -> Tampered:
    size = random.choice(SIZES)
    seals = [seal for one in genuine().seals for seal in ([one] if one.size != size else [one, _second_opinion(one)])]
    return Tampered(export(genuine().rows, seals), frozenset({Kind.RESEALED}), size)


def _second_opinion(seal: Seal) -> Seal:
    return seal_key("first").sign(seal.origin, seal.size, "f" * 64, seal.at.replace(".000Z", ".500Z"))


def wrong_key(random: Random) -> Tampered:
    keys = random.choice([trust("mallory"), []])
    return Tampered(genuine().lines(), frozenset({Kind.WRONG_KEY}), EVERY, keys)


def turn_clock_back(random: Random) -> Tampered:
    size = random.choice(SIZES[1:])
    seals = [
        seal
        if seal.size != size
        else seal_key("first").sign(seal.origin, seal.size, seal.head, "2026-11-21T00:00:00.000Z")
        for seal in genuine().seals
    ]
    return Tampered(export(genuine().rows, seals), frozenset({Kind.ROLLED_BACK}), size)


def restore_backup(random: Random) -> Tampered:
    size = random.choice(SIZES[:-1])
    lines = genuine().lines()
    remembered = read_receipt(genuine().receipt(random.randint(size + 1, ROWS)))
    anchor: Anchor = genuine().seals[-1] if random.random() < 1 / 2 else remembered
    return Tampered(lines[: seal_index(lines, size) + 1], frozenset({Kind.TRUNCATED}), size + 1, anchors=[anchor])


def restore_and_continue(random: Random) -> Tampered:
    seq = random.randint(1, ROWS)
    rows = rewritten(seq)
    seals = seal_rows(rows, SIZES, lambda _: seal_key("first"))
    known = random.randint(seq, ROWS)
    return Tampered(
        export(rows, seals), frozenset({Kind.ROLLED_BACK}), known, anchors=[read_receipt(genuine().receipt(known))]
    )


def damage_header(random: Random) -> Tampered:
    lines = genuine().lines()
    old, new = random.choice(
        [
            (b":1,", b":2,"),
            (b'"rows_from":1', b'"rows_from":2'),
            (b"origin", b"Origin"),
            (b"{", b" {"),
            (b'"acme/widgets"', b"7"),
        ]
    )
    lines[0] = lines[0].replace(old, new, 1)
    return Tampered(lines, frozenset({Kind.MALFORMED}), 0)


TAMPERINGS: tuple[Callable[[Random], Tampered], ...] = (
    edit_text, edit_link, edit_number, edit_seal, damage, remove_rows, reorder_rows, move_seal, duplicate_row,
    duplicate_seal, splice_row, swap_logs, cut_last_rows, cut_with_seals, strip_last_seals, strip_all_seals,
    rewrite_rows, reseal_with_newer_key, reseal_with_own_key, contradict_seal, wrong_key, turn_clock_back,
    restore_backup, restore_and_continue, damage_header,
)  # fmt: skip
