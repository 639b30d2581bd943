"""Patterns of string inputs: matched in linear time, and refused at load when broken or risky for other readers."""

import re
from functools import lru_cache
from typing import Annotated

from pydantic import StringConstraints, TypeAdapter, ValidationError
from pydantic_core import SchemaError

_ESCAPED = re.compile(r"\\.")
# A repeated group is how a pattern comes to take exponential time, and a flag changes what the rest means. Inside a
# character class both would be harmless; refusing them there too keeps the check simple.
_RISKY = re.compile(r"\)[*+{]|\(\?[^:]")


def pattern_problem(pattern: str) -> str | None:
    """Return what is wrong with a pattern, or None when it may stand in a policy file."""
    if _RISKY.search(_ESCAPED.sub("", pattern)):
        return "the pattern repeats a group or opens one with (? and a flag; write it out with classes and counts"
    try:
        for form in (
            pattern,
            _whole(pattern),
        ):  # `a)|(b` is broken alone, but whole and no longer anchored when wrapped
            _matcher(form)
    except SchemaError:
        return "the pattern is no regular expression we can match in linear time (no look-around, no back-references)"
    return None


def matches(pattern: str, value: str) -> bool:
    """Tell whether the whole value has the pattern's form; only ASCII does, so that no letter is taken for its twin."""
    try:
        _matcher(_whole(pattern)).validate_python(value)
    except ValidationError:
        return False
    return value.isascii()


def _whole(pattern: str) -> str:
    return f"^(?:{pattern})$"


@lru_cache(maxsize=256)
def _matcher(pattern: str) -> TypeAdapter[str]:
    # pydantic matches with Rust's automata, which cannot backtrack; Python's `re` can be made to run for hours.
    return TypeAdapter(Annotated[str, StringConstraints(pattern=pattern)])
