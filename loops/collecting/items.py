"""The words of a collected backlog: its items, where they come from, why one is closed, and what could not be read."""

from dataclasses import dataclass
from enum import StrEnum

from domain.findings import Severity
from domain.untrusted import clean_line
from loops.triage.backlog import CATEGORY_CHARACTERS, SUMMARY_CHARACTERS

PATH_CHARACTERS = 400  # longer ones are told apart by their beginnings; a screen shows less
WORD_CHARACTERS = 60  # of a label nobody knows
DETAIL_CHARACTERS = 200
NO_TITLE = "(no title)"


def clean_path(path: str) -> str:
    """Return a path as items carry it, so that two of them can be compared."""
    return clean_line(path, PATH_CHARACTERS)


class ItemSource(StrEnum):
    """Where an item was read: a comment on a line, a review's own text, a job, another app's check, its remark."""

    INLINE = "inline"
    REVIEW_BODY = "review_body"
    LANE = "lane"
    CHECK = "check"
    ANNOTATION = "annotation"


class ItemStatus(StrEnum):
    """`open`: what was read now shows it at this commit. `carried`: an earlier commit did, and nothing closed it."""

    OPEN = "open"
    CARRIED = "carried"


class ClosedReason(StrEnum):
    """Why an item no longer counts (rules: loops/collecting/carry.py)."""

    OUTDATED = "outdated"
    ADDRESSED = "addressed"
    DELETED = "deleted"
    NO_LONGER_LISTED = "no_longer_listed"
    PASSED = "passed"
    NOT_RUN = "not_run"


class TroubleReason(StrEnum):
    """What kept something from being read; none of it is a finding (D8)."""

    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    NOT_FOUND = "not_found"
    MOVED_ON = "moved_on"
    UNREADABLE = "unreadable"
    OTHER_SOURCE = "other_source"
    UNKNOWN_SECTION = "unknown_section"
    SHORTFALL = "shortfall"
    TOO_MUCH = "too_much"
    FEWER_POSTED = "fewer_posted"

    @property
    def may_hide_findings(self) -> bool:
        """Tell whether the backlog is incomplete for it.

        Where fewer comments are shown than were announced, somebody deleted one, or GitHub took none: the sections of
        the review that hold the rest are counted by themselves.
        """
        return self is not TroubleReason.FEWER_POSTED


@dataclass(frozen=True, slots=True)
class Item:
    """One finding. `severity_word` is the label as written where nobody knows what it means.

    `first_seen_sha` is the commit it was first collected at, `seen_sha` the last one at which it was shown; both are
    empty where the forge tells none.
    """

    source: ItemSource
    category: str
    severity: Severity
    summary: str
    path: str | None
    line: int | None
    fingerprint: str
    url: str
    first_seen_sha: str
    seen_sha: str
    status: ItemStatus = ItemStatus.OPEN
    severity_word: str | None = None
    effort: str | None = None

    def __post_init__(self) -> None:
        """Clean and cap what outsiders wrote."""
        path = clean_path(self.path) if self.path else None
        object.__setattr__(self, "summary", clean_line(self.summary, SUMMARY_CHARACTERS) or NO_TITLE)
        object.__setattr__(self, "path", path or None)
        object.__setattr__(self, "category", clean_line(self.category, CATEGORY_CHARACTERS))
        for name in ("severity_word", "effort"):
            word = getattr(self, name)
            object.__setattr__(self, name, word and clean_line(word, WORD_CHARACTERS))


@dataclass(frozen=True, slots=True)
class Closed:
    """An item that does not count any more, and why."""

    item: Item
    reason: ClosedReason


@dataclass(frozen=True, slots=True)
class Trouble:
    """What could not be read: `part` is what was asked for, `detail` one sentence for people."""

    part: str
    reason: TroubleReason
    detail: str

    def __post_init__(self) -> None:
        """Clean and cap what outsiders may have written."""
        object.__setattr__(self, "detail", clean_line(self.detail, DETAIL_CHARACTERS))
