"""The policy file, schema version 2: every key it may have, and nothing else (docs/design.md)."""

import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.git_names import COMMIT, REPOSITORY
from domain.modes import Mode
from domain.people import AddressKind, Proof, Scope
from domain.requests import Risk
from policy.patterns import matches, pattern_problem

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
InputName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]  # a workflow's own names: most have underscores
Repository = Annotated[str, Field(pattern=f"^{REPOSITORY}$")]
# pydantic matches without look-around and in linear time, so `..` and `//` are kept out by what may follow a separator.
Ref = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*([./][A-Za-z0-9_-]+)*$", max_length=200)]
WorkflowPath = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*([./][A-Za-z0-9_-]+)*$", max_length=200)]
# Git's id of a file's bytes, in a repository of SHA-1 or of SHA-256.
BlobSha = Annotated[str, Field(pattern=f"^{COMMIT}$")]
# How a number of that country begins (E.164): `+41`, or where countries share a code, with the next digits: `+1787`.
CallingCode = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{0,3}$")]
RelativePath = Annotated[str, Field(pattern=r"^\.?[^./\x00-\x1f](\.?[^.\x00-\x1f])*\.?$", max_length=300)]
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9-]{0,31})\}")  # of an argument, in a fix action's argv


class _Closed(BaseModel):
    """Unknown keys are refused, types are never coerced, values never change after loading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class InputType(StrEnum):
    """The types an action's input can have."""

    STRING = "string"
    INTEGER = "integer"
    BOOLEAN = "boolean"


_BOUNDS: dict[InputType, tuple[set[str], ...]] = {
    InputType.STRING: ({"enum"}, {"pattern"}),
    InputType.INTEGER: ({"min", "max"},),
    InputType.BOOLEAN: (set(),),
}
_BOUNDS_IN_WORDS = {
    InputType.STRING: "a string input needs an enum or a pattern, and only one of them",
    InputType.INTEGER: "an integer input needs min and max, and nothing else",
    InputType.BOOLEAN: "a boolean input has no bounds",
}


class ActionInput(_Closed):
    """One typed input. A string needs an `enum` or a `pattern`: free text is never dispatched."""

    type: InputType
    enum: tuple[Annotated[str, Field(max_length=64)], ...] | None = Field(default=None, min_length=1)
    pattern: str | None = Field(default=None, max_length=200)
    min: int | None = None
    max: int | None = None
    default: str | int | bool | None = None

    @model_validator(mode="after")
    def _bounded(self) -> "ActionInput":
        bounds = {"enum": self.enum, "pattern": self.pattern, "min": self.min, "max": self.max}
        present = {name for name, bound in bounds.items() if bound is not None}
        if present not in _BOUNDS[self.type]:
            raise ValueError(f"{_BOUNDS_IN_WORDS[self.type]}; this one has {', '.join(sorted(present)) or 'neither'}")
        if self.pattern is not None and (problem := pattern_problem(self.pattern)):
            raise ValueError(problem)
        if self.default is not None and not self._takes(self.default):
            raise ValueError("the default is no value that the input would take")
        return self

    def _takes(self, default: str | int | bool) -> bool:
        if self.type is InputType.BOOLEAN:
            return isinstance(default, bool)
        if self.type is InputType.INTEGER:
            # True and False are integers to Python.
            is_number = isinstance(default, int) and not isinstance(default, bool)
            return is_number and (self.min or 0) <= int(default) <= (self.max or 0)
        return isinstance(default, str) and (
            default in self.enum if self.enum else matches(self.pattern or "", default)
        )


class ActionApprovals(_Closed):
    """How many other people must agree before the action runs, and for how long they may be asked."""

    needed: int = Field(default=0, ge=0, le=5)
    allow_self: bool = False
    expires_minutes: int = Field(default=15, ge=2, le=60)


class ActionRate(_Closed):
    """How often an action may be dispatched."""

    per_hour: int = Field(default=12, ge=1, le=3600)


class Action(_Closed):
    """An allowlisted thing that can be dispatched: nothing runs that is not named here.

    `pins` name the one version of the workflow's file that may run on each ref; without its pin nothing starts on GitHub.
    """

    title: str = Field(min_length=1, max_length=80)
    loop: Literal["triage", "mutation", "autonomy"] | None = None
    forge: Literal["local", "github"]
    repository: Repository
    workflow: WorkflowPath
    refs: tuple[Ref, ...] = Field(min_length=1)
    inputs: dict[InputName, ActionInput] = Field(default_factory=dict)
    risk: Risk
    modes: tuple[Mode, ...] = Field(min_length=1)
    approvals: ActionApprovals = ActionApprovals()
    rate: ActionRate = ActionRate()
    slot: Name | None = None
    pins: dict[Ref, BlobSha] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _pins_fit(self) -> "Action":
        if self.pins and self.forge != "github":
            raise ValueError("pins: only a workflow on github is pinned; take them out")
        for ref in self.pins:
            if ref not in self.refs:
                raise ValueError(f"pins: {ref} is not in refs")
        return self


class FixAction(_Closed):
    """A named local command with typed arguments; there are no command prefixes (D25).

    An element of `argv` that is `{name}` and nothing else stands for that argument.
    """

    name: Name
    argv: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(min_length=1)
    arguments: dict[Name, ActionInput] = Field(default_factory=dict)
    timeout_seconds: int = Field(ge=1, le=7200)
    environment: tuple[Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]{0,63}$")], ...] = ()

    @model_validator(mode="after")
    def _placeholders_fit(self) -> "FixAction":
        standing = {name for element in self.argv for name in _PLACEHOLDER.findall(element)}
        for name in sorted(standing ^ set(self.arguments)):
            missing = "arguments does not declare it" if name in standing else "argv has no element for it"
            raise ValueError(f"argv: {{{name}}}: {missing}")
        for position, element in enumerate(self.argv):
            if _PLACEHOLDER.search(element) and (position == 0 or not _PLACEHOLDER.fullmatch(element)):
                raise ValueError(f"argv.{position}: a placeholder is an element of its own, and never the program")
        return self


class LoopLimits(_Closed):
    """What a loop may do at most. `threshold_percent` is text such as `80` or `82.50`: money and gates avoid floats."""

    allowed_branches: tuple[Ref, ...] = ()
    max_attempts: int = Field(default=3, ge=1, le=10)
    fix_actions: tuple[FixAction, ...] = ()
    max_comment_updates_per_hour: int = Field(default=6, ge=0, le=60)
    threshold_percent: Annotated[str, Field(pattern=r"^(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)$")] = "80"
    max_age_hours: int | None = Field(default=168, ge=1, le=8760)
    shards: int | None = Field(default=None, ge=1, le=256)
    max_rounds: int = Field(default=12, ge=1, le=100)
    max_hours: int = Field(default=24, ge=1, le=168)
    max_tasks: int = Field(default=200, ge=1, le=10_000)
    deadline_seconds: int = Field(default=1800, ge=10, le=86_400)

    @model_validator(mode="after")
    def _fix_actions_are_told_apart(self) -> "LoopLimits":
        names = [action.name for action in self.fix_actions]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"fix_actions: {name} stands twice")
        return self


class Loops(_Closed):
    """Limits per loop; a loop that is not named has the defaults and no allowed branch."""

    triage: LoopLimits = LoopLimits()
    mutation: LoopLimits = LoopLimits()
    autonomy: LoopLimits = LoopLimits()


class ChannelLimits(_Closed):
    """What a channel may carry: the highest scope it serves, and texts per person and hour.

    `countries` are the calling codes that texts may go to, for SMS only; none named means every enrolled number.
    """

    max_scope: Scope = Scope.READ
    per_person_per_hour: int = Field(default=30, ge=1, le=1_000_000_000)
    countries: tuple[CallingCode, ...] = ()


class Security(_Closed):
    """Windows and lifetimes, each with its unit in its name."""

    replay_window_seconds: int = Field(default=300, ge=30, le=900)
    audit_retention_days: int = Field(default=400, ge=30, le=3650)
    token_minutes: int = Field(default=15, ge=1, le=15)
    approve_token_seconds: int = Field(default=120, ge=30, le=120)
    raise_proof: Literal[Proof.DEVICE, Proof.ACCOUNT] = Proof.DEVICE
    soak_days: int = Field(default=7, ge=0, le=90)
    soak_clean_runs: int = Field(default=20, ge=0, le=10_000)


class AuditMetrics(_Closed):
    """Where metrics events go."""

    event_log_path: RelativePath = "metrics/events.jsonl"


class ImportMapping(_Closed):
    """One path copied from a pinned source to a place of ours."""

    from_: RelativePath = Field(alias="from")
    to: RelativePath


class ImportProfile(_Closed):
    """A named set of paths that may be imported together."""

    description: str = Field(max_length=200)
    mappings: tuple[ImportMapping, ...]


class ImportSource(_Closed):
    """One other repository, pinned, and what may be taken from it."""

    path: RelativePath
    url: str = Field(pattern=r"^https://[^\s]{1,300}$")
    profiles: dict[Name, ImportProfile]


class Federation(_Closed):
    """What may be imported from other repositories (as in schema version 1)."""

    audit_log_path: RelativePath = "reports/integration_import_audit.jsonl"
    max_files_per_import: int = Field(default=1200, ge=1, le=10_000)
    allowed_destination_roots: tuple[RelativePath, ...] = ()
    sources: dict[Name, ImportSource] = Field(default_factory=dict)


class Policy(_Closed):
    """The whole file."""

    schema_version: Literal[2]
    autonomy_mode_default: Mode = Mode.READ_ONLY
    repositories: tuple[Repository, ...] = ()
    roles: dict[Name, tuple[Scope, ...]]
    actions: dict[Name, Action] = Field(default_factory=dict)
    loops: Loops = Loops()
    channels: dict[AddressKind, ChannelLimits] = Field(default_factory=dict)
    security: Security = Security()
    protected_paths: tuple[RelativePath, ...] = ()
    audit_metrics: AuditMetrics = AuditMetrics()
    integration_federation: Federation = Federation()

    @model_validator(mode="after")
    def _consistent(self) -> "Policy":
        for name, action in self.actions.items():
            if action.repository not in self.repositories:
                raise ValueError(f"actions.{name}.repository: {action.repository} is not in repositories")
            if action.risk is not Risk.REPORT and Mode.READ_ONLY in action.modes:
                raise ValueError(f"actions.{name}.modes: a {action.risk} risk action runs only in operate")
            if Mode.OFF in action.modes:
                raise ValueError(f"actions.{name}.modes: nothing runs while the mode is off")
        for kind, limits in self.channels.items():
            if limits.countries and kind is not AddressKind.SMS:
                raise ValueError(f"channels.{kind.value}.countries: only sms goes to numbers; take it out")
        return self
