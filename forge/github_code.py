"""What GitHub tells of code: heads of branches, how commits descend, workflow files, and what protects a branch."""

import base64
import binascii
import hashlib
import re
from http import HTTPStatus
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.git_names import COMMIT
from domain.untrusted import clean_line
from forge.code import BranchRules, Comparison, WorkflowFile
from forge.github_client import GitHubClient, Variables
from forge.github_errors import GitHubRefused
from forge.github_pages import PER_PAGE, items
from forge.github_runs import MAX_NAME_CHARACTERS
from forge.github_settings import READ_CONTENTS, READ_METADATA, Permissions
from forge.port import Refused, Unreachable

MAX_COMPARED_FILES = 300  # GitHub lists no more, and does not say that it left some out
_DESCENDS = frozenset({"ahead", "identical"})
_CHECKS, _PULL, _QUEUE, _UPDATE = "required_status_checks", "pull_request", "merge_queue", "update"
_HASHES = {40: "sha1", 64: "sha256"}  # by the length of an id: git's two kinds of repositories


class _Model(BaseModel):
    """A part of one of GitHub's documents."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Commit(_Model):
    """A commit, by its id."""

    sha: str = Field(pattern=f"^{COMMIT}$")


class _Check(_Model):
    """A check that has to be green, by its name."""

    context: str


class _Contexts(_Model):
    """The checks that a branch waits for, as its own settings name them."""

    contexts: tuple[str, ...] = ()
    checks: tuple[_Check, ...] = ()


class _Switch(_Model):
    """Something that is on or off."""

    enabled: bool = False


class _Protection(_Model):
    """A branch's own protection; what but its checks is shown to whom is GitHub's decision."""

    required_status_checks: _Contexts | None = None
    required_pull_request_reviews: dict[str, Any] | None = None
    lock_branch: _Switch | None = None


class _Branch(_Model):
    """A branch: where it stands, and its protection."""

    commit: _Commit
    protected: bool
    protection: _Protection = _Protection()


class _Parameters(_Model):
    """What a rule on checks asks for."""

    required_status_checks: tuple[_Check, ...] = ()


class _Rule(_Model):
    """A rule of a ruleset; the parameters are those of the only kind whose parameters are read."""

    type: str
    parameters: _Parameters = _Parameters()


class _ChangedFile(_Model):
    """A path that differs, and its other name where it was renamed."""

    filename: str
    previous_filename: str | None = None


class _Comparison(_Model):
    """GitHub leaves the files out where both commits are one."""

    status: str
    files: tuple[_ChangedFile, ...] = ()


class _File(_Model):
    """A file's contents: above a megabyte GitHub sends them in another way, which no workflow needs."""

    type: Literal["file"]
    encoding: Literal["base64"]
    sha: str = Field(pattern=f"^{COMMIT}$")
    content: str


_Shape = TypeVar("_Shape", bound=_Model)


class GitHubCode:
    """The `Code` of GitHub. It asks for Contents: read and Metadata: read, never for administration."""

    def __init__(self, client: GitHubClient) -> None:
        """Use this client."""
        self._client = client

    async def head(self, repository: str, branch: str) -> str | None:
        """Return the commit a branch stands at; None also where the token may not see the repository."""
        found = await self._branch(repository, branch)
        return found.commit.sha if found else None

    async def compare(self, repository: str, base: str, head: str) -> Comparison:
        """Return how one commit comes after another, both named by their full ids; one that is not there is refused.

        The files are those that changed since both had the same past: they are complete only where head descends.

        Raises:
            Refused: `bad_commit`: this is no commit's id; a branch's name could mean another repository's.
        """
        for commit in (base, head):
            if not re.fullmatch(COMMIT, commit):
                raise Refused("bad_commit", f"{clean_line(commit, MAX_NAME_CHARACTERS)!r} is no full commit id")
        # The files come with the first page of commits, whatever its size.
        path = "/repos/{+repository}/compare/{base}...{head}{?per_page}"
        variables: Variables = {"repository": repository, "base": base, "head": head, "per_page": 1}
        found = _read(_Comparison, await self._client.read(path, variables, READ_CONTENTS), "comparison")
        names = {name for one in found.files for name in (one.filename, one.previous_filename) if name is not None}
        descends = found.status in _DESCENDS
        return Comparison(descends, tuple(sorted(names)), descends and len(found.files) < MAX_COMPARED_FILES)

    async def workflow_file(self, repository: str, workflow: str, ref: str) -> WorkflowFile | None:
        """Return a workflow's file; None also where the ref is not there, or the token may not see the repository.

        Raises:
            Refused: `unreadable_workflow`: the file is no text.
        """
        path = "/repos/{+repository}/contents/.github/workflows/{workflow}{?ref}"
        variables: Variables = {"repository": repository, "workflow": workflow, "ref": ref}
        document = await self._unless_missing(path, variables, READ_CONTENTS)
        if document is None:
            return None
        file = _read(_File, document, "file")
        try:
            return WorkflowFile(file.sha, _content(file).decode("utf-8"))
        except UnicodeDecodeError:
            raise Refused("unreadable_workflow", f"{workflow} is no text in UTF-8") from None

    async def rules(self, repository: str, branch: str) -> BranchRules:
        """Return what protects a branch: its rulesets, and of its own settings what GitHub shows; none is refused.

        Of a branch that is protected by its own settings GitHub shows the checks, and the rest to administrators only.
        """
        found = await self._branch(repository, branch)
        if found is None:
            raise Refused("unknown_branch", f"{repository} shows no branch {clean_line(branch, MAX_NAME_CHARACTERS)}")
        path = "/repos/{+repository}/rules/branches/{branch}{?per_page}"
        variables: Variables = {"repository": repository, "branch": branch, "per_page": PER_PAGE}
        listed = items(self._client, path, variables, READ_METADATA)
        rules = [_read(_Rule, one, "rule") async for one in listed]
        return _joined(found, rules)

    async def _branch(self, repository: str, branch: str) -> _Branch | None:
        variables: Variables = {"repository": repository, "branch": branch}
        path = "/repos/{+repository}/branches/{branch}"
        document = await self._unless_missing(path, variables, READ_CONTENTS)
        return None if document is None else _read(_Branch, document, "branch")

    async def _unless_missing(self, path: str, variables: Variables, need: Permissions) -> Any | None:
        try:
            return await self._client.read(path, variables, need)
        except GitHubRefused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise


def _joined(branch: _Branch, rules: list[_Rule]) -> BranchRules:
    own, kinds = branch.protection, {rule.type for rule in rules}
    waits_for = own.required_status_checks or _Contexts()
    named = [*waits_for.contexts, *(one.context for one in waits_for.checks)]
    named += [one.context for rule in rules if rule.type == _CHECKS for one in rule.parameters.required_status_checks]
    return BranchRules(
        protected=branch.protected or bool(rules),
        needs_pull_request=own.required_pull_request_reviews is not None or not kinds.isdisjoint((_PULL, _QUEUE)),
        locked=(own.lock_branch is not None and own.lock_branch.enabled) or _UPDATE in kinds,
        checks=tuple(dict.fromkeys(clean_line(one, MAX_NAME_CHARACTERS) for one in named)),
    )


def _read(shape: type[_Shape], document: object, what: str) -> _Shape:
    try:
        return shape.model_validate(document)
    except ValidationError as error:
        raise Unreachable(f"GitHub's answer is no {what} ({error.error_count()} fields)") from None


def _content(file: _File) -> bytes:
    """Return a file's bytes, once they are known to be those that its id stands for."""
    try:
        content = base64.b64decode(file.content)
    except binascii.Error:
        raise Unreachable("GitHub's answer holds no file") from None
    known = hashlib.new(_HASHES[len(file.sha)], b"blob %d\0" % len(content) + content, usedforsecurity=False)
    if known.hexdigest() != file.sha:
        raise Unreachable("GitHub's answer holds other bytes than those of the file it names")
    return content
