"""Just enough of JSON Schema 2020-12 to check a policy document; a keyword it does not know is an error, never skipped."""

import re
from collections.abc import Callable, Iterator
from typing import Any

Schema = dict[str, Any]

TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
NOTES = {"$schema", "$defs", "title", "description", "default"}
NESTED = {"$ref", "anyOf", "items", "properties", "patternProperties", "additionalProperties", "propertyNames"}
PLAIN: dict[str, Callable[[Any, Any], bool]] = {
    "type": lambda wanted, value: TYPES[wanted](value),
    "enum": lambda wanted, value: value in wanted,
    "const": lambda wanted, value: value == wanted and type(value) is type(wanted),
    "minimum": lambda wanted, value: not isinstance(value, int) or value >= wanted,
    "maximum": lambda wanted, value: not isinstance(value, int) or value <= wanted,
    "minLength": lambda wanted, value: not isinstance(value, str) or len(value) >= wanted,
    "maxLength": lambda wanted, value: not isinstance(value, str) or len(value) <= wanted,
    "minItems": lambda wanted, value: not isinstance(value, list) or len(value) >= wanted,
    "pattern": lambda wanted, value: not isinstance(value, str) or re.search(wanted, value) is not None,
    "required": lambda wanted, value: not isinstance(value, dict) or set(wanted) <= set(value),
}


class Checker:
    """Checks values against one schema document."""

    def __init__(self, root: Schema) -> None:
        self.root = root

    def problems(self, value: object) -> list[str]:
        """Return every place where the value breaks the schema, with the keyword it breaks."""
        return list(self._check(self.root, value, "file"))

    def _check(self, schema: Schema | bool, value: object, place: str) -> Iterator[str]:
        if isinstance(schema, bool):
            yield from () if schema else (f"{place}: not allowed",)
            return
        unknown = set(schema) - set(PLAIN) - NOTES - NESTED
        if unknown:
            raise NotImplementedError(sorted(unknown))
        yield from (f"{place}: {word}" for word in PLAIN.keys() & schema if not PLAIN[word](schema[word], value))
        if "$ref" in schema:
            yield from self._check(self.root["$defs"][schema["$ref"].removeprefix("#/$defs/")], value, place)
        if "anyOf" in schema and all(list(self._check(one, value, place)) for one in schema["anyOf"]):
            yield f"{place}: anyOf"
        if isinstance(value, list):
            for number, part in enumerate(value):
                yield from self._check(schema.get("items", True), part, f"{place}.{number}")
        if isinstance(value, dict):
            yield from self._check_keys(schema, value, place)

    def _check_keys(self, schema: Schema, value: dict[str, Any], place: str) -> Iterator[str]:
        for key, part in value.items():
            yield from self._check(schema.get("propertyNames", True), key, f"{place}.{key}")
            named = [schema["properties"][key]] if key in schema.get("properties", {}) else []
            patterns = schema.get("patternProperties", {})
            named += [sub for pattern, sub in patterns.items() if re.search(pattern, key)]
            for sub in named or [schema.get("additionalProperties", True)]:
                yield from self._check(sub, part, f"{place}.{key}")
