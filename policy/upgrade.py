"""A version 1 policy file (the original's) made into a version 2 file; what cannot be carried over is said, not guessed."""

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from domain.errors import UserError
from domain.untrusted import clean_line
from policy.file import Policy
from policy.loading import load_policy, read_json

MAX_PLACE_CHARACTERS = 120
WORKFLOW_FOLDER = ".github/workflows/"
_WORKFLOW_PATH = re.compile(r"\.github/workflows/[A-Za-z][A-Za-z0-9_-]{0,31}\.ya?ml")

# Version 1 key: version 2 key, per place.
_LOOP_KEYS = {
    "allowed_branches": "allowed_branches",
    "max_attempts_hard_cap": "max_attempts",
    "max_comment_updates_per_hour": "max_comment_updates_per_hour",
    "max_rounds_hard_cap": "max_rounds",
    "max_hours_hard_cap": "max_hours",
    "max_tasks_hard_cap": "max_tasks",
}
_SECURITY_KEYS = {
    "enforce_replay_window_seconds": "replay_window_seconds",
    "audit_retention_days": "audit_retention_days",
}
_SAME_KEYS = ("autonomy_mode_default", "audit_metrics", "integration_federation")
_LOOPS = ("triage", "mutation", "autonomy")
# A workflow belongs to the first loop one of whose words is in its file name.
_LOOP_WORDS = {"mutation": ("mutation",), "autonomy": ("autonomy",), "triage": ("triage", "coderabbit")}
DEFAULTS_DECIDE = (
    "it sends no inputs, so the workflow's own defaults decide what it does; it runs in operate only: add read-only to "
    "its modes once you have seen that it only reports"
)
NO_SUCH_KEY = "version 2 has no such key"
ROLES = {"owner": ["read", "operate", "approve"], "operator": ["read", "operate"], "viewer": ["read"]}


def upgrade(raw: bytes, repository: str) -> tuple[dict[str, Any], list[str]]:
    """Return the version 2 document and one note per key that was left out or put in (D25, D28).

    Args:
        raw: the version 1 file.
        repository: `owner/name` the workflows belong to; version 1 did not say.

    Raises:
        UserError: the bytes are no version 1 policy file, or one with a value that version 2 does not take.
    """
    old = _object(read_json(raw), "the file")
    version = old.get("schema_version")
    if type(version) is not int or version != 1:  # True equals 1
        raise UserError("schema_version: only a version 1 file can be upgraded, and its schema_version is the number 1")
    notes: list[str] = []
    loops = {name: _loop(old, name, notes) for name in _LOOPS if f"{name}_loop" in old}
    new: dict[str, Any] = {"schema_version": 2, "repositories": [repository], "roles": deepcopy(ROLES)}
    new |= {key: old[key] for key in _SAME_KEYS if key in old}
    new |= {"actions": _actions(old, loops, repository, notes), "loops": loops, "security": _security(old, notes)}
    known = {
        "schema_version",
        "allowed_workflow_dispatches",
        "security",
        *_SAME_KEYS,
        *(f"{name}_loop" for name in _LOOPS),
    }
    notes += [_left_out(key, NO_SUCH_KEY) for key in old if key not in known]
    notes += _prune(new)
    notes.append("roles: put in, because version 1 had none")
    notes.append("channels: none are named, so every channel carries reads only until you name it")
    notes.append("pins: none are set, so nothing starts on GitHub until you look the workflows through and pin them")
    state = load_policy(json.dumps(new).encode())
    if state.policy is None:
        raise UserError(f"version 2 would not take this file: {'; '.join(state.problems)}; mend that and try again")
    return new, notes


def _object(value: object, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UserError(f"{place}: must be an object in braces")
    return value


def _left_out(place: str, why: str) -> str:
    return f"{clean_line(place, MAX_PLACE_CHARACTERS)}: left out, {why}"


def _loop(old: Mapping[str, Any], name: str, notes: list[str]) -> dict[str, Any]:
    place = f"{name}_loop"
    section = _object(old[place], place)
    for key in section:
        if key == "allowed_fix_command_prefixes":
            notes.append(_left_out(f"{place}.{key}", "anything may follow a prefix; write named fix actions by hand"))
        elif key not in _LOOP_KEYS and key != "replay_window_seconds":
            notes.append(_left_out(f"{place}.{key}", NO_SUCH_KEY))
    return {to: section[key] for key, to in _LOOP_KEYS.items() if key in section}


def _security(old: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    section = _object(old.get("security", {}), "security")
    notes += [_left_out(f"security.{key}", NO_SUCH_KEY) for key in section if key not in _SECURITY_KEYS]
    new = {to: section[key] for key, to in _SECURITY_KEYS.items() if key in section}
    for name in _LOOPS:
        window = old.get(f"{name}_loop", {}).get("replay_window_seconds")
        if window is not None and window != new.get("replay_window_seconds"):
            notes.append(
                _left_out(f"{name}_loop.replay_window_seconds", "security.replay_window_seconds holds for all")
            )
    return new


def _actions(
    old: Mapping[str, Any], loops: Mapping[str, dict[str, Any]], repository: str, notes: list[str]
) -> dict[str, Any]:
    paths = old.get("allowed_workflow_dispatches", [])
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise UserError("allowed_workflow_dispatches: must be a list of workflow paths in quotes")
    actions: dict[str, Any] = {}
    for path in paths:
        file = path.removeprefix(WORKFLOW_FOLDER)
        loop = next((name for name, words in _LOOP_WORDS.items() if any(word in file.lower() for word in words)), "")
        refs = loops.get(loop, {}).get("allowed_branches", [])
        name = re.sub(r"[^a-z0-9]+", "-", file.rpartition(".")[0].lower())
        why_not = _why_no_action(path, name, actions, bool(refs))
        if why_not:
            notes.append(_left_out(f"allowed_workflow_dispatches, {path}", why_not))
        else:
            actions[name] = _action(file, loop, refs, repository)
            notes.append(f"actions.{name}: {DEFAULTS_DECIDE}")
    return actions


def _why_no_action(path: str, name: str, actions: Mapping[str, Any], has_refs: bool) -> str | None:
    if not _WORKFLOW_PATH.fullmatch(path):
        return f"a workflow is {WORKFLOW_FOLDER}<name>.yml, and <name> is up to 32 letters, digits, _ and -"
    if name in actions:
        return f"the action {name} exists already"
    return None if has_refs else "no loop with allowed_branches belongs to it, so no ref is known"


def _action(file: str, loop: str, refs: list[str], repository: str) -> dict[str, Any]:
    return {
        "title": f"Run {file}",
        "loop": loop,
        "forge": "github",
        "repository": repository,
        "workflow": file,
        "refs": refs,
        "inputs": {},
        "risk": "report",
        "modes": ["operate"],
    }


def _prune(new: dict[str, Any]) -> list[str]:
    """Take out, in place, every key of the copied sections that version 2 does not know."""
    try:
        Policy.model_validate_json(json.dumps(new))
    except ValidationError as error:
        unknown = [detail["loc"] for detail in error.errors(include_url=False) if detail["type"] == "extra_forbidden"]
    else:
        return []
    for *path, key in unknown:
        section: Any = new
        for step in path:
            section = section[step]
        del section[key]
    return [_left_out(".".join(map(str, place)), NO_SUCH_KEY) for place in unknown]
