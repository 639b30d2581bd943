"""The exported JSON Schema says what the loader does: the shipped policy passes, unknown keys do not."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policy.loading import PolicyStatus
from policy.schema import json_schema
from tests.policy.documents import SMALL, changed, load
from tests.policy.schema_check import Checker

DEFAULT_POLICY = Path(__file__).resolve().parents[2] / "bot" / "defaults" / "control_plane_policy.json"
CHECKER = Checker(json_schema())


def objects(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("type") == "object":
            yield node
        for part in node.values():
            yield from objects(part)
    elif isinstance(node, list):
        for part in node:
            yield from objects(part)


def object_paths(node: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(node, dict):
        yield path
        for key, part in node.items():
            yield from object_paths(part, (*path, key))
    elif isinstance(node, list):
        for number, part in enumerate(node):
            yield from object_paths(part, (*path, number))


def test_no_object_of_the_schema_takes_keys_it_does_not_name() -> None:
    found = list(objects(json_schema()))
    assert len(found) > 20
    for node in found:
        assert node.get("additionalProperties") is False or "propertyNames" in node, node


def test_the_shipped_policy_passes_the_schema() -> None:
    assert CHECKER.problems(json.loads(DEFAULT_POLICY.read_bytes())) == []


@pytest.mark.parametrize("path", list(object_paths(json.loads(DEFAULT_POLICY.read_bytes()))))
def test_an_unknown_key_in_any_object_of_the_shipped_policy_is_refused(path: tuple[Any, ...]) -> None:
    document = json.loads(DEFAULT_POLICY.read_bytes())
    section = document
    for step in path:
        section = section[step]
    section["Unknown Key"] = None
    assert CHECKER.problems(document) != []
    assert load(document).status is PolicyStatus.INVALID


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("schema_version", 1),
        ("autonomy_mode_default", "on"),
        ("repositories", ["no-owner"]),
        ("roles.owner", ["admin"]),
        ("roles.Owner", []),
        ("actions.work.refs", []),
        ("actions.work.refs", ["a..b"]),
        ("actions.work.approvals.needed", 6),
        ("actions.work.title", ""),
        ("channels.pigeon", {}),
        ("channels.sms.countries", ["41"]),
        ("channels.sms.countries", "+41"),
        ("security.number_match", False),
        ("security.token_minutes", True),
        ("loops.mutation.max_age_hours", "7"),
        ("integration_federation.sources.x", {"path": "x", "url": "http://plain", "profiles": {}}),
    ],
)
def test_schema_and_loader_refuse_alike(place: str, value: object) -> None:
    document = changed(place, value)
    assert CHECKER.problems(document) != []
    assert load(document).status is PolicyStatus.INVALID


def test_an_import_mapping_is_described_by_the_keys_of_the_file() -> None:
    mapping = json_schema()["$defs"]["ImportMapping"]
    assert sorted(mapping["properties"]) == mapping["required"] == ["from", "to"]


def test_the_schema_names_its_dialect_and_is_plain_json() -> None:
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json.loads(json.dumps(schema)) == schema
    assert CHECKER.problems(copy.deepcopy(SMALL)) == []
