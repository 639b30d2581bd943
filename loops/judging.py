"""What the attempts of any loop ask of one loop: which artifacts it reads, and what their files mean."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from forge.results import SourceRun
from loops.artifacts import ArtifactError
from loops.report import AttemptReport, LoopReport


class Judge(Protocol):
    """One loop's measurement. Pure: the same files and run always give the same verdict."""

    def wants(self, artifact: str) -> bool:
        """Tell by its name whether an artifact is read."""
        ...

    def report(self, files: Mapping[str, bytes], run: SourceRun, started: AttemptReport, now: datetime) -> LoopReport:
        """Judge the files of a run's artifacts. Never raises for what is in them: that is a report of its own."""
        ...

    def unread(self, error: ArtifactError, started: AttemptReport, now: datetime) -> LoopReport:
        """Report that nothing could be read, and why."""
        ...
