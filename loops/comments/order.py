"""What is to be said where, and what became of it."""

from dataclasses import dataclass
from enum import StrEnum

from domain.errors import UserError
from domain.untrusted import clean_line
from forge.comments import Comment, Target
from loops.comments.marker import Marker, SourceStamp, body_hash, target_word
from loops.report import LoopName

DETAIL_CHARACTERS = 400
MAX_UPDATES_PER_HOUR = 60  # the policy's own bound
USUAL_UPDATES_PER_HOUR = 6  # the policy's default


class CommentAction(StrEnum):
    """What became of a text: a closed list."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    CAPPED = "capped"
    FAILED = "failed"
    NO_TARGET = "no_target"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class CommentOutcome:
    """How publishing ended. It is no part of any verdict (D12); `detail` is one sentence for people, or empty."""

    action: CommentAction
    comment_id: int | None = None
    url: str | None = None
    detail: str = ""

    @property
    def failed(self) -> bool:
        """Tell whether people cannot read what we know; a repetition they were spared is no failure."""
        return self.action in (CommentAction.FAILED, CommentAction.NO_TARGET)


@dataclass(frozen=True, slots=True)
class CommentOrder:
    """One text for one target, written at most `max_per_hour` times; an escalation is a comment of its own.

    `only_changes`: where there is no such comment yet, none is made.

    Raises:
        UserError: a cap that no policy allows.
    """

    loop: LoopName
    target: Target
    body: str
    source: SourceStamp
    max_per_hour: int = USUAL_UPDATES_PER_HOUR
    escalation: bool = False
    only_changes: bool = False

    def __post_init__(self) -> None:
        """Refuse a cap out of bounds."""
        if not 0 <= self.max_per_hour <= MAX_UPDATES_PER_HOUR:
            raise UserError(f"max-per-hour: must be a number from 0 to {MAX_UPDATES_PER_HOUR}")

    @property
    def key(self) -> str:
        """Name the comment among all that this process may write."""
        kind = ":escalation" if self.escalation else ""
        return f"{self.loop}{kind} {self.target.repository.casefold()} {target_word(self.target)}"

    def marks(self, marker: Marker) -> bool:
        """Tell whether a marker is that of this comment."""
        mine = (self.loop, self.escalation, target_word(self.target))
        return (marker.loop, marker.escalation, marker.target) == mine

    def marker(self) -> Marker:
        """Return the marker of this text, without its times."""
        return Marker(self.loop, self.escalation, target_word(self.target), self.source, body_hash(self.body), ())


def outcome(action: CommentAction, comment: Comment | None = None, detail: str = "") -> CommentOutcome:
    """Say how it ended, and where to look."""
    shown = clean_line(detail, DETAIL_CHARACTERS)
    if comment is None:
        return CommentOutcome(action, detail=shown)
    return CommentOutcome(action, comment.id, comment.url, shown)
