"""What a later job needs to publish a report's comment: written beside the report, and read as text from outside."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from domain.clock import to_text
from domain.errors import UserError
from domain.git_names import REPOSITORY
from domain.snapshots import LoopStatus, TriageSnapshot
from domain.untrusted import clean_line
from loops.comments.body import MAX_BODY_CHARACTERS, comment_body, escalation_body, settled_body
from loops.comments.marker import SourceStamp
from loops.comments.target import MAX_NUMBER
from loops.rendering import SCHEMA_VERSION, json_text
from loops.report import LoopName, LoopReport

MAX_DOCUMENT_BYTES = 1024 * 1024  # two bodies of 60,000 characters, four bytes each, escaped
PROBLEM_CHARACTERS = 160
_TAME = re.compile(r"(?:[^<@\x00-\x09\x0b-\x1f\x7f]|@\N{ZERO WIDTH SPACE})+")
WRITE_AGAIN = "hand over the file as the loop wrote it"


@dataclass(frozen=True, slots=True)
class CommentDocument:
    """A report's comment and what it rests on; `escalation` is what goes into the comment for people to decide on.

    It is a question where `asks`, else what an earlier question is to be answered with, if there was one; None leaves
    that comment as it stands.
    """

    loop: LoopName
    repository: str
    pull: int | None
    source: SourceStamp
    body: str
    escalation: str | None
    asks: bool


class _Source(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    run_id: Annotated[int, Field(strict=True)] | None
    attempt: Annotated[int, Field(strict=True)]
    started_at: AwareDatetime
    sha: str | None


_Text = Annotated[str, Field(min_length=1, max_length=MAX_BODY_CHARACTERS)]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    schema_version: Annotated[int, Field(strict=True, ge=SCHEMA_VERSION, le=SCHEMA_VERSION)]
    loop: LoopName
    repository: Annotated[str, Field(pattern=f"^{REPOSITORY}$")]
    pr_number: Annotated[int, Field(strict=True, gt=0, le=MAX_NUMBER)] | None
    source: _Source
    body: _Text
    escalation: _Text | None
    asks: Annotated[bool, Field(strict=True)]


def document_of(report: LoopReport) -> CommentDocument:
    """Return a report's comment. A source without a run is as old as the attempt that looked for it."""
    attempt, snapshot = report.attempts[-1], report.snapshot
    told = snapshot.pr_number if isinstance(snapshot, TriageSnapshot) else None
    return CommentDocument(
        loop=report.loop,
        repository=report.repository,
        pull=told if told is not None else attempt.source_pull,
        source=SourceStamp(
            attempt.source_run_id,
            attempt.source_run_attempt or 1,
            attempt.source_started_at or attempt.started_at,
            attempt.source_sha,
        ),
        body=comment_body(report),
        escalation=_for_people(report),
        asks=report.escalation_needed,
    )


def _for_people(report: LoopReport) -> str | None:
    if report.escalation_needed:
        return escalation_body(report)
    return settled_body(report) if report.status is LoopStatus.OK else None


def comment_document(report: LoopReport) -> str:
    """Write a report's comment as JSON."""
    document = document_of(report)
    source = document.source
    return json_text(
        {
            "schema_version": SCHEMA_VERSION,
            "loop": document.loop,
            "repository": document.repository,
            "pr_number": document.pull,
            "source": {
                "run_id": source.run_id,
                "attempt": source.attempt,
                "started_at": to_text(source.started_at),
                "sha": source.sha,
            },
            "body": document.body,
            "escalation": document.escalation,
            "asks": document.asks,
        }
    )


def read_comment_document(content: bytes) -> CommentDocument:
    """Read what `comment_document` wrote; whoever could write the file is not trusted with markup or mentions.

    Raises:
        UserError: the field that is wrong, and the mend; its value is not quoted.
    """
    try:
        read = _Document.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the document"
        raise _wrong(field, first["msg"]) from None
    for field, text in (("body", read.body), ("escalation", read.escalation)):
        if text is not None and not _TAME.fullmatch(text):
            raise _wrong(field, "holds markup, a mention or control characters")
    source = SourceStamp(read.source.run_id, read.source.attempt, read.source.started_at, read.source.sha)
    return CommentDocument(read.loop, read.repository, read.pr_number, source, read.body, read.escalation, read.asks)


def _wrong(field: str, problem: str) -> UserError:
    shown = clean_line(f"{field}: {problem}", PROBLEM_CHARACTERS)
    return UserError(f"{shown}; {WRITE_AGAIN}", "bad_comment_document")
