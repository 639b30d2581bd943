"""The commit an approval is bound to: where the branch of an action stood when somebody last looked, without asking anybody."""

from datetime import datetime, timedelta

from policy.file import Action
from store.tables import Tables

HEAD_TRUSTED = timedelta(minutes=15)  # branches are looked at every minute: after this long nobody is looking any more


def binds_commit(action: Action) -> bool:
    """Tell whether an approval of this action is one of a commit: what runs on this machine has none."""
    return action.forge == "github" and action.approvals.needed > 0


def last_head(action: Action, ref: str, tables: Tables) -> str | None:
    """Return the commit a branch stood at when it was last seen, however long ago, or None where it is not there."""
    seen = tables.heads.get(action.repository, ref)
    return seen.sha if seen else None


def fresh_head(action: Action, ref: str, tables: Tables, now: datetime) -> str | None:
    """Return the commit a branch stands at, or None where nobody has seen it for longer than `HEAD_TRUSTED`."""
    seen = tables.heads.get(action.repository, ref)
    return seen.sha if seen and now - seen.seen_at <= HEAD_TRUSTED else None
