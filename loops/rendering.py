"""Turning reports into markdown and JSON: escaping, figures, and the head that every loop's documents share."""

import re
from datetime import datetime

import orjson

from domain.clock import to_text
from domain.untrusted import clean_line
from loops.report import AttemptReport, LoopReport

SCHEMA_VERSION = 1
NAME_CHARACTERS = 140  # GitHub allows 39 + 1 + 100 for owner/name; branches are cut to the same
UNKNOWN = "unknown"
_MARKUP = re.compile(r"[\\`*_\[\]|~#!]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MENTION_BREAK = "\N{ZERO WIDTH SPACE}"


def prose(text: str, limit: int = NAME_CHARACTERS) -> str:
    """Make outside text safe inside a markdown line: one line, capped, no markup, no link, nobody mentioned (D37)."""
    cleaned = clean_line(text, limit)
    entities = "".join(_ENTITIES.get(character, character) for character in cleaned)
    escaped = _MARKUP.sub(r"\\\g<0>", entities)
    # GitHub links bare addresses and notifies @names even where nothing else is markup.
    return escaped.replace("://", ":\\//").replace("www.", "www\\.").replace("@", f"@{_MENTION_BREAK}")


def percent(basis_points: int) -> str:
    """Write hundredths of a percent with two decimals: 8250 becomes `82.50`."""
    return f"{basis_points // 100}.{basis_points % 100:02d}"


def figure(count: int | None) -> str:
    """Write a count, or say that it is unknown: never zero for it (I11)."""
    return UNKNOWN if count is None else str(count)


def moment(at: datetime | None) -> str | None:
    """Write a time for JSON: UTC with Z, or null."""
    return None if at is None else to_text(at)


def head_lines(report: LoopReport, title: str) -> list[str]:
    """Open a markdown document: one fact per line, narrow enough for a phone."""
    attempt = report.attempts[-1]
    snapshot = report.snapshot
    return [
        f"# {title}",
        "",
        f"- Repository: {prose(report.repository)}",
        f"- Branch: {prose(report.branch)}",
        f"- Mode: {report.mode}",
        f"- Status: {report.status}",
        f"- Reason: {report.reason}",
        f"- Unresolved: {figure(report.unresolved)}",
        f"- Read at: {to_text(snapshot.taken_at)}",
        f"- Measured at: {moment(snapshot.measured_at) or UNKNOWN}",
        f"- From: {prose(snapshot.source, len(snapshot.source))}",
        f"- Commit: {attempt.source_sha or UNKNOWN}",
        f"- Run: {attempt.source_run_url or UNKNOWN}",
        "",
        prose(report.detail, len(report.detail)),
    ]


def head_values(report: LoopReport) -> dict[str, object]:
    """Open a JSON document: the fields of every loop's report; closed words by their values, null for unknown."""
    snapshot = report.snapshot
    return {
        "schema_version": SCHEMA_VERSION,
        "loop": report.loop,
        "repository": report.repository,
        "branch": report.branch,
        "mode": report.mode,
        "status": report.status,
        "reason": report.reason,
        "detail": report.detail,
        "unresolved": report.unresolved,
        "summary": report.summary,
        "exit_code": int(report.exit_code),
        "taken_at": to_text(snapshot.taken_at),
        "measured_at": moment(snapshot.measured_at),
        "source": snapshot.source,
        "attempts": [_attempt_values(attempt) for attempt in report.attempts],
    }


def _attempt_values(attempt: AttemptReport) -> dict[str, object]:
    return {
        "number": attempt.number,
        "status": attempt.status,
        "conclusion": attempt.conclusion,
        "started_at": to_text(attempt.started_at),
        "finished_at": moment(attempt.finished_at),
        "source_run_url": attempt.source_run_url,
        "source_sha": attempt.source_sha,
        "correlation": attempt.correlation,
    }


def json_text(values: dict[str, object]) -> str:
    """Write a document as indented JSON with a final newline."""
    return orjson.dumps(values, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode("utf-8")


def markdown_text(lines: list[str]) -> str:
    """Join a document's lines and end it with a newline."""
    return "\n".join(lines) + "\n"
