"""Version 1 policy files become version 2 files that load, and whatever is left out is named."""

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import UserError
from domain.modes import Mode
from domain.people import Proof, Scope
from domain.requests import Risk
from policy.file import Policy
from policy.upgrade import upgrade
from tests.policy.documents import load

SAMPLES = (
    Path(os.environ.get("REINS_SAMPLES_DIR", Path(__file__).resolve().parents[3] / "shared" / "samples")) / "policy"
)
OLD: dict[str, Any] = {
    "schema_version": 1,
    "autonomy_mode_default": "operate",
    "allowed_workflow_dispatches": [
        ".github/workflows/autonomy_controller.yml",
        ".github/workflows/Mutation_loop.yaml",
        ".github/workflows/coderabbit.yml",
    ],
    "autonomy_loop": {
        "allowed_branches": ["develop"],
        "max_rounds_hard_cap": 2,
        "max_hours_hard_cap": 3,
        "max_tasks_hard_cap": 4,
        "packet_root": "packets",
        "replay_window_seconds": 300,
    },
    "mutation_loop": {
        "allowed_branches": ["main", "next"],
        "allowed_fix_command_prefixes": [["python3", "fix.py"]],
        "max_comment_updates_per_hour": 6,
        "max_attempts_hard_cap": 5,
    },
    "triage_loop": {"allowed_branches": ["main"]},
    "security": {"enforce_replay_window_seconds": 300, "audit_retention_days": 60},
    "audit_metrics": {"event_log_path": "reports/events.jsonl"},
    "integration_federation": {
        "audit_log_path": "reports/imports.jsonl",
        "max_files_per_import": 7,
        "allowed_destination_roots": ["imports"],
        "sources": {
            "toolbox": {
                "path": "integrations/toolbox",
                "url": "https://example.org/toolbox.git",
                "profiles": {"core": {"description": "all", "mappings": [{"from": "src", "to": "imports/src"}]}},
            }
        },
    },
}
PUT_IN = [
    "roles: put in, because version 1 had none",
    "channels: none are named, so every channel carries reads only until you name it",
    "pins: none are set, so nothing starts on GitHub until you look the workflows through and pin them",
]


def upgraded(document: object) -> tuple[Policy, list[str]]:
    new, notes = upgrade(json.dumps(document).encode(), "acme/widgets")
    state = load(new)
    assert state.policy is not None, state.problems
    return state.policy, notes


def without(*path: str) -> dict[str, Any]:
    document = copy.deepcopy(OLD)
    section = document
    for step in path[:-1]:
        section = section[step]
    del section[path[-1]]
    return document


def with_(value: object, *path: str) -> dict[str, Any]:
    document = copy.deepcopy(OLD)
    section = document
    for step in path[:-1]:
        section = section[step]
    section[path[-1]] = value
    return document


def test_limits_and_windows_are_carried_over_under_their_new_names() -> None:
    policy, _ = upgraded(OLD)
    autonomy, mutation = policy.loops.autonomy, policy.loops.mutation
    assert policy.autonomy_mode_default is Mode.OPERATE
    assert (autonomy.max_rounds, autonomy.max_hours, autonomy.max_tasks) == (2, 3, 4)
    assert (mutation.max_attempts, mutation.max_comment_updates_per_hour) == (5, 6)
    assert (mutation.allowed_branches, policy.loops.triage.allowed_branches) == (("main", "next"), ("main",))
    assert (policy.security.replay_window_seconds, policy.security.audit_retention_days) == (300, 60)
    assert policy.audit_metrics.event_log_path == "reports/events.jsonl"


def test_federation_is_kept_as_it_was() -> None:
    new, _ = upgrade(json.dumps(OLD).encode(), "acme/widgets")
    assert new["integration_federation"] == OLD["integration_federation"]


def test_roles_are_put_in_and_no_channel_may_write() -> None:
    policy, notes = upgraded(OLD)
    assert policy.roles["owner"] == (Scope.READ, Scope.OPERATE, Scope.APPROVE)
    assert policy.channels == {}
    assert policy.security.raise_proof is Proof.DEVICE
    assert notes[-len(PUT_IN) :] == PUT_IN


def test_a_workflow_becomes_an_action_on_its_loops_branches_without_inputs() -> None:
    policy, notes = upgraded(OLD)
    assert list(policy.actions) == ["autonomy-controller", "mutation-loop", "coderabbit"]
    action = policy.actions["mutation-loop"]
    assert (action.forge, action.repository, action.workflow) == ("github", "acme/widgets", "Mutation_loop.yaml")
    assert (action.loop, action.refs, action.inputs) == ("mutation", ("main", "next"), {})
    assert (policy.actions["coderabbit"].loop, policy.actions["autonomy-controller"].loop) == ("triage", "autonomy")
    assert policy.repositories == ("acme/widgets",)
    assert sum(note.startswith("actions.") for note in notes) == 3


def test_an_action_whose_workflow_nobody_has_checked_is_kept_out_of_read_only() -> None:
    policy, notes = upgraded(OLD)
    assert {(action.risk, action.modes) for action in policy.actions.values()} == {(Risk.REPORT, (Mode.OPERATE,))}
    assert any(note.startswith("actions.coderabbit: it sends no inputs, so the workflow's own def") for note in notes)


def test_command_prefixes_and_unread_keys_are_left_out_by_name() -> None:
    _, notes = upgraded(OLD)
    assert [note for note in notes if "left out" in note] == [
        "mutation_loop.allowed_fix_command_prefixes: left out, anything may follow a prefix; write named fix actions by hand",
        "autonomy_loop.packet_root: left out, version 2 has no such key",
    ]


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("surprise", ("surprise",)),
        ("triage_loop.surprise", ("triage_loop", "surprise")),
        ("security.surprise", ("security", "surprise")),
        ("audit_metrics.surprise", ("audit_metrics", "surprise")),
        ("integration_federation.sources.toolbox.pin", ("integration_federation", "sources", "toolbox", "pin")),
        (
            "integration_federation.sources.toolbox.profiles.core.mappings.0.mode",
            ("integration_federation", "sources", "toolbox", "profiles", "core", "mappings", 0, "mode"),
        ),
    ],
)
def test_an_unknown_key_anywhere_is_left_out_by_name(place: str, path: tuple[str, ...]) -> None:
    _, notes = upgraded(with_({"deep": 1}, *path))
    assert f"{place}: left out, version 2 has no such key" in notes


def test_a_note_cannot_steer_the_screen_it_is_shown_on() -> None:
    _, notes = upgraded(with_(1, "\x1b[2J" + "x" * 500))
    shown = next(note for note in notes if note.startswith("[2J"))
    assert len(shown) < 200


def test_a_window_of_one_loop_gives_way_to_the_common_one() -> None:
    _, notes = upgraded(with_(60, "autonomy_loop", "replay_window_seconds"))
    assert "autonomy_loop.replay_window_seconds: left out, security.replay_window_seconds holds for all" in notes


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/etc/passwd", "a workflow is .github/workflows/<name>.yml, and <name> is up to 32 letters, digits, _ and -"),
        (".github/workflows/../x.yml", "a workflow is .github/workflows/<name>.yml, and <name> is up to"),
        (".github/workflows/triage.sh", "a workflow is .github/workflows/<name>.yml, and <name> is up to"),
        (".github/workflows/deploy.yml", "no loop with allowed_branches belongs to it, so no ref is known"),
        (".github/workflows/mutation-loop.yml", "the action mutation-loop exists already"),
    ],
)
def test_a_workflow_that_cannot_be_carried_over_is_named_with_the_reason(path: str, why: str) -> None:
    policy, notes = upgraded(with_([*OLD["allowed_workflow_dispatches"], path], "allowed_workflow_dispatches"))
    assert len(policy.actions) == 3
    assert any(note.startswith(f"allowed_workflow_dispatches, {path}: left out, {why}") for note in notes)


def test_missing_branches_mean_no_ref_and_never_every_ref() -> None:
    policy, notes = upgraded(without("triage_loop", "allowed_branches"))
    assert "coderabbit" not in policy.actions
    assert policy.loops.triage.allowed_branches == ()
    assert any(note.startswith("allowed_workflow_dispatches, .github/workflows/coderabbit.yml: left") for note in notes)


def test_a_file_with_nothing_but_its_version_becomes_a_policy_that_allows_nothing() -> None:
    policy, notes = upgraded({"schema_version": 1})
    assert (policy.actions, policy.autonomy_mode_default, notes) == ({}, Mode.READ_ONLY, PUT_IN)


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ([], "the file: must be an object in braces"),
        ({}, "schema_version: only a version 1 file can be upgraded"),
        ({"schema_version": 2, "roles": {}}, "schema_version: only a version 1 file can be upgraded"),
        ({"schema_version": True}, "schema_version: only a version 1 file can be upgraded"),
        ({"schema_version": 1.0}, "schema_version: only a version 1 file can be upgraded"),
        (with_("all", "triage_loop"), "triage_loop: must be an object in braces"),
        (with_([], "security"), "security: must be an object in braces"),
        (
            with_("x.yml", "allowed_workflow_dispatches"),
            "allowed_workflow_dispatches: must be a list of workflow paths",
        ),
        (with_([1], "allowed_workflow_dispatches"), "allowed_workflow_dispatches: must be a list of workflow paths"),
        (with_("enforce", "autonomy_mode_default"), "version 2 would not take this file: autonomy_mode_default: Input"),
        (with_(7, "security", "audit_retention_days"), "version 2 would not take this file: security.audit_retention"),
        (with_(99, "mutation_loop", "max_attempts_hard_cap"), "version 2 would not take this file: loops.mutation.max"),
        (
            with_("main", "triage_loop", "allowed_branches"),
            "version 2 would not take this file: actions.coderabbit.refs",
        ),
    ],
)
def test_what_is_no_version_1_file_is_refused_with_the_place(document: object, sentence: str) -> None:
    with pytest.raises(UserError) as refused:
        upgrade(json.dumps(document).encode(), "acme/widgets")
    assert str(refused.value).startswith(sentence)


def test_a_truncated_file_is_refused_and_never_read_as_empty() -> None:
    with pytest.raises(UserError, match="no JSON we take: EOF"):
        upgrade(json.dumps(OLD).encode()[:-1], "acme/widgets")


def test_a_repository_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match=r"repositories\.0: String should match pattern"):
        upgrade(json.dumps(OLD).encode(), "widgets")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=8), parts, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.sampled_from(sorted(OLD)), JSON)
def test_any_value_anywhere_is_upgraded_to_a_file_that_loads_or_refused(key: str, value: object) -> None:
    try:
        policy, _ = upgraded(with_(value, key))
    except UserError:
        return
    assert policy.schema_version == 2


@pytest.mark.conformance
@pytest.mark.skipif(not SAMPLES.is_dir(), reason="needs the real policy files in the folder REINS_SAMPLES_DIR names")
@pytest.mark.parametrize("date", ["2026-02-25", "2026-02-27", "final"])
def test_a_real_version_1_file_is_upgraded_with_everything_accounted_for(date: str) -> None:
    raw = (SAMPLES / f"control_plane_policy-{date}.json").read_bytes()
    old = json.loads(raw)
    new, notes = upgrade(raw, "jguida941/voiceterm")
    policy = load(new).policy
    assert policy is not None
    assert new["integration_federation"] == old["integration_federation"]
    assert [action.workflow for action in policy.actions.values()] == [
        path.removeprefix(".github/workflows/") for path in old["allowed_workflow_dispatches"]
    ]
    assert {action.refs for action in policy.actions.values()} == {("develop",)}
    assert policy.loops.triage.max_comment_updates_per_hour == old["triage_loop"]["max_comment_updates_per_hour"] == 8
    assert [note.partition(":")[0] for note in notes if "left out" in note] == [
        "triage_loop.allowed_fix_command_prefixes",
        "mutation_loop.allowed_fix_command_prefixes",
        "autonomy_loop.packet_root",
        "autonomy_loop.queue_root",
    ]
