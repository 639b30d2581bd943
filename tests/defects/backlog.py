"""Proof that the collected backlog shows what reviewers found, and nothing else: D8."""

from pathlib import Path

from domain.findings import Severity
from domain.snapshots import LoopReason
from forge.port import Unreachable
from loops.collecting.carry import Previous
from loops.collecting.collect import Collected, collect
from loops.collecting.document import write_collected
from loops.collecting.labels import leading_severity
from loops.collecting.order import CollectOrder
from loops.triage.loop import run_triage_loop
from loops.triage.settings import TriageSettings
from tests.fakes.change_under_review import FIRST, REPOSITORY, SECOND, ChangeUnderReview
from tests.fakes.coderabbit_texts import REFACTOR, comment
from tests.fakes.virtual_time import VirtualTime

# A word of the label decides, not one somewhere in the sentence.
SENTENCES = {
    "Medium: this low-level call may block": Severity.MEDIUM,
    "warning: data race (informational log only)": Severity.MEDIUM,
    "not a critical path; trivial": Severity.UNKNOWN,
}


async def collected(change: ChangeUnderReview, before: Collected | None = None) -> Collected:
    previous = Previous(REPOSITORY, 7, before.generated_at, before.items) if before else None
    return await collect(change, change, CollectOrder(REPOSITORY, pr_number=7), previous, VirtualTime())


async def d8_no_finding_is_hidden_and_no_outage_is_one(folder: Path) -> None:
    assert {text: leading_severity(text) for text in SENTENCES} == SENTENCES
    change = ChangeUnderReview()
    change.push(FIRST)
    change.comment(comment("_🔴 Critical_", "a hole"))
    change.comment(comment(REFACTOR, "a knot"))
    before = await collected(change)
    assert [one.severity for one in before.items] == [Severity.CRITICAL, Severity.HIGH]
    change.push(SECOND)
    after_push = await collected(change, before)
    assert {one.fingerprint for one in after_push.items} == {one.fingerprint for one in before.items}
    silent = ChangeUnderReview(failing={"review_comments": Unreachable("GitHub cannot be reached")})
    silent.push(SECOND)
    outage = await collected(silent)
    assert (outage.items, outage.complete) == ((), False)
    write_collected(folder, outage)
    report = run_triage_loop(folder, TriageSettings(REPOSITORY, "feature", SECOND), VirtualTime())
    assert (report.reason, report.unresolved) == (LoopReason.INCOMPLETE_BACKLOG, None)
