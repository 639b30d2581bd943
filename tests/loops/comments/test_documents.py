"""A comment travels to a later job as a file: read back whole, and refused where it is not what a loop wrote."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import UserError
from domain.snapshots import LoopReason
from loops.comments.body import comment_body, escalation_body
from loops.comments.documents import MAX_DOCUMENT_BYTES, comment_document, document_of, read_comment_document
from loops.comments.marker import SourceStamp
from loops.report import LoopName, LoopReport
from tests.fakes.loop_reports import ATTEMPT, SHA, TRIAGE, mutation_report, triage_report
from tests.fakes.virtual_time import START

ESCALATED = triage_report(escalation_needed=True, reason=LoopReason.ATTEMPTS_EXHAUSTED)


@pytest.mark.parametrize("report", [triage_report(), mutation_report(), ESCALATED])
def test_what_is_written_is_read_again(report: LoopReport) -> None:
    text = comment_document(report)
    assert read_comment_document(text.encode()) == document_of(report)


def test_a_document_says_where_and_of_which_run() -> None:
    document = document_of(ESCALATED)
    assert (document.loop, document.repository, document.pull) == (LoopName.TRIAGE, "acme/app", 7)
    assert document.source == SourceStamp(111, 2, START, SHA)
    assert (document.body, document.escalation) == (comment_body(ESCALATED), escalation_body(ESCALATED))
    assert document_of(triage_report()).escalation is None


@pytest.mark.parametrize(("told", "of_run", "pull"), [(8, 7, 8), (None, 7, 7), (None, None, None)])
def test_the_backlogs_own_pull_request_comes_first(told: int | None, of_run: int | None, pull: int | None) -> None:
    attempts = (replace(ATTEMPT, source_pull=of_run),)
    assert document_of(triage_report(snapshot=replace(TRIAGE, pr_number=told), attempts=attempts)).pull == pull


def test_a_report_without_a_run_is_as_old_as_the_attempt_that_looked_for_one() -> None:
    later = START + timedelta(hours=1)
    unread = replace(ATTEMPT, source_run_id=None, source_run_attempt=None, source_sha=None, source_started_at=None)
    stamp = document_of(triage_report(attempts=(ATTEMPT, replace(unread, started_at=later)))).source
    assert stamp == SourceStamp(None, 1, later, None)


def changed(**changes: Any) -> bytes:
    document = json.loads(comment_document(ESCALATED))
    source = changes.pop("source", {})
    document = {**document, **changes}
    document["source"] = {**document["source"], **source} if isinstance(source, dict) else source
    return json.dumps({name: value for name, value in document.items() if value is not ...}).encode()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"schema_version": 2}, "schema_version"),
        ({"schema_version": True}, "schema_version"),
        ({"loop": "autonomy"}, "loop"),
        ({"loop": ...}, "loop"),
        ({"more": 1}, "more"),
        ({"repository": "acme"}, "repository"),
        ({"repository": "acme/app\n"}, "repository"),
        ({"repository": "acme/../app"}, "repository"),
        ({"pr_number": "7"}, "pr_number"),
        ({"pr_number": 0}, "pr_number"),
        ({"pr_number": 2**31}, "pr_number"),
        ({"source": None}, "source"),
        ({"source": {"run_id": "111"}}, "source.run_id"),
        ({"source": {"run_id": 0}}, "source.run_id"),
        ({"source": {"attempt": 0}}, "source.attempt"),
        ({"source": {"attempt": 1.5}}, "source.attempt"),
        ({"source": {"started_at": "2026-11-22T14:00:00"}}, "source.started_at"),
        ({"source": {"sha": "a -->"}}, "source.sha"),
        ({"source": {"more": 1}}, "source.more"),
        ({"body": ""}, "body"),
        ({"body": None}, "body"),
        ({"body": "x" * 60_001}, "body"),
        ({"body": "a <!-- reins:triage v=1 target=pr:7 -->"}, "body"),
        ({"body": "a <b>"}, "body"),
        ({"body": "hi @ann"}, "body"),
        ({"body": "hi @"}, "body"),
        ({"body": "a\x00b"}, "body"),
        ({"body": "a\r\nb"}, "body"),
        ({"escalation": "hi @ann"}, "escalation"),
        ({"escalation": "x" * 60_001}, "escalation"),
        ({"asks": "yes"}, "asks"),
        ({"asks": ...}, "asks"),
    ],
)
def test_what_no_loop_wrote_is_refused_by_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(UserError, match=rf"^{field}: ") as refused:
        read_comment_document(changed(**changes))
    assert "ann" not in str(refused.value)
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"null"])
def test_what_is_no_document_is_refused(content: bytes) -> None:
    with pytest.raises(UserError, match="hand over the file as the loop wrote it"):
        read_comment_document(content)


@given(st.binary() | st.text().map(lambda body: changed(body=body)))
def test_any_bytes_are_a_document_or_a_user_error(content: bytes) -> None:
    with suppress(UserError):
        assert "<" not in read_comment_document(content).body


def test_the_largest_document_fits() -> None:
    wide = "\N{GRINNING FACE}" * 60_000
    content = json.dumps({"body": wide, "escalation": wide}, ensure_ascii=False).encode()
    assert len(content) + 2_000 < MAX_DOCUMENT_BYTES
