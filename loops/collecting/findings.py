"""One finding of CodeRabbit in the parts of its markdown: what it is called, how bad it says it is, its mark."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from domain.findings import Severity
from loops.collecting.items import NO_TITLE
from loops.collecting.labels import QUALITY, Label, leading_severity, read_label
from loops.collecting.markdown import Mark, Part, without_code, without_tags

AUTHOR = "coderabbitai[bot]"  # exactly: whoever is called nearly so is somebody else
LABEL_WITHIN_LINES = 3  # the newest form writes the place on a line of its own before the label
MAX_TITLE_CHARACTERS = 2_000  # looked at; far less is kept
# What is written for other programs is not a finding and never handed on, folded away or not.
PROMPT = re.compile(r"\W{0,10}Prompt for (?:[a-z ]{1,60} )?AI agents?\W{0,10}", re.IGNORECASE)
_ADDRESSED = re.compile(r"✅ Addressed in commits? [0-9a-f]{7,40}(?: to [0-9a-f]{7,40})?")


@dataclass(frozen=True, slots=True)
class Said:
    """One finding as it is written; `mark` is CodeRabbit's own id of it. `addressed`: it says itself that it is mended."""

    title: str
    category: str
    severity: Severity
    word: str | None
    effort: str | None
    mark: str | None
    addressed: bool


def read_finding(parts: Sequence[Part], tier: Severity | None = None) -> Said:
    """Read one finding; `tier` is the severity of the section that it stands in, for where it names none itself."""
    lines = _until_prompt([part for part in parts if isinstance(part, str)])
    label, begins = _label(lines)
    title = _title(lines[begins:])
    return Said(
        title=title,
        category=(label.category if label else None) or QUALITY,
        severity=_severity(label, tier, title),
        word=label.word if label and label.severity is Severity.UNKNOWN else None,
        effort=label.effort if label else None,
        mark=next((part.id for part in parts if isinstance(part, Mark)), None),
        addressed=any(_ADDRESSED.fullmatch(line) for line in lines),
    )


def _until_prompt(lines: list[str]) -> list[str]:
    cut = next((number for number, line in enumerate(lines) if PROMPT.fullmatch(line)), len(lines))
    return lines[:cut]


def _label(lines: Sequence[str]) -> tuple[Label | None, int]:
    """Return the label line and where the text after it begins."""
    for number, line in enumerate(lines[:LABEL_WITHIN_LINES]):
        label = read_label(line)
        if label is not None:
            return label, number + 1
    return None, 0


def _severity(label: Label | None, tier: Severity | None, title: str) -> Severity:
    if label is not None and label.severity is not None:
        return label.severity
    if tier is not None:
        return tier
    return leading_severity(title) if label is None else Severity.UNKNOWN


def _title(lines: Sequence[str]) -> str:
    """Return the first bold text, or the first line where none is; marks within code are none (`**/node_modules/`)."""
    for line in lines:
        found = _bold(line[:MAX_TITLE_CHARACTERS])
        if found:
            return found
    return without_tags(lines[0][:MAX_TITLE_CHARACTERS]) if lines else NO_TITLE


def _bold(line: str) -> str:
    blank = without_code(line)
    begin = blank.find("**")
    end = blank.find("**", begin + 2)
    return without_tags(line[begin + 2 : end]) if 0 <= begin < end else ""
