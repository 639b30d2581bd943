"""The documents of any loop's report, by the suffix they get in a bundle."""

from domain.snapshots import MutationSnapshot
from loops.mutation.document import mutation_documents
from loops.report import LoopReport
from loops.triage.document import triage_documents


def documents(report: LoopReport) -> dict[str, str]:
    """Write `.md`, `.json`, `-comment.json`, and `-playbook.md` (mutation) or `-proposal.md` (triage).

    Raises:
        ValueError: a mutation report without its evidence, which no loop makes.
    """
    from loops.comments.documents import comment_document  # noqa: PLC0415 - its models cost memory until a report is made

    return {**_own_documents(report), "-comment.json": comment_document(report)}


def _own_documents(report: LoopReport) -> dict[str, str]:
    if not isinstance(report.snapshot, MutationSnapshot):
        return triage_documents(report, report.snapshot)
    if report.evidence is None:
        raise ValueError("a mutation report carries its evidence")
    return mutation_documents(report, report.snapshot, report.evidence)
