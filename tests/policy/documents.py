"""Policy documents to start from: a small valid one, and what loading says about a changed copy."""

import copy
import json
from typing import Any

from policy.loading import PolicyState, load_policy

SMALL: dict[str, Any] = {
    "schema_version": 2,
    "repositories": ["local/sample"],
    "roles": {"owner": ["read", "operate", "approve"]},
    "actions": {
        "work": {
            "title": "Work",
            "forge": "local",
            "repository": "local/sample",
            "workflow": "work.yml",
            "refs": ["main"],
            "risk": "report",
            "modes": ["read-only", "operate"],
        }
    },
}


def changed(place: str, value: object) -> dict[str, Any]:
    """Return the small document with one value set, the place written with dots; objects on the way are made."""
    document = copy.deepcopy(SMALL)
    *path, last = place.split(".")
    section = document
    for step in path:
        section = section.setdefault(step, {})
    section[last] = value
    return document


def load(document: object) -> PolicyState:
    """Load a document as if it were a file."""
    return load_policy(json.dumps(document).encode())
