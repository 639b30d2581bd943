"""A person may do what the roles on our record grant, and a channel may carry what the policy lets it carry."""

from domain.decisions import Decision, Verdict
from domain.people import Person, Scope
from domain.requests import RequestKind
from policy.facts import Case
from policy.file import Policy
from policy.loading import PolicyState

_HEIGHT = {Scope.READ: 0, Scope.OPERATE: 1, Scope.APPROVE: 2}


def scopes_of(person: Person, state: PolicyState) -> frozenset[Scope]:
    """Return what a person's roles grant. Without a policy enrolled people may still read, and nothing else."""
    if state.policy is None:
        return frozenset({Scope.READ})
    roles = state.policy.roles
    return frozenset(scope for role in person.roles for scope in roles.get(role, ()))


def judge(case: Case) -> Decision | None:
    """Deny a request whose scope the person's roles do not grant, or that the channel must not carry."""
    assert case.person is not None, "the person rule comes first"
    needed = case.request.scope
    if needed not in scopes_of(case.person, case.state):
        return Decision(Verdict.DENY, "scope_missing", f"{case.request.verb} needs the scope {needed.value}")
    if case.state.policy is not None and case.request.kind is not RequestKind.READ:
        return _channel_limit(case, case.state.policy, needed)
    return None


def _channel_limit(case: Case, policy: Policy, needed: Scope) -> Decision | None:
    limits = next((limit for kind, limit in policy.channels.items() if kind.value == case.facts.channel), None)
    highest = limits.max_scope if limits else Scope.READ
    if _HEIGHT[needed] <= _HEIGHT[highest]:
        return None
    reason = f"the channel {case.facts.channel} carries at most the scope {highest.value}"
    return Decision(Verdict.DENY, "channel_scope", reason)
