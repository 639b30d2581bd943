"""A disk without room: the kernel itself refuses to let the database's log grow."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def full_disk(database: Path) -> Iterator[None]:
    """Let no file of this process grow beyond the present size of the database's write-ahead log.

    Python ignores SIGXFSZ, so a write beyond the limit fails with EFBIG, as one on a full disk does with ENOSPC. Nothing
    else may write files meanwhile: catch log lines with `structlog.testing.capture_logs`.
    """
    log = database.with_name(f"{database.name}-wal")
    with _largest_file(log.stat().st_size):
        yield


@contextmanager
def no_room_at_all() -> Iterator[None]:
    """Let files be made, but not a byte be written into them."""
    with _largest_file(0):
        yield


@contextmanager
def _largest_file(size_bytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
