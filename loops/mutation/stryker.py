"""Reading the mutation-testing-elements report of StrykerJS, Stryker.NET, Stryker4s and others (schemaVersion 1 and 2)."""

import re
from collections.abc import Iterator

from domain.untrusted import clean_line
from loops.artifacts import ArtifactFile
from loops.mutation.model import FUNCTION_NOT_STATED, MAX_LINE, Mutant, MutantStatus, ToolRun, pending_in, told_apart
from loops.records import Record, read_record

TOOL = "Stryker"
STRYKER_FILES = frozenset({"mutation.json", "mutation-report.json"})  # StrykerJS and Stryker4s; Stryker.NET
TOOL_CHARACTERS = 40
_VERSION_FIELD = "schemaVersion"
_VERSION = re.compile(r"[12](?:\.\d{1,4}){0,2}")
_STATUS = {
    "Killed": MutantStatus.KILLED,
    "Survived": MutantStatus.SURVIVED,
    "NoCoverage": MutantStatus.NO_COVERAGE,
    "Timeout": MutantStatus.TIMEOUT,
    "CompileError": MutantStatus.INVALID,
    "RuntimeError": MutantStatus.INVALID,  # the schema's own score leaves out both kinds
    "Ignored": MutantStatus.IGNORED,
    "Pending": MutantStatus.PENDING,
}


def holds_stryker_report(file: ArtifactFile) -> bool:
    """Tell by its content whether a JSON file of any name is such a report.

    Raises:
        ArtifactError: it holds no JSON object.
    """
    return _VERSION_FIELD in read_record(file).values


def read_stryker(file: ArtifactFile) -> ToolRun:
    """Read one report. The format names no function and no end time, so neither is made up.

    Raises:
        ArtifactError: the file is not of that format.
    """
    document = read_record(file)
    if not _VERSION.fullmatch(document.text(_VERSION_FIELD)):
        raise document.wrong(_VERSION_FIELD, "must be 1 or 2, like 2.0", "let the tool write a report of schema 2")
    mutants = told_apart(_mutants(document))
    pending = pending_in(mutants)
    return ToolRun(
        tool=_tool(document),
        file=file.name,
        shard=None,
        mutants=mutants,
        sums=None,
        baseline_failed=False,
        complete=pending == 0,
        incomplete_because=f"{pending} mutants are still pending: the run was cut short",
        finished_at=None,
    )


def _mutants(document: Record) -> Iterator[Mutant]:
    # Packages of one repository are measured one by one and may hold files of the same name.
    root = document.optional_text("projectRoot") or ""
    files = document.record("files")
    for name in files.values:
        for record in files.record(name).records("mutants"):
            yield _mutant(record, root, name)


def _mutant(record: Record, root: str, file: str) -> Mutant:
    location = record.record("location")
    start = location.record("start")
    operator = record.text("mutatorName")
    replacement = record.optional_text("replacement") or ""
    where = f"{_place(start)}-{_place(location.record('end'))}"
    return Mutant(
        identity=(root, file, where, operator, replacement),
        # A status of a later schema is no reason to refuse the file, nor may it pass for a result.
        status=_STATUS.get(record.text("status"), MutantStatus.ERROR),
        file=file,
        function=FUNCTION_NOT_STATED,
        line=start.optional_count("line", MAX_LINE),
        operator=operator,
        replacement=replacement,
    )


def _place(position: Record) -> str:
    return f"{position.optional_count('line', MAX_LINE)}:{position.optional_count('column', MAX_LINE)}"


def _tool(document: Record) -> str:
    framework = document.optional_record("framework")
    if framework is None:
        return TOOL
    name, version = framework.optional_text("name") or TOOL, framework.optional_text("version") or ""
    return clean_line(f"{name} {version}", TOOL_CHARACTERS) or TOOL
