"""The fake GitHub's operations for whoever looks around: whose token it is, the repository, a file's text, two commits.

They are outside the part of the description that is in use, so only their status and these fields are to be relied on.
"""

import base64
from typing import Any

from tests.fakes.providers.github_calls import NOT_FOUND, Call, Operation, Refused, Reply, paged
from tests.fakes.providers.github_commits import commit_document
from tests.fakes.providers.github_gate import RATE_LIMIT
from tests.fakes.providers.github_graph import Change, blob_sha
from tests.fakes.providers.github_shapes import user
from tests.fakes.providers.github_tokens import Kind

MAX_COMPARED_FILES = 300


def _rate_limit(call: Call) -> Reply:
    figures = call.world.tokens.figures(call.token)
    resources = dict.fromkeys(("core", "search"), figures)
    old = {} if call.version == "2026-03-10" else {"rate": figures}
    return Reply({"resources": resources, **old})


def _user(call: Call) -> Reply:
    if call.token.kind is Kind.ANONYMOUS:
        raise Refused(401, "Requires authentication")
    if call.token.kind is Kind.INSTALLATION:
        raise Refused(403, "Resource not accessible by integration")
    return Reply(user(call.token.login))


def _viewer(call: Call) -> Reply:
    """Answer the only question that the bot asks of GraphQL; it tells Apps their name, too."""
    if call.token.kind is Kind.ANONYMOUS:
        raise Refused(401, "This endpoint requires you to be authenticated.")
    if call.body != {"query": "{viewer{login}}"}:
        raise Refused(400, "The fake GitHub knows one question only")
    return Reply({"data": {"viewer": {"login": call.token.login}}})


def _repository(call: Call) -> Reply:
    return Reply(call.repository.named.whole_document(call.version))


def _contents(call: Call) -> Reply:
    """Answer one file: as a commit holds it, else the text that its workflow was given."""
    commits, path = call.repository.commits, call.path["path"]
    sha = commits.resolve(call.query.get("ref", "main"))
    sources = {one.path: one.source for one in call.repository.actions.workflows.values()}
    content = None if sha is None else {**sources, **commits.graph.files.get(sha, {})}.get(path)
    if content is None:
        raise Refused(404, NOT_FOUND)
    data = content.encode() if isinstance(content, str) else content
    return Reply(
        {
            "type": "file",
            "name": path.rpartition("/")[2],
            "path": path,
            "sha": blob_sha(data),
            "encoding": "base64",
            "size": len(data),
            "content": base64.encodebytes(data).decode(),
        }
    )


def _compare(call: Call) -> Reply:
    """Answer how a commit comes after another one: the commits in pages, the files beside the first of them."""
    repository, (base, _, head) = call.repository, call.path["basehead"].partition("...")
    commits, graph, api = repository.commits, repository.commits.graph, repository.named.api
    old, new = graph.line(commits.resolve(base) or ""), graph.line(commits.resolve(head) or "")
    common = next((one for one in new if one in old), None)
    if common is None:
        raise Refused(404, NOT_FOUND)
    ahead, behind = new[: new.index(common)], old[: old.index(common)]
    listed = paged(call, ahead[::-1], lambda one: commit_document(repository.named, one, commits), "commits")
    files = [_file(api, change) for change in graph.changes(common, new[0])][:MAX_COMPARED_FILES]
    sides = {(True, True): "diverged", (True, False): "ahead", (False, True): "behind", (False, False): "identical"}
    document = {
        "url": f"{api}/compare/{base}...{head}",
        "base_commit": commit_document(repository.named, old[0], commits),
        "merge_base_commit": commit_document(repository.named, common, commits),
        "status": sides[bool(ahead), bool(behind)],
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "commits": listed.body["commits"],
        **({"files": files} if ahead and call.query.get("page", "1") == "1" else {}),
    }
    return Reply(document, headers=listed.headers)


def _file(api: str, change: Change) -> dict[str, Any]:
    before = {} if change.before is None else {"previous_filename": change.before}
    place = {"contents_url": f"{api}/contents/{change.path}"}
    counts = dict.fromkeys(("additions", "deletions", "changes"), 1)
    return {"sha": change.blob, "filename": change.path, "status": change.status, **counts, **place, **before}


EVERYWHERE = (
    Operation(RATE_LIMIT, "GET", "/rate_limit", "", _rate_limit),
    Operation("users/get-authenticated", "GET", "/user", "", _user, described=False),
    Operation("graphql", "POST", "/graphql", "", _viewer, described=False),
)
OPERATIONS = (
    Operation("repos/get", "GET", "", "metadata=read", _repository, described=False),
    Operation("repos/get-content", "GET", "/contents/{path:.+}", "contents=read", _contents, described=False),
    Operation("repos/compare-commits", "GET", "/compare/{basehead:.+}", "contents=read", _compare, described=False),
)
