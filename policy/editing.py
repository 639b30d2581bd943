"""Changing one value of a policy file and leaving every other byte as its people wrote it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

PINS = "pins"
_SPACES = " \t\n\r"
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class _Member:
    """Where one member of an object stands: its key's first character, and its value's bounds."""

    at: int
    value_at: int
    end: int


def with_pins(text: str, action: str, pins: Mapping[str, str]) -> str:
    """Return the text of a valid policy file in which this action has these pins, by ref; the action is in the file.

    An action without pins gets them as its last member, spaced like the one before.
    """
    actions = _members(text, _next(text, 0))["actions"]
    members = _members(text, _members(text, actions.value_at)[action].value_at)
    value = json.dumps(pins, ensure_ascii=False)
    if PINS in members:
        return text[: members[PINS].value_at] + value + text[members[PINS].end :]
    last = max(members.values(), key=lambda member: member.at)
    space = text[len(text[: last.at].rstrip(_SPACES)) : last.at]
    return f'{text[: last.end]},{space}"{PINS}": {value}{text[last.end :]}'


def _members(text: str, at: int) -> dict[str, _Member]:
    """Return where the members of the object at a position stand, by key; the text is known to be good JSON."""
    members: dict[str, _Member] = {}
    at = _next(text, at + 1)
    while text[at] != "}":
        key, key_end = _DECODER.raw_decode(text, at)
        value_at = _next(text, _next(text, key_end) + 1)
        _, end = _DECODER.raw_decode(text, value_at)
        members[key] = _Member(at, value_at, end)
        at = _next(text, end)
        if text[at] == ",":
            at = _next(text, at + 1)
    return members


def _next(text: str, at: int) -> int:
    """Return where the next character stands that is no space."""
    while text[at] in _SPACES:
        at += 1
    return at
