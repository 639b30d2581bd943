"""Making one measurement out of several result files, and refusing those that do not belong together."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from domain.findings import MutantCounts
from domain.snapshots import LoopReason
from loops.artifacts import ArtifactError
from loops.mutation.model import UNDETECTED, Mutant, MutationFacts, RunRecord, ToolRun

ONE_RUN_ONLY = "keep the results of one run only"


def merge(runs: Sequence[ToolRun], records: Sequence[RunRecord]) -> MutationFacts:
    """Merge the shards of one run; `runs` holds at least one.

    Raises:
        ArtifactError: with reason `ambiguous_artifact`: tools, versions, shards, commits or results contradict.
    """
    _check_one_tool(runs)
    _check_shards(runs)
    mutants = _distinct(runs)
    sums = runs[0].sums
    commits = sorted({record.head_sha for record in records if record.head_sha})
    if len(commits) > 1:
        raise _ambiguous(runs[0].file, f"lies beside records of {len(commits)} commits")
    return MutationFacts(
        tool=runs[0].tool,
        files=tuple(run.file for run in runs),
        shards_found=len(runs),
        counts=sums or MutantCounts(**Counter(mutant.status.value for mutant in mutants)),
        undetected=tuple(mutant for mutant in mutants if mutant.status in UNDETECTED),
        baseline_failed=any(run.baseline_failed for run in runs),
        unfinished=_unfinished(runs, records),
        finished_at=_finished_at(runs, records),
        head_sha=commits[0] if commits else None,
        run_url=next((record.run_url for record in records if record.run_url), None),
    )


def _ambiguous(file: str, problem: str) -> ArtifactError:
    return ArtifactError(file, None, problem, ONE_RUN_ONLY, LoopReason.AMBIGUOUS_ARTIFACT)


def _check_one_tool(runs: Sequence[ToolRun]) -> None:
    for run in runs[1:]:
        if run.tool != runs[0].tool:
            raise _ambiguous(run.file, f"is of {run.tool}, but {runs[0].file} is of {runs[0].tool}")


def _check_shards(runs: Sequence[ToolRun]) -> None:
    seen: dict[int, str] = {}
    for run in runs:
        if run.shard is not None and seen.setdefault(run.shard, run.file) != run.file:
            raise _ambiguous(run.file, f"is shard {run.shard} a second time, after {seen[run.shard]}")


def _distinct(runs: Sequence[ToolRun]) -> list[Mutant]:
    """Drop repeats: shards may overlap, but the same mutant cannot have ended in two ways."""
    kept: dict[tuple[str, ...], Mutant] = {}
    for run in runs:
        for mutant in run.mutants:
            first = kept.setdefault(mutant.identity, mutant)
            if first.status is not mutant.status:
                how = f"{mutant.status} and {first.status}"
                raise _ambiguous(run.file, f"gives a mutant of {mutant.file} two results, {how}")
    return list(kept.values())


def _unfinished(runs: Sequence[ToolRun], records: Sequence[RunRecord]) -> str | None:
    for run in runs:
        # CI writes its record after the tool has ended, which settles what an old layout leaves open.
        if run.complete is False or (run.complete is None and not records):
            return run.incomplete_because
    return None


def _finished_at(runs: Sequence[ToolRun], records: Sequence[RunRecord]) -> datetime | None:
    """Return the end of the oldest part, since a merged score is as old as that."""
    recorded = min((record.finished_at for record in records), default=None)
    ends = [run.finished_at or recorded for run in runs]
    known = [end for end in ends if end is not None]
    return min(known) if len(known) == len(ends) else None
