"""GitHub's reviews, comments on lines, checks and annotations in our words."""

from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from domain.git_names import COMMIT
from forge.github_client import GitHubClient, Variables
from forge.github_errors import GitHubRefused
from forge.github_pages import PER_PAGE, items
from forge.github_settings import READ_CHECKS, READ_PULLS, Permissions
from forge.port import Unreachable
from forge.reviews import Annotation, CheckRun, PullRequest, Review, ReviewComment

# One body may have 65,536 characters and carries a piece of the diff: 100 of them would be more than a page may weigh.
BODIES_PER_PAGE = 30
_Sha = Annotated[str, Field(pattern=f"^{COMMIT}$")]
_Text = Annotated[str, BeforeValidator(lambda value: value if value is not None else "")]  # GitHub writes null for none
_Number = Annotated[int, Field(gt=0)]


class _Document(BaseModel):
    """What GitHub writes; fields that we do not read are left alone, and no error quotes one."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class _User(_Document):
    """Who wrote something."""

    login: str


class _App(_Document):
    """The app behind a check."""

    slug: _Text = ""


class _Head(_Document):
    """The side of a pull request that would be brought in."""

    sha: _Sha
    ref: str


class _Pull(_Document):
    """A pull request; lists and single answers share these fields."""

    number: _Number
    state: str
    head: _Head
    merged_at: AwareDatetime | None = None


class _Comment(_Document):
    """A comment on a line. GitHub takes the line away once it is outdated; one on a whole file never had one."""

    id: _Number
    user: _User | None
    body: str
    path: str
    line: int | None = None
    original_line: int | None = None
    commit_id: str
    in_reply_to_id: int | None = None
    subject_type: str = "line"


class _Review(_Document):
    """A review."""

    id: _Number
    user: _User | None
    body: _Text
    state: str
    commit_id: str | None
    submitted_at: AwareDatetime | None = None


class _Output(_Document):
    """What a check has to say, counted."""

    annotations_count: int = 0


class _Check(_Document):
    """A check."""

    id: _Number
    name: str
    status: str
    conclusion: str | None
    app: _App | None
    output: _Output


class _Annotation(_Document):
    """A remark of a check."""

    path: str
    start_line: int
    annotation_level: _Text
    message: _Text
    title: _Text


_Model = TypeVar("_Model", bound=_Document)


class GitHubReviews:
    """The `Reviews` of GitHub."""

    def __init__(self, client: GitHubClient) -> None:
        """Use this client."""
        self._client = client

    async def pull(self, repository: str, number: int) -> PullRequest | None:
        """Return one pull request; see `Reviews.pull`."""
        variables: Variables = {"repository": repository, "number": number}
        try:
            document = await self._client.read("/repos/{+repository}/pulls/{number}", variables, READ_PULLS)
        except GitHubRefused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        return _pull_request(_read(_Pull, document))

    async def pull_of_commit(self, repository: str, sha: str) -> PullRequest | None:
        """Return the pull request of a commit; see `Reviews.pull_of_commit`."""
        path = "/repos/{+repository}/commits/{sha}/pulls{?per_page}"
        variables: Variables = {"repository": repository, "sha": sha, "per_page": PER_PAGE}
        pulls = [one async for one in self._listed(_Pull, path, variables, READ_PULLS)]
        best = max(pulls, key=lambda one: _belongs(one, sha), default=None)
        return _pull_request(best) if best else None

    async def review_comments(self, repository: str, number: int) -> tuple[ReviewComment, ...]:
        """Return the comments on lines; see `Reviews.review_comments`."""
        path = "/repos/{+repository}/pulls/{number}/comments{?per_page}"
        page = self._page(repository, number)
        return tuple(
            [
                ReviewComment(
                    id=one.id,
                    author=one.user.login if one.user else "",
                    body=one.body,
                    path=one.path,
                    line=one.line,
                    original_line=one.original_line,
                    commit_id=one.commit_id,
                    in_reply_to=one.in_reply_to_id,
                    url=f"{page}#discussion_r{one.id}",
                    outdated=one.line is None and one.subject_type != "file",
                )
                async for one in self._listed(_Comment, path, _bodies(repository, number), READ_PULLS)
            ]
        )

    async def reviews(self, repository: str, number: int) -> tuple[Review, ...]:
        """Return the reviews; see `Reviews.reviews`."""
        path = "/repos/{+repository}/pulls/{number}/reviews{?per_page}"
        page = self._page(repository, number)
        return tuple(
            [
                Review(
                    id=one.id,
                    author=one.user.login if one.user else "",
                    body=one.body,
                    state=one.state,
                    commit_id=one.commit_id,
                    url=f"{page}#pullrequestreview-{one.id}",
                    submitted_at=one.submitted_at,
                )
                async for one in self._listed(_Review, path, _bodies(repository, number), READ_PULLS)
            ]
        )

    async def checks(self, repository: str, sha: str) -> tuple[CheckRun, ...]:
        """Return the checks of a commit; see `Reviews.checks`."""
        path = "/repos/{+repository}/commits/{sha}/check-runs{?per_page}"
        variables: Variables = {"repository": repository, "sha": sha, "per_page": PER_PAGE}
        pages = f"{self._client.settings.pages}/{repository}/runs"
        return tuple(
            [
                CheckRun(
                    id=one.id,
                    name=one.name,
                    app=one.app.slug if one.app else "",
                    status=one.status,
                    conclusion=one.conclusion,
                    url=f"{pages}/{one.id}",
                    annotations_count=one.output.annotations_count,
                )
                async for one in self._listed(_Check, path, variables, READ_CHECKS, "check_runs")
            ]
        )

    async def annotations(self, repository: str, check: CheckRun) -> tuple[Annotation, ...]:
        """Return what a check remarks; see `Reviews.annotations`."""
        path = "/repos/{+repository}/check-runs/{id}/annotations{?per_page}"
        variables: Variables = {"repository": repository, "id": check.id, "per_page": PER_PAGE}
        return tuple(
            [
                Annotation(one.path, one.start_line, one.annotation_level, one.message, one.title)
                async for one in self._listed(_Annotation, path, variables, READ_CHECKS)
            ]
        )

    async def _listed(
        self, model: type[_Model], path: str, variables: Variables, need: Permissions, key: str | None = None
    ) -> AsyncIterator[_Model]:
        async for one in items(self._client, path, variables, need, key):
            yield _read(model, one)

    def _page(self, repository: str, number: int) -> str:
        """Return the address of a pull request's page, put together here: what an answer says is not handed on."""
        return f"{self._client.settings.pages}/{repository}/pull/{number}"


def _bodies(repository: str, number: int) -> Mapping[str, str | int]:
    return {"repository": repository, "number": number, "per_page": BODIES_PER_PAGE}


def _belongs(pull: _Pull, sha: str) -> tuple[bool, bool, bool]:
    """Rank a commit's pull requests: the open one it is the head of, then any it is the head of, then the merged one."""
    head = pull.head.sha == sha
    return (head and pull.state == "open", head, pull.merged_at is not None)


def _pull_request(pull: _Pull) -> PullRequest:
    return PullRequest(pull.number, pull.head.sha, pull.head.ref, pull.state)


def _read(model: type[_Model], document: Any) -> _Model:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        fields = ", ".join(sorted({str(one["loc"][0]) if one["loc"] else "all" for one in error.errors()}))
        raise Unreachable(f"GitHub's answer is no {model.__name__[1:].lower()}: {fields}") from None
