"""CodeRabbit's comments on lines as items: whether they are still about a line, and whether it calls them addressed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from forge.reviews import ReviewComment
from loops.collecting.findings import AUTHOR, Said, read_finding
from loops.collecting.fingerprint import of_mark, of_text
from loops.collecting.items import ClosedReason, Item, ItemSource
from loops.collecting.markdown import cut


@dataclass(frozen=True, slots=True)
class InlineSeen:
    """One comment on a line; `closed` says why it does not count any more, None while it does."""

    item: Item
    closed: ClosedReason | None


def inline_seen(comments: Iterable[ReviewComment]) -> Iterator[InlineSeen]:
    """Read the comments that begin a thread; replies, and what others wrote, are no findings."""
    for comment in comments:
        if comment.author == AUTHOR and comment.in_reply_to is None:
            said = read_finding(cut(comment.body).content)
            yield InlineSeen(_item(comment, said), _closed(comment, said))


def _closed(comment: ReviewComment, said: Said) -> ClosedReason | None:
    if comment.outdated:
        return ClosedReason.OUTDATED
    return ClosedReason.ADDRESSED if said.addressed else None


def _item(comment: ReviewComment, said: Said) -> Item:
    return Item(
        source=ItemSource.INLINE,
        category=said.category,
        severity=said.severity,
        summary=said.title,
        path=comment.path,
        line=comment.line if comment.line is not None else comment.original_line,
        fingerprint=name_of(said, comment.path),
        url=comment.url,
        first_seen_sha=comment.commit_id,
        seen_sha=comment.commit_id,
        severity_word=said.word,
        effort=said.effort,
    )


def name_of(said: Said, path: str) -> str:
    """Return a finding's fingerprint."""
    return of_mark(said.mark) if said.mark else of_text("text", path, said.category, said.title)
