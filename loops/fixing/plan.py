"""What a fix would do, as the plan that people agree to: pure, the same measurement always gives the same plan (I7)."""

import hashlib
import json

from domain.findings import Finding, Survivor
from domain.fixes import FixPlan
from domain.snapshots import TriageSnapshot
from loops.fixing.gate import bound_arguments
from loops.fixing.order import NamedFix, named_action
from loops.fixing.port import FixOrder
from loops.report import LoopReport
from loops.triage.plan import UNRESOLVED
from policy.loading import PolicyState


def plan_of(fix: NamedFix, state: PolicyState, order: FixOrder) -> FixPlan:
    """Return what fixing by this action would do about what the order measured."""
    report, source = order.report, order.source
    action = named_action(state.policy, report.loop, fix.action) if state.policy else None
    bound = bound_arguments(action, fix.arguments) if action else ""
    return FixPlan(
        loop=report.loop.value,
        action=fix.action,
        arguments=dict(fix.arguments) if isinstance(bound, str) else bound,
        repository=source.repository,
        branch=report.branch,
        source_sha=source.head_sha,
        work=work_of(report),
        policy_version=state.version,
    )


def work_of(report: LoopReport) -> str:
    """Return the SHA-256, in hex, of what is unresolved, in whatever order it was found.

    The lists in a report are capped, so the number of all there is counts as well.
    """
    listed: list[list[object]]
    if isinstance(report.snapshot, TriageSnapshot):
        listed = [_of_finding(one) for one in report.snapshot.findings if one.severity in UNRESOLVED]
    else:
        listed = [_of_survivor(one) for one in (report.evidence.survivors if report.evidence else ())]
    lines = sorted(json.dumps(one, separators=(",", ":"), ensure_ascii=True) for one in listed)
    return hashlib.sha256("\n".join([str(report.unresolved), *lines]).encode("ascii")).hexdigest()


def _of_finding(finding: Finding) -> list[object]:
    return [finding.category, finding.severity.value, finding.path, finding.line, finding.summary]


def _of_survivor(survivor: Survivor) -> list[object]:
    return [survivor.file, survivor.function, survivor.line, survivor.operator, survivor.replacement]
