"""Reading mutmut 3: one `.meta` file per source file, and the totals of `mutmut export-cicd-stats`."""

import re
from collections import Counter

from domain.findings import MutantCounts
from loops.artifacts import ArtifactFile
from loops.mutation.model import OPERATOR_NOT_STATED, Mutant, MutantStatus, ToolRun
from loops.records import Record, read_record

TOOL = "mutmut 3"
STATS_FILE = "mutmut-cicd-stats.json"
META_SUFFIX = ".py.meta"
MUTANTS_FOLDER = "mutants/"
_SUMS = ("killed", "survived", "no_tests", "skipped", "suspicious", "timeout", "segfault")
_INTERRUPTED = "check_was_interrupted_by_user"
# Exit code of the worker -> status, as mutmut's own table has it; any other code is "suspicious".
_STATUS = {
    0: MutantStatus.SURVIVED,
    1: MutantStatus.KILLED,
    3: MutantStatus.KILLED,
    5: MutantStatus.NO_COVERAGE,
    33: MutantStatus.NO_COVERAGE,
    2: MutantStatus.PENDING,
    34: MutantStatus.IGNORED,
    36: MutantStatus.TIMEOUT,
    24: MutantStatus.TIMEOUT,
    -24: MutantStatus.TIMEOUT,
    152: MutantStatus.TIMEOUT,
    255: MutantStatus.TIMEOUT,
    37: MutantStatus.INVALID,
}
_KEY = re.compile(r"(?:.*\.)?x(?:_(?P<function>.+)|ǁ(?P<owner>.+)ǁ(?P<method>.+))__mutmut_\d+")


def read_mutmut(stats: ArtifactFile | None, metas: tuple[ArtifactFile, ...]) -> ToolRun:
    """Read one folder: mutants from the `.meta` files; totals alone where nobody uploaded those.

    Raises:
        ArtifactError: a file is not of that format, or totals and mutants belong to different runs.
    """
    totals = read_record(stats) if stats else None
    root = _root(stats)
    mutants = tuple(mutant for meta in metas for mutant in _mutants(meta, root))
    sums = _sums(totals) if totals and not metas else None
    if totals and metas and totals.count("total") != len(mutants):
        raise totals.wrong("total", f"is {totals.count('total')}, but the .meta files hold {len(mutants)} mutants")
    pending = sums.pending if sums else Counter(mutant.status for mutant in mutants)[MutantStatus.PENDING]
    return ToolRun(
        tool=TOOL,
        file=stats.name if stats else metas[0].name,
        shard=None,
        mutants=mutants,
        sums=sums,
        baseline_failed=False,
        complete=pending == 0,
        incomplete_because=f"{pending} mutants have no result: mutmut was interrupted",
        finished_at=None,
    )


def _root(stats: ArtifactFile | None) -> str:
    return stats.name.removesuffix(STATS_FILE) if stats else ""


def _source_file(meta: ArtifactFile, root: str) -> str:
    """Return the path of the mutated file: `.meta` files lie at the same path below mutmut's own folder."""
    name = meta.name.removesuffix(".meta")
    if root and name.startswith(root):
        return name.removeprefix(root)
    return name.rpartition(MUTANTS_FOLDER)[2]


def _mutants(meta: ArtifactFile, root: str) -> list[Mutant]:
    codes = read_record(meta).record("exit_code_by_key")
    file = _source_file(meta, root)
    return [
        Mutant(
            identity=(file, key),
            status=_status(codes, key),
            file=file,
            function=_function(key),
            line=None,  # mutmut does not say, and a made-up line would send people to the wrong place
            operator=OPERATOR_NOT_STATED,
            replacement=key,
        )
        for key in codes.values
    ]


def _status(codes: Record, key: str) -> MutantStatus:
    code = codes.values[key]
    if code is None:
        return MutantStatus.PENDING
    if not isinstance(code, int) or isinstance(code, bool):
        raise codes.wrong(key, "must be an exit code or null")
    return _STATUS.get(code, MutantStatus.ERROR)


def _function(key: str) -> str:
    """Turn `pkg.mod.x_func__mutmut_3` into `func` and `pkg.mod.xǁClassǁmethod__mutmut_3` into `Class.method`."""
    found = _KEY.fullmatch(key)
    if found is None:
        return key
    return found["function"] or f"{found['owner']}.{found['method']}"


def _sums(totals: Record) -> MutantCounts:
    """Map the totals. `total` also holds two sums that are not exported: not checked, caught by type check.

    They cannot be told apart from here, so what is hidden counts as pending.
    """
    named = {name: totals.count(name) for name in _SUMS}
    interrupted = totals.count(_INTERRUPTED)
    hidden = totals.count("total") - sum(named.values()) - interrupted
    if hidden < 0:
        raise totals.wrong("total", "is less than the sum of the other counts")
    return MutantCounts(
        killed=named["killed"],
        timeout=named["timeout"],
        survived=named["survived"],
        no_coverage=named["no_tests"],
        ignored=named["skipped"],
        error=named["suspicious"] + named["segfault"],
        pending=interrupted + hidden,
    )
