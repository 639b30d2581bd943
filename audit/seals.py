"""Seals: signed checkpoints of the chain, the key that makes them, and the keys a verifier trusts."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from audit.row import NotCanonicalError, is_hash
from domain.errors import UserError

SEAL_EVERY_ROWS = 64  # bounds how many rows a thief of the disk could change unseen
SEAL_EVERY_SECONDS = 60  # also when idle, so that a silent log and a cut log differ (CVE-2023-31438)
SEED_BYTES = 32  # an Ed25519 private key (RFC 8032, 5.1.5)
KEY_ID_HEX_DIGITS = 16
_SEAL_KEYS = ("origin", "size", "head", "at", "key_id", "signature")
_PUBLIC_KEY = re.compile(r"[0-9a-f]{64}")
_KEY_ID = re.compile(r"[0-9a-f]{16}")
_SIGNATURE = re.compile(r"[0-9a-f]{128}")


@dataclass(frozen=True, slots=True)
class Seal:
    """One signed checkpoint: the log's name, how many rows it covers, the hash of the last of them, when and by whom."""

    origin: str
    size: int
    head: str
    at: str
    key_id: str
    signature: str

    def signed_bytes(self) -> bytes:
        """Return the canonical JSON that the signature covers: everything but the signature."""
        return orjson.dumps(
            {"origin": self.origin, "size": self.size, "head": self.head, "at": self.at, "key_id": self.key_id}
        )

    def to_json(self) -> bytes:
        """Return the seal as one line of canonical JSON, without a line end."""
        return self.signed_bytes()[:-1] + b',"signature":"' + self.signature.encode() + b'"}'

    @classmethod
    def from_json(cls, body: bytes) -> "Seal":
        """Read a seal, and accept only bytes that `to_json` could have written; the signature is not checked here.

        Raises:
            ValueError: the bytes are no JSON, have other keys or types than a seal, or (`NotCanonicalError`) are spelled
            in another way.
        """
        fields: Any = orjson.loads(body)
        if type(fields) is not dict or tuple(fields) != _SEAL_KEYS:
            raise NotCanonicalError("the keys are not those of a seal")
        seal = cls(**fields)
        if type(seal.size) is not int or seal.size < 0 or not is_hash(seal.head):
            raise NotCanonicalError("size or head of the seal has a wrong shape")
        if not all(type(text) is str for text in (seal.origin, seal.at, seal.key_id, seal.signature)):
            raise NotCanonicalError("a field of the seal is no text")
        if not _KEY_ID.fullmatch(seal.key_id) or not _SIGNATURE.fullmatch(seal.signature) or seal.to_json() != body:
            raise NotCanonicalError("the seal is not in canonical form")
        return seal


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key a verifier trusts, and the sizes it may seal: after a rotation the old key ends where the new begins.

    Without the range a stolen newer key could seal rewritten older rows (CVE-2023-31439).
    """

    public_hex: str
    from_size: int = 0
    until_size: int | None = None

    def __post_init__(self) -> None:
        """Refuse what is no key.

        Raises:
            UserError: the key is not 64 lower-case hex digits.
        """
        if _PUBLIC_KEY.fullmatch(self.public_hex) is None:
            raise UserError("trusted key: must be the 64 lower-case hex digits that the sealing bot shows", "bad_key")

    @property
    def key_id(self) -> str:
        """Return the short name that seals carry: the first 16 hex digits of the public key's SHA-256."""
        return hashlib.sha256(bytes.fromhex(self.public_hex)).hexdigest()[:KEY_ID_HEX_DIGITS]

    def covers(self, size: int) -> bool:
        """Tell whether this key may seal that many rows."""
        return self.from_size <= size and (self.until_size is None or size <= self.until_size)


class SealKey:
    """The private key that seals, made from a seed of 32 bytes; it never leaves this object."""

    def __init__(self, seed: bytes) -> None:
        from nacl.signing import SigningKey  # noqa: PLC0415 - costs memory, so only who seals pays

        if len(seed) != SEED_BYTES:
            raise ValueError(f"an Ed25519 seed has {SEED_BYTES} bytes, this one {len(seed)}")
        self._private = SigningKey(seed)
        self.public_hex = self._private.verify_key.encode().hex()
        self.key_id = TrustedKey(self.public_hex).key_id

    def sign(self, origin: str, size: int, head: str, at: str) -> Seal:
        """Seal a log: `size` is the number of its last row, `head` that row's hash, `at` the time in UTC with Z.

        `at` must not lie before the previous seal's: where the clock went back, repeat that one's time.
        """
        unsigned = Seal(origin, size, head, at, self.key_id, "")
        return Seal(origin, size, head, at, self.key_id, self._private.sign(unsigned.signed_bytes()).signature.hex())


class SealVerdict(StrEnum):
    """What a keyring says of a seal."""

    GOOD = "good"
    UNKNOWN_KEY = "unknown_key"
    OUTSIDE_RANGE = "outside_range"
    BAD_SIGNATURE = "bad_signature"


class Keyring:
    """The trusted keys of one verification, by the name that seals carry.

    Raises:
        UserError: a key is named twice.
    """

    def __init__(self, trusted: Sequence[TrustedKey]) -> None:
        from nacl.signing import VerifyKey  # noqa: PLC0415 - costs memory, so only who verifies pays

        self._keys = {key.key_id: (key, VerifyKey(bytes.fromhex(key.public_hex))) for key in trusted}
        if len(self._keys) != len(trusted):
            raise UserError(
                "trusted keys: one key is named twice; name each once, with the range it may seal", "bad_key"
            )

    def check(self, seal: Seal) -> SealVerdict:
        """Tell whether a trusted key made this seal, and may seal that size."""
        from nacl.exceptions import BadSignatureError  # noqa: PLC0415 - as above

        if seal.key_id not in self._keys:
            return SealVerdict.UNKNOWN_KEY
        trusted, public = self._keys[seal.key_id]
        try:
            public.verify(seal.signed_bytes(), bytes.fromhex(seal.signature))
        except BadSignatureError:
            return SealVerdict.BAD_SIGNATURE
        return SealVerdict.GOOD if trusted.covers(seal.size) else SealVerdict.OUTSIDE_RANGE


def seal_due(size: int, last_seal_size: int, last_seal_at: datetime | None, now: datetime, privileged: bool) -> bool:
    """Tell whether a log of `size` rows is to be sealed now.

    Due at once for the first row and for a write command (`privileged`), after 64 rows, and after 60 s even when
    nothing was added. A clock that went back leaves the age of the last seal unknown, and unknown counts as due.
    """
    if last_seal_at is None or size - last_seal_size >= SEAL_EVERY_ROWS:
        return True
    if privileged and size > last_seal_size:
        return True
    return not 0 <= (now - last_seal_at).total_seconds() < SEAL_EVERY_SECONDS
