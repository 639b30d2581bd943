"""A signed time must be close to ours: 300 s back (policy may narrow it), 30 s ahead (docs/design.md)."""

from domain.decisions import Decision, Verdict
from policy.facts import Case

FUTURE_SECONDS = 30  # clocks of phones and servers differ by less; more is a wrong clock or an attack
DEFAULT_PAST_SECONDS = 300


def judge(case: Case) -> Decision | None:
    """Deny a message whose own time lies outside the window; both edges are still inside."""
    age = case.facts.sent_age_seconds
    if age is None:
        return None
    policy = case.state.policy
    past = policy.security.replay_window_seconds if policy else DEFAULT_PAST_SECONDS
    if age > past:
        return Decision(Verdict.DENY, "too_old", f"the message was sent {age} s ago; the limit is {past} s")
    if age < -FUTURE_SECONDS:
        return Decision(Verdict.DENY, "from_the_future", f"the message says it was sent {-age} s from now")
    return None
