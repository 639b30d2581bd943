"""What a person asked for, reduced to what the gate needs to know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.people import Scope


class RequestKind(StrEnum):
    """What a request would do. The gate's rules speak of kinds, never of verbs, so that a new verb is never forgotten."""

    READ = "read"
    DISPATCH = "dispatch"
    ABORT = "abort"
    GRANT = "grant"
    REFUSE = "refuse"
    LOWER_MODE = "lower-mode"
    RAISE_MODE = "raise-mode"
    PREFERENCE = "preference"  # what one is told, where and when: subscribe, mute, sleep

    @property
    def writes(self) -> bool:
        """Tell whether the request changes anything beyond its own record."""
        return self is not RequestKind.READ


class Risk(StrEnum):
    """What could go wrong: nothing outside changes, an allowed branch changes, or something hard to undo (docs/design.md)."""

    REPORT = "report"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Request:
    """A parsed command: the verb for the record, the kind and scope for the gate, the target and arguments it names.

    `action`, `ref` and `inputs` are set for dispatches and grants, as typed by the person, before any default.
    """

    verb: str
    kind: RequestKind
    scope: Scope
    target: str = ""
    action: str | None = None
    ref: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
