"""A change on a forge in memory: its pull request, what is said of it, its runs and checks, and parts that do not answer."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from forge.port import ForgeError
from forge.results import Lane, RunsSought, SourceRun, Wanted
from forge.reviews import Annotation, CheckRun, PullRequest, Review, ReviewComment
from tests.fakes.coderabbit_texts import CODERABBIT
from tests.fakes.virtual_time import START

REPOSITORY = "acme/app"
FIRST, SECOND, THIRD = "a" * 40, "b" * 40, "c" * 40
PAGE = f"https://github.example/{REPOSITORY}"


@dataclass
class ChangeUnderReview:
    """Both ports of the collector. `failing` are the methods that raise; `asked` are those that were called."""

    pull_request: PullRequest | None = None
    comments: list[ReviewComment] = field(default_factory=list)
    written: list[Review] = field(default_factory=list)
    started: list[SourceRun] = field(default_factory=list)
    jobs: dict[int, tuple[Lane, ...]] = field(default_factory=dict)
    checked: list[CheckRun] = field(default_factory=list)
    remarks: dict[int, tuple[Annotation, ...]] = field(default_factory=lambda: defaultdict(tuple))
    failing: dict[str, ForgeError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    # --- what happens ---------------------------------------------------------------------------------------------

    def push(self, sha: str, branch: str = "feature") -> None:
        """Let the pull request stand at this commit."""
        self.pull_request = PullRequest(7, sha, branch, "open")

    def comment(self, body: str, path: str = "src/a.py", line: int | None = 3, author: str = CODERABBIT) -> None:
        """Comment on a line; None is an outdated one."""
        number = len(self.comments) + 1
        url = f"{PAGE}/pull/7#discussion_r{number}"
        self.comments.append(
            ReviewComment(number, author, body, path, line, 3, FIRST, None, url, outdated=line is None)
        )

    def review(self, body: str, sha: str = FIRST, author: str = CODERABBIT) -> None:
        """Review a commit, a minute after the last review."""
        number = len(self.written) + 1
        url = f"{PAGE}/pull/7#pullrequestreview-{number}"
        self.written.append(
            Review(number, author, body, "COMMENTED", sha, url, START - timedelta(hours=9) + timedelta(minutes=number))
        )

    def run_of(self, workflow: str, sha: str, conclusion: str | None, *jobs: Lane, event: str = "push") -> SourceRun:
        """Run a workflow at a commit."""
        number = len(self.started) + 100
        run = SourceRun(
            id=number,
            attempt=1,
            workflow=workflow,
            repository=REPOSITORY,
            branch="feature",
            head_sha=sha,
            event=event,
            completed=conclusion is not None,
            conclusion=conclusion,
            url=f"{PAGE}/actions/runs/{number}",
            started_at=START,
            updated_at=START,
        )
        self.started.insert(0, run)
        self.jobs[number] = jobs
        return run

    # --- Reviews --------------------------------------------------------------------------------------------------

    async def pull(self, _repository: str, number: int) -> PullRequest | None:
        self._answer("pull")
        return self.pull_request if self.pull_request and self.pull_request.number == number else None

    async def pull_of_commit(self, _repository: str, _sha: str) -> PullRequest | None:
        self._answer("pull_of_commit")
        return self.pull_request

    async def review_comments(self, _repository: str, _number: int) -> tuple[ReviewComment, ...]:
        self._answer("review_comments")
        return tuple(self.comments)

    async def reviews(self, _repository: str, _number: int) -> tuple[Review, ...]:
        self._answer("reviews")
        return tuple(self.written)

    async def checks(self, _repository: str, _sha: str) -> tuple[CheckRun, ...]:
        self._answer("checks")
        return tuple(self.checked)

    async def annotations(self, _repository: str, check: CheckRun) -> tuple[Annotation, ...]:
        self._answer("annotations")
        return self.remarks[check.id]

    # --- Results --------------------------------------------------------------------------------------------------

    async def run(self, _repository: str, run_id: int) -> SourceRun | None:
        self._answer("run")
        return next((one for one in self.started if one.id == run_id), None)

    async def runs(self, sought: RunsSought) -> tuple[SourceRun, ...]:
        self._answer("runs")
        return tuple(one for one in self.started if one.head_sha == sought.head_sha)[: sought.most]

    async def lanes(self, run: SourceRun) -> tuple[Lane, ...]:
        self._answer("lanes")
        return self.jobs[run.id]

    async def artifacts(self, _run: SourceRun, _wanted: Wanted) -> Mapping[str, bytes]:
        raise AssertionError("a collector downloads nothing")

    def _answer(self, method: str) -> None:
        self.asked.append(method)
        if method in self.failing:
            raise self.failing[method]
