"""A job's bytes: what is written reads back, and anything else is refused with its place."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forge.local_record import MAX_RECORD_BYTES, UnreadableRecordError, decode, encode
from tests.fakes.job_samples import JOB, RECORD
from tests.fakes.local_forge_rig import correlation


def test_a_record_reads_back_as_it_was_written() -> None:
    assert decode(encode(RECORD), correlation()) == RECORD


def test_times_are_written_in_utc_with_z() -> None:
    elsewhere = datetime(2026, 11, 22, 15, 0, tzinfo=timezone(timedelta(hours=1)))
    written = orjson.loads(encode(replace(RECORD, job=replace(JOB, created_at=elsewhere))))
    assert written["job"]["created_at"] == "2026-11-22T14:00:00.000Z"


def test_every_truncation_is_refused() -> None:
    content = encode(RECORD).rstrip()
    for length in range(len(content)):
        with pytest.raises(UnreadableRecordError):
            decode(content[:length], correlation())


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("created_at", "2026-11-22T14:00:00", "zone"),
        ("attempts", [{"number": 1, "state": "started", "started_at": "2026-11-22T14:00:00"}], "zone"),
        ("correlation", correlation(2), "file's name"),
        ("state", "finished", r"job\.state"),
        ("unresolved", "3", r"job\.unresolved"),
        ("inputs", {"depth": 2}, r"job\.inputs\.depth"),
    ],
)
def test_a_wrong_field_is_refused_with_its_name(field: str, value: object, said: str) -> None:
    written = orjson.loads(encode(RECORD))
    written["job"][field] = value
    with pytest.raises(UnreadableRecordError, match=said):
        decode(orjson.dumps(written), correlation())


def test_a_report_beyond_the_limit_is_not_written() -> None:
    with pytest.raises(ValueError, match="cut its report"):
        encode(replace(RECORD, job=replace(JOB, report={"text": "x" * MAX_RECORD_BYTES})))


def test_a_value_that_json_cannot_hold_is_named_by_its_type() -> None:
    with pytest.raises(TypeError):
        encode(replace(RECORD, job=replace(JOB, report={"clock": object()})))


@settings(deadline=None)
@given(
    st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(repr).map(str.encode)
)
def test_any_bytes_are_a_record_or_refused(content: bytes) -> None:
    with pytest.raises(UnreadableRecordError):
        decode(content, correlation())


def test_a_time_read_back_is_in_utc() -> None:
    assert decode(encode(RECORD), correlation()).job.created_at.utcoffset() == UTC.utcoffset(None)
