"""The fake GitHub's operations for whoever checks a setup: whose token it is, the repository, a workflow's text.

They are outside the part of the description that is in use, so only their status and these fields are to be relied on.
"""

import base64

from tests.fakes.providers.github_calls import NOT_FOUND, Call, Operation, Refused, Reply
from tests.fakes.providers.github_gate import RATE_LIMIT
from tests.fakes.providers.github_shapes import user
from tests.fakes.providers.github_tokens import Kind


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


def _repository(call: Call) -> Reply:
    return Reply(call.repository.named.whole_document(call.version))


def _contents(call: Call) -> Reply:
    files = {one.path: one.source for one in call.repository.actions.workflows.values()}
    path = call.path["path"]
    if path not in files or call.repository.commits.resolve(call.query.get("ref", "main")) is None:
        raise Refused(404, NOT_FOUND)
    content = base64.encodebytes(files[path].encode()).decode()
    return Reply({"type": "file", "path": path, "encoding": "base64", "size": len(files[path]), "content": content})


EVERYWHERE = (
    Operation(RATE_LIMIT, "GET", "/rate_limit", "", _rate_limit),
    Operation("users/get-authenticated", "GET", "/user", "", _user, described=False),
)
OPERATIONS = (
    Operation("repos/get", "GET", "", "metadata=read", _repository, described=False),
    Operation("repos/get-content", "GET", "/contents/{path:.+}", "contents=read", _contents, described=False),
)
