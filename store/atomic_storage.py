"""TinyDB storage that outlives crashes and second writers: locked from open to close, and every write is a new file."""

import fcntl
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import orjson
from tinydb.storages import Storage

from domain.errors import UserError
from domain.untrusted import clean_line

SCHEMA_VERSION = 1
MAX_FILE_BYTES = 1_048_576  # some 3 000 people; TinyDB is right for up to about 1 000 rows
_PRIVATE = 0o600  # phone numbers are nobody else's business
_META_ROW = "1"
_ROW_ID = re.compile(r"[1-9][0-9]{0,8}")  # one spelling per number: TinyDB would take "1" and "01" for the same row
_SHOWN_CHARACTERS = 64

FileTables = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class LockWait:
    """How long a writer waits for another one; tests pass a clock that moves when it is waited on."""

    limit_seconds: float = 5.0  # a write takes milliseconds, so five seconds mean that the holder hangs
    pause_seconds: float = 0.005  # about one write of another process
    monotonic: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep


class AtomicStorage(Storage):
    """One writer's turn at a TinyDB file: opening takes the lock, closing gives it back, so no write goes without it.

    A write goes to `<name>.new` in the same folder, is synced, renamed over the file, and the folder is synced: after
    a crash the file is whole, old or new. Readers need no lock (`read_tables`). A file that cannot be understood is
    refused and never written over. It blocks while it waits: call it off the event loop.

    Raises:
        UserError: the lock was not free in time, or the file cannot be read, understood or written.
    """

    def __init__(self, path: Path, lock_wait: LockWait | None = None) -> None:
        """Take the lock `<name>.lock` beside the file; a symbolic link is followed, so that it stays one."""
        self._path = path.resolve()
        with _naming_failure(self._path, "locked"):
            self._lock = self._take_lock(lock_wait or LockWait())

    def read(self) -> FileTables | None:
        """Return all tables, or None when there is no file yet."""
        return read_tables(self._path)

    def write(self, data: FileTables) -> None:
        """Replace the file by these tables and raise its version by one."""
        current = self.read()  # a damaged file is refused here, before anything is written over it
        version = current["meta"][_META_ROW]["version"] if current else 0
        meta = {_META_ROW: {"schema_version": SCHEMA_VERSION, "version": version + 1}}
        tables = {"meta": meta} | {name: rows for name, rows in data.items() if name != "meta"}
        content = orjson.dumps(tables, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        if len(content) > MAX_FILE_BYTES:
            raise UserError(
                f"{self._path}: would grow to {len(content)} bytes, {MAX_FILE_BYTES} are allowed; remove rows first.",
                "file_too_large",
            )
        with _naming_failure(self._path, "written"):
            self._replace(content)

    def close(self) -> None:
        """Give the lock back."""
        if not self._lock.closed:
            self._lock.truncate(0)
            self._lock.close()

    def _take_lock(self, patience: LockWait) -> FileIO:
        lock = FileIO(self._path.with_name(f"{self._path.name}.lock"), "a+", opener=_open_private)
        try:
            self._keep_owner(lock.fileno())
            _wait_for(lock, patience)
            lock.truncate(0)
            lock.write(str(os.getpid()).encode())
        except BaseException:
            lock.close()
            raise
        return lock

    def _replace(self, content: bytes) -> None:
        fresh = self._path.with_name(f"{self._path.name}.new")
        fresh.unlink(missing_ok=True)  # what a killed writer left
        try:
            with open(fresh, "xb", opener=_open_private) as file:
                self._keep_owner(file.fileno())
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _keep_owner(self, descriptor: int) -> None:
        """Let a file made by root belong to who owns the old one: an edit with sudo must not lock the bot out."""
        if os.geteuid() == 0:
            owner = (self._path if self._path.exists() else self._path.parent).stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


def read_tables(path: Path) -> FileTables | None:
    """Return the tables of a file as `{table: {row id: row}}`, or None when there is no file.

    Raises:
        UserError: the file cannot be read, is too large, is no JSON, names a key twice, has another shape or another
            schema version; the message names the file, the position and the mend.
    """
    with _naming_failure(path, "read"):
        try:
            with path.open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            return None
    if len(content) > MAX_FILE_BYTES:
        raise damaged(path, "size", f"more than {MAX_FILE_BYTES} bytes")
    try:
        tables = orjson.loads(content)
        json.loads(content, object_pairs_hook=_without_repeats)  # orjson would silently keep the last of two
    except (ValueError, RecursionError) as error:
        raise damaged(path, "JSON", str(error)) from error
    _check_shape(path, tables)
    _check_meta(path, tables)
    return tables  # type: ignore[no-any-return]  # its shape was just checked


def damaged(path: Path, position: str, reason: str) -> UserError:
    """Return the refusal of a file that cannot be understood: file, position, reason and mend."""
    return UserError(
        f"{path}: {clean_line(position, _SHOWN_CHARACTERS)}: {clean_line(reason, 3 * _SHOWN_CHARACTERS)}. "
        "Mend it by hand or put back a good copy; it is not written over.",
        "file_damaged",
    )


def _check_shape(path: Path, tables: object) -> None:
    if not isinstance(tables, dict):
        raise damaged(path, "top level", "must be an object of tables")
    for name, rows in tables.items():
        if not isinstance(rows, dict):
            raise damaged(path, name, "must be an object of rows")
        for row_id, row in rows.items():
            if not _ROW_ID.fullmatch(row_id) or not isinstance(row, dict):
                raise damaged(path, f"{name} {row_id}", "a row must be an object under a number from 1 up")


def _check_meta(path: Path, tables: FileTables) -> None:
    meta = tables.get("meta", {}).get(_META_ROW, {})
    schema_version, version = meta.get("schema_version"), meta.get("version")
    if type(schema_version) is not int or type(version) is not int or version < 0:
        raise damaged(path, f"meta {_META_ROW}", "schema_version and version must be whole numbers")
    if schema_version != SCHEMA_VERSION:
        raise damaged(path, f"meta {_META_ROW}", f"schema_version is {schema_version}, known is {SCHEMA_VERSION}")


def _without_repeats(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {repeated} is written twice")


@contextmanager
def _naming_failure(path: Path, done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{path}: could not be {done} ({error.strerror}); check the folder, its permissions and the free space.",
            "file_unreachable",
        ) from error


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, _PRIVATE)


def _wait_for(lock: FileIO, patience: LockWait) -> None:
    deadline = patience.monotonic() + patience.limit_seconds
    while not _locked(lock):
        if patience.monotonic() >= deadline:
            raise UserError(
                f"{lock.name}: is held by {_holder(lock)}, and {patience.limit_seconds:g} s of waiting did not help; "
                "let it finish or end it, then try again.",
                "file_busy",
            )
        patience.wait(patience.pause_seconds)


def _locked(lock: FileIO) -> bool:
    try:
        fcntl.flock(lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(lock: FileIO) -> str:
    lock.seek(0)
    noted = (lock.read(20) or b"").decode("ascii", "replace")
    return f"process {noted}" if noted.isdecimal() else "another process"
