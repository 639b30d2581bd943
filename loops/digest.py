"""What becomes of notices that were held back: one is sent as it is, more become one digest; pure."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from domain.effects import Deliver
from domain.ids import fingerprint
from domain.notices import Notice, NoticeKind, Urgency
from domain.untrusted import clean_line
from store.tables.held import Held

LINES_SHOWN = 5  # what fits on a phone's screen without scrolling
LINE_CHARACTERS = 160
KEY_CHARACTERS = 32  # of a SHA-256 in hex: no two digests ever share it


def release(held: Sequence[Held], now: datetime) -> Deliver:
    """Return the one delivery that stands for all that was held for a person at one address, oldest first.

    What is older than its time is left out, but counted.
    """
    fresh = [one for one in held if one.expires_at > now]
    if len(held) == len(fresh) == 1:
        return fresh[0].deliver
    keys = "\n".join(one.deliver.notice.key for one in held)
    text = "\n".join([_counts(held), *_lines(fresh), *_expired(len(held) - len(fresh))])
    notice = Notice(f"digest:{fingerprint(keys)[:KEY_CHARACTERS]}", NoticeKind.DIGEST, text)
    newest = held[-1].deliver
    return Deliver(newest.to, notice, newest.fallbacks)


def _counts(held: Sequence[Held]) -> str:
    kinds = Counter(one.deliver.notice.kind.value for one in held)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    return f"Held back for you: {counts}."


def _lines(fresh: Sequence[Held]) -> list[str]:
    """Show what matters most, and of that the newest, in the order it happened."""
    ranked = sorted(fresh, key=lambda one: (one.deliver.notice.urgency is Urgency.LOW, -one.id))
    shown = sorted(ranked[:LINES_SHOWN], key=lambda one: one.id)
    lines = [clean_line(one.deliver.notice.text, LINE_CHARACTERS) for one in shown]
    more = len(fresh) - len(shown)
    return [*lines, f"and {more} more: last"] if more else lines


def _expired(count: int) -> list[str]:
    return [f"{count} of them, too old to matter, left out."] if count else []
