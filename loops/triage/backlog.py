"""Reading `backlog-medium.json`, the list of open review findings that the triage workflow uploads."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.findings import Finding, Severity
from domain.untrusted import clean_line
from loops.artifacts import ArtifactFile
from loops.records import Record, read_record
from loops.triage.severities import read_severity, words_of

BACKLOG_FILE = "backlog-medium.json"
MAX_FINDINGS = 50  # kept for reading; the counts are of all
MAX_LINE = 10_000_000
MAX_NUMBER = 1_000_000_000
SUMMARY_CHARACTERS = 220  # the producer's own limit
PATH_CHARACTERS = 160
CATEGORY_CHARACTERS = 40
SHA = re.compile(r"[0-9A-Za-z]{1,64}")  # as the forge writes it; compared, never interpreted
SOURCE = re.compile(r"[a-z][a-z0-9-]{0,39}")
WORST_FIRST = (
    Severity.CRITICAL,
    Severity.HIGH,
    Severity.UNKNOWN,
    Severity.MEDIUM,
    Severity.LOW,
    Severity.INFO,
)


@dataclass(frozen=True, slots=True)
class Backlog:
    """One backlog file. `counts` covers every item, `findings` the worst `MAX_FINDINGS`, cleaned and capped (D37).

    `incomplete` says why something may be missing; it is None where the producer could read everything, or does not
    tell (files from before that was told).
    """

    file: str
    source: str
    repository: str
    branch: str | None
    pr_number: int | None
    head_sha: str | None
    generated_at: datetime
    counts: dict[Severity, int]
    findings: tuple[Finding, ...]
    incomplete: str | None = None


def read_backlog(file: ArtifactFile, now: datetime) -> Backlog:
    """Read `{source, repository, pr_number, head_sha, generated_at, items[{category, severity, summary, path, line}]}`.

    The hand-off text for agents that the file may carry is left where it is: it is data of an outsider, not an order.

    Raises:
        ArtifactError: the file is not of that shape, or its time has no zone or lies in the future (D36).
    """
    document = read_record(file)
    generated_at = document.optional_time("generated_at", now)
    if generated_at is None:
        raise document.wrong("generated_at", "is missing")
    source = _matching(document, "source", SOURCE, "a short name like coderabbit") or "not stated"
    findings = [_finding(item, words_of(source)) for item in document.records("items")]
    return Backlog(
        file=file.name,
        source=source,
        repository=document.text("repository"),
        branch=document.optional_text("branch"),
        pr_number=document.optional_count("pr_number", MAX_NUMBER),
        head_sha=_matching(document, "head_sha", SHA, "a commit id of letters and digits, or null"),
        generated_at=generated_at,
        counts=dict(Counter(finding.severity for finding in findings)),
        findings=tuple(sorted(findings, key=lambda finding: WORST_FIRST.index(finding.severity))[:MAX_FINDINGS]),
        incomplete=_incomplete(document),
    )


def _incomplete(document: Record) -> str | None:
    """Say what the producer could not read: the first of its troubles."""
    if document.optional_truth("complete") is not False:
        return None
    troubles = document.records("trouble") if document.values.get("trouble") else []
    words = (f"{one.text('part')}: {one.text('detail')}" for one in troubles[:1])
    return clean_line(next(words, "its producer does not say why"), SUMMARY_CHARACTERS)


def _matching(document: Record, field: str, grammar: re.Pattern[str], shape: str) -> str | None:
    text = document.optional_text(field)
    if text is not None and not grammar.fullmatch(text):
        raise document.wrong(field, f"must be {shape}")
    return text


def _finding(item: Record, words: Mapping[str, Severity]) -> Finding:
    path = item.optional_text("path")
    line = item.optional_count("line", MAX_LINE)
    # The producer writes the place in front of the text as well: on a small screen once is enough.
    summary = item.text("summary").removeprefix(f"{path}:{line} - ")
    return Finding(
        category=clean_line(item.optional_text("category") or "not stated", CATEGORY_CHARACTERS),
        severity=read_severity(item.optional_text("severity"), words),
        summary=clean_line(summary, SUMMARY_CHARACTERS),
        path=clean_line(path, PATH_CHARACTERS) if path else None,
        line=line,
    )
