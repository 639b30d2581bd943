"""Collecting a backlog: what is open on a change, read now and carried on from the backlog before."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.clock import Clock
from domain.findings import Severity
from forge.results import Results
from forge.reviews import Reviews
from loops.collecting.asking import Asking, Declared
from loops.collecting.carry import Previous, carry
from loops.collecting.items import Closed, Item, Trouble, TroubleReason
from loops.collecting.order import CollectOrder
from loops.triage.backlog import WORST_FIRST
from loops.triage.plan import UNRESOLVED

MAX_ITEMS = 2_000  # the worst; more than anybody looks through, and the file stays below 2 MB


@dataclass(frozen=True, slots=True)
class Collected:
    """A backlog. `head_sha` and `branch` are None where nobody could tell; items come worst first."""

    order: CollectOrder
    pr_number: int | None
    head_sha: str | None
    branch: str | None
    generated_at: datetime
    items: tuple[Item, ...]
    closed: tuple[Closed, ...]
    declared: Declared
    trouble: tuple[Trouble, ...]

    @property
    def complete(self) -> bool:
        """Tell whether nothing may be missing; a backlog that is not complete is never resolved."""
        return not any(one.reason.may_hide_findings for one in self.trouble)

    @property
    def counts(self) -> dict[Severity, int]:
        """Return how many items of each severity are open."""
        counted = Counter(one.severity for one in self.items)
        return {severity: counted[severity] for severity in WORST_FIRST}

    @property
    def unresolved(self) -> tuple[Item, ...]:
        """Return the items of medium severity or worse, and those of a severity nobody can tell."""
        return tuple(one for one in self.items if one.severity in UNRESOLVED)


async def collect(
    reviews: Reviews,
    results: Results,
    order: CollectOrder,
    previous: Previous | None,
    clock: Clock,
    known_trouble: Sequence[Trouble] = (),
) -> Collected:
    """Read what is open on a change, and carry on what `previous` knew; a forge that does not answer is a trouble.

    `known_trouble` is what kept a previous backlog from being read.
    """
    asking = Asking(reviews, results, order, [*known_trouble])
    pull = await asking.pull()
    number = order.pr_number or (pull.number if pull else None)
    head_sha = order.head_sha or (pull.head_sha if pull else None)
    seen = await asking.seen(pull, head_sha)
    carried = carry(asking.matching(previous, number), seen, head_sha)
    if len(carried.items) > MAX_ITEMS:
        detail = f"{len(carried.items)} items are open, the worst {MAX_ITEMS} are kept"
        asking.note("items", TroubleReason.TOO_MUCH, detail)
    return Collected(
        order=order,
        pr_number=number,
        head_sha=head_sha,
        branch=order.branch or (pull.head_branch if pull else None),
        generated_at=clock.now(),
        items=tuple(sorted(carried.items, key=_worst_first)[:MAX_ITEMS]),
        closed=carried.closed[:MAX_ITEMS],
        declared=asking.declared,
        trouble=tuple(asking.trouble),
    )


def _worst_first(item: Item) -> tuple[int, str, int, str]:
    return WORST_FIRST.index(item.severity), item.path or "", item.line or 0, item.fingerprint
