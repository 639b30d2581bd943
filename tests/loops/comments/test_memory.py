"""What is remembered of comments is a hint: kept whole, bounded, and nothing where the file is no use."""

import asyncio
import gc
from datetime import timedelta
from pathlib import Path

import pytest

from loops.comments.memory import MAX_COMMENTS, CommentMemory, FileMemory, NoMemory, Remembered
from tests.fakes.virtual_time import START

KEY = "mutation acme/app pr:7"
WRITES = (START, START + timedelta(seconds=1))


def test_a_comment_is_remembered_by_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "comments.json"
    FileMemory(path).keep(KEY, 5, WRITES)
    FileMemory(path).keep("triage acme/app pr:7", None, ())
    assert FileMemory(path).recall(KEY) == Remembered(id=5, writes=WRITES)
    assert FileMemory(path).recall("triage acme/app pr:7") == Remembered(id=None)
    assert FileMemory(path).recall("triage acme/app pr:8") is None
    assert [one.name for one in tmp_path.iterdir()] == ["comments.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b'{"version": 2, "comments": {}}',
        b'{"version": 1, "comments": {"mutation acme/app pr:7": {"id": 0, "writes": []}}}',
        b'{"version": 1, "comments": {"mutation acme/app pr:7": {"id": 5, "writes": ["2026-11-22T14:00:00"]}}}',
        b'{"version": 1, "comments": {"mutation acme/app pr:7": {"id": 5, "writes": [], "more": 1}}}',
        b'{"version": 1, "comments": {"mutation acme/app pr:7": {"id": 5, "writes": []}}}' + b" " * 1024 * 1024,
    ],
)
def test_a_broken_file_holds_nothing_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "comments.json"
    path.write_bytes(content)
    memory = FileMemory(path)
    assert memory.recall(KEY) is None
    memory.keep(KEY, 6, ())
    assert memory.recall(KEY) == Remembered(id=6)


def test_a_missing_file_holds_nothing_and_a_missing_folder_is_said(tmp_path: Path) -> None:
    memory = FileMemory(tmp_path / "gone" / "comments.json")
    assert memory.recall(KEY) is None
    with pytest.raises(FileNotFoundError):
        memory.keep(KEY, 5, ())


def test_the_comments_kept_last_stay(tmp_path: Path) -> None:
    memory = FileMemory(tmp_path / "comments.json")
    entries = ",".join(f'"k{number}": {{"id": 5, "writes": []}}' for number in range(MAX_COMMENTS))
    (tmp_path / "comments.json").write_text(f'{{"version": 1, "comments": {{{entries}}}}}')
    memory.keep("k0", 6, ())
    memory.keep("new", 7, ())
    assert memory.recall("k1") is None
    assert memory.recall("k2") == memory.recall(f"k{MAX_COMMENTS - 1}") == Remembered(id=5)
    assert memory.recall("k0") == Remembered(id=6)


def test_no_memory_remembers_nothing() -> None:
    memory = NoMemory()
    memory.keep(KEY, 5, WRITES)
    assert memory.recall(KEY) is None


@pytest.mark.parametrize("memory", [NoMemory(), FileMemory(Path("unused"))])
async def test_one_comment_has_one_lock_and_another_has_another(memory: CommentMemory) -> None:
    async with memory.lock(KEY):
        assert memory.lock(KEY).locked()
        assert not memory.lock("triage acme/app pr:7").locked()
        waiter = asyncio.ensure_future(memory.lock(KEY).acquire())
        await asyncio.sleep(0)
        assert not waiter.done()
    assert await waiter
    gc.collect()
    assert not memory.lock(KEY).locked()  # nobody holds the old one any more
