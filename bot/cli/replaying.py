"""Deriving recorded decisions again from their facts and the policy text of their time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from audit.row import decode
from domain.decisions import Decision
from policy.evidence import replay
from policy.loading import NO_VERSION, PolicyState, load_policy
from store.tables import Tables

# The dispatcher decides this one by itself, before the gate's answer counts: another text came under a known id.
NOT_BY_THE_GATE = frozenset({"id_reused"})
POLICIES_HELD = 8  # a policy changes a few times a year; rows of one version stand together


@dataclass(slots=True)
class Replay:
    """How many decisions came out the same, how many did not, and how many lack what is needed to tell."""

    agreed: int = 0
    differing: int = 0
    underivable: int = 0


def replay_log(tables: Tables, first: int, result: Replay) -> Iterator[str]:
    """Go through the log from row `first`, count into `result`, and return a sentence for each row that disagrees."""

    @lru_cache(maxsize=POLICIES_HELD)
    def policy_of(version: str) -> PolicyState | None:
        if version == NO_VERSION:
            return load_policy(None)
        body = tables.policies.get(version)
        return load_policy(body) if body is not None else None

    for seq, body, _digest in tables.audit.each():
        sentence = _judge(body, policy_of, result) if seq >= first else None
        if sentence is not None:
            yield f"row {seq}: {sentence}"


def _judge(body: bytes, policy_of: Callable[[str], PolicyState | None], result: Replay) -> str | None:
    """Count one row, and return what is wrong with it, if anything."""
    try:
        row = decode(body)
    except ValueError:
        result.underivable += 1
        return "is no audit row; `reins audit verify` says more"
    if row["decision"] is None or row["rule"] in NOT_BY_THE_GATE:
        return None
    derived = _derived(row, policy_of(row["policy_version"]))
    if isinstance(derived, str):
        result.underivable += 1
        return f"cannot be derived, {derived}"
    if (derived.verdict.value, derived.rule) == (row["decision"], row["rule"]):
        result.agreed += 1
        return None
    result.differing += 1
    return f"recorded {row['decision']} ({row['rule']}), derived {derived.verdict.value} ({derived.rule})"


def _derived(row: Mapping[str, Any], state: PolicyState | None) -> Decision | str:
    if state is None:
        return f"policy {row['policy_version']} was not kept"
    try:
        return replay(row["evidence"], row["proof"], row["channel"], state)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        return f"its evidence is incomplete: {type(error).__name__}"
