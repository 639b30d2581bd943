"""A second verifier of audit exports, written from the format alone with the standard library, to check the first."""

import hashlib
import json
import re
from functools import cache
from types import SimpleNamespace as Log
from typing import Any

Json = dict[str, Any]
Keys = list[tuple[str, int, int]]  # public key in hex, first and last size it may seal
Point = tuple[int, int, int, int]
ROW_KEYS = re.findall(
    r"\w+",
    "seq prev at actor address_kind channel proof action target digest decision rule reason policy_version outcome "
    "correlation evidence",
)
SEAL_KEYS = ["origin", "size", "head", "at", "key_id", "signature"]
MAX_UNSEALED, MAX_DEPTH = 256, 16
P = 2**255 - 19  # RFC 8032, 5.1: the field, the order of the base point and the curve's constant
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def add(a: Point, b: Point) -> Point:
    minus, plus = (a[1] - a[0]) * (b[1] - b[0]), (a[1] + a[0]) * (b[1] + b[0])
    cross, double = 2 * a[3] * b[3] * D, 2 * a[2] * b[2]
    e, f, g, h = plus - minus, double - cross, double + cross, plus + minus
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(scalar: int, point: Point) -> Point:
    half = multiply(scalar >> 1, add(point, point)) if scalar else (0, 1, 1, 0)
    return add(half, point) if scalar & 1 else half


def read_point(data: bytes) -> Point | None:
    sign, y = divmod(int.from_bytes(data, "little"), 2**255)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if (x * x - square) % P == 0 else x * pow(2, (P - 1) // 4, P) % P
    x = P - x if x & 1 != sign else x
    return None if (x * x - square) % P or y >= P or x in (0, P) else (x, y, 1, x * y % P)


@cache  # a tampered log repeats most of its seals
def signed(public: str, message: bytes, signature: bytes) -> bool:
    base, key = read_point((4 * pow(5, -1, P) % P).to_bytes(32, "little")), read_point(bytes.fromhex(public))
    r, s = read_point(signature[:32]), int.from_bytes(signature[32:], "little")
    if base is None or key is None or r is None or s >= L:
        return False
    digest = hashlib.sha512(signature[:32] + bytes.fromhex(public) + message).digest()
    left, right = multiply(s, base), add(r, multiply(int.from_bytes(digest, "little") % L, key))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 == (left[1] * right[2] - right[1] * left[2]) % P


def canonical(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def plain(value: object, depth: int) -> bool:
    if isinstance(value, dict | list):
        return depth >= 0 and all(plain(v, depth - 1) for v in (value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) and (not isinstance(value, int) or -(2**63) <= value < 2**64)


def read(line: bytes, keys: list[str]) -> Json:
    """The object a line holds, empty where it has other keys or another spelling."""
    try:
        value = json.loads(line.decode())
        same = isinstance(value, dict) and list(value) == keys and canonical(value) + b"\n" == line
    except (ValueError, RecursionError):
        return {}
    return value if same and plain(value, MAX_DEPTH + 1) else {}


def read_row(line: bytes) -> Json:
    row = read(line, ROW_KEYS)
    fine = row and type(row["seq"]) is int and row["seq"] > 0 and isinstance(row["evidence"], dict)
    fine = fine and all(isinstance(row[key], str if key in ("prev", "at") else str | None) for key in ROW_KEYS[1:-1])
    return row if fine else {}


def read_seal(line: bytes) -> Json:
    seal = read(line, ["seal"]).get("seal")
    if not isinstance(seal, dict) or list(seal) != SEAL_KEYS or type(seal["size"]) is not int or seal["size"] < 0:
        return {}
    lengths = re.fullmatch("[0-9a-f]{64} [0-9a-f]{16} [0-9a-f]{128}", "{head} {key_id} {signature}".format(**seal))
    return seal if lengths and all(isinstance(seal[key], str) for key in SEAL_KEYS if key != "size") else {}


def short(head: str) -> str:
    return "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[int(head[:10], 16) >> shift & 31] for shift in range(35, -1, -5))


def trusted(log: Log, seal: Json) -> bool:
    public, low, high = log.keys.get(seal["key_id"], ("", 1, 0))
    message = canonical({key: seal[key] for key in SEAL_KEYS[:-1]})
    expected = seal["origin"] == log.origin and low <= seal["size"] <= high
    return expected and signed(public, message, bytes.fromhex(seal["signature"]))


def row_fault(log: Log, row: Json, line: bytes, follower: bytes) -> int | None:
    row_hash = hashlib.sha256(line[:-1]).hexdigest()
    if row["seq"] != log.due:
        return int(log.due if row["prev"] == log.head else min(row["seq"], log.due))
    if row["prev"] != log.head:
        start = b'{"seq":%d,"prev":"%s",' % (log.due + 1, row_hash.encode())
        vouched = follower.startswith(start) or read_seal(follower).get("head") == row_hash
        return int(log.due - 1 if vouched and log.due - 1 > log.sealed else log.due)
    log.due, log.head, log.first = log.due + 1, row_hash, log.first or log.due
    return int(log.sealed + 1) if log.due - 1 - log.sealed > MAX_UNSEALED else None


def seal_fault(log: Log, seal: Json) -> int | None:
    size, last = int(seal["size"]), log.last or {**seal, "at": "", "signature": ""}
    older = size < last["size"] or seal["at"] < last["at"]
    if older or seal == last or (size == last["size"] and seal["head"] != last["head"]) or not trusted(log, seal):
        return size
    if log.first and (size != log.due - 1 or seal["head"] != log.head):
        return min(size, int(log.due))
    log.due, log.head, log.sealed, log.last = size + 1, seal["head"], size, seal
    return None


def find_fault(lines: list[bytes], keys: Keys, marks: list[tuple[int, str]], witnessed: list[Json]) -> int | None:
    """The position of the first fault, None for a log that is proven whole."""
    header = read(lines[0], ["reins_audit", "origin", "rows_from"]) if lines else {}
    if [*map(type, header.values())] != [int, str, int] or header["reins_audit"] != 1 or header["rows_from"] < 1:
        return 0
    ring = {hashlib.sha256(bytes.fromhex(key[0])).hexdigest()[:16]: key for key in keys}
    log = Log(origin=header["origin"], keys=ring, due=1, head="0" * 64, first=0, sealed=0, last=None)
    marks = marks + [(seal["size"], seal["head"]) for seal in witnessed]
    fault = next((int(seal["size"]) for seal in witnessed if not trusted(log, seal)), None)
    for line, follower in zip(lines[1:], [*lines[2:], b""], strict=False):
        if fault is None:
            row, seal = read_row(line), read_seal(line)
            fault = row_fault(log, row, line, follower) if row else seal_fault(log, seal) if seal else log.due
        if fault is None and {mark for seq, mark in marks if seq == log.due - 1} - {log.head, short(log.head)}:
            fault = log.due - 1
    if fault is not None or any(seq >= log.due for seq, _ in marks):
        return int(log.due if fault is None else fault)
    if log.last is None or (log.sealed and not log.first):
        return int(log.sealed or 1)
    if any(seal["size"] > log.sealed for seal in witnessed):
        return int(log.sealed + 1)
    return None if header["rows_from"] == (log.first or 1) else 0
