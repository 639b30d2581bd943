"""Whatever the order of runs, answers and deletions: never older over newer, never two of ours, never above the cap."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from forge.comments import Target, TargetKind
from loops.comments.marker import SourceStamp, read_comment
from loops.comments.memory import NoMemory
from loops.comments.order import CommentAction, CommentOrder
from loops.comments.upsert import publish
from loops.report import LoopName
from tests.fakes.comments_in_memory import CommentsInMemory
from tests.fakes.virtual_time import START, VirtualTime

PULL = Target("acme/app", TargetKind.PULL, "7")
CAP = 2

runs = st.tuples(st.integers(1, 6), st.integers(1, 2))
reports = st.builds(lambda run, lost: ("report", run, lost), runs, st.integers(0, 2))
twins = runs.map(lambda run: ("twin", run, 0))
copies = runs.map(lambda run: ("copy", run, 0))
others = st.sampled_from([("delete", (1, 1), 0), ("pass", (1, 1), 25), ("pass", (1, 1), 61)])
scripts = st.lists(st.one_of(reports, reports, reports, twins, copies, others), min_size=1, max_size=14)


def order(run: int, attempt: int) -> CommentOrder:
    source = SourceStamp(run, attempt, START + timedelta(minutes=run), "a1" * 20)
    return CommentOrder(LoopName.TRIAGE, PULL, f"run {run}.{attempt}\n", source, CAP)


@dataclass
class Thread:
    """A pull request that runs report to, and what our comment there must be."""

    clock: VirtualTime = field(default_factory=VirtualTime)
    newest: tuple[int, int] = (0, 0)
    twins: int = 0
    written_at: list[datetime] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.comments = CommentsInMemory(self.clock)
        self.memory = NoMemory()

    async def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    async def play(self, what: str, run: tuple[int, int], number: int) -> None:
        if what == "pass":
            self.clock.advance(60 * number)
        elif what == "delete" and self.comments.own:
            self.comments.shown.clear()
            self.newest, self.written_at = (0, 0), []  # with the comment its times are gone: only a memory knows them
        elif what == "copy":
            self.comments.put(self.text(run), own=False)
        elif what == "twin":
            self.comments.put(self.text(run), own=True)
            self.newest, self.twins = max(self.newest, run), self.twins + 1
        elif what == "report":
            await self.report(run, number)

    def text(self, run: tuple[int, int]) -> str:
        marker = replace(order(*run).marker(), writes=(self.clock.now() - timedelta(hours=2),))
        return marker.text() + order(*run).body

    async def report(self, run: tuple[int, int], lost: int) -> None:
        before = self.shown()
        self.comments.lost, written = lost, self.comments.written
        ended = await publish(self.comments, order(*run), self.memory, self.clock, self.wait)
        self.comments.lost = 0
        made = self.comments.written - written
        self.written_at += [self.clock.now()] * made
        if ended.action is CommentAction.CAPPED:
            assert (made, self.shown()) == (0, before)
            return
        assert not ended.failed
        self.newest = max(self.newest, run)
        assert self.shown() == [self.newest]
        assert made == 0 or before != [run]

    def shown(self) -> list[tuple[int, int]]:
        """Return which run each of our own marked comments shows."""
        found = [read_comment(one.body) for one in self.comments.own]
        return [self.run_of(one[1]) for one in found if one is not None]

    def run_of(self, body: str) -> tuple[int, int]:
        run, attempt = body.removeprefix("run ").split(".")
        return int(run), int(attempt)

    def most_in_an_hour(self) -> int:
        hour = timedelta(hours=1)
        return max(
            (sum(0 <= (at - begin) / hour < 1 for at in self.written_at) for begin in self.written_at), default=0
        )


@given(scripts)
@settings(max_examples=400, deadline=None)
def test_any_order_of_runs_leaves_one_comment_with_the_newest_text(
    script: list[tuple[str, tuple[int, int], int]],
) -> None:
    thread = Thread()

    async def play_all() -> None:
        for what, run, number in script:
            await thread.play(what, run, number)

    asyncio.run(play_all())
    assert thread.most_in_an_hour() <= max(CAP, 1 + thread.twins)
    assert thread.comments.not_own_changed == 0
