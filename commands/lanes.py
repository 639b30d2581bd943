"""How CI is said to people: failing, stale, unknown, running and green never look alike (I11)."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from channels.gsm7 import fit, transliterate
from domain.ci import Branch, CiSnapshot, CiStatus
from domain.clock import describe_age, to_text
from domain.git_names import short
from domain.untrusted import clean_line
from store.tables import Tables

STALE = "stale"
SHOWN_LANES = 5
SHOWN_NAMES = 2  # of failing lanes, in one text message
SHORT_NAME_CHARACTERS = 22  # of a branch or lane there: a branch, its state and two lanes fit
ROOM_SEPTETS = 130  # of 145 (commands/paging.py): ` 123 more.` has to fit as well
_WORST_FIRST = (CiStatus.FAILING.value, CiStatus.UNKNOWN.value, STALE, CiStatus.RUNNING.value, CiStatus.GREEN.value)
Looked = tuple[Branch, CiSnapshot | None]


def looks(branches: Iterable[Branch], tables: Tables) -> list[Looked]:
    """Return the newest look at each branch."""
    return [(branch, tables.snapshots.ci(branch)) for branch in branches]


def state_of(snapshot: CiSnapshot | None, now: datetime) -> str:
    """Return one word for how a branch stands; what was seen too long ago is stale, whatever it was."""
    if snapshot is None:
        return CiStatus.UNKNOWN.value
    return STALE if snapshot.stale(now) else snapshot.status.value


def summary(found: list[Looked], now: datetime) -> str:
    """Say in one line how many branches stand how, the worst first, and how old the oldest look is."""
    counts = Counter(state_of(snapshot, now) for _, snapshot in found)
    said = ", ".join(f"{counts[state]} {state}" for state in _WORST_FIRST if counts[state])
    taken = [snapshot.taken_at for _, snapshot in found if snapshot is not None]
    unseen = len(found) - len(taken)
    age = f"; looked at {describe_age(min(taken), now)} ago" if taken else ""
    never = f"; {unseen} never looked at" if unseen else ""
    return f"CI: {said}{age}{never}"


def worst(found: list[Looked], now: datetime) -> str:
    """Say the worst state and how many branches are in it, in as few letters as can be."""
    counts = Counter(state_of(snapshot, now) for _, snapshot in found)
    state = next(state for state in _WORST_FIRST if counts[state])
    return f"CI {state} {counts[state]}/{len(found)}."


def describe(branch: Branch, snapshot: CiSnapshot | None, now: datetime) -> list[str]:
    """Say how one branch stands: a line with the state, one with time, source and commit, and its failing lanes."""
    if snapshot is None:
        return [f"{branch}: unknown, never looked at"]
    lines = [f"{branch}: {_standing(snapshot, now)}", f"  {_provenance(snapshot, now)}"]
    for lane in snapshot.lanes[:SHOWN_LANES]:
        where = "" if lane.name == lane.workflow else f" ({lane.workflow})"
        lines.append(f"  {lane.name}{where}: {lane.conclusion.replace('_', ' ')} {lane.url}")
    hidden = (snapshot.failing or 0) - min(len(snapshot.lanes), SHOWN_LANES)
    if hidden > 0:
        lines.append(f"  and {hidden} more")
    return lines


def in_one_text(found: list[Looked], now: datetime) -> str:
    """Say as much of all branches as one text message holds, the worst first, and how many more there are."""
    ordered = sorted(found, key=lambda one: _WORST_FIRST.index(state_of(one[1], now)))
    several = len({branch.repository for branch, _ in found}) > 1
    said = "CI"
    for shown, (branch, snapshot) in enumerate(ordered):
        label = f"{branch.repository.partition('/')[2]}@{branch.name}" if several else branch.name
        longer = f"{said} {_in_short(label, snapshot, now)}"
        if shown > 0 and fit(longer, limit_septets=ROOM_SEPTETS) != longer:
            return f"{said} {len(ordered) - shown} more."
        said = fit(longer, limit_septets=ROOM_SEPTETS)
    return said


def _in_short(label: str, snapshot: CiSnapshot | None, now: datetime) -> str:
    name, state = transliterate(clean_line(label, SHORT_NAME_CHARACTERS)), state_of(snapshot, now)
    if snapshot is None:
        return f"{name} {state}."
    age = f" ({describe_age(snapshot.taken_at, now)})"
    if state != CiStatus.FAILING.value:
        return f"{name} {state}{age}."
    lanes = (transliterate(clean_line(lane.name, SHORT_NAME_CHARACTERS)) for lane in snapshot.lanes[:SHOWN_NAMES])
    return f"{name} {state} {snapshot.failing}{age}: {', '.join(lanes)}."


def _standing(snapshot: CiSnapshot, now: datetime) -> str:
    if snapshot.status is CiStatus.UNKNOWN:
        said = f"unknown, {snapshot.detail}"
    else:
        failing = f" {snapshot.failing} lanes" if snapshot.failing else ""
        pending = f", {snapshot.pending} workflows still running" if snapshot.pending else ""
        said = f"{snapshot.status.value}{failing}{pending}"
    return f"STALE, it was {said}" if snapshot.stale(now) else said


def _provenance(snapshot: CiSnapshot, now: datetime) -> str:
    commit = short(snapshot.head_sha) if snapshot.head_sha else "unknown"
    seen = to_text(snapshot.taken_at)[:16] + "Z"
    return f"commit {commit}, as of {seen}, {describe_age(snapshot.taken_at, now)} old, from {snapshot.source}"
