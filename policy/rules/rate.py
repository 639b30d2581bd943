"""Nobody and no action runs hot: counts per hour, from the store."""

from domain.decisions import Decision, Verdict
from domain.requests import RequestKind
from policy.facts import Case
from policy.file import ChannelLimits

DEFAULT_LIMITS = ChannelLimits()


def judge(case: Case) -> Decision | None:
    """Deny a message over the person's hourly limit on this channel, or a dispatch over the action's own."""
    policy = case.state.policy
    limits = DEFAULT_LIMITS
    if policy is not None:
        limits = next((value for kind, value in policy.channels.items() if kind.value == case.facts.channel), limits)
    if case.request.kind not in (RequestKind.GRANT, RequestKind.REFUSE):  # these have a lane of their own
        allowed = limits.per_person_per_hour
        if case.facts.messages_this_hour > allowed:
            return Decision(Verdict.DENY, "rate_limited", f"more than {allowed} messages in this hour")
    action = policy.actions.get(case.request.action or "") if policy else None
    if (
        action
        and case.request.kind is RequestKind.DISPATCH
        and case.facts.action_runs_this_hour >= action.rate.per_hour
    ):
        reason = f"{case.request.action} has run {case.facts.action_runs_this_hour} times in this hour"
        return Decision(Verdict.DENY, "action_rate_limited", reason)
    return None
