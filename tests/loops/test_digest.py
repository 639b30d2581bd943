"""Digests: one held notice stays itself, more become one message, and what is left out is counted."""

from datetime import datetime, timedelta

import pytest

from domain.effects import Deliver
from domain.notices import Notice, NoticeKind, Urgency
from loops.digest import LINE_CHARACTERS, release
from store.tables.held import Held
from tests.fakes.virtual_time import START

DAY = timedelta(hours=24)


def held(
    number: int,
    kind: NoticeKind = NoticeKind.FINAL,
    urgency: Urgency = Urgency.NORMAL,
    text: str | None = None,
    made_at: datetime = START,
) -> Held:
    notice = Notice(f"k{number}", kind, text or f"text {number}", urgency=urgency)
    deliver = Deliver("telegram:ann", notice, (f"ntfy:{number}",))
    return Held(number, "ann", "telegram:ann", deliver, made_at, START, made_at + DAY)


def text_of(*rows: Held, now: datetime = START) -> str:
    return release(rows, now).notice.text


def test_one_held_notice_is_sent_as_it_is() -> None:
    assert release([held(1)], START) == held(1).deliver


def test_more_become_one_digest_to_the_same_address() -> None:
    made = release([held(1), held(2, NoticeKind.ATTEMPT_DONE, Urgency.LOW), held(3)], START)
    assert (made.to, made.fallbacks) == ("telegram:ann", ("ntfy:3",))
    assert (made.notice.kind, made.notice.urgency) == (NoticeKind.DIGEST, Urgency.NORMAL)
    assert made.notice.text == "Held back for you: 1 attempt-done, 2 final.\ntext 1\ntext 2\ntext 3"


def test_five_lines_are_shown_what_matters_first_and_of_that_the_newest() -> None:
    attempts = [held(number, NoticeKind.ATTEMPT_START, Urgency.LOW) for number in (1, 3, 5)]
    finals = [held(number) for number in (2, 4, 6)]
    rows = sorted((*attempts, *finals), key=lambda one: one.id)
    assert text_of(*rows).splitlines()[1:] == ["text 2", "text 3", "text 4", "text 5", "text 6", "and 1 more: last"]
    assert text_of(*rows, held(7), held(8), held(9)).splitlines()[1:] == [
        "text 4",
        "text 6",
        "text 7",
        "text 8",
        "text 9",
        "and 4 more: last",
    ]


def test_exactly_five_leave_nothing_for_later() -> None:
    assert text_of(*(held(number) for number in range(5))).splitlines()[1:] == [f"text {one}" for one in range(5)]


def test_what_is_too_old_is_left_out_and_counted() -> None:
    old = held(1, made_at=START - DAY)
    assert text_of(old, held(2)) == "Held back for you: 2 final.\ntext 2\n1 of them, too old to matter, left out."
    assert text_of(old) == "Held back for you: 1 final.\n1 of them, too old to matter, left out."
    assert release([held(1)], START + DAY - timedelta(milliseconds=1)) == held(1).deliver


def test_a_long_or_broken_text_is_one_short_line() -> None:
    line = text_of(held(1, text="a\n\u202eb" + "x" * 1000), held(2)).splitlines()[1]
    assert len(line) == LINE_CHARACTERS
    assert line.startswith("a bx")


@pytest.mark.parametrize("other", [[held(1)], [held(1), held(3)], [held(2), held(1)]])
def test_the_same_notices_make_the_same_key_and_others_another(other: list[Held]) -> None:
    digest = release([held(1), held(2)], START).notice.key
    assert digest == release([held(1), held(2)], START + timedelta(minutes=1)).notice.key
    assert digest != release([*other, held(9)], START).notice.key
