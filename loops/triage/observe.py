"""Looking into an artifact folder for the one backlog file: the loop's only file access."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from domain.snapshots import LoopReason
from loops.artifacts import ArtifactError, ArtifactFile, find_files, named_file
from loops.triage.backlog import BACKLOG_FILE, Backlog, read_backlog


def observe(folder: Path, now: datetime) -> Backlog:
    """Read the backlog file, wherever below the folder it lies; a path that is a file is the backlog itself.

    Raises:
        ArtifactError: there is none, there are several (an empty one must not hide another, D4), or it is unreadable.
    """
    named = named_file(folder)
    if named is not None:
        return read_backlog(named, now)
    return observe_files(find_files(folder, is_backlog), folder.resolve().name, now)


def is_backlog(name: str) -> bool:
    """Tell by its own name whether a file is a backlog."""
    return name == BACKLOG_FILE


def observe_files(files: Sequence[ArtifactFile], place: str, now: datetime) -> Backlog:
    """Read the one backlog among files that lie anywhere; `place` is what an error calls where it was looked for.

    Raises:
        ArtifactError: as `observe`.
    """
    if not files:
        mend = "let the triage workflow upload it"
        raise ArtifactError(place, None, f"holds no {BACKLOG_FILE}", mend, LoopReason.NO_ARTIFACT)
    if len(files) > 1:
        problem = f"is one of {len(files)} files of that name, next to {files[1].name}"
        raise ArtifactError(files[0].name, None, problem, "keep that of one run", LoopReason.AMBIGUOUS_ARTIFACT)
    return read_backlog(files[0], now)
