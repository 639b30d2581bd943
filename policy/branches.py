"""The branches that the policy's actions run on at GitHub: what the bot keeps an eye on there."""

from domain.ci import Branch
from policy.file import Policy


def github_branches(policy: Policy | None) -> tuple[Branch, ...]:
    """Return every repository and ref that some action may run on at GitHub, each once, in the file's order."""
    actions = policy.actions.values() if policy else ()
    named = (Branch(one.repository, ref) for one in actions if one.forge == "github" for ref in one.refs)
    return tuple(dict.fromkeys(named))
