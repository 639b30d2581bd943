"""The words that reviewers and tools use for how bad a finding is, for whoever writes a backlog and whoever reads it."""

import re
from collections.abc import Mapping

from domain.findings import Severity

LABEL_CHARACTERS = 220  # more is no label
_WORD = re.compile(r"[a-z0-9]+")
# The triage workflow's words; "Major" was in no list of the original (D8).
WORDS: Mapping[str, Severity] = {
    **dict.fromkeys(("critical", "sev0", "p0", "blocker"), Severity.CRITICAL),
    **dict.fromkeys(("high", "major", "sev1", "p1", "urgent"), Severity.HIGH),
    **dict.fromkeys(("medium", "moderate", "sev2", "p2", "warning", "warn"), Severity.MEDIUM),
    **dict.fromkeys(("low", "minor", "sev3", "p3"), Severity.LOW),
    **dict.fromkeys(("info", "informational", "trivial", "nit", "nitpick", "p4"), Severity.INFO),
}
# CodeRabbit's ladder has no "medium": critical, major, minor, trivial, info. Its "minor" stands in the middle.
CODERABBIT = "coderabbit"
CODERABBIT_WORDS: Mapping[str, Severity] = {
    **WORDS,
    "minor": Severity.MEDIUM,
    **dict.fromkeys(("trivial", "nit", "nitpick"), Severity.LOW),
}


def words_of(source: str) -> Mapping[str, Severity]:
    """Return the vocabulary of a backlog's producer."""
    return CODERABBIT_WORDS if source == CODERABBIT else WORDS


def read_severity(label: str | None, words: Mapping[str, Severity] = WORDS) -> Severity:
    """Read a severity label: one word of the vocabulary, emphasis marks and pictures around it are ignored.

    No word, or words that disagree, leave it unknown: guessing low is how findings vanished (D8).
    """
    found = _WORD.findall((label or "")[:LABEL_CHARACTERS].lower().replace("_", " "))
    named = {words[word] for word in found if word in words}
    return named.pop() if len(named) == 1 else Severity.UNKNOWN
