"""How CI stands on a commit, from its runs and their lanes: pure, so that every mixture can be tried."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from domain.ci import Branch, CiReason, CiSnapshot, CiStatus, FailingLane
from domain.untrusted import clean_line
from forge.results import Lane, SourceRun

SOURCE = "github"
MOST_RUNS = 100  # one page; a commit with more of them is not judged green
MOST_LANES = 50  # of a large matrix the first ones are named, all are counted
NAME_CHARACTERS = 80
DETAIL_CHARACTERS = 200
PASSED = "success"
# Neither has anything to say against a commit, nor for it. Every other word does, also one that GitHub adds some day.
HARMLESS = frozenset({"skipped", "neutral"})
_DETAILS = {
    CiReason.ALL_PASSED: "every workflow that ran has passed",
    CiReason.LANES_FAIL: "lanes fail",
    CiReason.RUNS_PENDING: "nothing has failed so far",
    CiReason.NO_RUNS: "no run of this commit is known",
    CiReason.NOTHING_PASSED: "all runs were skipped",
    CiReason.TOO_MANY_RUNS: f"the commit has {MOST_RUNS} runs or more",
    CiReason.NO_BRANCH: "there is no such branch",
}


def newest(runs: Iterable[SourceRun], head: str) -> tuple[SourceRun, ...]:
    """Return the newest attempt of each workflow on this very commit, by the workflow's name.

    A fork's code is not the branch's, whatever its branch is called.
    """
    found: dict[str, SourceRun] = {}
    for run in runs:
        known = found.get(run.workflow)
        if run.head_sha == head and run.own_code and (known is None or _age(run) > _age(known)):
            found[run.workflow] = run
    return tuple(found[workflow] for workflow in sorted(found))


def has_news(run: SourceRun) -> bool:
    """Tell whether a run's lanes may have failed: they are worth a question of their own."""
    return not run.completed or _fails(run.conclusion)


def judge(
    branch: Branch, head: str, runs: Sequence[SourceRun], lanes: Mapping[int, tuple[Lane, ...]], taken_at: datetime
) -> CiSnapshot:
    """Say how the newest commit of a branch stands; `lanes` are those of the runs that have news, by run id.

    A run that failed although none of its lanes did (a workflow that does not start has none) stands for itself.
    """
    of_head = newest(runs, head)
    failing = [lane for run in of_head for lane in _failing(run, lanes.get(run.id, ()))]
    pending = sum(not run.completed for run in of_head)
    passed = any(run.conclusion == PASSED for run in of_head)
    reason = _reason(bool(of_head), bool(failing), pending, passed, len(runs) < MOST_RUNS)
    status = _STATUSES.get(reason, CiStatus.UNKNOWN)
    known = status is not CiStatus.UNKNOWN
    return CiSnapshot(
        status=status,
        reason=reason,
        detail=_DETAILS[reason],
        branch=branch,
        source=SOURCE,
        taken_at=taken_at,
        head_sha=head,
        measured_at=max((run.updated_at for run in of_head), default=None),
        lanes=tuple(failing[:MOST_LANES]),
        failing=len(failing) if known else None,
        pending=pending if known else None,
    )


def unseen(branch: Branch, reason: CiReason, taken_at: datetime, why: str | None = None) -> CiSnapshot:
    """Say that nothing is known of a branch, and why; `why` is the forge's own sentence."""
    detail = _DETAILS[reason] if why is None else clean_line(why, DETAIL_CHARACTERS)
    return CiSnapshot(CiStatus.UNKNOWN, reason, detail, branch, SOURCE, taken_at)


_STATUSES = {
    CiReason.LANES_FAIL: CiStatus.FAILING,
    CiReason.RUNS_PENDING: CiStatus.RUNNING,
    CiReason.ALL_PASSED: CiStatus.GREEN,
}


def _reason(known: bool, fails: bool, pending: int, passed: bool, complete: bool) -> CiReason:
    """Return the first of these that holds: what is bad first, what is good last."""
    verdicts = (
        (not known, CiReason.NO_RUNS),
        (fails, CiReason.LANES_FAIL),
        (not complete, CiReason.TOO_MANY_RUNS),
        (pending > 0, CiReason.RUNS_PENDING),
        (not passed, CiReason.NOTHING_PASSED),
    )
    return next((reason for holds, reason in verdicts if holds), CiReason.ALL_PASSED)


def _failing(run: SourceRun, lanes: tuple[Lane, ...]) -> Iterator[FailingLane]:
    workflow, blamed = clean_line(run.workflow, NAME_CHARACTERS), False
    for lane in lanes:
        if lane.conclusion is not None and _fails(lane.conclusion):
            blamed = True
            yield FailingLane(clean_line(lane.name, NAME_CHARACTERS), workflow, _word(lane.conclusion), lane.url)
    if run.completed and _fails(run.conclusion) and not blamed:
        yield FailingLane(workflow, workflow, _word(run.conclusion), run.url)


def _fails(conclusion: str | None) -> bool:
    return conclusion != PASSED and conclusion not in HARMLESS


def _word(conclusion: str | None) -> str:
    return clean_line(conclusion or "no conclusion", NAME_CHARACTERS)


def _age(run: SourceRun) -> tuple[datetime, int, int]:
    return run.started_at, run.id, run.attempt
