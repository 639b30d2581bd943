"""Reading an artifact's bytes in memory: a zip or one raw file, with bounds that a hostile archive cannot get around."""

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from forge.port import Refused

MIB = 1024 * 1024
MAX_RATIO = 200  # reports compress by 5 to 50; a bomb by 1,000
_ZIP_START = (b"PK\x03\x04", b"PK\x05\x06")  # an entry, or the end of an archive without any
_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class ArchiveBounds:
    """What an artifact may hold at most: bytes as downloaded, bytes unpacked, files."""

    download_bytes: int = 16 * MIB
    unpacked_bytes: int = 64 * MIB
    entries: int = 1000

    def within(self, other: "ArchiveBounds") -> "ArchiveBounds":
        """Return the tighter of both bounds in each respect."""
        return ArchiveBounds(
            min(self.download_bytes, other.download_bytes),
            min(self.unpacked_bytes, other.unpacked_bytes),
            min(self.entries, other.entries),
        )

    def after(self, packed_bytes: int, files: Mapping[str, bytes]) -> "ArchiveBounds":
        """Return what is left when these files were let in."""
        unpacked_bytes = sum(map(len, files.values()))
        return ArchiveBounds(
            self.download_bytes - packed_bytes, self.unpacked_bytes - unpacked_bytes, self.entries - len(files)
        )


def unpack(content: bytes, name: str, bounds: ArchiveBounds) -> dict[str, bytes]:
    """Return an artifact's files by their paths; one that is no zip is a single file called `name` (upload-artifact 7).

    Raises:
        Refused: it is broken, or holds more, or other things, than the bounds let in.
    """
    if not content.startswith(_ZIP_START):
        if len(content) > bounds.unpacked_bytes:
            raise Refused("artifact_too_large", f"the artifact has {len(content)} bytes")
        return {name: content}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _check(entries, len(content), bounds)
            return {entry.filename: _read(archive, entry) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise Refused(
            "unreadable_artifact", f"the artifact is no zip that can be read ({type(error).__name__})"
        ) from None


def _check(entries: list[zipfile.ZipInfo], packed_bytes: int, bounds: ArchiveBounds) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    names = [entry.filename for entry in entries]
    if len(entries) > bounds.entries:
        raise Refused("artifact_too_large", f"the artifact has {len(entries)} files, the limit is {bounds.entries}")
    if unpacked > bounds.unpacked_bytes or unpacked > max(packed_bytes, 1) * MAX_RATIO:
        raise Refused("artifact_too_large", f"the artifact's {packed_bytes} bytes unpack to {unpacked}")
    if len(set(names)) != len(names):
        raise Refused("ambiguous_artifact", "the artifact holds two files of one name")
    if not all(map(is_plain, names)):
        raise Refused("unreadable_artifact", "the artifact holds a file whose path is not a plain relative one")
    if any(entry.flag_bits & _ENCRYPTED or entry.compress_type not in _READABLE for entry in entries):
        raise Refused("unreadable_artifact", "the artifact holds a file that is encrypted or packed in another way")


def is_plain(path: str) -> bool:
    """Tell whether a path is a relative one that stays below where it begins, without anything that does not show."""
    parts = path.split("/")
    return path.isprintable() and "\\" not in path and not any(part in ("", ".", "..") for part in parts)


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Read one file, never more than the size that was counted, whatever its data would unpack to."""
    with archive.open(entry) as file:
        content = file.read(entry.file_size + 1)
    if len(content) != entry.file_size:
        raise zipfile.BadZipFile
    return content
