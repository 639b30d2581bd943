"""Collecting a whole backlog: everything that is open, nothing that is not, and outages beside it instead of in it."""

from dataclasses import replace
from pathlib import Path

import pytest

from domain.errors import UserError
from domain.findings import Severity
from domain.snapshots import LoopReason
from forge.port import Refused, Unreachable
from forge.results import Lane
from forge.reviews import Annotation, CheckRun
from loops.collecting.asking import MAX_ANNOTATED_CHECKS, MAX_RUNS
from loops.collecting.carry import Previous
from loops.collecting.collect import MAX_ITEMS, Collected, collect
from loops.collecting.document import write_collected
from loops.collecting.items import ClosedReason, ItemSource, ItemStatus, Trouble, TroubleReason
from loops.collecting.order import CollectOrder
from loops.triage.loop import run_triage_loop
from loops.triage.settings import TriageSettings
from tests.fakes.change_under_review import FIRST, REPOSITORY, SECOND, ChangeUnderReview
from tests.fakes.coderabbit_texts import NITPICKS, comment, file_part, finding, looked_at, section
from tests.fakes.virtual_time import VirtualTime

ORDER = CollectOrder(REPOSITORY, pr_number=7)
OF_COMMIT = CollectOrder(REPOSITORY, head_sha=FIRST, branch="feature")
SILENT = Unreachable("GitHub cannot be reached")
NOT_ALLOWED = Refused("permission_missing", "GitHub answers 403: it needs the permission checks=read")


def change() -> ChangeUnderReview:
    made = ChangeUnderReview()
    made.push(FIRST)
    return made


async def collected(
    made: ChangeUnderReview,
    order: CollectOrder = ORDER,
    before: Collected | None = None,
    trouble: tuple[Trouble, ...] = (),
) -> Collected:
    clock = VirtualTime()
    previous = None
    if before is not None:
        previous = Previous(before.order.repository, before.pr_number, before.generated_at, before.items)
    return await collect(made, made, order, previous, clock, trouble)


def lane(name: str, conclusion: str | None) -> Lane:
    return Lane(name, conclusion, f"https://github.example/job/{name}")


def reasons(backlog: Collected) -> list[tuple[str, TroubleReason]]:
    return [(one.part, one.reason) for one in backlog.trouble]


async def test_everything_that_is_open_is_collected_worst_first() -> None:
    made = change()
    made.comment(comment("_🟡 Minor_", "minor"))
    made.comment(comment("_🔴 Critical_", "critical"))
    made.comment("me too", author="ann")
    made.review("**Actionable comments posted: 2**\n\n" + NITPICKS)
    made.review("LGTM", author="ann")
    made.run_of("ci.yml", FIRST, "failure", lane("build", "failure"))
    made.checked.append(CheckRun(1, "quality", "sonar", "completed", "action_required", "https://x.example", 0))
    backlog = await collected(made)
    assert [one.severity.value for one in backlog.items] == ["critical", "high", "medium", "medium", "low", "low"]
    assert {one.source.value for one in backlog.items} == {"inline", "review_body", "lane", "check"}
    assert (backlog.pr_number, backlog.head_sha, backlog.branch) == (7, FIRST, "feature")
    assert (backlog.complete, backlog.trouble, backlog.generated_at) == (True, (), VirtualTime().now())
    assert backlog.counts[Severity.MEDIUM] == 2
    assert len(backlog.unresolved) == 4
    assert (
        backlog.declared.actionable
        == backlog.declared.inline
        == backlog.declared.listed
        == backlog.declared.parsed
        == 2
    )


async def test_250_comments_are_250_items() -> None:
    made = change()
    for number in range(250):
        made.comment(comment("_🟠 Major_", f"finding {number}"))
    assert len((await collected(made)).items) == 250


@pytest.mark.parametrize(
    ("method", "part"),
    [
        ("pull", "pull"),
        ("review_comments", "review_comments"),
        ("reviews", "reviews"),
        ("runs", "lanes"),
        ("lanes", "lanes"),
        ("checks", "checks"),
        ("annotations", "checks"),
    ],
)
@pytest.mark.parametrize(
    ("error", "reason"), [(SILENT, TroubleReason.UNREACHABLE), (NOT_ALLOWED, TroubleReason.REFUSED)]
)
async def test_an_outage_is_a_trouble_and_no_finding_and_carries_what_was_open(
    method: str, part: str, error: Unreachable | Refused, reason: TroubleReason
) -> None:
    made = change()
    made.comment(comment("_🟠 Major_", "on a line"))
    made.review(section("🟡 Minor comments (1)", file_part("src/a.py", "`7`: **in a review**")))
    made.run_of("ci.yml", FIRST, "failure", lane("build", "failure"))
    made.checked.append(CheckRun(1, "quality", "sonar", "completed", "failure", "https://x.example", 1))
    made.remarks[1] = (Annotation("src/b.py", 3, "failure", "undefined", ""),)
    before = await collected(made)
    made.failing[method] = error
    backlog = await collected(made, before=before)
    assert {one.fingerprint for one in backlog.items} == {one.fingerprint for one in before.items}
    assert reasons(backlog) == [(part, reason)]
    assert not backlog.complete
    assert str(error) in backlog.trouble[0].detail
    alone = await collected(made)
    assert {one.severity for one in alone.items} <= {one.severity for one in before.items}
    assert len(alone.items) < len(before.items)


async def test_an_empty_backlog_that_is_not_complete_is_never_resolved(tmp_path: Path) -> None:
    made = change()
    made.failing["review_comments"] = SILENT
    write_collected(tmp_path, await collected(made))
    settings = TriageSettings(REPOSITORY, "feature", FIRST)
    report = run_triage_loop(tmp_path, settings, VirtualTime())
    assert (report.reason, report.unresolved, report.exit_code) == (LoopReason.INCOMPLETE_BACKLOG, None, 3)
    assert "review_comments: GitHub cannot be reached" in report.detail
    made.failing.clear()
    write_collected(tmp_path, await collected(made))
    assert run_triage_loop(tmp_path, settings, VirtualTime()).reason is LoopReason.RESOLVED


async def test_a_push_alone_closes_nothing_d8() -> None:
    made = change()
    made.comment(comment("_🔴 Critical_", "on a line"))
    made.review(NITPICKS)
    made.run_of("ci.yml", FIRST, "failure", lane("build", "failure"))
    before = await collected(made)
    made.push(SECOND)
    backlog = await collected(made, before=before)
    assert {one.fingerprint for one in backlog.items} == {one.fingerprint for one in before.items}
    assert {one.status for one in backlog.items} == {ItemStatus.CARRIED}
    assert {one.first_seen_sha for one in backlog.items} == {FIRST}
    assert (backlog.head_sha, backlog.complete) == (SECOND, True)


async def test_a_fixed_lane_passes_and_a_fixed_comment_is_outdated() -> None:
    made = change()
    made.comment(comment("_🔴 Critical_", "on a line"))
    made.run_of("ci.yml", FIRST, "failure", lane("build", "failure"))
    before = await collected(made)
    made.push(SECOND)
    made.run_of("ci.yml", SECOND, "success", lane("build", "success"))
    made.comments[0] = replace(made.comments[0], line=None, outdated=True)
    backlog = await collected(made, before=before)
    assert backlog.items == ()
    assert {one.reason for one in backlog.closed} == {ClosedReason.PASSED, ClosedReason.OUTDATED}


async def test_the_workflow_that_collects_is_no_lane_of_its_own() -> None:
    made = change()
    made.run_of("bridge.yml", FIRST, "failure", lane("collect", "failure"))
    own = made.run_of("bridge.yml", FIRST, None, lane("collect", None), event="pull_request_review")
    made.run_of("ci.yml", FIRST, "success", lane("build", "success"))
    made.checked += [
        CheckRun(1, "collect", "github-actions", "completed", "failure", "https://x.example", 1),
        CheckRun(2, "collect", "sonar", "completed", "failure", "https://x.example", 0),
    ]
    made.remarks[1] = (Annotation("src/a.py", 1, "failure", "backlog is not empty", ""),)
    backlog = await collected(made, replace(ORDER, run_id=own.id))
    assert [one.summary for one in backlog.items] == ["sonar: collect: failure"]
    elsewhere = made.run_of("bridge.yml", SECOND, None)
    assert len((await collected(made, replace(ORDER, run_id=elsewhere.id))).items) == 1
    assert len((await collected(made, replace(ORDER, run_id=999))).items) == 3
    assert len((await collected(made)).items) == 3


async def test_of_one_workflow_and_event_the_newest_run_counts() -> None:
    made = change()
    made.run_of("ci.yml", FIRST, "failure", lane("build", "failure"))
    made.run_of("ci.yml", FIRST, "success", lane("build", "success"))
    assert (await collected(made)).items == ()


async def test_more_runs_than_a_page_holds_are_told() -> None:
    made = change()
    for number in range(MAX_RUNS):
        made.run_of(f"w{number}.yml", FIRST, "success")
    assert reasons(await collected(made)) == [("lanes", TroubleReason.TOO_MUCH)]


async def test_checks_are_left_out_where_nobody_wants_them() -> None:
    made = change()
    made.checked.append(CheckRun(1, "quality", "sonar", "completed", "failure", "https://x.example", 0))
    before = await collected(made)
    made.failing["checks"] = NOT_ALLOWED
    backlog = await collected(made, replace(ORDER, with_checks=False), before)
    assert (backlog.items, backlog.trouble) == ((), ())
    assert [one.reason for one in backlog.closed] == [ClosedReason.NOT_RUN]


async def test_remarks_are_read_of_so_many_failed_checks_only() -> None:
    made = change()
    for number in range(MAX_ANNOTATED_CHECKS + 5):
        made.checked.append(CheckRun(number, f"c{number}", "sonar", "completed", "failure", "https://x.example", 1))
    made.checked.append(CheckRun(98, "good", "sonar", "completed", "success", "https://x.example", 1))
    made.checked.append(CheckRun(99, "quiet", "sonar", "completed", "failure", "https://x.example", 0))
    backlog = await collected(made)
    assert made.asked.count("annotations") == MAX_ANNOTATED_CHECKS
    assert len(backlog.items) == MAX_ANNOTATED_CHECKS + 6


async def test_a_commit_without_a_pull_request_has_lanes_only() -> None:
    made = ChangeUnderReview()
    made.run_of("ci.yml", FIRST, "failure", lane("build", "failure"))
    backlog = await collected(made, OF_COMMIT)
    assert [one.source for one in backlog.items] == [ItemSource.LANE]
    assert (backlog.pr_number, backlog.branch, backlog.complete) == (None, "feature", True)
    assert "reviews" not in made.asked


async def test_a_commits_pull_request_is_found_and_its_own_commit_is_kept() -> None:
    made = change()
    made.push(SECOND)
    made.comment(comment("_🟠 Major_", "on a line"))
    backlog = await collected(made, OF_COMMIT)
    assert (backlog.pr_number, backlog.head_sha, len(backlog.items)) == (7, FIRST, 1)


async def test_an_unreachable_search_for_the_pull_request_carries_what_reviews_said() -> None:
    made = change()
    made.comment(comment("_🟠 Major_", "on a line"))
    before = await collected(made, OF_COMMIT)
    made.failing["pull_of_commit"] = SILENT
    backlog = await collected(made, OF_COMMIT, before)
    assert (len(backlog.items), reasons(backlog)) == (1, [("pull", TroubleReason.UNREACHABLE)])


async def test_a_pull_request_that_is_not_there_is_a_trouble() -> None:
    backlog = await collected(change(), replace(ORDER, pr_number=8))
    assert reasons(backlog) == [("pull", TroubleReason.NOT_FOUND)]
    assert (backlog.head_sha, backlog.branch, backlog.pr_number) == (None, None, 8)


async def test_a_pull_request_that_moved_on_is_told_and_a_merged_one_is_not() -> None:
    made = change()
    assert (await collected(made, replace(ORDER, head_sha=FIRST))).complete
    moved = await collected(made, replace(ORDER, head_sha=SECOND))
    assert (reasons(moved), moved.head_sha) == ([("pull", TroubleReason.MOVED_ON)], SECOND)
    assert made.pull_request is not None
    made.pull_request = replace(made.pull_request, state="closed")
    assert (await collected(made, replace(ORDER, head_sha=SECOND))).complete


@pytest.mark.parametrize("changes", [{"repository": "acme/other"}, {"pr_number": 8}])
async def test_a_backlog_of_another_change_is_not_carried_and_told(changes: dict[str, object]) -> None:
    made = change()
    before = Previous(REPOSITORY, 7, VirtualTime().now(), ())
    other = replace(before, **changes)  # type: ignore[arg-type]
    backlog = await collect(made, made, ORDER, other, VirtualTime())
    assert reasons(backlog) == [("previous", TroubleReason.OTHER_SOURCE)]
    same = replace(before, repository="Acme/App", pr_number=None)
    assert (await collect(made, made, ORDER, same, VirtualTime())).complete


async def test_trouble_with_the_previous_backlog_makes_this_one_incomplete() -> None:
    backlog = await collected(change(), trouble=(Trouble("previous", TroubleReason.UNREADABLE, "is not JSON"),))
    assert (backlog.complete, reasons(backlog)) == (False, [("previous", TroubleReason.UNREADABLE)])


async def test_a_shortfall_makes_a_backlog_incomplete_until_later_reviews_looked_at_the_same_files() -> None:
    made = change()
    part = file_part("a.py", finding("T"))
    made.review(section("🧹 Nitpick comments (3)", part) + looked_at("a.py", "b.py"), FIRST)
    first = await collected(made)
    assert (first.complete, reasons(first)) == (False, [("review 1", TroubleReason.SHORTFALL)])
    made.review(looked_at("a.py"), SECOND)
    made.review(looked_at("b.py"), FIRST)
    assert not (await collected(made)).complete
    made.review(looked_at("b.py", title="💤 Files with no reviewable changes"), SECOND)
    assert (await collected(made)).trouble == ()


async def test_a_shortfall_of_a_review_that_names_no_file_stays() -> None:
    made = change()
    made.review(section("🧹 Nitpick comments (3)"), FIRST)
    made.review(looked_at("a.py"), SECOND)
    assert not (await collected(made)).complete


async def test_fewer_comments_than_announced_are_told_but_hide_nothing() -> None:
    made = change()
    made.comment(comment("_🟠 Major_", "T"))
    made.review("**Actionable comments posted: 3**")
    made.review("")
    backlog = await collected(made)
    assert (reasons(backlog), backlog.complete) == ([("reviews", TroubleReason.FEWER_POSTED)], True)
    assert "announce 3 actionable comments, 2 are not there" in backlog.trouble[0].detail


async def test_only_the_worst_of_very_many_items_are_kept_and_that_is_told() -> None:
    made = change()
    for number in range(MAX_ITEMS + 1):
        made.comment(f"_🔵 Trivial_\n\n**finding {number}**")
    made.comment("_🔴 Critical_\n\n**bad**")
    backlog = await collected(made)
    assert (len(backlog.items), backlog.items[0].severity) == (MAX_ITEMS, Severity.CRITICAL)
    assert reasons(backlog) == [("items", TroubleReason.TOO_MUCH)]


@pytest.mark.parametrize("changes", [{}, {"head_sha": FIRST}, {"branch": "feature"}])
def test_an_order_names_a_pull_request_or_a_commit_with_its_branch(changes: dict[str, str]) -> None:
    with pytest.raises(UserError, match="--pr-number"):
        CollectOrder(REPOSITORY, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("label", "severity"),
    [
        ("_🔴 Critical_", Severity.CRITICAL),
        ("_🟠 Major_", Severity.HIGH),
        ("_🟡 Minor_", Severity.MEDIUM),
        ("_🔵 Trivial_", Severity.LOW),
        ("_Info_", Severity.INFO),
        ("_⚠️ Potential issue_ | _None_", Severity.UNKNOWN),
    ],
)
async def test_every_severity_is_reached_and_read_back_alike(label: str, severity: Severity, tmp_path: Path) -> None:
    made = change()
    made.comment(comment(label, "T"))
    backlog = await collected(made)
    assert backlog.counts == {**dict.fromkeys(Severity, 0), severity: 1}
    write_collected(tmp_path, backlog)
    report = run_triage_loop(tmp_path, TriageSettings(REPOSITORY, "feature", FIRST), VirtualTime())
    assert report.unresolved == (severity not in {Severity.LOW, Severity.INFO})
