"""Makes audit logs for the tests: real rows, real seals, and the keys that a verifier would trust."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from audit.export import export_lines
from audit.row import GENESIS, Entry, encode, link, receipt
from audit.seals import Seal, SealKey, TrustedKey
from domain.clock import to_text

ORIGIN = "acme/widgets"
START = datetime(2026, 11, 22, 14, 2, tzinfo=UTC)


@cache
def seal_key(name: str = "first") -> SealKey:
    return SealKey(name.encode().ljust(32, b"."))


def trust(*names: str) -> list[TrustedKey]:
    return [TrustedKey(seal_key(name).public_hex) for name in names]


def time_of(seq: int) -> str:
    return to_text(START + timedelta(seconds=seq))


def entry(seq: int = 1, note: str = "ran", reason: str | None = "owner holds operate", **evidence: object) -> Entry:
    return Entry(
        at=time_of(seq),
        actor="owner",
        address_kind="web",
        channel="web",
        proof="session",
        action=f"run triage {seq}",
        target=None,
        digest="ab" * 32,
        decision="allow",
        rule="role_scope",
        reason=reason,
        policy_version="cd" * 32,
        outcome=note,
        correlation=f"01JD5X8ZQ3K7M9ABCDEF{seq:06d}",
        evidence=evidence,
    )


@dataclass(frozen=True, slots=True)
class AuditLog:
    """Rows with their numbers, seals in order, and what the log is called."""

    rows: tuple[tuple[int, bytes], ...]
    seals: tuple[Seal, ...]
    origin: str = ORIGIN

    def lines(self) -> list[bytes]:
        return list(export_lines(self.rows, self.seals, self.origin))

    def stored(self) -> list[tuple[int, bytes, str]]:
        return [(seq, body, link(body)) for seq, body in self.rows]

    def receipt(self, seq: int) -> str:
        return receipt(seq, link(self.rows[seq - 1][1]))


def write_rows(entries: Sequence[Entry], seq: int = 1, prev: str = GENESIS) -> list[tuple[int, bytes]]:
    rows = []
    for number, said in enumerate(entries, seq):
        body = encode(said, number, prev)
        prev = link(body)
        rows.append((number, body))
    return rows


def seal_rows(
    rows: Sequence[tuple[int, bytes]], sizes: Sequence[int], key_for: Callable[[int], SealKey], origin: str = ORIGIN
) -> list[Seal]:
    heads = {seq: link(body) for seq, body in rows}
    return [key_for(size).sign(origin, size, heads[size], time_of(size)) for size in sizes]


@cache
def make_log(
    count: int, every: int, note: str = "ran", origin: str = ORIGIN, key: str = "first", reason: str = "ok"
) -> AuditLog:
    rows = write_rows(
        [entry(seq, note, reason, facts={"mode": "operate", "näh": [seq, None]}) for seq in range(1, count + 1)]
    )
    sizes = [*range(every, count, every), count]
    return AuditLog(tuple(rows), tuple(seal_rows(rows, sizes, lambda _: seal_key(key), origin)), origin)
