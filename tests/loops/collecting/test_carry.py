"""Findings are carried from commit to commit until something closes them; a push alone never does (D8)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.findings import Severity
from forge.reviews import Review
from loops.collecting.asking import review_seen
from loops.collecting.carry import Carried, Previous, ReviewSeen, Seen, carry
from loops.collecting.inline import InlineSeen
from loops.collecting.items import ClosedReason, Item, ItemSource, ItemStatus
from loops.collecting.lanes import LanesSeen
from tests.fakes.coderabbit_texts import file_part, finding, looked_at, section

OLD, NEW, NEWER = "a" * 40, "b" * 40, "c" * 40
START = datetime(2026, 11, 22, 12, tzinfo=UTC)
NOTHING = Seen((), (), LanesSeen((), frozenset(), settled=False), LanesSeen((), frozenset(), settled=False))
UNREAD = Seen(None, None, None, None)


def item(
    source: ItemSource = ItemSource.INLINE, name: str = "text:0a", sha: str = OLD, path: str | None = "a.py"
) -> Item:
    return Item(source, "quality", Severity.HIGH, "T", path, 3, name, "https://github.example/x", sha, sha)


def previous(*items: Item, minutes: int = 0) -> Previous:
    return Previous("acme/app", 7, START + timedelta(minutes=minutes), items)


def review(commit: str | None, minutes: int | None, text: str) -> ReviewSeen:
    at = None if minutes is None else START + timedelta(minutes=minutes)
    return review_seen(Review(1, "coderabbitai[bot]", text, "COMMENTED", commit, "https://github.example/r", at))


def lists(*findings: str, path: str = "a.py", title: str = "🧹 Nitpick comments") -> str:
    return section(f"{title} ({len(findings)})", file_part(path, *findings))


def after(*reviews: ReviewSeen, before: Previous | None = None, head: str = NEW) -> Carried:
    return carry(before, replace(NOTHING, reviews=reviews), head)


def closed(carried: Carried) -> list[ClosedReason]:
    return [one.reason for one in carried.closed]


T = finding("T", mark="0a")
LATER = looked_at("a.py")


def test_what_could_not_be_read_closes_nothing() -> None:
    known = previous(*(item(source, f"text:{number:02x}") for number, source in enumerate(ItemSource)))
    carried = carry(known, UNREAD, NEW)
    assert {one.source for one in carried.items} == set(ItemSource)
    assert {one.status for one in carried.items} == {ItemStatus.CARRIED}
    assert carried.closed == ()


def test_nothing_known_and_nothing_read_is_nothing() -> None:
    assert carry(None, UNREAD, None) == Carried((), ())


def test_a_comment_of_an_older_commit_stays_open_after_a_push() -> None:
    carried = carry(None, replace(NOTHING, inline=(InlineSeen(item(), None),)), NEW)
    assert [(one.status, one.first_seen_sha) for one in carried.items] == [(ItemStatus.CARRIED, OLD)]
    moved = carry(previous(item()), replace(NOTHING, inline=(InlineSeen(item(sha=NEW), None),)), NEW)
    assert [(one.status, one.first_seen_sha, one.seen_sha) for one in moved.items] == [(ItemStatus.OPEN, OLD, NEW)]


@pytest.mark.parametrize("reason", [ClosedReason.OUTDATED, ClosedReason.ADDRESSED])
def test_a_closed_comment_is_dropped_with_its_reason(reason: ClosedReason) -> None:
    carried = carry(previous(item()), replace(NOTHING, inline=(InlineSeen(item(), reason),)), NEW)
    assert (carried.items, closed(carried)) == ((), [reason])


def test_a_comment_that_is_not_there_any_more_was_deleted() -> None:
    carried = carry(previous(item()), NOTHING, NEW)
    assert (carried.items, closed(carried)) == ((), [ClosedReason.DELETED])


def test_a_finding_written_again_is_open_although_its_older_comment_is_outdated() -> None:
    both = (InlineSeen(item(), ClosedReason.OUTDATED), InlineSeen(item(sha=NEW), None))
    carried = carry(previous(item()), replace(NOTHING, inline=both), NEW)
    assert (len(carried.items), carried.closed) == (1, ())


def test_a_finding_of_a_review_is_open_at_its_commit_and_carried_after_a_push() -> None:
    assert [one.status for one in after(review(NEW, 1, lists(T))).items] == [ItemStatus.OPEN]
    (carried,) = after(review(OLD, 1, lists(T))).items
    assert (carried.status, carried.first_seen_sha, carried.source) == (ItemStatus.CARRIED, OLD, ItemSource.REVIEW_BODY)


def test_a_later_review_of_the_file_that_does_not_list_it_closes_it() -> None:
    carried = after(review(OLD, 1, lists(T)), review(NEW, 2, LATER))
    assert (carried.items, closed(carried)) == ((), [ClosedReason.NO_LONGER_LISTED])


@pytest.mark.parametrize(
    "later",
    [
        review(NEW, 2, looked_at("b.py")),
        review(NEW, 2, ""),
        review(OLD, 2, LATER),
        review(None, 2, LATER),
        review(NEW, None, LATER),
        review(NEW, 1, LATER),
        review(NEW, 2, LATER + lists(T)),
        review(NEW, 2, LATER + lists(T, title="♻️ Duplicate comments")),
    ],
    ids=["other file", "no file", "same commit", "no commit", "no time", "same time", "listed", "repeated"],
)
def test_other_reviews_close_nothing(later: ReviewSeen) -> None:
    assert [one.summary for one in after(review(OLD, 1, lists(T)), later).items] == ["T"]


def test_a_repetition_keeps_a_finding_at_its_newest_commit_and_makes_no_new_one() -> None:
    again = review(NEW, 2, lists(T, title="♻️ Duplicate comments"))
    (kept,) = after(review(OLD, 1, lists(T)), again).items
    assert (kept.status, kept.first_seen_sha, kept.seen_sha) == (ItemStatus.OPEN, OLD, NEW)
    assert after(again).items == ()
    nowhere = after(review(OLD, 1, lists(T)), review(None, 2, lists(T, title="♻️ Duplicate comments")))
    assert nowhere.items[0].seen_sha == ""


def test_a_file_with_nothing_left_to_review_makes_its_findings_outdated() -> None:
    gone = review(NEW, 2, looked_at("a.py", title="💤 Files with no reviewable changes"))
    assert closed(after(review(OLD, 1, lists(T)), gone)) == [ClosedReason.OUTDATED]


def test_a_closed_finding_that_is_listed_again_is_open_again() -> None:
    carried = after(review(OLD, 1, lists(T)), review(NEW, 2, LATER), review(NEWER, 3, lists(T)), head=NEWER)
    assert [(one.status, one.first_seen_sha) for one in carried.items] == [(ItemStatus.OPEN, NEWER)]
    assert carried.closed == ()


def test_a_finding_whose_review_shows_it_no_more_is_carried_until_a_later_review_of_its_file() -> None:
    known = previous(item(ItemSource.REVIEW_BODY), minutes=5)
    assert len(after(review(NEW, 4, LATER), before=known).items) == 1
    assert closed(after(review(NEW, 6, LATER), before=known)) == [ClosedReason.NO_LONGER_LISTED]
    placeless = previous(item(ItemSource.REVIEW_BODY, path=None), minutes=5)
    assert len(after(review(NEW, 6, LATER), before=placeless).items) == 1


def test_a_known_finding_keeps_the_commit_it_was_first_seen_at() -> None:
    known = previous(replace(item(ItemSource.REVIEW_BODY, "cr:0a"), first_seen_sha=OLD), minutes=5)
    (kept,) = after(review(NEW, 6, lists(T)), before=known).items
    assert (kept.first_seen_sha, kept.seen_sha) == (OLD, NEW)
    forgotten = previous(replace(item(ItemSource.REVIEW_BODY, "cr:0a"), first_seen_sha=""), minutes=5)
    assert after(review(NEW, 6, lists(T)), before=forgotten).items[0].first_seen_sha == ""


def test_a_review_without_a_time_lists_and_is_not_closed_by_the_next_one() -> None:
    assert len(after(review(OLD, None, lists(T)), review(NEW, 2, LATER)).items) == 1


def test_a_comment_on_a_line_stands_for_the_same_finding_of_a_review() -> None:
    inline = InlineSeen(item(name="cr:0a", sha=NEW), None)
    carried = carry(None, replace(NOTHING, inline=(inline,), reviews=(review(OLD, 1, lists(T)),)), NEW)
    assert [one.source for one in carried.items] == [ItemSource.INLINE]


@pytest.mark.parametrize(
    ("lanes", "items", "reasons"),
    [
        (LanesSeen((), frozenset(), settled=False), 1, []),
        (LanesSeen((item(ItemSource.LANE, sha=NEW),), frozenset(), settled=True), 1, []),
        (LanesSeen((), frozenset({"text:0a"}), settled=False), 0, [ClosedReason.PASSED]),
        (LanesSeen((), frozenset(), settled=True), 0, [ClosedReason.NOT_RUN]),
    ],
    ids=["not run yet", "fails again", "passed", "not part of this commit"],
)
def test_a_failed_lane_is_carried_until_it_passed_or_everything_is_over(
    lanes: LanesSeen, items: int, reasons: list[ClosedReason]
) -> None:
    known = previous(item(ItemSource.LANE))
    carried = carry(known, replace(NOTHING, lanes=lanes), NEW)
    assert (len(carried.items), closed(carried)) == (items, reasons)
    of_checks = carry(previous(item(ItemSource.CHECK)), replace(NOTHING, checks=lanes), NEW)
    assert (len(of_checks.items), closed(of_checks)) == (items, reasons)
