"""What is asked for: a named fix action of the policy with its arguments, and the argument vector that they make."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.errors import UserError
from domain.untrusted import clean_line
from loops.report import LoopName
from policy.file import FixAction, LoopLimits, Policy

SHOWN_CHARACTERS = 40
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")


@dataclass(frozen=True, slots=True)
class NamedFix:
    """A fix action by its name in the policy file, and the arguments as they were given, before any default."""

    action: str
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FixRequest:
    """Who wants to fix what: a loop, on a branch, by a named action."""

    loop: LoopName
    branch: str
    fix: NamedFix


def read_named_fix(text: str) -> NamedFix:
    """Read `NAME name=value ...`, as people write it on a command line; no shell ever sees it.

    Raises:
        UserError: there is no name, or a word that is no argument, or one stands twice.
    """
    action, *words = text.split() or [""]
    if not _NAME.fullmatch(action):
        shown = clean_line(action, SHOWN_CHARACTERS) or "nothing"
        raise UserError(f"a fix begins with the name of one of the policy's fix_actions, not {shown}")
    arguments: dict[str, str] = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not separator or not _NAME.fullmatch(name) or name in arguments:
            shown = clean_line(word, SHOWN_CHARACTERS)
            raise UserError(f"the fix's argument {shown} must be written name=value, each name once")
        arguments[name] = value
    return NamedFix(action, arguments)


def limits_of(policy: Policy, loop: LoopName) -> LoopLimits:
    """Return what a loop may do at most."""
    return {LoopName.TRIAGE: policy.loops.triage, LoopName.MUTATION: policy.loops.mutation}[loop]


def named_action(policy: Policy, loop: LoopName, name: str) -> FixAction | None:
    """Return a loop's fix action of this name."""
    return next((action for action in limits_of(policy, loop).fix_actions if action.name == name), None)


def argv_of(action: FixAction, bound: Mapping[str, str]) -> tuple[str, ...]:
    """Put each bound argument where its placeholder stands, as one element: nothing is split, nothing is expanded (D25)."""
    places = {f"{{{name}}}": value for name, value in bound.items()}
    return tuple(places.get(element, element) for element in action.argv)
