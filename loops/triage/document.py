"""The documents of a triage report: what is open, the same for programs, and a proposal who takes what."""

from collections import defaultdict
from dataclasses import asdict

from domain.findings import Finding, Severity
from domain.snapshots import TriageSnapshot
from loops.rendering import figure, head_lines, head_values, json_text, markdown_text, prose
from loops.report import LoopReport
from loops.triage.backlog import WORST_FIRST

# Who looks after what, in the order the proposal names them; anything else goes to the maintainers.
_OWNERS = {
    "security": "security",
    "ci": "platform",
    "infra": "platform",
    "release": "release",
    "quality": "runtime",
    "performance": "runtime",
    "docs": "docs",
}
MAINTAINERS = "maintainers"
NOT_APPLIED = "A proposal only: nothing was changed, and the texts below are quoted from reviews."


def triage_documents(report: LoopReport, snapshot: TriageSnapshot) -> dict[str, str]:
    """Write the bundle: suffix to text."""
    return {
        ".md": _markdown(report, snapshot),
        "-proposal.md": _proposal(report, snapshot),
        ".json": _json(report, snapshot),
    }


def _markdown(report: LoopReport, snapshot: TriageSnapshot) -> str:
    lines = [
        *head_lines(report, "Triage report"),
        "",
        "## Open",
        "",
        f"- High or critical: {figure(snapshot.high)}",
        f"- Medium: {figure(snapshot.medium)}",
        f"- Of unknown severity: {figure(snapshot.unknown_severity)}",
    ]
    if snapshot.findings:
        lines += ["", "## Findings", "", *(f"- {_line(finding)}" for finding in snapshot.findings)]
    return markdown_text(lines)


def _line(finding: Finding) -> str:
    place = f" {prose(finding.path, len(finding.path))}" if finding.path else ""
    line = f":{finding.line}" if finding.path and finding.line is not None else ""
    return f"{finding.severity}, {prose(finding.category)}:{place}{line} {prose(finding.summary, len(finding.summary))}"


def _proposal(report: LoopReport, snapshot: TriageSnapshot) -> str:
    lines = [*head_lines(report, "Triage proposal"), "", NOT_APPLIED]
    if report.unresolved is None:
        lines += ["", "Nothing is proposed while the backlog is unknown."]
    elif report.unresolved == 0:
        lines += ["", "- [ ] Close the triage item of this branch."]
    for owner, findings in _by_owner(snapshot.findings).items():
        lines += ["", f"## {owner}", "", *(f"- [ ] {_line(finding)}" for finding in findings)]
    return markdown_text(lines)


def _by_owner(findings: tuple[Finding, ...]) -> dict[str, list[Finding]]:
    """Group what is unresolved by owner, whoever has the worst first."""
    owned: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in sorted(findings, key=lambda finding: WORST_FIRST.index(finding.severity)):
        if finding.severity not in {Severity.LOW, Severity.INFO}:
            owned[_OWNERS.get(finding.category.casefold(), MAINTAINERS)].append(finding)
    return dict(owned)


def _json(report: LoopReport, snapshot: TriageSnapshot) -> str:
    return json_text(
        {
            **head_values(report),
            "counts": {
                "high_or_critical": snapshot.high,
                "medium": snapshot.medium,
                "unknown_severity": snapshot.unknown_severity,
            },
            "head_sha": snapshot.head_sha,
            "pr_number": snapshot.pr_number,
            "findings": [asdict(finding) for finding in snapshot.findings],
        }
    )
