"""The policy file as a JSON Schema, for editors and other tools."""

from typing import Any

from policy.file import Policy


def json_schema() -> dict[str, Any]:
    """Return the schema of a version 2 policy file (JSON Schema 2020-12), keys as they stand in the file."""
    schema = Policy.model_json_schema(by_alias=True)
    _close(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _close(node: object) -> None:
    # pydantic closes its models; a map with a pattern for its keys it leaves open for keys that do not match.
    if isinstance(node, dict):
        if "patternProperties" in node:
            node.setdefault("additionalProperties", False)
        for part in node.values():
            _close(part)
    elif isinstance(node, list):
        for part in node:
            _close(part)
