"""Reading `mutations.xml` of PIT (pitest): older files have one `index` per mutation, newer ones a list of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from loops.artifacts import ArtifactError, ArtifactFile, read_bytes
from loops.mutation.model import MAX_LINE, Mutant, MutantStatus, ToolRun, pending_in, told_apart

TOOL = "PIT"  # the file does not say of which version it is
PIT_FILE = "mutations.xml"
MAX_MARKUP = (
    2_000_000  # 33 per mutation of 700 bytes or more, so a full file of 32 MiB has 1,600,000; about 300 MB parsed
)
ATTRIBUTE_WEIGHT = 3  # an attribute takes as much memory as three tags
WITHOUT_DTD = "upload mutations.xml as PIT wrote it, without a document type"
_FORBIDDEN = ("<!DOCTYPE", "<!ENTITY")
_LINE = re.compile(r"[0-9]{1,8}")
# Attribute `detected` is not used: PIT's own score counts errors and classes that do not load as detected.
_STATUS = {
    "KILLED": MutantStatus.KILLED,
    "TIMED_OUT": MutantStatus.TIMEOUT,
    "SURVIVED": MutantStatus.SURVIVED,
    "NO_COVERAGE": MutantStatus.NO_COVERAGE,
    "NON_VIABLE": MutantStatus.INVALID,
    "EQUIVALENT": MutantStatus.IGNORED,  # proven to change nothing, so no test could notice it
    "RUN_ERROR": MutantStatus.ERROR,
    "MEMORY_ERROR": MutantStatus.ERROR,
    "NOT_STARTED": MutantStatus.PENDING,
    "STARTED": MutantStatus.PENDING,
}


def read_pit(file: ArtifactFile) -> ToolRun:
    """Read one report; PIT writes no end time.

    Raises:
        ArtifactError: the file is not of that format, or has a document type or entities.
    """
    mutants = told_apart(_mutants(file.name, _root(file)))
    pending = pending_in(mutants)
    return ToolRun(
        tool=TOOL,
        file=file.name,
        shard=None,
        mutants=mutants,
        sums=None,
        baseline_failed=False,
        complete=pending == 0,
        incomplete_because=f"{pending} mutants were not started or not ended: the run was cut short",
        finished_at=None,
    )


def _root(file: ArtifactFile) -> ET.Element:
    try:
        # Decoded here: in any other encoding a document type could hide from the search below.
        text = read_bytes(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ArtifactError(file.name, None, f"is not UTF-8 text (byte {error.start})") from error
    if not text.strip():
        raise ArtifactError(file.name, None, "is empty")
    if any(mark in text for mark in _FORBIDDEN):
        raise ArtifactError(file.name, None, "has a document type or entities, which are never expanded", WITHOUT_DTD)
    if text.count("<") + ATTRIBUTE_WEIGHT * text.count("=") > MAX_MARKUP:
        raise ArtifactError(file.name, None, f"holds more than {MAX_MARKUP} tags", "measure a part of the code")
    try:
        root = ET.fromstring(text)  # noqa: S314 - without a DTD there is nothing to expand or to fetch
    except ET.ParseError as error:
        raise ArtifactError(file.name, None, f"is not XML ({error})") from error
    if root.tag != "mutations":
        raise ArtifactError(file.name, None, "must hold mutations, not another document")
    return root


def _mutants(file: str, root: ET.Element) -> Iterator[Mutant]:
    for index, element in enumerate(root.findall("mutation")):
        yield _Mutation(file, f"mutation[{index}]", element).as_mutant()


@dataclass(frozen=True, slots=True)
class _Mutation:
    """One `mutation` element with the place it was found at."""

    file: str
    place: str
    element: ET.Element

    def as_mutant(self) -> Mutant:
        """Translate it, or raise ArtifactError for a field that is missing or wrong."""
        owner, method = self._text("mutatedClass"), self._text("mutatedMethod")
        package, _, name = owner.rpartition(".")
        source = "/".join([*package.split("."), self._text("sourceFile")] if package else [self._text("sourceFile")])
        mutator, line, description = self._text("mutator"), self._line(), self._optional_text("description")
        signature = self._optional_text("methodDescription")
        places = ",".join(index.text or "" for index in self.element.iter("index"))
        return Mutant(
            identity=(owner, method, signature, str(line), places, mutator, description),
            # A status of a later version is no reason to refuse the file, nor may it pass for a result.
            status=_STATUS.get(self._status(), MutantStatus.ERROR),
            file=source,
            function=f"{name}.{method}",
            line=line,
            operator=mutator.rpartition(".")[2],
            replacement=description,
        )

    def _optional_text(self, field: str) -> str:
        return (self.element.findtext(field) or "").strip()

    def _text(self, field: str) -> str:
        text = self._optional_text(field)
        if not text:
            raise self._wrong(field, "is missing")
        return text

    def _status(self) -> str:
        status = self.element.get("status")
        if status is None:
            raise self._wrong("status", "is missing")
        return status

    def _line(self) -> int | None:
        text = self._optional_text("lineNumber")
        if text and not (_LINE.fullmatch(text) and int(text) <= MAX_LINE):
            raise self._wrong("lineNumber", f"must be a whole number from 0 to {MAX_LINE}")
        return int(text or 0) or None  # 0 stands for code that was compiled without line numbers

    def _wrong(self, field: str, problem: str) -> ArtifactError:
        return ArtifactError(self.file, f"{self.place}.{field}", problem)
