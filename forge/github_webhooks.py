"""GitHub's webhook deliveries: signed over the raw body, held to a grammar, and reduced to the few fields we use."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from domain.untrusted import clean_line

SIGNATURE, OLD_SIGNATURE = "X-Hub-Signature-256", "X-Hub-Signature"
EVENT, DELIVERY = "X-GitHub-Event", "X-GitHub-Delivery"
COMPLETED = "completed"
MAX_CORRELATIONS = 8  # a run's name has one; a copied one has little room for more
MAX_PROBLEM_CHARACTERS = 200
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EVENT = re.compile(r"[a-z][a-z0-9_]{0,63}")
_CORRELATION = re.compile(r"\[([0-9A-HJKMNP-TV-Z]{26})\]")  # a ULID in brackets, as a workflow's run-name shows it


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not GitHub's, or not one that we can tell from others."""

    reason: str


@dataclass(frozen=True, slots=True)
class News:
    """What a delivery says of a run or a check: a hint where to look, never how things stand.

    `correlations` are ids of ours that the run's name shows; `branch` and `run_id` are None where it names none.
    """

    repository: str
    completed: bool
    branch: str | None
    run_id: int | None = None
    correlations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A delivery that GitHub signed, and that is not as its documents say; `problem` names the fields, not what they hold."""

    problem: str


Said: TypeAlias = News | Unreadable


@dataclass(frozen=True, slots=True)
class Delivery:
    """One authentic delivery: its id, its event, the SHA-256 of its body in hex; `said` is None for an event we do not use."""

    guid: str
    event: str
    digest: str
    said: Said | None


def read_delivery(headers: Mapping[str, str], body: bytes, secret: str) -> Delivery | Refusal:
    """Check a request and read it. `headers` must find names whatever their case; `body` is what came, byte for byte.

    Only SHA-256 counts: the older signature that GitHub sends beside it is by SHA-1 (GitHub, validating deliveries).
    The id and the event are not signed, so they are trusted to tell deliveries apart and nothing more.
    """
    signature = headers.get(SIGNATURE)
    if signature is None:
        return Refusal("only the old signature" if OLD_SIGNATURE in headers else "no signature")
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature.encode(errors="backslashreplace"), expected.encode()):
        return Refusal("wrong signature")
    guid, event = headers.get(DELIVERY, "").lower(), headers.get(EVENT, "")
    if not _GUID.fullmatch(guid):
        return Refusal("no delivery id")
    if not _EVENT.fullmatch(event):
        return Refusal("no event name")
    model = _MODELS.get(event)
    return Delivery(guid, event, hashlib.sha256(body).hexdigest(), _read(model, body) if model else None)


def to_stored(said: Said) -> bytes:
    """Write what a delivery says as JSON."""
    return _STORED.dump_json(said)


def from_stored(stored: bytes) -> Said:
    """Read what `to_stored` wrote, perhaps in another version of this program."""
    try:
        return _STORED.validate_json(stored)
    except ValidationError:
        return Unreadable("it was kept by another version of Reins")


class _Read(BaseModel):
    """GitHub adds fields at any time; ours have to be there, and of their type."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, hide_input_in_errors=True)


Id = Annotated[int, Field(gt=0, lt=2**63)]
Action = Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]
BranchName = Annotated[str, Field(min_length=1, max_length=255)]


class _Repository(_Read):
    full_name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}$")


class _Run(_Read):
    id: Id
    display_title: str
    head_branch: BranchName | None


class _Job(_Read):
    run_id: Id
    head_branch: BranchName | None = None


class _Suite(_Read):
    head_branch: BranchName | None


class _Check(_Read):
    check_suite: _Suite


class _Event(_Read):
    action: Action
    repository: _Repository


class _WorkflowRun(_Event):
    workflow_run: _Run

    def news(self) -> News:
        run = self.workflow_run
        correlations = tuple(_CORRELATION.findall(run.display_title)[:MAX_CORRELATIONS])
        return News(self.repository.full_name, self.action == COMPLETED, run.head_branch, run.id, correlations)


class _WorkflowJob(_Event):
    workflow_job: _Job

    def news(self) -> News:
        """A job's end is not its run's: no branch is looked at for it."""
        job = self.workflow_job
        return News(self.repository.full_name, completed=False, branch=job.head_branch, run_id=job.run_id)


class _CheckRun(_Event):
    check_run: _Check

    def news(self) -> News:
        branch = self.check_run.check_suite.head_branch
        return News(self.repository.full_name, self.action == COMPLETED, branch)


_Model: TypeAlias = type[_WorkflowRun] | type[_WorkflowJob] | type[_CheckRun]
_MODELS: Mapping[str, _Model] = {"workflow_run": _WorkflowRun, "workflow_job": _WorkflowJob, "check_run": _CheckRun}
_STORED: TypeAdapter[Said] = TypeAdapter(Said)


def _read(model: _Model, body: bytes) -> Said:
    try:
        return model.model_validate_json(body).news()
    except ValidationError as error:
        problems = sorted({".".join(str(part) for part in one["loc"]) or one["type"] for one in error.errors()})
        return Unreadable(clean_line(", ".join(problems), MAX_PROBLEM_CHARACTERS))
