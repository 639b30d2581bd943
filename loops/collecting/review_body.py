"""A review's own text: more than half of CodeRabbit's findings stand there, in folded sections by how they came there.

Three forms are in use: a folded section with a folded part for each file; the same quoted (`> `), below a warning; and,
since 2026-09, a bold heading followed by one folded part for each finding. The figures that a section announces are
compared with what was found, and a section nobody knows is told: fewer findings must never look like none.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from domain.findings import Severity
from loops.collecting.findings import PROMPT, Said, read_finding
from loops.collecting.inline import name_of
from loops.collecting.items import TroubleReason, clean_path
from loops.collecting.markdown import Fold, Part, cut

MAX_FINDINGS = 500  # in one review; the largest seen has 49
MAX_LINE = 10_000_000
MAX_PROBLEMS = 10
# What a section's name says of findings that do not say it themselves. "Additional" ones are those that CodeRabbit muted
# itself, praise and context; of several names, or of the others, nobody can tell.
_TIERS: dict[str, Severity | None] = {
    "critical": Severity.CRITICAL,
    "major": Severity.HIGH,
    "minor": Severity.MEDIUM,
    "trivial": Severity.LOW,
    "nitpick": Severity.LOW,
    "additional": Severity.INFO,
    "actionable": None,
    "outside": None,
    "failed": None,
    "other": None,
    "duplicate": None,
}
_DUPLICATE = "duplicate"  # what an earlier review said: it is still there, but not one more finding
_COUNTED = re.compile(r"(.{1,300}) \((\d{1,6})\)")
_SECTION_NAME = re.compile(r"[^A-Za-z]*([A-Za-z][A-Za-z ,]{2,120})")
_LISTS_FINDINGS = frozenset({"comment", "comments", "finding", "findings", "issue", "issues", "suggestions"})
_ACTIONABLE = re.compile(r"\W*Actionable comments posted: {1,3}(\d{1,6})\W*")
_PLACE = re.compile(r"<code>([^<>]{1,400}?)(?::(\d{1,9})(?:-\d{1,9})?)?</code>\s*\Z")
_LOCATOR = re.compile(r"(?:Line range hint )?`(\d{1,9})[\d ,-]{0,60}`\s*:")
_BARE_LOCATOR = re.compile(r"(?:Line range hint )?(\d{1,9})(?:-\d{1,9})?:(?=\s*(?:[_*]|$))")
_LISTED_FILE = re.compile(r"[*-] `([^`]{1,400})`")
_REVIEWED, _PASSED_BY = "files selected for processing", "files with no reviewable changes"


@dataclass(frozen=True, slots=True)
class BodyFinding:
    """One finding of a review's own text, and its place."""

    said: Said
    path: str
    line: int | None

    @property
    def fingerprint(self) -> str:
        """Return the name it has in every review."""
        return name_of(self.said, self.path)


@dataclass(frozen=True, slots=True)
class Problem:
    """What was not understood in a review's text."""

    reason: TroubleReason
    detail: str


@dataclass(slots=True)
class ReviewBody:
    """What one review's text holds. `repeated` are earlier findings it lists again; `declared` is what it announces.

    `reviewed` are the files that it looked at, `passed_by` those where nothing was left to look at. `actionable` is how
    many comments on lines it says it posted, None where it does not say.
    """

    findings: list[BodyFinding] = field(default_factory=list)
    repeated: list[BodyFinding] = field(default_factory=list)
    reviewed: set[str] = field(default_factory=set)
    passed_by: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    declared: int = 0
    actionable: int | None = None


@dataclass(frozen=True, slots=True)
class _Section:
    """A heading that announces findings; `known` is False where its name is new to us."""

    name: str
    declared: int
    tier: Severity | None
    duplicate: bool
    known: bool


def read_body(text: str) -> ReviewBody:
    """Read one review's text; never raises, whatever it holds."""
    body = ReviewBody()
    whole = cut(text)
    if not whole.whole:
        body.problems.append(Problem(TroubleReason.UNREADABLE, "a review's text does not end well, or is too long"))
    _walk(whole.content, body)
    found = body.findings + body.repeated
    body.reviewed.update(one.path for one in found)
    if len(found) > MAX_FINDINGS:
        body.problems.append(Problem(TroubleReason.TOO_MUCH, f"a review lists more than {MAX_FINDINGS} findings"))
        del body.findings[MAX_FINDINGS:], body.repeated[MAX_FINDINGS:]
    del body.problems[MAX_PROBLEMS:]
    return body


def _walk(content: Sequence[Part], body: ReviewBody) -> None:
    """Look for sections: folded ones, and those of a bold heading, which last until the next text."""
    heading: _Section | None = None
    under: list[Part] = []
    for part in content:
        if isinstance(part, str):
            _read_section(heading, under, body)
            heading, under = _heading(part, body), []
        elif isinstance(part, Fold):
            if heading is not None and _section(part.title) is None and _announces(part):
                under.append(part)
            else:
                _read_fold(part, body)
    _read_section(heading, under, body)


def _heading(text: str, body: ReviewBody) -> _Section | None:
    posted = _ACTIONABLE.fullmatch(text)
    if posted:
        body.actionable = int(posted[1])
    return _section(text.strip("*_ ")) if text.startswith("**") else None


def _announces(fold: Fold) -> bool:
    return bool(_PLACE.search(fold.summary) or _COUNTED.fullmatch(fold.title))


def _section(title: str) -> _Section | None:
    """Read a heading such as `🧹 Nitpick comments (2)`, or return None for one that announces no findings."""
    counted = _COUNTED.fullmatch(title)
    name = _SECTION_NAME.fullmatch(counted[1]) if counted else None
    if counted is None or name is None:
        return None
    words = set(name[1].lower().replace(",", " ").split())
    if not words & _LISTS_FINDINGS:
        return None
    tiers = [one for one in _TIERS if one in words]
    return _Section(
        name=name[1],
        declared=int(counted[2]),
        tier=_TIERS[tiers[0]] if len(tiers) == 1 else None,
        duplicate=tiers == [_DUPLICATE],
        known=bool(tiers),
    )


def _read_fold(fold: Fold, body: ReviewBody) -> None:
    """Read a folded part: a section, a list of files, or something that may hold one."""
    section = _section(fold.title)
    words = fold.title.lower()
    listed = (_LISTED_FILE.match(part) for part in fold.content if isinstance(part, str))
    files = {clean_path(match[1]) for match in listed if match}
    if section is not None:
        _read_section(section, fold.content, body)
    elif _REVIEWED in words:
        body.reviewed |= files
    elif _PASSED_BY in words:
        body.passed_by |= files
    elif not PROMPT.fullmatch(fold.title):
        _walk(fold.content, body)


def _read_section(section: _Section | None, content: Sequence[Part], body: ReviewBody) -> None:
    if section is None:
        return
    if not section.known:
        detail = f"a review has a section nobody knows, {section.name!r}, with {section.declared} findings"
        body.problems.append(Problem(TroubleReason.UNKNOWN_SECTION, detail))
        return
    found: list[BodyFinding] = []
    missing = 0
    for fold in (part for part in content if isinstance(part, Fold)):
        listed, declared = _read_part(fold, section.tier)
        missing += max(declared - len(listed), 0)
        found += listed
    body.declared += section.declared
    (body.repeated if section.duplicate else body.findings).extend(found)
    missing = max(missing, section.declared - len(found))
    if missing:
        detail = f"a review announces {section.declared} {section.name}, {missing} of them were not found in it"
        body.problems.append(Problem(TroubleReason.SHORTFALL, detail))


def _read_part(fold: Fold, tier: Severity | None) -> tuple[list[BodyFinding], int]:
    """Read the part of one finding, or of one file; return what it holds and how much it announces."""
    place = _PLACE.search(fold.summary)
    if place:
        line, block = next(_blocks(fold.content), (place[2], fold.content))
        return [BodyFinding(read_finding(block, tier), clean_path(place[1]), _line(line))], 1
    counted = _COUNTED.fullmatch(fold.title)
    if counted is None:
        return [], 0
    found = [
        BodyFinding(read_finding(block, tier), _path(counted[1], line), _line(line))
        for line, block in _blocks(fold.content)
    ]
    return found, int(counted[2])


def _blocks(content: Sequence[Part]) -> Iterator[tuple[str, list[Part]]]:
    """Cut a file's part into its findings: each begins with its lines, `97-114`:, bare or as a hint."""
    line = ""
    block: list[Part] = []
    for part in content:
        located = (_LOCATOR.match(part) or _BARE_LOCATOR.match(part)) if isinstance(part, str) else None
        if located is None:
            block.append(part)
            continue
        if line:
            yield line, block
        rest = located.string[located.end() :].strip()
        line, block = located[1], [rest] if rest else []
    if line:
        yield line, block


def _line(text: str | None) -> int | None:
    number = int(text) if text else 0
    return number if 0 < number <= MAX_LINE else None


def _path(name: str, line: str) -> str:
    """Return the file's path; some parts write the lines behind it: `src/a.py-181-192`."""
    return clean_path(re.sub(rf"-{line}-\d{{1,9}}\Z", "", name))
