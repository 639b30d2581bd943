"""Our marker is exactly two lines, which name loop and target; whatever else begins a comment is none."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import UserError
from forge.comments import Target, TargetKind
from loops.comments.marker import MAX_WRITES_KEPT, Marker, SourceStamp, body_hash, read_comment, target_word
from loops.report import LoopName
from tests.fakes.virtual_time import START

SHA = "a1" * 20
STAMP = SourceStamp(111, 2, START, SHA)
MARKER = Marker(LoopName.MUTATION, False, "pr:7", STAMP, body_hash("text\n"), (START,))
LINES = (
    "<!-- reins:mutation v=1 target=pr:7 -->\n"
    f"<!-- reins:run id=111 attempt=2 started=2026-11-22T14:00:00.000Z sha={SHA}"
    " body=b9e68e1bea3e writes=2026-11-22T14:00:00.000Z -->\n"
)


def test_the_first_line_names_loop_and_target_only_d11() -> None:
    assert MARKER.text() == LINES
    other_run = Marker(LoopName.MUTATION, False, "pr:7", SourceStamp(None, 1, START, None), "0" * 12, (START,))
    assert other_run.text().splitlines()[0] == LINES.splitlines()[0]
    escalation = Marker(LoopName.TRIAGE, True, f"commit:{SHA}", STAMP, "0" * 12, (START,))
    assert escalation.text().splitlines()[0] == f"<!-- reins:triage:escalation v=1 target=commit:{SHA} -->"


runs = st.builds(
    SourceStamp,
    st.none() | st.integers(1, 10**19 - 1),
    st.integers(1, 9_999),
    st.datetimes(timezones=st.just(START.tzinfo)).map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)),
    st.none() | st.sampled_from([SHA, "aaa111", "B" * 64]),
)
markers = st.builds(
    Marker,
    st.sampled_from(LoopName),
    st.booleans(),
    st.sampled_from(["pr:7", "issue:4294967295", f"commit:{SHA}", "commit:" + "b" * 64]),
    runs,
    st.sampled_from(["0" * 12, "0123456789ab"]),
    st.lists(st.just(START), min_size=1, max_size=3).map(tuple),
)


@given(markers, st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"])))
def test_what_is_written_is_read_again(marker: Marker, body: str) -> None:
    assert read_comment(marker.text() + body) == (marker, body)


def test_lines_that_githubs_editor_has_ended_its_own_way_are_read() -> None:
    assert read_comment((LINES + "text\n").replace("\n", "\r\n")) == (MARKER, "text\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<!-- reins:mutation", " <!-- reins:mutation"),
        ("<!-- reins:mutation", "> <!-- reins:mutation"),
        ("<!-- reins:mutation", "\n<!-- reins:mutation"),
        ("reins:mutation", "reins:autonomy"),
        ("reins:mutation", "Reins:mutation"),
        ("mutation v=1", "mutation:other v=1"),
        ("v=1", "v=2"),
        ("pr:7", "pr:07"),
        ("pr:7", "pr:0"),
        ("pr:7", "pr:7 run_id=5"),
        ("pr:7", "pr:\u0667"),
        ("pr:7", "commit:abc"),
        ("pr:7 -->", "pr:7 --> "),
        ("id=111", "id=0"),
        ("id=111", "id="),
        ("attempt=2", "attempt=0"),
        ("attempt=2 ", ""),
        ("started=2026-11-22", "started=2026-13-22"),
        ("writes=2026-11-22", "writes=2026-02-30"),
        ("14:00:00.000Z sha", "14:00:00Z sha"),
        ("14:00:00.000Z sha", "14:00:00.000+00:00 sha"),
        (f"sha={SHA}", "sha="),
        (f"sha={SHA}", "sha=a-->b"),
        ("body=b9e68e1bea3e", "body=b9e6"),
        ("writes=2026-11-22T14:00:00.000Z", "writes="),
        (".000Z -->\n", ".000Z -->"),
        ("writes=", "writes=" + "2026-11-22T14:00:00.000Z," * MAX_WRITES_KEPT),
    ],
)
def test_anything_malformed_is_no_marker(old: str, new: str) -> None:
    assert old in LINES
    changed = LINES.replace(old, new, 1) + ("text\n" if new != ".000Z -->" else "x")
    assert read_comment(changed) is None


@given(st.text())
def test_any_other_text_is_no_marker(text: str) -> None:
    assert read_comment(text) is None


def test_the_marker_keeps_the_newest_times_only() -> None:
    times = tuple(START + timedelta(seconds=second) for second in range(MAX_WRITES_KEPT + 5))
    read = read_comment(Marker(LoopName.TRIAGE, False, "pr:7", STAMP, "0" * 12, times).text())
    assert read is not None
    assert read[0].writes == times[5:]


@pytest.mark.parametrize(
    ("kind", "name", "word"), [("PULL", "7", "pr:7"), ("ISSUE", "12", "issue:12"), ("COMMIT", SHA, f"commit:{SHA}")]
)
def test_targets_have_a_word(kind: str, name: str, word: str) -> None:
    assert target_word(Target("acme/app", TargetKind[kind], name)) == word


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"run_id": 0}, "run_id"),
        ({"run_id": 10**19}, "run_id"),
        ({"attempt": 0}, "attempt"),
        ({"attempt": 10_000}, "attempt"),
        ({"sha": "a -->"}, "sha"),
        ({"sha": ""}, "sha"),
        ({"sha": "none"}, "sha"),
    ],
)
def test_a_source_that_the_marker_could_not_hold_is_refused(changes: dict[str, Any], field: str) -> None:
    fields = {"run_id": 111, "attempt": 1, "started_at": START, "sha": SHA}
    with pytest.raises(UserError, match=f"source.{field}"):
        SourceStamp(**{**fields, **changes})


def test_runs_are_ordered_by_start_then_id_then_attempt() -> None:
    later = START + timedelta(milliseconds=1)
    ordered = [
        SourceStamp(None, 1, START, None),
        SourceStamp(5, 1, START, SHA),
        SourceStamp(5, 2, START, SHA),
        SourceStamp(6, 1, START, SHA),
        SourceStamp(4, 1, later, SHA),
    ]
    assert [one.order for one in ordered] == sorted(one.order for one in ordered)
    almost = START + timedelta(microseconds=999)
    assert SourceStamp(5, 1, almost, SHA).order == SourceStamp(5, 1, START, SHA).order
