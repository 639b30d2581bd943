"""A loop's report as a comment: what was measured of which run, the same text for the same run, all outside text tame."""

import re
from collections.abc import Iterator

from domain.findings import Finding
from domain.snapshots import LoopReason, LoopStatus, MutationSnapshot, TriageSnapshot
from domain.untrusted import clean_line
from loops.rendering import UNKNOWN, figure, moment, percent, prose
from loops.report import AttemptReport, LoopReport
from loops.verdicts import words_for_unknown

MAX_BODY_CHARACTERS = 60_000  # GitHub takes 65,536: room for the marker and its times
MAX_SHOWN = 20  # of findings or hot spots: the worst ones; a comment is read on a phone
_CUT_CHARACTERS = 600  # what the last line of a cut text needs, with its address
_ODD_CHARACTERS = 100  # of an address that is not plain enough to be a link
_LINK = re.compile(r"https?://[A-Za-z0-9.-]{1,100}(?::\d{1,5})?/[A-Za-z0-9._~/?=&%#+-]{0,200}")
# GitHub makes references of numbers after a sign even where markdown calls the sign plain, and notes them over there.
_REFERENCE = re.compile(r"(\\#|\bGH-)(?=\d)", re.IGNORECASE)
_BREAK = "\N{ZERO WIDTH SPACE}"
# How old something is changes with every look at it: the comment says when it was measured instead.
_AGE = re.compile(r"; (?:\d+ (?:s|min|h|d) old|age unknown|[\da][^;]{0,15}…)$")
DECISIONS = (
    "fix it by hand, and push to the branch",
    "allow the loop what it lacks: change the policy's fix actions, branches or protected paths",
    "leave it for now, and say here why",
)


def comment_body(report: LoopReport) -> str:
    """Write the report. Two reports of one run have one text; it has at most `MAX_BODY_CHARACTERS`."""
    lines = [f"### {report.loop.capitalize()} loop: {_words(report.status)}", "", *_facts(report)]
    lines += ["", "#### Attempts", "", *(_attempt_line(attempt) for attempt in report.attempts)]
    lines += _shown(report.snapshot)
    return _capped(lines, report)


def escalation_body(report: LoopReport) -> str:
    """Ask reviewers to decide what the loop may not decide."""
    lines = [f"### {report.loop.capitalize()} loop: people have to decide", "", *_facts(report)]
    lines += ["", "The loop has done what it may. Please choose one:", "", *(f"- [ ] {one}" for one in DECISIONS)]
    return _capped(lines, report)


def settled_body(report: LoopReport) -> str:
    """Say that nothing is left to decide, in the place of an earlier question."""
    lines = [f"### {report.loop.capitalize()} loop: nothing is left to decide", "", *_facts(report)]
    return _capped(lines, report)


def quoted(text: str) -> str:
    """Make outside text safe in a comment: beyond `prose` no formula, and no reference to another issue."""
    return _REFERENCE.sub(rf"\g<1>{_BREAK}", prose(text, len(text)).replace("$", "&#36;"))


def _facts(report: LoopReport) -> Iterator[str]:
    attempt, snapshot = report.attempts[-1], report.snapshot
    yield f"- Repository: {quoted(report.repository)}"
    yield f"- Branch: {quoted(report.branch)}"
    yield f"- Mode: {report.mode}"
    yield f"- Reason: {_words(report.reason)}"
    yield f"- Unresolved: {_unresolved(report)}"
    yield from _figures(report)
    yield f"- Measured at: {moment(snapshot.measured_at) or UNKNOWN}"
    yield f"- Source: {_source(attempt)}"
    yield f"- Correlation: {_words(attempt.correlation)}"
    if snapshot.plan is not None:
        yield f"- Plan: {quoted(snapshot.plan.action)}, digest {snapshot.plan.digest()}"
    why = _why(report)
    if why:
        yield f"- Detail: {why}"  # behind a label: text that begins a line could be a list or a heading


def _figures(report: LoopReport) -> Iterator[str]:
    snapshot = report.snapshot
    if isinstance(snapshot, TriageSnapshot):
        yield f"- High or critical: {figure(snapshot.high)}"
        yield f"- Medium: {figure(snapshot.medium)}"
        yield f"- Of unknown severity: {figure(snapshot.unknown_severity)}"
        return
    score = snapshot.score_basis_points
    shown = f"{UNKNOWN} ({_words(snapshot.reason)})" if score is None else f"{percent(score)}%"
    needed = f", needs {percent(report.evidence.threshold_basis_points)}%" if report.evidence else ""
    yield f"- Score: {shown}{' (provisional)' if snapshot.provisional else ''}{needed}"


def _unresolved(report: LoopReport) -> str:
    if report.unresolved is not None:
        return str(report.unresolved)
    why = words_for_unknown(report.reason) if report.status is LoopStatus.UNKNOWN else _words(report.reason)
    return f"{UNKNOWN}: {why}"


def _why(report: LoopReport) -> str:
    """Return the report's own sentence without ages."""
    if report.reason is LoopReason.STALE_RUN:
        return ""  # it is about nothing else
    return quoted(_AGE.sub("", report.detail))


def _source(attempt: AttemptReport) -> str:
    event = f", started by {quoted(attempt.source_event)}" if attempt.source_event else ""
    return f"{_run(attempt)}{event}, commit {_commit(attempt.source_sha)}"


def _run(attempt: AttemptReport) -> str:
    url, number = attempt.source_run_url, attempt.source_run_id
    passed = f" attempt {attempt.source_run_attempt}" if attempt.source_run_attempt is not None else ""
    name = "run" if number is None else f"run {number}{passed}"
    if url is None:
        return f"{name} {UNKNOWN}" if number is None else name
    return f"[{name}]({url})" if _LINK.fullmatch(url) else f"{name} at {quoted(clean_line(url, _ODD_CHARACTERS))}"


def _commit(sha: str | None) -> str:
    return UNKNOWN if sha is None else quoted(sha)


def _attempt_line(attempt: AttemptReport) -> str:
    conclusion = UNKNOWN if attempt.conclusion is None else _words(attempt.conclusion)
    parts = [conclusion, _run(attempt), f"commit {_commit(attempt.source_sha)}", _words(attempt.correlation)]
    if attempt.source_conclusion is not None:
        parts.append(f"the run ended as {quoted(attempt.source_conclusion)}")
    if attempt.fix_exit_code is not None:
        parts.append(f"the fix ended with {attempt.fix_exit_code}")
    if attempt.fix_commit is not None:
        parts.append(f"pushed {_commit(attempt.fix_commit)}")
    return f"- Attempt {attempt.number}: {', '.join(parts)}"


def _shown(snapshot: MutationSnapshot | TriageSnapshot) -> list[str]:
    """List the worst places, which come first in a snapshot."""
    if isinstance(snapshot, TriageSnapshot):
        title, every = "Findings", [_finding(one) for one in snapshot.findings]
    else:
        spots = snapshot.hot_spots
        title, every = "Hot spots", [f"{s.survivors} in {quoted(s.file)}: {quoted(s.function)}" for s in spots]
    if not every:
        return []
    more = len(every) - MAX_SHOWN
    lines = ["", f"#### {title}", "", *(f"- {one}" for one in every[:MAX_SHOWN])]
    return [*lines, f"- and {more} more"] if more > 0 else lines


def _finding(finding: Finding) -> str:
    line = f":{finding.line}" if finding.line is not None else ""
    place = f" {quoted(finding.path)}{line}" if finding.path else ""
    return f"{finding.severity}, {quoted(finding.category)}:{place} {quoted(finding.summary)}"


def _words(word: str) -> str:
    """Write a closed word for people."""
    return word.replace("_", " ")


def _capped(lines: list[str], report: LoopReport) -> str:
    """Join the lines that fit; where some do not, the last one says where the rest is."""
    room = MAX_BODY_CHARACTERS - _CUT_CHARACTERS
    kept: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            kept.append(f"\nCut here; the whole report is with {_run(report.attempts[-1])}.")
            break
        kept.append(line)
    return "\n".join(kept) + "\n"
