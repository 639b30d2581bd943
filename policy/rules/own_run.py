"""People abort their own runs; somebody who may approve aborts anybody's."""

from domain.decisions import Decision, Verdict
from domain.people import Scope
from domain.requests import RequestKind
from policy.facts import Case
from policy.rules.scope import scopes_of


def judge(case: Case) -> Decision | None:
    """Deny aborting a run that is not known, is over, or belongs to somebody else."""
    if case.request.kind is not RequestKind.ABORT:
        return None
    run = case.facts.run
    if run is None:
        return Decision(Verdict.DENY, "run_unknown", f"there is no run {case.request.target}")
    if run.final:
        return Decision(Verdict.DENY, "run_is_over", f"run {case.request.target} is over: {run.state}")
    assert case.person is not None, "the person rule comes first"
    if run.requested_by != case.person.id and Scope.APPROVE not in scopes_of(case.person, case.state):
        return Decision(Verdict.DENY, "not_your_run", f"run {case.request.target} was asked for by {run.requested_by}")
    return None
