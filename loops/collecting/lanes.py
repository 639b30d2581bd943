"""Failed jobs, other apps' failed checks and what they remark on lines, as items of the category ci."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from domain.findings import Severity
from forge.results import Lane, SourceRun
from forge.reviews import Annotation, CheckRun
from loops.collecting.fingerprint import of_text
from loops.collecting.items import Item, ItemSource

CATEGORY = "ci"
ACTIONS = "github-actions"  # its checks are the jobs of runs, which are read from the runs themselves
FAILURE_LEVEL = "failure"
NO_FILE = ".github"  # where Actions hangs remarks that belong to no file, such as the exit code
_GOOD = frozenset({"success", "neutral", "skipped"})
_SEVERITIES = {
    **dict.fromkeys(("failure", "timed_out", "startup_failure"), Severity.HIGH),
    **dict.fromkeys(("action_required", "cancelled", "stale"), Severity.MEDIUM),
}


@dataclass(frozen=True, slots=True)
class LanesSeen:
    """What failed at one commit. `passed` are the fingerprints of what ended well there.

    `settled`: everything that was started there is over, so what is in neither does not run at this commit.
    """

    items: tuple[Item, ...]
    passed: frozenset[str]
    settled: bool


def bad(conclusion: str | None) -> bool:
    """Tell whether something ended, and not well."""
    return conclusion is not None and conclusion not in _GOOD


def lanes_seen(runs: Sequence[tuple[SourceRun, tuple[Lane, ...]]]) -> LanesSeen:
    """Read the jobs of a commit's runs. A run that failed without a failed job, as before its start, is one itself."""
    items: list[Item] = []
    passed: set[str] = set()
    for run, lanes in runs:
        failed = [_lane(run, lane) for lane in lanes if bad(lane.conclusion)]
        passed |= {_name(run, lane.name) for lane in lanes if lane.conclusion in _GOOD}
        if bad(run.conclusion) and not failed:
            failed = [_lane(run, Lane("", run.conclusion, run.url))]
        elif run.conclusion is not None:
            passed.add(_name(run, ""))
        items += failed
    settled = bool(runs) and all(run.completed for run, _ in runs)
    return LanesSeen(tuple(items), frozenset(passed), settled)


def _lane(run: SourceRun, lane: Lane) -> Item:
    steps = f" ({', '.join(lane.failed_steps)})" if lane.failed_steps else ""
    name = f"{run.workflow} / {lane.name}" if lane.name else run.workflow
    return _item(
        ItemSource.LANE,
        f"{name}: {lane.conclusion}{steps}",
        lane.conclusion,
        _name(run, lane.name),
        lane.url,
        run.head_sha,
    )


def _name(run: SourceRun, lane: str) -> str:
    return of_text("lane", run.workflow, lane)


def checks_seen(checks: Iterable[tuple[CheckRun, tuple[Annotation, ...]]], head_sha: str) -> LanesSeen:
    """Read the checks of a commit: other apps' own ends, and the failures that any of them remarks on a line."""
    items: list[Item] = []
    passed: set[str] = set()
    read = list(checks)
    for check, annotations in read:
        name = of_text("check", check.app, check.name)
        if check.conclusion in _GOOD:
            passed.add(name)
        elif bad(check.conclusion):
            if check.app != ACTIONS:
                summary = f"{check.app}: {check.name}: {check.conclusion}"
                items.append(_item(ItemSource.CHECK, summary, check.conclusion, name, check.url, head_sha))
            items += [_annotation(check, one, head_sha) for one in annotations if _about_a_line(one)]
    return LanesSeen(tuple(items), frozenset(passed), bool(read) and all(check.conclusion for check, _ in read))


def _about_a_line(annotation: Annotation) -> bool:
    return annotation.level == FAILURE_LEVEL and annotation.path != NO_FILE


def _annotation(check: CheckRun, annotation: Annotation, head_sha: str) -> Item:
    said = f"{annotation.title}: {annotation.message}" if annotation.title else annotation.message
    name = of_text("note", check.name, annotation.path, said)
    item = _item(ItemSource.ANNOTATION, f"{check.name}: {said}", check.conclusion, name, check.url, head_sha)
    return replace(item, path=annotation.path, line=annotation.line)


def _item(source: ItemSource, summary: str, conclusion: str | None, fingerprint: str, url: str, head_sha: str) -> Item:
    """Make an item of a conclusion; a word that is not known leaves the severity unknown, and is kept."""
    severity = _SEVERITIES.get(conclusion or "", Severity.UNKNOWN)
    return Item(
        source=source,
        category=CATEGORY,
        severity=severity,
        summary=summary,
        path=None,
        line=None,
        fingerprint=fingerprint,
        url=url,
        first_seen_sha=head_sha,
        seen_sha=head_sha,
        severity_word=conclusion if severity is Severity.UNKNOWN else None,
    )
