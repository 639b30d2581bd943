"""The fake GitHub's operations on comments and reviews."""

from collections.abc import Sequence
from typing import Any

from tests.fakes.providers.github_calls import NOT_FOUND, Call, Operation, Refused, Reply, number_in, paged
from tests.fakes.providers.github_discussion import (
    Comment,
    PullRequest,
    Review,
    comment_document,
    commit_comment_document,
    pull_document,
    review_comment_document,
    review_document,
)
from tests.fakes.providers.github_effects import Written
from tests.fakes.providers.github_shapes import moment_text

MAX_BODY = 65_536
READ, WRITE = "issues=read; pull_requests=read", "issues=write; pull_requests=write"


def _issue(call: Call) -> int:
    number = number_in(call, "issue_number")
    issue = call.repository.discussion.issues.get(number)
    if issue is None:
        raise Refused(404, NOT_FOUND)
    if issue.deleted:
        raise Refused(410, "This issue was deleted")
    if issue.locked and call.body is not None:
        raise Refused(403, "Unable to create comment because issue is locked.")
    return number


def _body(call: Call) -> str:
    body = call.body.get("body") if isinstance(call.body, dict) else None
    if not isinstance(body, str) or not body.strip():
        raise Refused(422, "Validation Failed")
    if len(body) > MAX_BODY:
        raise Refused(422, f"Validation Failed: body is too long (maximum is {MAX_BODY} characters)")
    return body


def _write(call: Call, **where: Any) -> Comment:
    comment = Comment(0, call.token.login, _body(call), call.now, call.now, app=call.token.app, **where)
    call.repository.discussion.write(comment)
    _note(call, "create", comment)
    return comment


def _find(call: Call, *, on_issue: bool) -> Comment:
    comment = call.repository.discussion.comments.get(number_in(call, "comment_id"))
    if comment is None or (comment.issue is not None) is not on_issue:
        raise Refused(404, NOT_FOUND)
    return comment


def _change(call: Call, *, on_issue: bool) -> Comment:
    comment = _find(call, on_issue=on_issue)
    comment.body, comment.updated_at = _body(call), call.now
    _note(call, "update", comment)
    return comment


def _note(call: Call, kind: Any, comment: Comment) -> None:
    place = f"@{comment.commit}" if comment.issue is None else f"#{comment.issue}"
    where = call.repository.full_name + place
    done = Written(kind, comment.id, where, comment.body, comment.author, call.token.login)
    call.world.effects.comments.append(done)


def _list_on_issue(call: Call) -> Reply:
    number, since = _issue(call), call.query.get("since", "")
    every = sorted(call.repository.discussion.comments.values(), key=lambda one: one.id)
    found = [one for one in every if one.issue == number and moment_text(one.updated_at) >= since]
    return paged(call, found, lambda one: comment_document(call.repository.named, one))


def _create_on_issue(call: Call) -> Reply:
    return Reply(comment_document(call.repository.named, _write(call, issue=_issue(call))), 201)


def _get_on_issue(call: Call) -> Reply:
    return Reply(comment_document(call.repository.named, _find(call, on_issue=True)))


def _update_on_issue(call: Call) -> Reply:
    return Reply(comment_document(call.repository.named, _change(call, on_issue=True)))


def _commit(call: Call) -> str:
    sha = call.repository.commits.resolve(call.path["commit_sha"])
    if sha is None:
        raise Refused(422, f"No commit found for SHA: {call.path['commit_sha']}")
    return sha


def _list_on_commit(call: Call) -> Reply:
    sha = _commit(call)
    found = [one for one in call.repository.discussion.comments.values() if one.commit == sha]
    return paged(call, found, lambda one: commit_comment_document(call.repository.named, one))


def _create_on_commit(call: Call) -> Reply:
    place = {name: call.body[name] for name in ("path", "line", "position") if name in call.body}
    comment = _write(call, commit=_commit(call), place=place)
    return Reply(commit_comment_document(call.repository.named, comment), 201)


def _get_on_commit(call: Call) -> Reply:
    return Reply(commit_comment_document(call.repository.named, _find(call, on_issue=False)))


def _update_on_commit(call: Call) -> Reply:
    return Reply(commit_comment_document(call.repository.named, _change(call, on_issue=False)))


def _reviews(call: Call, *, inline: bool) -> Sequence[Review]:
    number = _pull(call).number
    every = call.repository.discussion.reviews
    return [one for one in every if one.pull == number and (one.path is not None) is inline]


def _pull(call: Call) -> PullRequest:
    pull = call.repository.discussion.pulls.get(number_in(call, "pull_number"))
    if pull is None:
        raise Refused(404, NOT_FOUND)
    return pull


def _get_pull(call: Call) -> Reply:
    return Reply(pull_document(call.repository.named, _pull(call), call.version))


def _list_reviews(call: Call) -> Reply:
    return paged(call, _reviews(call, inline=False), lambda one: review_document(call.repository.named, one))


def _list_review_comments(call: Call) -> Reply:
    since = call.query.get("since", "")
    found = [one for one in _reviews(call, inline=True) if moment_text(one.at) >= since]
    if call.query.get("direction") == "desc":
        found.reverse()
    return paged(call, found, lambda one: review_comment_document(call.repository.named, one))


_ISSUE, _COMMIT, _PULL = "/issues/{issue_number}/comments", "/commits/{commit_sha}/comments", "/pulls/{pull_number}"
_ONE, _ONE_ON_COMMIT = "/issues/comments/{comment_id}", "/comments/{comment_id}"
OPERATIONS = (
    Operation("issues/list-comments", "GET", _ISSUE, READ, _list_on_issue),
    Operation("issues/create-comment", "POST", _ISSUE, WRITE, _create_on_issue),
    Operation("issues/get-comment", "GET", _ONE, READ, _get_on_issue, described=False),
    Operation("issues/update-comment", "PATCH", _ONE, WRITE, _update_on_issue),
    Operation("repos/list-comments-for-commit", "GET", _COMMIT, "metadata=read", _list_on_commit),
    Operation("repos/create-commit-comment", "POST", _COMMIT, "contents=read", _create_on_commit),
    Operation("repos/get-commit-comment", "GET", _ONE_ON_COMMIT, "metadata=read", _get_on_commit, described=False),
    Operation("repos/update-commit-comment", "PATCH", _ONE_ON_COMMIT, "contents=write", _update_on_commit),
    Operation("pulls/get", "GET", _PULL, "pull_requests=read", _get_pull, described=False),
    Operation("pulls/list-reviews", "GET", f"{_PULL}/reviews", "pull_requests=read", _list_reviews),
    Operation("pulls/list-review-comments", "GET", f"{_PULL}/comments", "pull_requests=read", _list_review_comments),
)
