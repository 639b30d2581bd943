"""Checks of what is sent to and answered by a fake provider against the provider's own published description.

The descriptions lie in the folder REINS_CONFORMANCE_DIR names (default: `../shared/conformance` beside the checkout).

    rules = conformance_for("twilio")      # or "telegram"
    rules.request("CreateMessage", {"AccountSid": "AC…", "To": "+15005550006", "Body": "hi"})
    rules.answer("CreateMessage", {"sid": "SM…", …})

Twilio's operations are the OpenAPI operation ids; `fields` are path, query and form parameters together, as the text
they were sent as. Telegram's operations are method names; `fields` may be JSON values or, as in a form, their JSON text;
`document` is the whole envelope, `{"ok": true, "result": …}`. GitHub's are in `github_conformance`.
"""

import json
import os
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol

from jsonschema import Draft202012Validator, FormatChecker

from tests.fakes.providers.github_conformance import GitHubConformance
from tests.fakes.providers.not_conformant import NotConformant

__all__ = ["FOLDER", "Conformance", "NotConformant", "OpenApiConformance", "TelegramConformance", "conformance_for"]

ROOT = Path(__file__).resolve().parents[3]
FOLDER = Path(os.environ.get("REINS_CONFORMANCE_DIR", ROOT.parent / "shared" / "conformance"))
_FILES = {
    "twilio": "twilio-messages.json",
    "telegram": "telegram-bot-api.json",
    "github-webhooks": "github-webhooks.json",
}


class Conformance(Protocol):
    """The published rules of one provider; `checked` False means that they are absent and nothing is checked."""

    checked: bool

    def request(self, operation: str, fields: Mapping[str, object]) -> None:
        """Check what the bot sends.

        Raises:
            NotConformant: an unknown operation or field, a missing field, or a value of a wrong shape.
        """

    def answer(self, operation: str, document: object) -> None:
        """Check what the fake answers to a call that went well (Telegram: also to one that did not).

        Raises:
            NotConformant: an unknown or missing field, or a value of a wrong shape.
        """


def conformance_for(
    provider: Literal["twilio", "telegram", "github", "github-webhooks"],
    folder: Path = FOLDER,
    *,
    version: str = "2026-03-10",
) -> Conformance:
    """Return the rules of a provider, or rules that check nothing and say so where the folder is absent.

    `version` is that of GitHub's REST API; the others have one.
    """
    path = folder / _FILES.get(provider, f"github-rest-{version}.json")
    if not path.is_file():
        return _Unchecked()
    return _READERS[provider](path)


@cache
def _openapi(path: Path) -> "OpenApiConformance":
    return OpenApiConformance(json.loads(path.read_text(encoding="utf-8")))


@cache
def _telegram(path: Path) -> "TelegramConformance":
    return TelegramConformance(json.loads(path.read_text(encoding="utf-8")))


@cache
def _github(path: Path) -> GitHubConformance:
    return GitHubConformance(json.loads(path.read_text(encoding="utf-8")))


_READERS: Mapping[str, Callable[[Path], Conformance]] = {
    "twilio": _openapi,
    "telegram": _telegram,
    "github": _github,
    "github-webhooks": _github,
}


class _Unchecked:
    checked = False

    def request(self, operation: str, fields: Mapping[str, object]) -> None:
        pass

    def answer(self, operation: str, document: object) -> None:
        pass


_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date-time-rfc-2822", raises=ValueError)
def _is_mail_date(value: object) -> bool:
    return not isinstance(value, str) or parsedate_to_datetime(value).tzinfo is not None


class OpenApiConformance:
    """Rules from an OpenAPI 3.0 file. Answers are read strictly: every described field, and no other."""

    checked = True

    def __init__(self, description: Mapping[str, Any]) -> None:
        self._fields: dict[str, dict[str, Any]] = {}
        self._requests: dict[str, Draft202012Validator] = {}
        self._answers: dict[str, Draft202012Validator] = {}
        shared = {"components": _json_schema(description["components"])}
        for operations in description["paths"].values():
            for operation in operations.values():
                if isinstance(operation, dict) and "operationId" in operation:
                    self._add(operation, shared)

    def _add(self, operation: Mapping[str, Any], shared: Mapping[str, Any]) -> None:
        fields = {one["name"]: one["schema"] for one in operation.get("parameters", ())}
        required = [one["name"] for one in operation.get("parameters", ()) if one.get("required")]
        for content in operation.get("requestBody", {}).get("content", {}).values():
            fields |= content["schema"]["properties"]
            required += content["schema"].get("required", ())
        properties = {name: _json_schema(schema) for name, schema in fields.items()}
        whole = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
        name = operation["operationId"]
        self._fields[name] = properties
        self._requests[name] = Draft202012Validator({**shared, **whole}, format_checker=_FORMATS)
        for status, response in operation["responses"].items():
            answer = response.get("content", {}).get("application/json", {}).get("schema")
            if status.startswith("2") and answer is not None:
                schema = {**shared, **_json_schema(answer)}
                self._answers[name] = Draft202012Validator(schema, format_checker=_FORMATS)

    def request(self, operation: str, fields: Mapping[str, object]) -> None:
        validator = _known(self._requests, operation)
        described = self._fields[operation]
        typed = {name: _read_form_value(value, described.get(name, {})) for name, value in fields.items()}
        _complain(operation, "request", validator, typed)

    def answer(self, operation: str, document: object) -> None:
        _complain(operation, "answer", _known(self._answers, operation), document)


def _known(validators: Mapping[str, Draft202012Validator], operation: str) -> Draft202012Validator:
    if operation not in validators:
        raise NotConformant(f"{operation}: no such operation is described; described are {sorted(validators)}")
    return validators[operation]


def _complain(operation: str, what: str, validator: Draft202012Validator, document: object) -> None:
    for error in validator.iter_errors(document):
        raise NotConformant(f"{operation} {what} at {error.json_path}: {error.message}")


def _read_form_value(value: object, schema: Mapping[str, Any]) -> object:
    """Read the text of a form field as the number or truth value it stands for."""
    kind = schema.get("type")
    if kind == "array":
        return value if isinstance(value, list) else [value]
    if kind in ("integer", "number", "boolean") and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _json_schema(schema: Any) -> Any:
    """Turn OpenAPI 3.0's `nullable` into JSON Schema's null type, and close objects whose fields are described."""
    if isinstance(schema, list):
        return [_json_schema(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    turned = {key: _json_schema(value) for key, value in schema.items() if key not in ("nullable", "example")}
    if schema.get("nullable"):
        if "type" in turned:
            turned["type"] = [turned["type"], "null"]
        if "enum" in turned:
            turned["enum"] = [*turned["enum"], None]
    if schema.get("type") == "object" and "properties" in schema:
        turned |= {"required": list(schema["properties"]), "additionalProperties": False}
    return turned


class TelegramConformance:
    """Rules from the Bot API's own description. Types it does not describe (Message) are any object."""

    checked = True

    def __init__(self, description: Mapping[str, Any]) -> None:
        self._methods = description["methods"]
        self._types = description["types"]

    def request(self, operation: str, fields: Mapping[str, object]) -> None:
        method = self._method(operation)
        described = {field["name"]: field for field in method.get("fields", ())}
        typed = {
            name: _read_json_text(value, described.get(name, {}).get("types", ())) for name, value in fields.items()
        }
        self._check_fields(f"{operation} request", "$", method, typed)

    def answer(self, operation: str, document: object) -> None:
        where = f"{operation} answer"
        returns = self._method(operation)["returns"]
        if not isinstance(document, Mapping):
            raise NotConformant(f"{where} at $: an answer is an object")
        if document.get("ok") is True:
            _only(where, document, {"ok", "result"}, required={"ok", "result"})
            self._check(where, "$.result", returns, document["result"])
            return
        _only(where, document, {"ok", "error_code", "description", "parameters"}, {"ok", "error_code", "description"})
        self._check(where, "$.ok", ["Boolean"], document["ok"])
        self._check(where, "$.error_code", ["Integer"], document["error_code"])
        self._check(where, "$.description", ["String"], document["description"])
        self._check(where, "$.parameters", ["ResponseParameters"], document.get("parameters", {}))

    def _method(self, operation: str) -> Mapping[str, Any]:
        if operation not in self._methods:
            raise NotConformant(f"{operation}: no such method is described; described are {sorted(self._methods)}")
        method: Mapping[str, Any] = self._methods[operation]
        return method

    def _check(self, where: str, path: str, types: list[str], value: object) -> None:
        """Check a value against the types it may have; the complaint says why it is none of them."""
        complaints = []
        for kind in types:
            try:
                self._check_one(where, path, kind, value)
            except NotConformant as error:
                complaints.append(str(error))
            else:
                return
        raise NotConformant("; or ".join(complaints))

    def _check_one(self, where: str, path: str, kind: str, value: object) -> None:
        item = kind.removeprefix("Array of ")
        wanted = (list,) if item != kind else _SIMPLE.get(kind, (dict,))
        if kind == "InputFile":
            return  # whatever a multipart upload is read as
        if type(value) not in wanted:  # exactly: True is no Integer
            raise NotConformant(f"{where} at {path}: {value!r} is no {kind}")
        if isinstance(value, list):
            for number, one in enumerate(value):
                self._check_one(where, f"{path}[{number}]", item, one)
        elif isinstance(value, dict):
            self._check_object(where, path, self._types.get(kind, {}), value)

    def _check_object(self, where: str, path: str, described: Mapping[str, Any], value: dict[str, object]) -> None:
        if "subtypes" in described:
            self._check(where, path, described["subtypes"], value)
        elif "fields" in described:
            self._check_fields(where, path, described, value)

    def _check_fields(self, where: str, path: str, described: Mapping[str, Any], value: Mapping[str, object]) -> None:
        fields = {field["name"]: field for field in described.get("fields", ())}
        required = {name for name, field in fields.items() if field["required"]}
        _only(f"{where} at {path}", value, set(fields), required)
        for name, one in value.items():
            self._check(where, f"{path}.{name}", fields[name]["types"], one)


_SIMPLE: dict[str, tuple[type, ...]] = {
    "String": (str,),
    "Integer": (int,),
    "Boolean": (bool,),
    "Float": (int, float),
}


def _only(where: str, document: Mapping[str, object], known: set[str], required: set[str]) -> None:
    if unknown := sorted(document.keys() - known):
        raise NotConformant(f"{where}: unknown {unknown}")
    if missing := sorted(required - document.keys()):
        raise NotConformant(f"{where}: missing {missing}")


def _read_json_text(value: object, types: list[str]) -> object:
    """Read a form's text as the JSON it stands for, unless the field may be a string."""
    if not isinstance(value, str) or "String" in types:
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
