"""The documents of a mutation report: what was measured, the same for programs, and the playbook."""

from dataclasses import asdict

from domain.snapshots import MutationSnapshot
from loops.rendering import figure, head_lines, head_values, json_text, markdown_text, percent, prose
from loops.report import Advice, LoopReport, MutationEvidence

CONVENTION = "detected share: (killed + timeout) / (killed + timeout + survived + no coverage)"
COUNT_NAMES = ("killed", "timeout", "survived", "no_coverage", "invalid", "ignored", "error", "pending")


def mutation_documents(report: LoopReport, snapshot: MutationSnapshot, evidence: MutationEvidence) -> dict[str, str]:
    """Write the bundle: suffix to text."""
    return {
        ".md": _markdown(report, snapshot, evidence),
        "-playbook.md": _playbook(report, evidence),
        ".json": _json(report, snapshot, evidence),
    }


def _markdown(report: LoopReport, snapshot: MutationSnapshot, evidence: MutationEvidence) -> str:
    lines = [
        *head_lines(report, "Mutation report"),
        "",
        "## Score",
        "",
        f"- Tool: {prose(snapshot.tool or 'unknown')}",
        f"- Score: {_score(snapshot)}",
        f"- Threshold: {percent(evidence.threshold_basis_points)}%",
        f"- Convention: {CONVENTION}",
        "",
        "## Counts",
        "",
        *(f"- {name.replace('_', ' ')}: {figure(_count(snapshot, name))}" for name in COUNT_NAMES),
    ]
    if snapshot.hot_spots:
        lines += ["", "## Hot spots", ""]
        lines += [f"- {spot.survivors} in {prose(spot.file)}: {prose(spot.function)}" for spot in snapshot.hot_spots]
    if snapshot.categories:
        lines += ["", "## Survivors by operator", ""]
        lines += [f"- {prose(name)}: {count}" for name, count in snapshot.categories]
    return markdown_text(lines)


def _score(snapshot: MutationSnapshot) -> str:
    if snapshot.score_basis_points is None:
        return f"unknown ({snapshot.reason})"
    return f"{percent(snapshot.score_basis_points)}%{' (provisional)' if snapshot.provisional else ''}"


def _count(snapshot: MutationSnapshot, name: str) -> int | None:
    return None if snapshot.counts is None else getattr(snapshot.counts, name)


def _playbook(report: LoopReport, evidence: MutationEvidence) -> str:
    lines = head_lines(report, "Mutation playbook")
    if not evidence.playbook:
        lines += ["", "No place to work on is known from this report."]
    for number, advice in enumerate(evidence.playbook, 1):
        lines += ["", *_advice_lines(number, advice)]
    return markdown_text(lines)


def _advice_lines(number: int, advice: Advice) -> list[str]:
    where = f"- Lines: {', '.join(str(line) for line in advice.lines)}" if advice.lines else "- Lines: not stated"
    return [
        f"## {number}. {prose(advice.function)}",
        "",
        f"- File: {prose(advice.file, len(advice.file))}",
        f"- Survived: {advice.survived}",
        f"- Run by no test: {advice.no_coverage}",
        where,
        *(f"- {prose(step, len(step))}" for step in advice.steps),
        *(f"- `{command}`" for command in advice.commands),
    ]


def _json(report: LoopReport, snapshot: MutationSnapshot, evidence: MutationEvidence) -> str:
    score = snapshot.score_basis_points
    return json_text(
        {
            **head_values(report),
            "tool": snapshot.tool,
            "convention": CONVENTION,
            "threshold_basis_points": evidence.threshold_basis_points,
            "score_basis_points": score,
            "score_percent": None if score is None else percent(score),
            "provisional": snapshot.provisional,
            "counts": {name: _count(snapshot, name) for name in COUNT_NAMES},
            "hot_spots": [asdict(spot) for spot in snapshot.hot_spots],
            "categories": [{"name": name, "count": count} for name, count in snapshot.categories],
            "playbook": [asdict(advice) for advice in evidence.playbook],
            "survivors": [asdict(survivor) for survivor in evidence.survivors],
        }
    )
