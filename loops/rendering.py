"""Turning reports into markdown and JSON: escaping, figures, and the head that every loop's documents share."""

import re
from collections.abc import Sequence
from datetime import datetime

import orjson

from domain.clock import to_text
from domain.fixes import FixPlan
from domain.git_names import short
from domain.untrusted import clean_line
from loops.report import AttemptReport, LoopReport
from loops.snapshots import snapshot_values

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
        f"- Correlation: {attempt.correlation}",
        *_plan_lines(report.snapshot.plan),
        *(["- People have to decide: yes"] if report.escalation_needed else []),
        "",
        prose(report.detail, len(report.detail)),
        *_attempt_lines(report.attempts),
    ]


def _plan_lines(plan: FixPlan | None) -> list[str]:
    if plan is None:
        return []
    given = "".join(f" {name}={value}" for name, value in sorted(plan.arguments.items()))
    return [
        f"- Planned: {prose(plan.action + given)}, for commit {prose(plan.source_sha)}",
        f"- Plan: {plan.digest()}",
    ]


def _attempt_lines(attempts: Sequence[AttemptReport]) -> list[str]:
    """Write one line for each pass, where there was more than one."""
    if len(attempts) < 2:  # noqa: PLR2004 - the head has told of the only one
        return []
    return ["", "## Attempts", "", *(f"- {attempt_line(attempt)}" for attempt in attempts)]


def attempt_line(attempt: AttemptReport) -> str:
    """Say what one pass rests on, how it ended, and what was pushed after it."""
    run = f"run {attempt.source_run_id}.{attempt.source_run_attempt}" if attempt.source_run_id else "no run"
    commit = f" of {short(attempt.source_sha)}" if attempt.source_sha else ""
    pushed = f"; a fix pushed {short(attempt.fix_commit)}" if attempt.fix_commit else ""
    return f"{attempt.number}: {run}{commit}, {attempt.correlation}: {attempt.conclusion or UNKNOWN}{pushed}"


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
        "source_correlation": report.attempts[-1].correlation,
        "completed_attempts": len(report.attempts),
        "attempts": [_attempt_values(attempt) for attempt in report.attempts],
        "escalation_needed": report.escalation_needed,
        "plan": _plan_values(snapshot.plan),
        "snapshot": snapshot_values(snapshot),
    }


def _plan_values(plan: FixPlan | None) -> dict[str, object] | None:
    if plan is None:
        return None
    return {"digest": plan.digest(), "action": plan.action, "arguments": plan.arguments, "commit": plan.source_sha}


def _attempt_values(attempt: AttemptReport) -> dict[str, object]:
    return {
        "number": attempt.number,
        "status": attempt.status,
        "conclusion": attempt.conclusion,
        "started_at": to_text(attempt.started_at),
        "finished_at": moment(attempt.finished_at),
        "source_run_url": attempt.source_run_url,
        "source_run_id": attempt.source_run_id,
        "source_run_attempt": attempt.source_run_attempt,
        "source_conclusion": attempt.source_conclusion,
        "source_event": attempt.source_event,
        "source_started_at": moment(attempt.source_started_at),
        "source_pull": attempt.source_pull,
        "source_sha": attempt.source_sha,
        "correlation": attempt.correlation,
        "fix_exit_code": attempt.fix_exit_code,
        "fix_commit": attempt.fix_commit,
    }


def json_text(values: dict[str, object]) -> str:
    """Write a document as indented JSON with a final newline."""
    return orjson.dumps(values, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode("utf-8")


def markdown_text(lines: list[str]) -> str:
    """Join a document's lines and end it with a newline."""
    return "\n".join(lines) + "\n"
