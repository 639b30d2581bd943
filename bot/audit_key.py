"""The key that signs seals: 32 random bytes in a file only the bot may read."""

import os
from pathlib import Path

from audit.seals import SEED_BYTES, SealKey
from domain.errors import UserError
from domain.ids import Entropy

AUDIT_ORIGIN = "reins"  # the log's own name in seals and exports; seals of another log are foreign
_OTHERS = 0o077


def make_audit_key(path: Path, entropy: Entropy) -> None:
    """Write a new key file, mode 0600; an existing one is never replaced.

    Raises:
        FileExistsError: there is a key already.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(entropy.token(SEED_BYTES))
        file.flush()
        os.fsync(file.fileno())


def read_audit_key(path: Path) -> SealKey:
    """Read the key.

    Raises:
        UserError: there is none, it has a wrong size, or others may read it: nothing starts half secured.
    """
    try:
        mode, seed = path.stat().st_mode, path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"there is no audit key at {path}: make one with reins init") from error
    if mode & _OTHERS:
        raise UserError(f"the audit key {path} can be read by others: chmod 600 {path}")
    if len(seed) != SEED_BYTES:
        raise UserError(f"the audit key {path} has {len(seed)} bytes, it must have {SEED_BYTES}")
    return SealKey(seed)
