"""Reading files that came from elsewhere: sizes are capped, no link is followed, every complaint names its place."""

import itertools
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import orjson

from domain.errors import UserError
from domain.snapshots import LoopReason
from domain.untrusted import clean_line

MIB = 1024 * 1024
MAX_FILE_BYTES = 32 * MIB  # about 18,000 mutants of cargo-mutants; the largest file seen in the field has 1,000
MAX_TOTAL_BYTES = 256 * MIB  # eight full shards
MAX_FILES = 4_096  # one .meta file per source file of a large project
MAX_ENTRIES = 50_000  # everything a walk may look at, so that a hostile archive ends it
MAX_DEPTH = 16  # folders below the artifact folder
MAX_JSON_VALUES = 4_000_000  # more than a full file of outcomes holds; 32 MiB of `{},` would take 800 MB
PLACE_CHARACTERS = 160
UPLOAD_AGAIN = "upload the artifact again as its tool wrote it"


class ArtifactError(UserError):
    """The artifact is no use: the message names file, field, what is wrong and the mend; `reason` is the verdict."""

    def __init__(
        self,
        file: str,
        field: str | None,
        problem: str,
        mend: str = UPLOAD_AGAIN,
        reason: LoopReason = LoopReason.UNREADABLE_ARTIFACT,
    ) -> None:
        self.file = clean_line(file, PLACE_CHARACTERS)
        self.field = field and clean_line(field, PLACE_CHARACTERS)
        self.problem = clean_line(problem, PLACE_CHARACTERS)
        self.reason = reason
        place = f"{self.file}: {self.field}" if self.field else self.file
        super().__init__(f"{place} {self.problem}; {mend}", reason.value)


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """One file of an artifact: where it lies, or its bytes where they came over the network and touch no disk.

    `name` is its path within the artifact, with slashes.
    """

    content: Path | bytes
    name: str
    size_bytes: int

    @property
    def own_name(self) -> str:
        """Return the last part of its path."""
        return PurePosixPath(self.name).name


def find_files(folder: Path, wanted: Callable[[str], bool], max_entries: int = MAX_ENTRIES) -> tuple[ArtifactFile, ...]:
    """List the files whose own name is wanted, sorted by path; a folder that is not there holds none.

    Raises:
        ArtifactError: a symbolic link, too many entries, files or bytes, folders nested too deep, or no folder at all.
    """
    if not folder.exists():
        return ()
    found: list[ArtifactFile] = []
    seen = 0
    folders = [(folder, 0)]
    while folders:
        current, depth = folders.pop()
        for path, status in _entries(current, folder, max_entries):
            name = _relative(path, folder)
            seen += 1
            _check_entry(name, status, depth)
            if seen > max_entries:
                mend = "upload only the tool's output"
                raise ArtifactError(name, None, f"is entry {seen}, more than a folder may hold", mend)
            if stat.S_ISDIR(status.st_mode):
                folders.append((path, depth + 1))
            elif wanted(path.name):
                found.append(ArtifactFile(path, name, status.st_size))
    _check_amount(folder.name, found)
    return tuple(sorted(found, key=lambda file: file.name))


def _check_amount(name: str, found: Sequence[ArtifactFile]) -> None:
    if len(found) > MAX_FILES or sum(file.size_bytes for file in found) > MAX_TOTAL_BYTES:
        limit = f"{MAX_FILES} files and {MAX_TOTAL_BYTES // MIB} MiB"
        raise ArtifactError(name, None, f"holds more than {limit} of results", "upload one run only")


def held_files(files: Mapping[str, bytes], wanted: Callable[[str], bool]) -> tuple[ArtifactFile, ...]:
    """List the files of downloaded artifacts whose own name is wanted, sorted by path.

    Raises:
        ArtifactError: they are too many or too large together.
    """
    found = [ArtifactFile(content, name, len(content)) for name, content in files.items()]
    chosen = tuple(sorted((file for file in found if wanted(file.own_name)), key=lambda file: file.name))
    _check_amount("the artifacts", chosen)
    return chosen


def named_file(path: Path) -> ArtifactFile | None:
    """Return the file that a person named instead of a folder, or None when the path is no file."""
    if not path.is_file():
        return None
    return ArtifactFile(path, path.name, path.stat().st_size)


def _entries(current: Path, folder: Path, max_entries: int) -> list[tuple[Path, os.stat_result]]:
    try:
        with os.scandir(current) as entries:
            first = itertools.islice(entries, max_entries + 1)
            return [(Path(entry.path), entry.stat(follow_symlinks=False)) for entry in first]
    except OSError as error:
        name = _relative(current, folder)
        raise ArtifactError(name, None, f"cannot be listed ({error.strerror})", "check the folder's rights") from error


def _check_entry(name: str, status: os.stat_result, depth: int) -> None:
    if stat.S_ISLNK(status.st_mode):
        # A link may point anywhere on this machine, and skipping one could hide a shard.
        raise ArtifactError(name, None, "is a symbolic link", "put the file itself into the artifact")
    if depth > MAX_DEPTH:
        raise ArtifactError(name, None, f"lies deeper than {MAX_DEPTH} folders", "upload only the tool's output")


def _relative(path: Path, folder: Path) -> str:
    return folder.name if path == folder else path.relative_to(folder).as_posix()


def read_bytes(file: ArtifactFile) -> bytes:
    """Read one file whole, if it is a regular file of at most `MAX_FILE_BYTES`.

    Raises:
        ArtifactError: it is larger, no regular file, or cannot be read.
    """
    if isinstance(file.content, bytes):
        return _capped(file, file.content)
    try:
        # The file may have been swapped since the walk: no link, and no waiting for a pipe's other end.
        descriptor = os.open(file.content, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as opened:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ArtifactError(file.name, None, "is not a regular file")
            data = opened.read(MAX_FILE_BYTES + 1) if status.st_size <= MAX_FILE_BYTES else None
    except OSError as error:
        raise ArtifactError(file.name, None, f"cannot be read ({error.strerror})") from error
    return _capped(file, data)


def _capped(file: ArtifactFile, data: bytes | None) -> bytes:
    if data is None or len(data) > MAX_FILE_BYTES:
        raise ArtifactError(file.name, None, f"is larger than {MAX_FILE_BYTES // MIB} MiB", "split the run into shards")
    return data


def read_json(file: ArtifactFile) -> object:
    """Read one file as JSON (RFC 8259, UTF-8).

    Raises:
        ArtifactError: it is empty, not UTF-8, cut off, nested too deep (1,024 levels), too full or no JSON.
    """
    data = read_bytes(file)
    if not data.strip():
        raise ArtifactError(file.name, None, "is empty")
    if data.count(b",") + data.count(b"{") + data.count(b"[") > MAX_JSON_VALUES:
        raise ArtifactError(file.name, None, f"holds more than {MAX_JSON_VALUES} values", "split the run into shards")
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ArtifactError(file.name, None, _json_problem(data, error)) from error


def _json_problem(data: bytes, error: orjson.JSONDecodeError) -> str:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as undecodable:
        return f"is not UTF-8 text (byte {undecodable.start})"
    return f"is not JSON ({error.msg} at line {error.lineno}, column {error.colno})"
