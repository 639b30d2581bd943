"""Every field reader accepts its shape and names file, field and shape for any other."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from loops.artifacts import ArtifactError, ArtifactFile
from loops.records import MAX_COUNT, Record, read_record
from tests.fakes.loop_artifacts import NOW, write


def record(**values: Any) -> Record:
    return Record("run.json", "items[3]", values)


@pytest.mark.parametrize(
    ("reader", "value", "complaint"),
    [
        ("text", 5, "items[3].field must be text, not the number 5"),
        ("text", None, "items[3].field is missing"),
        ("optional_text", [], "items[3].field must be text, not a list"),
        ("count", None, "items[3].field is missing"),
        ("count", -1, "must be a whole number from 0 to 1000000000, not the number -1"),
        ("count", MAX_COUNT + 1, "must be a whole number"),
        ("count", 1.5, "not the number 1.5"),
        ("count", True, "not a truth value"),
        ("count", "7", "not text"),
        ("record", None, "items[3].field is missing"),
        ("record", "x", "items[3].field must be an object, not text"),
        ("records", {}, "items[3].field must be a list, not an object"),
        ("records", None, "items[3].field must be a list, not null"),
        ("records", [{}, 1], "items[3].field[1] must be an object, not the number 1"),
    ],
)
def test_a_wrong_shape_is_named_with_its_file_and_field(reader: str, value: object, complaint: str) -> None:
    with pytest.raises(ArtifactError) as refused:
        getattr(record(field=value), reader)("field")
    assert str(refused.value).startswith("run.json: items[3].field")
    assert complaint in str(refused.value)


def test_right_shapes_are_handed_out() -> None:
    read = record(name="x", count=0, inner={"a": 1}, rows=[{"b": 2}])
    assert read.text("name") == "x"
    assert read.count("count") == 0
    assert record(count=MAX_COUNT).count("count") == MAX_COUNT
    assert read.record("inner").values == {"a": 1}
    assert [row.place for row in read.records("rows")] == ["items[3].rows[0]"]
    assert read.optional_text("missing") is None
    assert read.optional_count("missing") is None
    assert read.optional_record("missing") is None
    assert read.optional_time("missing", NOW) is None


def test_a_document_that_is_no_object_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "run.json", [1])
    with pytest.raises(ArtifactError, match=r"^run.json must be an object, not a list; upload"):
        read_record(ArtifactFile(path, "run.json", 3))


@pytest.mark.parametrize(
    "text",
    ["2026-11-22T13:00:00", "yesterday", "", "2026-11-22", "0001-01-01T00:00:00+23:59", "2026-13-01T00:00:00Z"],
)
def test_a_time_without_its_zone_is_refused_d36(text: str) -> None:
    with pytest.raises(ArtifactError, match=r"items\[3\]\.at is no time with a zone .*2026-11-22T14:02:00Z"):
        record(at=text).optional_time("at", NOW)


def test_a_time_of_another_zone_is_turned_into_utc_d36() -> None:
    read = record(at="2026-11-22T22:00:00+09:00").optional_time("at", NOW)
    assert read == datetime(2026, 11, 22, 13, 0, tzinfo=UTC)


def test_five_minutes_ahead_is_skew_and_more_is_refused_d36() -> None:
    just = (NOW + timedelta(minutes=5)).isoformat()
    assert record(at=just).optional_time("at", NOW) == NOW + timedelta(minutes=5)
    later = (NOW + timedelta(minutes=5, seconds=1)).isoformat()
    with pytest.raises(ArtifactError, match="lies in the future"):
        record(at=later).optional_time("at", NOW)
