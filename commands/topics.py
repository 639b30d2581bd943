"""What people can subscribe to and mute: every loop, every action, or all of them."""

from domain.runs import Run
from policy.file import Loops, Policy

EVERYTHING = "all"


def topics_of(run: Run, policy: Policy | None) -> frozenset[str]:
    """Return the topics a run belongs to."""
    action = policy.actions.get(run.action) if policy else None
    loop = action.loop if action else None
    return frozenset({EVERYTHING, run.action, loop or run.action})


def known_topics(policy: Policy | None) -> list[str]:
    """Return what can be named: `all`, the loops, then the actions of the policy."""
    actions = sorted(policy.actions) if policy else []
    return list(dict.fromkeys([EVERYTHING, *Loops.model_fields, *actions]))


def no_such_topic(topic: str, policy: Policy | None) -> str | None:
    """Say what can be named where this cannot; None where it can."""
    known = known_topics(policy)
    return None if topic in known else f"there is no loop or action {topic[:32]}; there is {', '.join(known)}"
