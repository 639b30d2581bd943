"""Checks of GitHub's REST calls and webhooks against GitHub's own OpenAPI description.

    rules = conformance_for("github", version="2022-11-28")
    rules.request("issues/create-comment", {"owner": "acme", "repo": "app", "issue_number": "7", "body": {"body": "hi"}})
    rules.answer("actions/create-workflow-dispatch", {"status": 204, "body": None})
    conformance_for("github-webhooks").request("workflow-run/completed", {"body": payload})

The fields of a request are those of its path and query as text, and its JSON document as `body`. The document of an
answer is its status and its JSON, None for no content. A refusal that is not described must look like GitHub's other ones.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from tests.fakes.providers.not_conformant import NotConformant

NOT_MODIFIED, FIRST_REFUSAL = 304, 400
_REFUSALS = ("basic-error", "validation-error")  # GitHub says more in them than it describes
_NULL_IN_TRUTH = (("pull-request-review-comment", "line"),)  # of an outdated comment; described as a number
_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_utc_with_z(value: object) -> bool:
    return not isinstance(value, str) or (datetime.fromisoformat(value).tzinfo is not None and value.endswith("Z"))


class GitHubConformance:
    """Rules from one version's description. Unknown fields are refused on both sides; webhooks may have more."""

    checked = True

    def __init__(self, description: Mapping[str, Any]) -> None:
        components = description["components"]
        self._parameters: Mapping[str, Any] = components.get("parameters", {})
        self._responses: Mapping[str, Any] = components.get("responses", {})
        self._open = None if "x-webhooks" in description else {*_composed(description), *_REFUSALS}
        schemas = {name: self._schema(one, name) for name, one in components["schemas"].items()}
        for name, field in _NULL_IN_TRUTH:
            if name in schemas:
                _allow_null(schemas[name]["properties"][field])
        self._shared = {"components": {"schemas": schemas}}
        self._refusal = self._validator({"$ref": "#/components/schemas/basic-error"})
        self._fields: dict[str, dict[str, Any]] = {}
        self._requests: dict[str, Draft202012Validator] = {}
        self._answers: dict[str, dict[int, Draft202012Validator | None]] = {}
        for operations in (*description["paths"].values(), *description.get("x-webhooks", {}).values()):
            for operation in operations.values():
                self._add(operation)

    def _add(self, operation: Mapping[str, Any]) -> None:
        every = [_resolved(one, self._parameters) for one in operation.get("parameters", ())]
        parameters = [one for one in every if one["in"] != "header"]
        fields = {one["name"]: self._schema(one["schema"]) for one in parameters}
        required = [one["name"] for one in parameters if one.get("required")]
        body = operation.get("requestBody", {})
        if "application/json" in body.get("content", {}):
            fields["body"] = self._schema(body["content"]["application/json"]["schema"])
            required += ["body"] if body.get("required") else []
        name = operation["operationId"]
        whole = {"type": "object", "properties": fields, "required": required, "additionalProperties": False}
        self._fields[name] = fields
        self._requests[name] = Draft202012Validator({**self._shared, **whole})
        self._answers[name] = {
            int(status): self._answer(_resolved(one, self._responses))
            for status, one in operation.get("responses", {}).items()
            if status.isdigit()
        }

    def _answer(self, response: Mapping[str, Any]) -> Draft202012Validator | None:
        content = response.get("content", {}).get("application/json")
        return None if content is None else self._validator(self._schema(content["schema"]))

    def _validator(self, schema: Mapping[str, Any]) -> Draft202012Validator:
        return Draft202012Validator({**self._shared, **schema}, format_checker=_FORMATS)

    def request(self, operation: str, fields: Mapping[str, object]) -> None:
        described = self._fields.get(operation)
        if described is None:
            raise NotConformant(f"{operation}: no such operation is described; described are {sorted(self._fields)}")
        typed = {
            name: value if name == "body" else _read_text(value, described.get(name, {}))
            for name, value in fields.items()
        }
        _complain(f"{operation} request", self._requests[operation], typed)

    def answer(self, operation: str, document: object) -> None:
        assert isinstance(document, Mapping), "an answer is a status and a body"
        if operation not in self._answers:
            raise NotConformant(f"{operation}: no such operation is described; described are {sorted(self._answers)}")
        status, body, described = document["status"], document["body"], self._answers[operation]
        if status not in described and FIRST_REFUSAL > status != NOT_MODIFIED:
            raise NotConformant(f"{operation} answer: status {status} is not described; described are {[*described]}")
        validator = described.get(status, self._refusal if status >= FIRST_REFUSAL else None)
        if validator is not None:
            _complain(f"{operation} answer {status}", validator, body)
        elif body is not None:
            raise NotConformant(f"{operation} answer {status}: no content is described, there was {body!r}")

    def _schema(self, schema: Any, name: str = "", *, part: bool = False) -> Any:
        """Turn OpenAPI 3.0's `nullable` into JSON Schema, also beside an `enum`, and close what is not put together."""
        if isinstance(schema, list):
            return [self._schema(one, part=part) for one in schema]
        if not isinstance(schema, dict):
            return schema
        turned = {key: self._schema(one, part=key == "allOf") for key, one in schema.items() if key != "nullable"}
        if schema.get("nullable"):
            _allow_null(turned)
        if self._open is not None and name not in self._open and not part and "properties" in schema:
            turned.setdefault("additionalProperties", False)
        return turned


def _allow_null(schema: dict[str, Any]) -> None:
    if "type" in schema:
        schema["type"] = [schema["type"], "null"]
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    if "oneOf" in schema:
        schema["oneOf"] = [*schema["oneOf"], {"type": "null"}]


def _composed(schema: Any, *, inside: bool = False) -> Iterator[str]:
    """Find the schemas that others are put together from: alone they do not know every field."""
    if isinstance(schema, list):
        for one in schema:
            yield from _composed(one, inside=inside)
    elif isinstance(schema, dict):
        if inside and "$ref" in schema:
            yield schema["$ref"].rpartition("/")[2]
        for key, one in schema.items():
            yield from _composed(one, inside=key == "allOf")


def _resolved(one: Mapping[str, Any], shared: Mapping[str, Any]) -> Mapping[str, Any]:
    return shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one


def _read_text(value: object, schema: Mapping[str, Any]) -> object:
    """Read the text of a path or query field as the number or truth value it stands for."""
    if not isinstance(value, str) or schema.get("type") not in ("integer", "boolean"):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _complain(what: str, validator: Draft202012Validator, document: object) -> None:
    for error in validator.iter_errors(document):
        raise NotConformant(f"{what} at {error.json_path}: {error.message}")
