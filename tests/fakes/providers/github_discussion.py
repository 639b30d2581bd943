"""What people and apps say in one repository of the fake GitHub: issues, pull requests, comments, reviews."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.clock import Clock
from tests.fakes.providers.github_shapes import App, Named, moment_text, node_id, reactions, user


@dataclass(slots=True)
class Issue:
    """An issue or pull request, as far as comments care."""

    number: int
    locked: bool = False
    deleted: bool = False


@dataclass(slots=True)
class PullRequest:
    """A pull request from a branch of this repository, or of a fork."""

    number: int
    id: int
    head_branch: str
    head_sha: str
    base_sha: str
    base_branch: str = "main"
    state: str = "open"
    author: str = "ann"
    fork: bool = False


@dataclass(slots=True)
class Comment:
    """One comment on an issue (`issue`) or on a commit (`commit`)."""

    id: int
    author: str
    body: str
    created_at: datetime
    updated_at: datetime
    issue: int | None = None
    commit: str | None = None
    app: App | None = None
    place: Mapping[str, Any] = field(default_factory=dict)  # path, line, position of a comment on a commit


@dataclass(frozen=True, slots=True)
class Review:
    """One review, or (with a path) one of its inline comments. A line of None is outdated."""

    id: int
    pull: int
    author: str
    body: str
    at: datetime
    commit: str
    state: str = "COMMENTED"
    path: str | None = None
    line: int | None = None
    original_line: int | None = None
    in_reply_to: int | None = None


class Discussion:
    """What is written in one repository. A test's own words are written here; the bot's come through the API."""

    def __init__(self, clock: Clock, ids: Iterator[int]) -> None:
        self.issues: dict[int, Issue] = {}
        self.pulls: dict[int, PullRequest] = {}
        self.comments: dict[int, Comment] = {}
        self.reviews: list[Review] = []
        self._clock, self._ids = clock, ids

    def open_issue(self, number: int) -> Issue:
        self.issues[number] = Issue(number)
        return self.issues[number]

    def open_pull(self, number: int, head_branch: str, head_sha: str, base_sha: str, **more: Any) -> PullRequest:
        """Open a pull request; it can be commented on as an issue can."""
        self.open_issue(number)
        self.pulls[number] = PullRequest(number, next(self._ids), head_branch, head_sha, base_sha, **more)
        return self.pulls[number]

    def comment(self, issue: int, body: str, author: str = "ann", app: App | None = None) -> Comment:
        """Write a comment on an issue or pull request."""
        return self.write(Comment(0, author, body, self._clock.now(), self._clock.now(), issue=issue, app=app))

    def comments_by_others(self, issue: int, count: int) -> None:
        """Let other people write so much that a list has several pages."""
        for number in range(count):
            self.comment(issue, f"me too, {number}", author=f"person-{number % 7}")

    def write(self, comment: Comment) -> Comment:
        comment.id = next(self._ids)
        self.comments[comment.id] = comment
        return comment

    def delete_comment(self, number: int) -> None:
        del self.comments[number]

    def review(self, pull: int, body: str, author: str = "coderabbitai[bot]", **more: Any) -> Review:
        """Review a pull request; with `path` and `line` it is an inline comment."""
        commit = more.pop("commit", self.pulls[pull].head_sha)
        review = Review(next(self._ids), pull, author, body, self._clock.now(), commit, **more)
        self.reviews.append(review)
        return review


def comment_document(repository: Named, comment: Comment) -> dict[str, Any]:
    """Return a comment on an issue as the API shows it."""
    url = f"{repository.api}/issues/comments/{comment.id}"
    return {
        **_written(comment),
        "node_id": node_id("IC", comment.id),
        "url": url,
        "html_url": f"{repository.html}/issues/{comment.issue}#issuecomment-{comment.id}",
        "issue_url": f"{repository.api}/issues/{comment.issue}",
        "reactions": reactions(url),
        "performed_via_github_app": None if comment.app is None else comment.app.document(),
    }


def commit_comment_document(repository: Named, comment: Comment) -> dict[str, Any]:
    """Return a comment on a commit as the API shows it."""
    url = f"{repository.api}/comments/{comment.id}"
    return {
        **_written(comment),
        "node_id": node_id("CC", comment.id),
        "url": url,
        "html_url": f"{repository.html}/commit/{comment.commit}#commitcomment-{comment.id}",
        "commit_id": comment.commit,
        **{name: comment.place.get(name) for name in ("path", "line", "position")},
        "reactions": reactions(url),
    }


def _written(comment: Comment) -> dict[str, Any]:
    return {
        "id": comment.id,
        "body": comment.body,
        "user": user(comment.author),
        "created_at": moment_text(comment.created_at),
        "updated_at": moment_text(comment.updated_at),
        "author_association": "NONE",
    }


def review_document(repository: Named, review: Review) -> dict[str, Any]:
    html = f"{repository.html}/pull/{review.pull}#pullrequestreview-{review.id}"
    pull = f"{repository.api}/pulls/{review.pull}"
    return {
        "id": review.id,
        "node_id": node_id("PRR", review.id),
        "user": user(review.author),
        "body": review.body,
        "state": review.state,
        "html_url": html,
        "pull_request_url": pull,
        "_links": {"html": {"href": html}, "pull_request": {"href": pull}},
        "submitted_at": moment_text(review.at),
        "commit_id": review.commit,
        "author_association": "NONE",
    }


def review_comment_document(repository: Named, review: Review) -> dict[str, Any]:
    """Return an inline comment. GitHub writes `line: null` for an outdated one, and its description leaves that out."""
    url, pull = f"{repository.api}/pulls/comments/{review.id}", f"{repository.api}/pulls/{review.pull}"
    html = f"{repository.html}/pull/{review.pull}#discussion_r{review.id}"
    reply = {} if review.in_reply_to is None else {"in_reply_to_id": review.in_reply_to}
    return {
        "id": review.id,
        "node_id": node_id("PRRC", review.id),
        "url": url,
        "html_url": html,
        "pull_request_url": pull,
        "pull_request_review_id": None,
        "user": user(review.author),
        "body": review.body,
        "path": review.path,
        "line": review.line,
        "original_line": review.original_line or review.line,
        "side": "RIGHT",
        "diff_hunk": "@@ -1 +1 @@",
        "commit_id": review.commit,
        "original_commit_id": review.commit,
        "created_at": moment_text(review.at),
        "updated_at": moment_text(review.at),
        "author_association": "NONE",
        "_links": {"self": {"href": url}, "html": {"href": html}, "pull_request": {"href": pull}},
        **reply,
    }


def pull_document(repository: Named, pull: PullRequest, version: str) -> dict[str, Any]:
    api, html = f"{repository.api}/pulls/{pull.number}", f"{repository.html}/pull/{pull.number}"
    issue, commit = f"{repository.api}/issues/{pull.number}", f"{repository.api}/statuses/{pull.head_sha}"
    links = {
        "self": api,
        "html": html,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{api}/comments",
        "review_comment": f"{repository.api}/pulls/comments{{/number}}",
        "commits": f"{api}/commits",
        "statuses": commit,
    }
    removed = {} if version == "2026-03-10" else {"assignee": None, "merge_commit_sha": None}
    base_repository = repository.whole_document(version)
    sides = {
        side: {
            "label": f"{repository.owner}:{branch}",
            "ref": branch,
            "sha": sha,
            "repo": base_repository,
            "user": user(repository.owner),
        }
        for side, branch, sha in (
            ("head", pull.head_branch, pull.head_sha),
            ("base", pull.base_branch, pull.base_sha),
        )
    }
    return {
        "id": pull.id,
        "node_id": node_id("PR", pull.id),
        "number": pull.number,
        "state": pull.state,
        "locked": False,
        "title": f"Change {pull.head_branch}",
        "user": user(pull.author),
        "body": None,
        "labels": [],
        "milestone": None,
        "auto_merge": None,
        **sides,
        "_links": {name: {"href": url} for name, url in links.items()},
        "url": api,
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        **{f"{name}_url": links[name] for name in ("issue", "comments", "review_comments", "commits", "statuses")},
        "review_comment_url": links["review_comment"],
        **dict.fromkeys(("created_at", "updated_at"), "2026-01-01T00:00:00Z"),
        **dict.fromkeys(("closed_at", "merged_at"), None),
        "author_association": "NONE",
        **removed,
    }
