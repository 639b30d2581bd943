"""What is open now: what was read, and what an earlier backlog knew and nothing has closed.

A push alone never makes a finding vanish (D8). It is carried until it is closed, and each kind has its own ways:
- a comment on a line: `outdated`, GitHub shows it at no line any more because that line changed; `addressed`, CodeRabbit
  wrote so into the comment; `deleted`, it is not among the comments any more. Its thread's resolution shows in GraphQL only.
- a finding of a review's own text: `no_longer_listed`, a later review of another commit looked at its file and does not
  list it (a repetition in the section of duplicates is a listing); `outdated`, such a review found nothing left to look at
  in the file. Who looked at which files the reviews say themselves.
- a failed job, check or remark: `passed`, it ended well at this commit; `not_run`, everything at this commit is over and
  it is not among it.
What could not be read closes nothing: all its items are carried.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from loops.collecting.inline import InlineSeen
from loops.collecting.items import Closed, ClosedReason, Item, ItemSource, ItemStatus
from loops.collecting.lanes import LanesSeen
from loops.collecting.review_body import ReviewBody


@dataclass(frozen=True, slots=True)
class Previous:
    """The backlog before this one."""

    repository: str
    pr_number: int | None
    generated_at: datetime
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class ReviewSeen:
    """One review, read: of which commit and when, None where that was not told, and its findings as items."""

    commit: str | None
    at: datetime | None
    body: ReviewBody
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What could be read now; None is what could not. Reviews come oldest first."""

    inline: tuple[InlineSeen, ...] | None
    reviews: tuple[ReviewSeen, ...] | None
    lanes: LanesSeen | None
    checks: LanesSeen | None


@dataclass(frozen=True, slots=True)
class Carried:
    """What is open, and what was closed of all that was known or read; every fingerprint stands once."""

    items: tuple[Item, ...]
    closed: tuple[Closed, ...]


_Items = dict[str, Item]
_Reasons = dict[str, Closed]


def carry(previous: Previous | None, seen: Seen, head_sha: str | None) -> Carried:
    """Say what is open at `head_sha`, by the rules above."""
    known = {one.fingerprint: one for one in previous.items} if previous else {}
    closed: _Reasons = {}
    open_items = {
        **_lanes(seen.checks, _of(known, ItemSource.CHECK, ItemSource.ANNOTATION), closed),
        **_lanes(seen.lanes, _of(known, ItemSource.LANE), closed),
        **_reviews(seen.reviews, _of(known, ItemSource.REVIEW_BODY), previous, closed),
        **_inline(seen.inline, _of(known, ItemSource.INLINE), closed),  # last: a comment on a line can be answered
    }
    return Carried(
        tuple(_at(one, known.get(one.fingerprint), head_sha) for one in open_items.values()),
        tuple(one for name, one in closed.items() if name not in open_items),
    )


def _of(known: Mapping[str, Item], *sources: ItemSource) -> _Items:
    return {name: one for name, one in known.items() if one.source in sources}


def _at(item: Item, before: Item | None, head_sha: str | None) -> Item:
    """Return an item as it stands at this commit, first seen where it first was."""
    first = before.first_seen_sha if before and before.first_seen_sha else item.first_seen_sha
    status = ItemStatus.OPEN if item.seen_sha == head_sha else ItemStatus.CARRIED
    return replace(item, first_seen_sha=first, status=status)


def _inline(seen: tuple[InlineSeen, ...] | None, known: _Items, closed: _Reasons) -> _Items:
    if seen is None:
        return known
    found: _Items = {}
    for one in seen:
        if one.closed is None:
            found[one.item.fingerprint] = one.item
        else:
            closed[one.item.fingerprint] = Closed(one.item, one.closed)
    for name, item in known.items():
        if name not in found and name not in closed:
            closed[name] = Closed(item, ClosedReason.DELETED)
    return found


def _reviews(seen: tuple[ReviewSeen, ...] | None, known: _Items, previous: Previous | None, closed: _Reasons) -> _Items:
    """Go through the reviews in their order: each closes what it should have listed, then opens what it lists."""
    since = dict.fromkeys(known, previous.generated_at) if previous else {}
    found = dict(known)
    for review in seen or ():
        listed = {one.fingerprint for one in (*review.body.findings, *review.body.repeated)}
        for name, item in list(found.items()):
            reason = None if name in listed else _closing(item, review, since.get(name))
            if reason is not None:
                closed[name] = Closed(found.pop(name), reason)
        for item in review.items:
            before = found.get(item.fingerprint)
            found[item.fingerprint] = replace(item, first_seen_sha=before.first_seen_sha) if before else item
            _note(since, item.fingerprint, review.at)
        for one in review.body.repeated:
            if one.fingerprint in found:
                found[one.fingerprint] = replace(found[one.fingerprint], seen_sha=review.commit or "")
    return found


def _note(since: dict[str, datetime], name: str, at: datetime | None) -> None:
    if at is None:
        since.pop(name, None)
    else:
        since[name] = at


def _closing(item: Item, review: ReviewSeen, since: datetime | None) -> ClosedReason | None:
    """Say why a review that does not list an item closes it: it is later, of another commit, and of the same file."""
    later = review.at is not None and since is not None and review.at > since
    if not later or not review.commit or review.commit == item.seen_sha or item.path is None:
        return None
    if item.path in review.body.passed_by:
        return ClosedReason.OUTDATED
    return ClosedReason.NO_LONGER_LISTED if item.path in review.body.reviewed else None


def _lanes(seen: LanesSeen | None, known: _Items, closed: _Reasons) -> _Items:
    if seen is None:
        return known
    found = {one.fingerprint: one for one in seen.items}
    for name, item in known.items():
        if name in found:
            continue
        if name in seen.passed or seen.settled:
            reason = ClosedReason.PASSED if name in seen.passed else ClosedReason.NOT_RUN
            closed[name] = Closed(item, reason)
        else:
            found[name] = item
    return found
