"""Cutting a comment's markdown into what it says itself and what it folds away; code and HTML comments are left out.

The text is an outsider's: one pass over it, bounded in size and depth, whatever it holds.
"""

import re
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

MAX_CHARACTERS = 131_072  # twice what GitHub lets anybody write
MAX_DEPTH = 24  # CodeRabbit nests four
MAX_SUMMARY_CHARACTERS = 600
MARK_CHARACTERS = 100  # no mark is longer; what else stands in an HTML comment is not kept
_QUOTE = re.compile(r" {0,3}(?:> {0,3})+")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_TAG = re.compile(r"<details\b[^<>]{0,200}>|</details>|<summary>|</summary>|<!--|-->", re.IGNORECASE)
_ANY_TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_MARK = re.compile(r"\s*cr-comment:v1:([0-9a-f]{1,64})\s*")


@dataclass(frozen=True, slots=True)
class Mark:
    """CodeRabbit's own id of a finding, from an HTML comment."""

    id: str


@dataclass(slots=True)
class Fold:
    """A `<details>`: its summary as written, and what is in it, in order."""

    summary: str = ""
    content: "list[Part]" = field(default_factory=list)

    @property
    def title(self) -> str:
        """Return the summary without its tags."""
        return without_tags(self.summary)


Part: TypeAlias = str | Mark | Fold


@dataclass(frozen=True, slots=True)
class Cut:
    """A text in its parts; `whole` is False where something was left out: too long, too deep, or left open."""

    content: list[Part]
    whole: bool


def cut(text: str) -> Cut:
    """Cut a text. Lines come without quote marks and outer spaces; empty ones are left out."""
    cutter = _Cutter()
    for line in text[:MAX_CHARACTERS].splitlines():
        cutter.take(line)
    return Cut(cutter.folds[0].content, cutter.closed and len(text) <= MAX_CHARACTERS)


def without_tags(text: str) -> str:
    """Take HTML tags out of one line."""
    return _ANY_TAG.sub("", text).strip()


def without_code(line: str) -> str:
    """Return a line of the same length whose code spans are blank, so that no mark in them counts (CommonMark 6.1)."""
    pieces, done = [], 0
    for start, end in _code_spans(line):
        pieces += [line[done:start], " " * (end - start)]
        done = end
    return "".join([*pieces, line[done:]])


def _code_spans(line: str) -> Iterator[tuple[int, int]]:
    runs = [match.span() for match in re.finditer("`+", line)]
    later: defaultdict[int, deque[int]] = defaultdict(deque)
    for number, (start, end) in enumerate(runs):
        later[end - start].append(number)
    number = 0
    while number < len(runs):
        start, end = runs[number]
        same = later[end - start]
        while same and same[0] <= number:
            same.popleft()
        if same:
            number = same.popleft()
            yield start, runs[number][1]
        number += 1


class _Cutter:
    """The state between two lines: which folds, code fence, comment or summary are open."""

    def __init__(self) -> None:
        self.folds = [Fold()]
        self._too_deep = 0
        self._dropped = False
        self._fence: str | None = None
        self._comment: str | None = None
        self._summary: str | None = None

    @property
    def closed(self) -> bool:
        """Tell whether nothing was left open or out."""
        held = (self._fence, self._comment, self._summary)
        return len(self.folds) == 1 and not self._dropped and all(one is None for one in held)

    def take(self, line: str) -> None:
        """Read one line."""
        line = _QUOTE.sub("", line, count=1) if _QUOTE.match(line) else line
        fence = _FENCE.match(line)
        if self._fence is not None:
            if fence and fence[1].startswith(self._fence) and not line[fence.end() :].strip("`~ \t"):
                self._fence = None
            return
        if fence and self._comment is None:
            self._fence = fence[1]
            return
        self._read(line)

    def _read(self, line: str) -> None:
        blank, said, done = without_code(line), "", 0
        for tag in _TAG.finditer(blank):
            said += self._keep(line[done : tag.start()])
            done = tag.end()
            said = self._tag(tag[0].lower(), said)
        self._say(said + self._keep(line[done:]))

    def _keep(self, text: str) -> str:
        """Put text where it belongs, and return it where that is the line itself."""
        if self._comment is not None:
            self._comment = (self._comment + text)[: MARK_CHARACTERS + 1]
        elif self._summary is not None:
            self._summary = (self._summary + text)[:MAX_SUMMARY_CHARACTERS]
        else:
            return text
        return ""

    def _tag(self, tag: str, said: str) -> str:
        """Follow a tag; what was said before it is returned where the line goes on."""
        if self._comment is not None:
            if tag == "-->":
                self._end_comment()
        elif tag == "<!--":
            self._comment = ""
        elif tag == "<summary>":
            self._summary = ""
        elif tag == "</summary>":
            self._end_summary()
        elif tag != "-->":
            self._say(said)
            self._end_summary()
            self._open() if tag.startswith("<details") else self._close()
            return ""
        return said

    def _end_comment(self) -> None:
        mark = _MARK.fullmatch(self._comment or "")
        if mark and not self._too_deep:
            self.folds[-1].content.append(Mark(mark[1]))
        self._comment = None

    def _end_summary(self) -> None:
        if self._summary is not None and not self._too_deep and not self.folds[-1].summary:
            self.folds[-1].summary = self._summary.strip()
        self._summary = None

    def _open(self) -> None:
        if len(self.folds) > MAX_DEPTH:
            self._too_deep += 1
            self._dropped = True
            return
        fold = Fold()
        self.folds[-1].content.append(fold)
        self.folds.append(fold)

    def _close(self) -> None:
        if self._too_deep:
            self._too_deep -= 1
        elif len(self.folds) > 1:
            self.folds.pop()

    def _say(self, text: str) -> None:
        said = text.strip()
        if said and not self._too_deep:
            self.folds[-1].content.append(said)
