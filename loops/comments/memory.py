"""Which comment was ours the last time: a hint that saves reading long threads, never the truth."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Protocol
from weakref import WeakValueDictionary

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from domain.clock import to_text
from loops.bundle import write_whole
from loops.comments.marker import MAX_WRITES_KEPT
from loops.rendering import json_text

MAX_FILE_BYTES = 1024 * 1024
MAX_COMMENTS = 500  # the ones kept last; whoever has more targets at once finds the others by their marker
VERSION = 1


class Remembered(BaseModel):
    """A comment's id, None once it was deleted, and when we wrote there in the last hour."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: int | None = Field(gt=0)
    writes: tuple[AwareDatetime, ...] = Field(default=(), max_length=MAX_WRITES_KEPT)


class CommentMemory(Protocol):
    """What one process remembers of its comments. Two that write at once there wait for each other by `lock`."""

    def lock(self, key: str) -> asyncio.Lock:
        """Return the lock of one comment, the same one for everybody who holds or awaits it."""
        ...

    def recall(self, key: str) -> Remembered | None:
        """Return what was kept last, or None."""
        ...

    def keep(self, key: str, comment_id: int | None, writes: tuple[datetime, ...]) -> None:
        """Remember a comment.

        Raises:
            OSError: it cannot be written down.
        """
        ...


class _Locks:
    """A lock for each comment that somebody writes just now."""

    def __init__(self) -> None:
        self._held: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, key: str) -> asyncio.Lock:
        return self._held.setdefault(key, asyncio.Lock())


class NoMemory:
    """Remembers nothing: every comment is found by its marker."""

    def __init__(self) -> None:
        """Hold locks only."""
        self._locks = _Locks()

    def lock(self, key: str) -> asyncio.Lock:
        """Return the lock of one comment."""
        return self._locks.of(key)

    def recall(self, key: str) -> Remembered | None:  # noqa: ARG002 - every memory has this shape
        """Return nothing."""
        return None

    def keep(self, key: str, comment_id: int | None, writes: tuple[datetime, ...]) -> None:
        """Let it pass."""


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = Field(ge=VERSION, le=VERSION)
    comments: dict[str, Remembered]


class FileMemory:
    """Remembers in a JSON file that is replaced whole; a missing or broken one holds nothing."""

    def __init__(self, path: Path) -> None:
        """Use this file; its folder must be there when something is to be kept."""
        self._path = path
        self._locks = _Locks()

    def lock(self, key: str) -> asyncio.Lock:
        """Return the lock of one comment."""
        return self._locks.of(key)

    def recall(self, key: str) -> Remembered | None:
        """Return what was kept last, or None."""
        return self._read().get(key)

    def keep(self, key: str, comment_id: int | None, writes: tuple[datetime, ...]) -> None:
        """Write the file anew; see `CommentMemory.keep`."""
        known = self._read()
        known.pop(key, None)
        known[key] = Remembered(id=comment_id, writes=writes[-MAX_WRITES_KEPT:])
        shown = {
            name: {"id": one.id, "writes": [to_text(at) for at in one.writes]}
            for name, one in list(known.items())[-MAX_COMMENTS:]
        }
        write_whole(self._path, json_text({"version": VERSION, "comments": shown}))

    def _read(self) -> dict[str, Remembered]:
        try:
            with self._path.open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
            return _Document.model_validate_json(content).comments if len(content) <= MAX_FILE_BYTES else {}
        except (OSError, ValidationError):  # a hint that cannot be read is no hint; writing it will say why
            return {}
