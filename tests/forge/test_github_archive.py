"""Artifacts as hostile as they come: bombs, paths, doubles and lies about sizes are refused before they take memory."""

import io
import struct
import tracemalloc
import zipfile
import zlib

import pytest

from forge.github_archive import ArchiveBounds, unpack
from forge.port import Refused

BOUNDS = ArchiveBounds(download_bytes=100_000, unpacked_bytes=50_000, entries=3)


def packed(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", method) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return whole.getvalue()


def patched(archive: bytes, offset: int, value: bytes, *, everywhere: bytes) -> bytes:
    """Write `value` that far into every header of one kind."""
    changed = bytearray(archive)
    at = changed.find(everywhere)
    while at >= 0:
        changed[at + offset : at + offset + len(value)] = value
        at = changed.find(everywhere, at + 1)
    return bytes(changed)


def test_files_are_read_by_their_paths_and_folders_left_out() -> None:
    archive = packed(("a/", b""), ("a/b.json", b"{}"), ("c.json", b"[]"))
    assert unpack(archive, "x", BOUNDS) == {"a/b.json": b"{}", "c.json": b"[]"}


def test_an_empty_archive_holds_nothing_and_what_is_no_archive_is_one_file() -> None:
    assert unpack(packed(), "x", BOUNDS) == {}
    assert unpack(b'{"a": 1}', "backlog.json", BOUNDS) == {"backlog.json": b'{"a": 1}'}
    assert unpack(b"", "x", BOUNDS) == {"x": b""}


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (packed(("bomb", b"\0" * 40_000)), "artifact_too_large"),
        (packed(("big", bytes(range(256)) * 200)), "artifact_too_large"),
        (packed(*((f"{n}", b"x") for n in range(4))), "artifact_too_large"),
        (packed(("../up", b"x")), "unreadable_artifact"),
        (packed(("/etc/passwd", b"x")), "unreadable_artifact"),
        (packed(("a\\b", b"x")), "unreadable_artifact"),
        (packed(("a//b", b"x")), "unreadable_artifact"),
        (packed(("a\u202eb", b"x")), "unreadable_artifact"),
        (packed(("lzma", b"x"), method=zipfile.ZIP_LZMA), "unreadable_artifact"),
        (b"PK\x03\x04 and nothing more", "unreadable_artifact"),
        (packed(("cut", b"x" * 500))[:-10], "unreadable_artifact"),
        (patched(packed(("locked", b"x")), 8, b"\1\0", everywhere=b"PK\1\2"), "unreadable_artifact"),
    ],
)
def test_a_hostile_archive_is_refused(archive: bytes, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        unpack(archive, "x", BOUNDS)
    assert refused.value.reason == reason


def test_two_files_of_one_name_are_ambiguous() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        archive = packed(("same", b"1"), ("same", b"2"))
    with pytest.raises(Refused) as refused:
        unpack(archive, "x", BOUNDS)
    assert refused.value.reason == "ambiguous_artifact"


def test_a_file_that_is_larger_than_it_says_is_not_read_on() -> None:
    real = b"y" * 30_000
    archive = packed(("liar", real))
    small, check = struct.pack("<I", 10), struct.pack("<I", zlib.crc32(real[:10]))
    for everywhere, crc_at, size_at in ((b"PK\1\2", 16, 24), (b"PK\3\4", 14, 22)):
        archive = patched(archive, size_at, small, everywhere=everywhere)
        archive = patched(archive, crc_at, check, everywhere=everywhere)
    assert unpack(archive, "x", BOUNDS) == {"liar": real[:10]}


def test_a_bomb_that_lies_about_its_size_takes_no_memory() -> None:
    archive = packed(("liar", b"\0" * 50_000_000))
    for everywhere, size_at in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        archive = patched(archive, size_at, struct.pack("<I", 10), everywhere=everywhere)
    tracemalloc.start()
    with pytest.raises(Refused, match="no zip that can be read"):
        unpack(archive, "x", BOUNDS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_damaged_bytes_are_refused() -> None:
    archive = bytearray(packed(("a", bytes(range(200)))))
    archive[40] ^= 0xFF
    with pytest.raises(Refused, match="no zip that can be read"):
        unpack(bytes(archive), "x", BOUNDS)
