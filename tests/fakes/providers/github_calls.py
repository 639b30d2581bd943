"""One call of the fake GitHub's API, what answers it, and lists cut into pages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

if TYPE_CHECKING:
    from tests.fakes.providers.github_repository import Repository, World
    from tests.fakes.providers.github_tokens import Token

USUAL_PAGE, LARGEST_PAGE = 30, 100
Item = TypeVar("Item")


class Refused(Exception):  # noqa: N818 - what it is, not what went wrong
    """An answer of 4xx."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers or {}


NOT_FOUND = "Not Found"


@dataclass(frozen=True, slots=True)
class Call:
    """One call that was let in. `path` and `query` are text, `body` is read JSON, `rest` the path in the repository."""

    world: "World"
    place: "Repository | None"
    token: "Token"
    version: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    rest: str
    now: datetime

    @property
    def repository(self) -> "Repository":
        assert self.place is not None, "this operation is not one of a repository"
        return self.place


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; no body is none at all."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its name in GitHub's description, its place below a repository, and the permissions that will do.

    Permissions are written as in X-Accepted-GitHub-Permissions: `issues=read; pull_requests=read` is either.
    What is not `described` is outside the part of the description in use; nothing checks it.
    """

    id: str
    method: str
    path: str
    permissions: str
    answer: Callable[[Call], Reply]
    described: bool = True

    @property
    def writes(self) -> bool:
        return self.method != "GET"


def number_in(call: Call, name: str) -> int:
    """Return a number of the path; what is none is nothing that GitHub has."""
    if not call.path[name].isdigit():
        raise Refused(404, NOT_FOUND)
    return int(call.path[name])


def paged(
    call: Call, items: Sequence[Item], write: Callable[[Item], Any], within: str | None = None, total: int | None = None
) -> Reply:
    """Answer one page of a list, bare or (`within`) beside the total count, with links to the pages around it.

    The links name the repository by its id, as GitHub's do: pages are to be followed, not worked out.
    """
    size = min(max(int(call.query.get("per_page", USUAL_PAGE)), 1), LARGEST_PAGE)
    page = max(int(call.query.get("page", 1)), 1)
    last = max(-(-len(items) // size), 1)
    documents = [write(one) for one in items[(page - 1) * size : page * size]]
    before = {"prev": page - 1, "first": 1} if page > 1 else {}
    after = {"next": page + 1, "last": last} if page < last else {}
    links = [f'<{_address(call, number)}>; rel="{name}"' for name, number in {**before, **after}.items()]
    headers = {"Link": ", ".join(links)} if links else {}
    count = len(items) if total is None else total
    return Reply(documents if within is None else {"total_count": count, within: documents}, headers=headers)


def _address(call: Call, page: int) -> str:
    query = urlencode({**call.query, "page": str(page)})
    return f"{call.world.url}/repositories/{call.repository.id}{call.rest}?{query}"
