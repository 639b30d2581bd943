"""The policy most tests run under: three report actions, one that changes a branch and one that releases."""

import json
from typing import Any

from policy.loading import PolicyState, PolicyStatus, load_policy

REPOSITORY = "acme/shop"


def _action(title: str, **changes: Any) -> dict[str, Any]:
    report = {"risk": "report", "modes": ["read-only", "operate"], "rate": {"per_hour": 60}}
    where = {"forge": "github", "repository": REPOSITORY, "workflow": "ci.yml", "refs": ["main", "dev"]}
    return {"title": title, **where, **report, **changes}


def example_policy() -> dict[str, Any]:
    """Return the policy file as plain data, to be changed at will.

    `mutation` and `triage` start at once; `strict` needs one approval; `deploy` (medium, operate) needs one and takes
    an image; `release` (high, operate) needs two, who may include the person who asked.
    """
    image = {"type": "string", "pattern": "[a-z0-9][a-z0-9./:=_-]*"}
    writing = {"modes": ["operate"], "inputs": {"image": image}}
    two = {"needed": 2, "allow_self": True, "expires_minutes": 30}
    return {
        "schema_version": 2,
        "repositories": [REPOSITORY, "local/sample"],
        "roles": {"owner": ["read", "operate", "approve"], "operator": ["read", "operate"], "viewer": ["read"]},
        "actions": {
            "mutation": _action("Mutation", loop="mutation", forge="local", repository="local/sample"),
            "triage": _action("Triage", loop="triage"),
            "strict": _action(
                "Mutation under a threshold",
                slot="strict",
                inputs={"threshold": {"type": "integer", "min": 50, "max": 100, "default": 90}},
                approvals={"needed": 1},
            ),
            "deploy": _action("Deploy", risk="medium", approvals={"needed": 1}, **writing),
            "release": _action("Release", risk="high", approvals=two, **writing),
        },
        "loops": {"mutation": {"deadline_seconds": 300}},
        "channels": {
            "web": {"max_scope": "approve", "per_person_per_hour": 600},
            "console": {"max_scope": "approve", "per_person_per_hour": 600},
            "sms": {"max_scope": "operate", "per_person_per_hour": 5},
        },
        "security": {"soak_days": 7, "soak_clean_runs": 2},
    }


def loaded(document: dict[str, Any]) -> PolicyState:
    """Load a policy as from its file; one that does not load is a mistake in the test."""
    state = load_policy(json.dumps(document).encode())
    assert state.status is PolicyStatus.LOADED, state.problems
    return state
