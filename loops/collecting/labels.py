"""CodeRabbit's label line, `_🎯 Functional Correctness_ | _🟠 Major_ | _⚡ Quick win_`: read by vocabulary, not by position.

The format changed at least four times in two years: two fields or four, other categories, bold in place of italic. What
a field is, its words decide; a word nobody knows is kept and makes the severity unknown, never low (D8).
"""

import re
from dataclasses import dataclass

from domain.findings import Severity
from loops.triage.severities import CODERABBIT_WORDS, read_severity

MAX_LINE_CHARACTERS = 400
MAX_FIELDS = 6
QUALITY = "quality"
# CodeRabbit's categories, since 2026-06 and before, in the words that the triage loop names owners by.
_CATEGORIES = {
    "functional correctness": QUALITY,
    "security privacy": "security",
    "stability availability": QUALITY,
    "maintainability code quality": QUALITY,
    "performance scalability": "performance",
    "data integrity integration": QUALITY,
    "potential issue": QUALITY,
    "refactor suggestion": QUALITY,
    "nitpick": QUALITY,
    "verification agent": QUALITY,
    "codebase verification": QUALITY,
    "security": "security",
    "performance": "performance",
    "documentation": "docs",
}
_EFFORTS = frozenset({"quick win", "heavy lift", "low value", "poor tradeoff"})
_BADGES = frozenset({"analyzed with security review"})
_FIELD = re.compile(r"([_*]{1,3})(.{1,80}?)\1")
_SHORTCODE = re.compile(r":[a-z0-9_+-]{1,40}:|\([^()]{0,40}\)")  # :hammer_and_wrench:, (assertive)
_WORD = re.compile(r"[a-z0-9]+")
_LEADING_WORD = re.compile(r"\W*([A-Za-z0-9]{1,20})\s{0,3}:")


@dataclass(frozen=True, slots=True)
class Label:
    """What a label line says. `severity` is None where it names none; `word` is what nobody knows, as written.

    Beside a known severity an unknown word is just another field; alone it may be one, so nobody can tell how bad it is.
    """

    category: str | None
    severity: Severity | None
    effort: str | None
    word: str | None


def read_label(line: str) -> Label | None:
    """Read a label line, or return None for a line that is none: no field of it is in a vocabulary."""
    fields = [_field(one) for one in line[:MAX_LINE_CHARACTERS].split("|")]
    phrases = [one for one in fields if one is not None]
    if len(phrases) != len(fields) or len(fields) > MAX_FIELDS or len(line) > MAX_LINE_CHARACTERS:
        return None
    named = [written for phrase, written in phrases if not _known(phrase)]
    if len(named) == len(phrases) or (len(fields) == 1 and line.startswith("**")):  # one bold text is a title
        return None
    severities = {CODERABBIT_WORDS[phrase] for phrase, _ in phrases if phrase in CODERABBIT_WORDS}
    doubtful = len(severities) > 1 or (named and not severities)
    return Label(
        category=next((_CATEGORIES[phrase] for phrase, _ in phrases if phrase in _CATEGORIES), None),
        severity=Severity.UNKNOWN if doubtful else next(iter(severities), None),
        effort=next((phrase for phrase, _ in phrases if phrase in _EFFORTS), None),
        word=" | ".join(named) or None,
    )


def _known(phrase: str) -> bool:
    return any(phrase in one for one in (CODERABBIT_WORDS, _CATEGORIES, _EFFORTS, _BADGES))


def _field(text: str) -> tuple[str, str] | None:
    """Return a field's words and how it is written, or None where it is not emphasised as a whole."""
    match = _FIELD.fullmatch(text.strip())
    if match is None:
        return None
    written = match[2].strip()
    return " ".join(_WORD.findall(_SHORTCODE.sub(" ", written.lower()))), written


def leading_severity(text: str) -> Severity:
    """Read the severity of a text without a label line: only a word before a colon at its very beginning counts.

    What the sentence goes on to say is no label: the original read "Medium: this low-level call" as low, and "not a
    critical path; trivial" as critical (D8).
    """
    match = _LEADING_WORD.match(text)
    return read_severity(match[1], CODERABBIT_WORDS) if match else Severity.UNKNOWN
