"""A loop's measurement inside its JSON report: written there by the loop, read back by the bot."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from domain.snapshots import MutationSnapshot, TriageSnapshot

_SNAPSHOT: TypeAdapter[MutationSnapshot | TriageSnapshot] = TypeAdapter(MutationSnapshot | TriageSnapshot)


def snapshot_values(snapshot: MutationSnapshot | TriageSnapshot) -> dict[str, object]:
    """Return a measurement as values that JSON can hold."""
    values: dict[str, object] = _SNAPSHOT.dump_python(snapshot, mode="json")
    return values


def read_snapshot(report: Mapping[str, Any] | None) -> MutationSnapshot | TriageSnapshot | None:
    """Read the measurement back from a report, or return None when it carries none that can be read."""
    if report is None or "snapshot" not in report:
        return None
    try:
        return _SNAPSHOT.validate_python(report["snapshot"], strict=False)
    except ValidationError as error:  # the run must end all the same: what it holds would stay taken for ever
        import structlog  # noqa: PLC0415 - it costs memory, and the command line reads this module for its writing half

        structlog.get_logger("loops").error("snapshot_unreadable", problems=error.error_count())
        return None
