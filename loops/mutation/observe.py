"""Looking into an artifact folder for mutation results: the loop's only file access."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath

from domain.snapshots import LoopReason
from loops.artifacts import ArtifactError, ArtifactFile, find_files, named_file
from loops.mutation.cargo_mutants import EARLIER_RUN_FOLDER, OUTCOMES_FILE, PLANNED_FILE, read_cargo_mutants
from loops.mutation.merge import ONE_RUN_ONLY, merge
from loops.mutation.model import MutationFacts, ToolRun
from loops.mutation.mutmut import META_SUFFIX, STATS_FILE, read_mutmut
from loops.mutation.pit import PIT_FILE, read_pit
from loops.mutation.run_record import RUN_RECORD_FILE, read_run_record
from loops.mutation.stryker import STRYKER_FILES, holds_stryker_report, read_stryker

MAX_MUTANTS = 200_000  # twice the largest project known; about 100 MB in memory

# Tools that write the whole run into one file: its name to the reader.
_REPORTS: Mapping[str, Callable[[ArtifactFile], ToolRun]] = {
    **dict.fromkeys(STRYKER_FILES, read_stryker),
    PIT_FILE: read_pit,
}

# Of mutmut files that somebody named themselves, as a file and not by its folder.
META_ENDINGS = (".meta", ".meta.json")
STATS_ENDING = "cicd-stats.json"
XML_ENDING = ".xml"


def observe(folder: Path, now: datetime) -> MutationFacts:
    """Read every result in the folder and merge them; a path that is a file is taken as the one result there is.

    Raises:
        ArtifactError: nothing there, unreadable, or not of one run; its `reason` says which.
    """
    named = named_file(folder)
    if named is not None:
        return merge([_named_run(named, now)], [])
    return observe_files(find_files(folder, is_result), folder.resolve().name, now)


def observe_files(listed: Sequence[ArtifactFile], place: str, now: datetime) -> MutationFacts:
    """Read and merge results wherever they lie; `place` is what an error calls where they were looked for.

    Raises:
        ArtifactError: as `observe`.
    """
    files = [file for file in listed if EARLIER_RUN_FOLDER not in PurePosixPath(file.name).parts]
    runs = [*_cargo_runs(files, now), *_mutmut_runs(files), *_report_runs(files)]
    if not runs:
        expected = (
            "outcomes.json (cargo-mutants), .py.meta or mutmut-cicd-stats.json (mutmut), "
            "mutation.json or mutation-report.json (Stryker), mutations.xml (PIT)"
        )
        raise ArtifactError(
            place,
            None,
            f"holds no {expected}",
            "let CI upload the tool's output",
            LoopReason.NO_ARTIFACT,
        )
    return merge(runs, [read_run_record(file, now) for file in files if file.own_name == RUN_RECORD_FILE])


def _named_run(file: ArtifactFile, now: datetime) -> ToolRun:
    """Read one file whatever it is called: mutmut's and XML files are told by their ending, the others by content."""
    if file.name.endswith(META_ENDINGS):
        return read_mutmut(None, (file,))
    if file.name.endswith(STATS_ENDING):
        return read_mutmut(file, ())
    if file.name.endswith(XML_ENDING):
        run = read_pit(file)
    elif holds_stryker_report(file):
        run = read_stryker(file)
    else:
        run = read_cargo_mutants(file, None, now)
    _check_amount(file, len(run.mutants))
    return run


def is_result(name: str) -> bool:
    """Tell by its own name whether a file is one that a tool's result is made of."""
    exact = name in {PLANNED_FILE, STATS_FILE, RUN_RECORD_FILE, *_REPORTS}
    return exact or name.endswith(META_SUFFIX) or OUTCOMES_FILE.fullmatch(name) is not None


def _cargo_runs(files: list[ArtifactFile], now: datetime) -> list[ToolRun]:
    planned = {PurePosixPath(file.name).parent: file for file in files if file.own_name == PLANNED_FILE}
    runs: list[ToolRun] = []
    for file in files:
        if OUTCOMES_FILE.fullmatch(file.own_name):
            beside = planned.get(PurePosixPath(file.name).parent) if file.own_name == "outcomes.json" else None
            runs.append(read_cargo_mutants(file, beside, now))
            _check_amount(file, sum(len(run.mutants) for run in runs))
    return runs


def _mutmut_runs(files: list[ArtifactFile]) -> list[ToolRun]:
    stats = [file for file in files if file.own_name == STATS_FILE]
    metas = tuple(file for file in files if file.own_name.endswith(META_SUFFIX))
    if len(stats) > 1:
        problem = f"lies beside {stats[1].name}: two runs"
        raise ArtifactError(stats[0].name, None, problem, ONE_RUN_ONLY, LoopReason.AMBIGUOUS_ARTIFACT)
    if not stats and not metas:
        return []
    run = read_mutmut(stats[0] if stats else None, metas)
    _check_amount(stats[0] if stats else metas[0], len(run.mutants))
    return [run]


def _report_runs(files: list[ArtifactFile]) -> list[ToolRun]:
    runs: list[ToolRun] = []
    for file in files:
        read = _REPORTS.get(file.own_name)
        if read is not None:
            runs.append(read(file))
            _check_amount(file, sum(len(run.mutants) for run in runs))
    return runs


def _check_amount(file: ArtifactFile, mutants: int) -> None:
    if mutants > MAX_MUTANTS:
        raise ArtifactError(file.name, None, f"brings the mutants above {MAX_MUTANTS}", "measure a part of the code")
