"""A tiny evaluator of the expressions the templates use: properties, texts, `==`, `!=`, `&&`, `||`, brackets, always()."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<name>[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*(?:\(\))?)|(?P<sign>==|!=|&&|\|\||[()]))"
)
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None, "always()": True}

Value = Any
Contexts = Mapping[str, Any]


def fill(text: str, contexts: Contexts) -> str:
    """Put the value of each `${{ … }}` into a text, as GitHub does before anything reads it."""
    return _EXPRESSION.sub(lambda match: _as_text(value(match[1], contexts)), text)


def holds(condition: str, contexts: Contexts) -> bool:
    """Tell whether an `if:` lets a job or step run; the `${{ }}` around it may be left out."""
    whole = _EXPRESSION.fullmatch(condition.strip())
    return _is_true(value(whole[1] if whole else condition, contexts))


def value(expression: str, contexts: Contexts) -> Value:
    tokens, at = [], 0
    bare = expression.strip()
    while at < len(bare):
        match = _TOKEN.match(bare, at)
        assert match is not None, f"the evaluator does not know {bare[at:]!r}"
        tokens.append(match)
        at = match.end()
    reader = _Reader(tokens, contexts)
    found = reader.any_of()
    assert reader.at == len(tokens), f"{bare!r} goes on after its end"
    return found


@dataclass(slots=True)
class _Reader:
    tokens: list[re.Match[str]]
    contexts: Contexts
    at: int = 0

    def any_of(self) -> Value:
        return self._chain("||", self._all_of, keep=_is_true)

    def _all_of(self) -> Value:
        return self._chain("&&", self._compared, keep=lambda found: not _is_true(found))

    def _chain(self, sign: str, part: Callable[[], Value], keep: Callable[[Value], bool]) -> Value:
        """Return the first part that decides, or the last: these operators give back what they looked at."""
        found = part()
        while self._takes(sign):
            following = part()
            found = found if keep(found) else following
        return found

    def _compared(self) -> Value:
        left = self._one()
        if self._takes("=="):
            return _equal(left, self._one())
        if self._takes("!="):
            return not _equal(left, self._one())
        return left

    def _one(self) -> Value:
        if self._takes("("):
            found = self.any_of()
            assert self._takes(")")
            return found
        token = self.tokens[self.at]
        self.at += 1
        if token["text"]:
            return token["text"][1:-1].replace("''", "'")
        name = token["name"]
        return _WORDS[name] if name in _WORDS else self._property(name)

    def _property(self, name: str) -> Value:
        found: Value = self.contexts
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found

    def _takes(self, sign: str) -> bool:
        taken = self.at < len(self.tokens) and self.tokens[self.at]["sign"] == sign
        self.at += taken
        return taken


def _is_true(found: Value) -> bool:
    return isinstance(found, Mapping) or found not in {None, False, ""}


def _equal(left: Value, right: Value) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left.casefold() == right.casefold()
    if isinstance(left, Mapping) or isinstance(right, Mapping):
        return left is right
    return _as_number(left) == _as_number(right)


def _as_number(found: Value) -> float:
    if isinstance(found, str):
        return float(found) if re.fullmatch(r"\s*-?\d+(\.\d+)?\s*", found) else (math.nan if found.strip() else 0)
    return float(found or 0)


def _as_text(found: Value) -> str:
    if found is None:
        return ""
    return str(found).lower() if isinstance(found, bool) else str(found)
