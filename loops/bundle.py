"""Writing a report's documents so that no reader ever meets half a file (D42)."""

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from domain.errors import UserError

PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,179}")  # with suffix and temporary ending below the 255 of most disks
SUFFIX = re.compile(r"(?:-[a-z]{1,20})?\.(?:md|json)")


def write_bundle(folder: Path, prefix: str, documents: Mapping[str, str]) -> tuple[Path, ...]:
    """Write `<prefix><suffix>` for each document, whole or not at all; make the folder if needed.

    Each file is written beside its place, synced and renamed over it. The `.json` comes last: whoever reads a new one
    finds the texts that belong to it.

    Raises:
        UserError: the prefix or a suffix is not of the agreed form.
        OSError: the disk refuses.
    """
    if not PREFIX.fullmatch(prefix):
        shape = "1 to 180 letters, digits and hyphens, like mutation-loop"
        raise UserError(f"bundle prefix {prefix[:80]!r} must be {shape}", "bad_bundle_prefix")
    for suffix in documents:
        if not SUFFIX.fullmatch(suffix):
            raise UserError(f"bundle suffix {suffix[:80]!r} must look like .md or -playbook.md", "bad_bundle_suffix")
    folder.mkdir(parents=True, exist_ok=True)
    ordered = sorted(documents, key=lambda suffix: (suffix.endswith(".json"), suffix))
    written = tuple(write_whole(folder / f"{prefix}{suffix}", documents[suffix]) for suffix in ordered)
    _sync_folder(folder)
    return written


def write_whole(target: Path, text: str) -> Path:
    """Replace one file by a synced one and return its path; it is never there half.

    Raises:
        OSError: the disk refuses; what stood there before is untouched.
    """
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return target


def _sync_folder(folder: Path) -> None:
    # A rename is durable only once the folder that holds the name is (man 2 fsync).
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
