"""Typed inputs of an action: what a person wrote, checked and completed with the policy's defaults."""

import re
from collections.abc import Mapping

from policy.file import ActionInput, InputType
from policy.patterns import matches

MAX_INPUT_CHARACTERS = 64  # nothing we dispatch needs more
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,9}")  # one spelling per number: the digest of an approval is over text
_BOOLEANS = ("true", "false")


def bind_inputs(declared: Mapping[str, ActionInput], given: Mapping[str, str]) -> dict[str, str] | str:
    """Return the complete inputs as text, or one sentence that names the input and what it must look like."""
    unknown = sorted(set(given) - set(declared))
    if unknown:
        known = ", ".join(sorted(declared)) or "none"
        return f"there is no input {unknown[0]}; known: {known}"
    bound = {}
    for name, spec in declared.items():
        value = given.get(name)
        if value is None:
            if spec.default is None:
                return f"the input {name} is missing"
            value = _as_text(spec.default)
        problem = _problem(name, spec, value)
        if problem:
            return problem
        bound[name] = value
    return bound


def _as_text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _problem(name: str, spec: ActionInput, value: str) -> str | None:
    if len(value) > MAX_INPUT_CHARACTERS:
        return f"the input {name} has more than {MAX_INPUT_CHARACTERS} characters"
    if spec.type is InputType.BOOLEAN:
        return None if value in _BOOLEANS else f"the input {name} must be true or false"
    if spec.type is InputType.INTEGER:
        within = _INTEGER.fullmatch(value) and (spec.min or 0) <= int(value) <= (spec.max or 0)
        return None if within else f"the input {name} must be a whole number from {spec.min} to {spec.max}"
    if spec.enum is not None:
        return None if value in spec.enum else f"the input {name} must be one of {', '.join(spec.enum)}"
    return None if matches(spec.pattern or "", value) else f"the input {name} does not have the allowed form"
