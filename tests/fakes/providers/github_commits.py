"""What the fake GitHub knows of a repository's branches and commits: heads, statuses, checks, protection and rules."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.clock import Clock
from tests.fakes.providers.github_graph import Content, Graph
from tests.fakes.providers.github_plan import Moment
from tests.fakes.providers.github_shapes import ACTIONS_APP, FOUNDED, App, Named, moment_text, node_id, user


@dataclass(frozen=True, slots=True)
class Status:
    """One commit status."""

    id: int
    context: str
    state: str
    at: datetime
    description: str | None = None
    target_url: str | None = None


@dataclass(frozen=True, slots=True)
class CheckRun:
    """One check of a commit, by an app or by a job of a workflow. Annotations are as the API shows them."""

    id: int
    sha: str
    name: str
    place: Moment
    started_at: datetime
    suite_id: int
    app: App = ACTIONS_APP
    title: str | None = None
    summary: str | None = None
    annotations: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


class Commits:
    """The branches and commits of one repository."""

    def __init__(self, clock: Clock, ids: Iterator[int]) -> None:
        self.branches: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.known: set[str] = set()
        self.graph = Graph()
        self.statuses: dict[str, list[Status]] = {}
        self.checks: list[CheckRun] = []
        self.required: dict[str, list[str]] = {}  # contexts that protected branches wait for
        self.shown: dict[str, Mapping[str, Any]] = {}  # what else a branch tells of its protection
        self.rules: dict[str, list[Mapping[str, Any]]] = {}
        self._clock, self._ids = clock, ids

    def push(
        self,
        branch: str,
        sha: str | None = None,
        *,
        files: Mapping[str, Content | None] | None = None,
        onto: str | None = None,
    ) -> str:
        """Move a branch to a new commit, or make it; return the commit.

        It comes after the commit `onto`, usually the branch's last one, and changes these files; None removes one.
        A new branch begins at main.
        """
        made = sha or hashlib.sha1(f"{branch} {len(self.known)}".encode()).hexdigest()
        if made not in self.known:
            self.graph.add(made, onto or self.branches.get(branch) or self.branches.get("main"), files or {})
        self.branches[branch] = made
        self.known.add(made)
        return made

    def resolve(self, ref: str) -> str | None:
        """Return the commit that a branch, a tag or the commit's own name stands for."""
        name = ref.removeprefix("refs/heads/").removeprefix("refs/tags/").removeprefix("heads/")
        return self.branches.get(name) or self.tags.get(name) or (name if name in self.known else None)

    def status(self, sha: str, context: str, state: str, **more: Any) -> None:
        """Give a commit a status; the newest of a context counts."""
        old = [one for one in self.statuses.get(sha, []) if one.context != context]
        self.statuses[sha] = [Status(next(self._ids), context, state, self._clock.now(), **more), *old]

    def check(self, sha: str, name: str, conclusion: str | None, app: App, **more: Any) -> CheckRun:
        """Give a commit a check of another app; no conclusion is one in progress."""
        now = self._clock.now()
        place = Moment(now, "in_progress" if conclusion is None else "completed", conclusion)
        check = CheckRun(next(self._ids), sha, name, place, now, next(self._ids), app, **more)
        self.checks.append(check)
        return check

    def protect(self, branch: str, contexts: Sequence[str], **shown: Any) -> None:
        """Protect a branch the old way: it waits for these checks; `shown` is what else is told of it."""
        self.required[branch], self.shown[branch] = [*contexts], shown

    def rule(self, branch: str, contexts: Sequence[str], *, strict: bool = True) -> None:
        """Let a ruleset make a branch wait for these checks."""
        checks = [{"context": context, "integration_id": ACTIONS_APP.id} for context in contexts]
        parameters = {"required_status_checks": checks, "strict_required_status_checks_policy": strict}
        self.restrict(branch, "required_status_checks", parameters)

    def restrict(self, branch: str, kind: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Let a ruleset put a rule of this kind on a branch."""
        rule: dict[str, Any] = {"type": kind, "ruleset_id": next(self._ids)}
        source = {"ruleset_source_type": "Repository", "ruleset_source": "acme/app"}
        given = {} if parameters is None else {"parameters": parameters}
        self.rules.setdefault(branch, []).append(rule | source | given)


def annotation(path: str, line: int, message: str, level: str = "failure") -> dict[str, Any]:
    """Return an annotation as the API shows it."""
    return {
        "path": path,
        "start_line": line,
        "end_line": line,
        "start_column": None,
        "end_column": None,
        "annotation_level": level,
        "title": None,
        "message": message,
        "raw_details": None,
        "blob_href": f"https://github.example/blob/{path}",
    }


def combined_status(repository: Named, sha: str, statuses: Sequence[Status]) -> dict[str, Any]:
    """Return the sum of a commit's statuses; GitHub says `pending` also where there is none at all."""
    states = {one.state for one in statuses}
    bad, wait = bool(states & {"failure", "error"}), not states or "pending" in states
    return {
        "state": "failure" if bad else "pending" if wait else "success",
        "statuses": [_status(repository, sha, one) for one in statuses],
        "sha": sha,
        "total_count": len(statuses),
        "repository": repository.document(),
        "commit_url": f"{repository.api}/commits/{sha}",
        "url": f"{repository.api}/commits/{sha}/status",
    }


def _status(repository: Named, sha: str, status: Status) -> dict[str, Any]:
    return {
        "id": status.id,
        "node_id": node_id("SC", status.id),
        "context": status.context,
        "state": status.state,
        "description": status.description,
        "target_url": status.target_url,
        "avatar_url": None,
        "url": f"{repository.api}/statuses/{sha}",
        "created_at": moment_text(status.at),
        "updated_at": moment_text(status.at),
    }


def check_document(repository: Named, check: CheckRun, pulls: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    place, url = check.place, f"{repository.api}/check-runs/{check.id}"
    return {
        "id": check.id,
        "head_sha": check.sha,
        "node_id": node_id("CR", check.id),
        "external_id": "",
        "url": url,
        "html_url": f"{repository.html}/runs/{check.id}",
        "details_url": f"{repository.html}/runs/{check.id}",
        "status": place.status,
        "conclusion": place.conclusion,
        "started_at": moment_text(check.started_at),
        "completed_at": moment_text(place.at) if place.completed else None,
        "output": {
            "title": check.title,
            "summary": check.summary,
            "text": None,
            "annotations_count": len(check.annotations),
            "annotations_url": f"{url}/annotations",
        },
        "name": check.name,
        "check_suite": {"id": check.suite_id},
        "app": check.app.document(),
        "pull_requests": [*pulls],
    }


def branch_document(repository: Named, branch: str, commits: Commits) -> dict[str, Any]:
    """Return a branch; whoever may read it is told which checks it waits for."""
    sha, contexts = commits.branches[branch], commits.required.get(branch)
    url = f"{repository.api}/branches/{branch}"
    checks = {"contexts": contexts or [], "checks": [{"context": one, "app_id": None} for one in contexts or ()]}
    return {
        "name": branch,
        "commit": commit_document(repository, sha, commits),
        "_links": {"self": url, "html": f"{repository.html}/tree/{branch}"},
        "protected": contexts is not None or branch in commits.rules,
        "protection": {
            "enabled": contexts is not None,
            "required_status_checks": {"enforcement_level": "off" if contexts is None else "everyone", **checks},
            **commits.shown.get(branch, {}),
        },
        "protection_url": f"{url}/protection",
    }


def protection_document(repository: Named, branch: str, contexts: Sequence[str]) -> dict[str, Any]:
    """Return the whole protection, which only administrators may read."""
    url = f"{repository.api}/branches/{branch}/protection"
    checks = [{"context": one, "app_id": ACTIONS_APP.id} for one in contexts]
    return {
        "url": url,
        "required_status_checks": {
            "url": f"{url}/required_status_checks",
            "strict": True,
            "contexts": [*contexts],
            "contexts_url": f"{url}/required_status_checks/contexts",
            "checks": checks,
        },
        "enforce_admins": {"url": f"{url}/enforce_admins", "enabled": False},
    }


def commit_document(repository: Named, sha: str, commits: Commits) -> dict[str, Any]:
    """Return a commit as lists and branches carry it."""
    parent = commits.graph.parents.get(sha)
    url, who = f"{repository.api}/commits/{sha}", {"name": "Ann", "email": "ann@example.com", "date": FOUNDED}
    return {
        "sha": sha,
        "node_id": node_id("C", int(sha[:8], 16)),
        "url": url,
        "html_url": f"{repository.html}/commit/{sha}",
        "comments_url": f"{url}/comments",
        "commit": {
            "url": f"{repository.api}/git/commits/{sha}",
            "author": who,
            "committer": who,
            "message": "Change",
            "comment_count": 0,
            "tree": {"sha": sha[::-1], "url": f"{repository.api}/git/trees/{sha[::-1]}"},
        },
        "author": user("ann"),
        "committer": user("ann"),
        "parents": [{"sha": parent, "url": f"{repository.api}/commits/{parent}"}] if parent else [],
    }
