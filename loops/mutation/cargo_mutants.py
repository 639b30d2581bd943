"""Reading `outcomes.json` of cargo-mutants 23 to 27 (fields as its source writes them; unknown keys are ignored)."""

import re
from datetime import datetime

from loops.artifacts import ArtifactError, ArtifactFile, read_json
from loops.mutation.model import MAX_LINE, MODULE_LEVEL, OPERATOR_NOT_STATED, Mutant, MutantStatus, ToolRun
from loops.records import Record, read_record

TOOL = "cargo-mutants"
OUTCOMES_FILE = re.compile(r"(?:[\w.-]+-)?outcomes\.json")  # also the shard-N-outcomes.json that collecting jobs write
PLANNED_FILE = "mutants.json"
EARLIER_RUN_FOLDER = "mutants.out.old"  # the tool moves its previous output there
_SHARD = re.compile(r"shard[-_]?(\d{1,4})(?!\d)")
_VERSION = re.compile(r"\d{1,4}(?:\.\d{1,4}){0,2}")
_STATUS = {
    "CaughtMutant": MutantStatus.KILLED,
    "MissedMutant": MutantStatus.SURVIVED,
    "Timeout": MutantStatus.TIMEOUT,
    "Unviable": MutantStatus.INVALID,
    "Success": MutantStatus.PENDING,  # `--check` builds mutants and never tests them
    "Failure": MutantStatus.ERROR,  # cargo itself died: in total_mutants, in no other sum
}


def read_cargo_mutants(file: ArtifactFile, planned: ArtifactFile | None, now: datetime) -> ToolRun:
    """Read one run or shard; `planned` is the `mutants.json` beside it, which only layouts before 26.0 need.

    Sums in the file are not trusted: everything is counted again from its rows.

    Raises:
        ArtifactError: the file is not of that format.
    """
    document = read_record(file)
    mutants: list[Mutant] = []
    baseline_failed = False
    for row in document.records("outcomes"):
        summary = row.text("summary")
        if row.values.get("scenario") == "Baseline":
            baseline_failed = baseline_failed or summary != "Success"
        else:
            mutants.append(_mutant(row.record("scenario").record("Mutant"), summary))
    finished_at = document.optional_time("end_time", now)
    complete, because = _completeness(document, len(mutants), planned)
    return ToolRun(
        tool=_tool(document),
        file=file.name,
        shard=_shard(file.name),
        mutants=tuple(mutants),
        sums=None,
        baseline_failed=baseline_failed,
        complete=complete,
        incomplete_because=because,
        finished_at=finished_at,
    )


def _mutant(record: Record, summary: str) -> Mutant:
    file = record.text("file")
    span = record.optional_record("span")
    start = span.record("start") if span else None
    operator = record.optional_text("genre") or OPERATOR_NOT_STATED
    replacement = record.optional_text("replacement") or ""
    where = f"{_place(start)}-{_place(span.record('end'))}" if span and start else ""
    return Mutant(
        identity=(record.optional_text("package") or "", file, where, replacement, operator),
        # A summary of a later version is no reason to refuse the file, nor may it pass for a result.
        status=_STATUS.get(summary, MutantStatus.ERROR),
        file=file,
        function=_function(record),
        line=start.optional_count("line", MAX_LINE) if start else record.optional_count("line", MAX_LINE),
        operator=operator,
        replacement=replacement,
    )


def _place(position: Record) -> str:
    return f"{position.optional_count('line', MAX_LINE)}:{position.optional_count('column', MAX_LINE)}"


def _function(record: Record) -> str:
    function = record.values.get("function")
    if function is None:
        return MODULE_LEVEL
    if isinstance(function, str):  # before 23.12
        return function
    return record.record("function").text("function_name")


def _completeness(document: Record, rows: int, planned: ArtifactFile | None) -> tuple[bool | None, str]:
    """Tell whether the run reached its end: the tool rewrites the file after every mutant."""
    total = document.optional_count("total_mutants")
    if total is not None and total != rows:
        return False, f"{document.file} counts {total} mutants and holds {rows}"
    if "end_time" in document.values:
        return document.values["end_time"] is not None, f"{document.file} has no end_time: the run was cut short"
    if planned is None:
        return None, f"{document.file} is of a cargo-mutants before 26.0: put mutants.json beside it to show it ended"
    plan = read_json(planned)
    if not isinstance(plan, list):
        raise ArtifactError(planned.name, None, "must be a list of mutants")
    return len(plan) == rows, f"{document.file} holds {rows} of {len(plan)} planned mutants"


def _tool(document: Record) -> str:
    version = document.optional_text("cargo_mutants_version")
    if version is None:
        return TOOL
    if not _VERSION.match(version):
        raise document.wrong("cargo_mutants_version", "must be a version like 27.1.0")
    return f"{TOOL} {version[:20]}"


def _shard(name: str) -> int | None:
    # The innermost folder or file that names a shard is the one that holds it.
    numbers = _SHARD.findall(name)
    return int(numbers[-1]) if numbers else None
