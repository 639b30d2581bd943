"""Deriving recorded decisions again from their facts and the policy text of their time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

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
        if seq < first:
            continue
        row = orjson.loads(body)
        if row["decision"] is None or row["rule"] in NOT_BY_THE_GATE:
            continue
        state = policy_of(row["policy_version"])
        derived = _derived(row, state) if state else f"policy {row['policy_version']} was not kept"
        if isinstance(derived, str):
            result.underivable += 1
            yield f"row {seq}: cannot be derived, {derived}"
        elif (derived.verdict.value, derived.rule) == (row["decision"], row["rule"]):
            result.agreed += 1
        else:
            result.differing += 1
            recorded = f"{row['decision']} ({row['rule']})"
            yield f"row {seq}: recorded {recorded}, derived {derived.verdict.value} ({derived.rule})"


def _derived(row: Mapping[str, Any], state: PolicyState) -> Decision | str:
    try:
        return replay(row["evidence"], row["proof"], row["channel"], state)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        return f"its evidence is incomplete: {type(error).__name__}"
