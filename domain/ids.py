"""Identifiers: ULIDs for records, short handles for thumbs, and secrets that are stored only as hashes."""

import hashlib
import secrets
from datetime import datetime
from typing import Protocol

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I L O U: what people misread (Crockford, Base 32)
SECRET_BYTES = 16  # 128 bits: not guessable within any expiry we use
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1"})


class Entropy(Protocol):
    """Where randomness comes from; tests pass a seeded one."""

    def token(self, size_bytes: int) -> bytes:
        """Return that many unpredictable bytes."""
        ...


class SystemEntropy:
    """The operating system's randomness."""

    def token(self, size_bytes: int) -> bytes:
        """Return that many unpredictable bytes."""
        return secrets.token_bytes(size_bytes)


def crockford(number: int, width: int) -> str:
    """Write a number in Crockford base32, most significant digit first, cut to `width` digits."""
    digits = []
    for _ in range(width):
        digits.append(CROCKFORD[number & 31])
        number >>= 5
    return "".join(reversed(digits))


def ulid(now: datetime, entropy: Entropy) -> str:
    """Make a record id: 26 characters, 48 bits of milliseconds then 80 random bits, so that ids sort by time."""
    milliseconds = int(now.timestamp() * 1000)
    return crockford(milliseconds, 10) + crockford(int.from_bytes(entropy.token(10), "big"), 16)


def read_handle(typed: str) -> str:
    """Forgive what people misread and mistype: case, O for 0, I and L for 1."""
    return typed.upper().translate(_MISREAD)


def secret(entropy: Entropy) -> str:
    """Make a bearer secret of 128 random bits, in hex."""
    return entropy.token(SECRET_BYTES).hex()


def fingerprint(text: str) -> str:
    """Return the SHA-256 of a secret or message in hex: what we store instead of the thing itself."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
