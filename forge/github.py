"""The GitHub forge: workflows run in GitHub Actions, found again by the correlation id that their run's name carries."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from domain.clock import Clock, to_text
from domain.effects import Dispatch
from domain.git_names import short
from forge.code import Code
from forge.github_client import GitHubClient, Variables
from forge.github_errors import GitHubRefused
from forge.github_pages import PER_PAGE, items
from forge.github_runs import DISPATCH_EVENT, WorkflowRun, carries, job_of, read_run
from forge.github_settings import CORRELATION_INPUT, READ_ACTIONS, WRITE_ACTIONS
from forge.port import Job, JobState, Refused, Sought, Unclear, Unreachable

MAX_INPUTS = 25  # GitHub's own bound, ours included
POLL_SECONDS = 15.0  # with ETags that is free of the hourly limit; 240 questions an hour for each open run
# A run made before this cannot be ours. The correlation id decides, so the margin only has to outlast clocks that
# differ: with one that is too narrow a run is never found.
CLOCK_DIFFERENCE = timedelta(minutes=5)
CHECK_SECONDS = 8.0  # for looking at branch and workflow: with token and dispatch, it all fits into the relay's 25
_WORKFLOW_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,190}\.ya?ml")
_RUN_PAGE = re.compile(r"/(?P<repository>[^/]+/[^/]+)/actions/runs/(?P<id>[1-9][0-9]{0,18})")
# What GitHub says in a 422, and the stable reason that we make of it.
_NOT_ACCEPTED = (
    ("unexpected inputs", "unexpected_inputs"),
    ("required input", "missing_inputs"),
    ("no ref found", "unknown_ref"),
    ("disabled", "workflow_disabled"),
    ("workflow_dispatch", "no_dispatch_trigger"),
)
Expect = Callable[[str, str], Awaitable[None]]


class GitHubForge:
    """The `Forge` of GitHub Actions. GitHub knows no idempotency keys: a dispatch is sent once and then looked for.

    It knows no preconditions either: a dispatch names a branch, whatever stands there. So branch and workflow are looked
    at before, and the run's commit has to be compared afterwards with the one that was expected.
    """

    name = "github"
    repeats_safely = False
    poll_seconds = POLL_SECONDS

    def __init__(self, client: GitHubClient, code: Code, clock: Clock, expect: Expect) -> None:
        """Use this client; `expect(run id, commit)` keeps what a run is dispatched for, before it is."""
        self._client = client
        self._code = code
        self._clock = clock
        self._expect = expect

    async def dispatch(self, effect: Dispatch) -> Job:
        """Start the workflow of this file on this ref, with the correlation id as one more input; see `Forge.dispatch`.

        The job's `head_sha` is the commit that the branch stood at a moment before.

        Raises:
            Refused: also `workflow_not_pinned`, `workflow_changed`, `workflow_not_found`, `unknown_ref`, `head_moved`.
        """
        _check(effect)
        head = await self._checked_head(effect)
        await self._expect(effect.run_id, head)
        variables: Variables = {"repository": effect.repository, "workflow": effect.workflow}
        document = {"ref": effect.ref, "inputs": {**effect.inputs, CORRELATION_INPUT: effect.correlation}}
        path = "/repos/{+repository}/actions/workflows/{workflow}/dispatches"
        try:
            answer = await self._client.write(path, variables, document, WRITE_ACTIONS)
        except GitHubRefused as error:
            raise _explained(error, effect) from None
        run_id = _run_id(answer)
        url = self._client.settings.run_page(effect.repository, run_id) if run_id else None
        return _started(effect, run_id, url, head, self._clock.now())

    async def find(self, sought: Sought) -> Job | None:
        """Return the run: by its id where that is known, else the first one that carries the correlation id."""
        try:
            run = await self._find(sought)
        except GitHubRefused as error:
            if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
                return None
            raise Unreachable(str(error)) from None
        return job_of(run, sought, self._client.settings) if run else None

    async def cancel(self, sought: Sought) -> None:
        """Ask GitHub to end the run; see `Forge.cancel`."""
        run_id = _known_id(sought)
        if run_id is None:
            found = await self.find(sought)
            if found is None:
                raise Unreachable("GitHub does not show the run yet")
            run_id = int(found.external_id)
        variables: Variables = {"repository": sought.repository, "id": run_id}
        try:
            await self._client.write("/repos/{+repository}/actions/runs/{id}/cancel", variables, b"", WRITE_ACTIONS)
        except GitHubRefused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise Refused("unknown_job", f"GitHub shows no run {run_id} of {sought.repository}") from None
            if error.status != HTTPStatus.CONFLICT:  # a conflict says that it is over
                raise

    async def _checked_head(self, effect: Dispatch) -> str:
        """Return the commit the branch stands at, where it may run and its workflow is the pinned one.

        The workflow is read at that commit, not at the branch: what runs there is what was looked at.
        """
        if effect.pin is None:
            mend = f"look it through, then `reins policy pin {effect.action}`"
            raise Refused("workflow_not_pinned", f"{effect.workflow} has no pin for {effect.ref}: {mend}")
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                head = await self._code.head(effect.repository, effect.ref)
                if head is None:
                    raise Refused(
                        "unknown_ref", f"{effect.repository} has no branch {effect.ref}, or the token may not see it"
                    )
                if effect.approved_sha not in (None, head):
                    moved = f"{effect.ref} moved from the approved {short(effect.approved_sha)} to {short(head)}"
                    raise Refused("head_moved", f"{moved}: ask again")
                file = await self._code.workflow_file(effect.repository, effect.workflow, head)
        except TimeoutError:
            raise Unreachable(f"GitHub did not show branch and workflow within {CHECK_SECONDS:.0f} s") from None
        if file is None:
            raise Refused(
                "workflow_not_found", f"{effect.ref} has no .github/workflows/{effect.workflow}: put it there"
            )
        if file.blob_sha != effect.pin:
            changed = f"{effect.workflow} on {effect.ref} is {short(file.blob_sha)}, pinned is {short(effect.pin)}"
            raise Refused("workflow_changed", f"{changed}: look it through, then `reins policy pin {effect.action}`")
        return head

    async def _find(self, sought: Sought) -> WorkflowRun | None:
        run_id = _known_id(sought)
        if run_id is not None:
            variables: Variables = {"repository": sought.repository, "id": run_id}
            path = "/repos/{+repository}/actions/runs/{id}?exclude_pull_requests=true"
            return read_run(await self._client.read(path, variables, READ_ACTIONS))
        variables = {
            "repository": sought.repository,
            "event": DISPATCH_EVENT,
            "branch": sought.ref,
            "created": f">={_second(sought.created_at - CLOCK_DIFFERENCE)}",
            "exclude_pull_requests": "true",
            "per_page": PER_PAGE,
        }
        path = "/repos/{+repository}/actions/runs{?event,branch,created,exclude_pull_requests,per_page}"
        listed = items(self._client, path, variables, READ_ACTIONS, "workflow_runs")
        found = [read_run(one) async for one in listed if carries(one, sought)]
        # Anybody who may start runs can copy a name that they have seen; ours was there before its copies.
        return min(found, key=lambda run: run.id, default=None)


def _check(effect: Dispatch) -> None:
    if not _WORKFLOW_FILE.fullmatch(effect.workflow):
        raise Refused(
            "bad_workflow", f"{effect.workflow!r} is no workflow file; name it as in ci.yml, without a folder"
        )
    if len(effect.inputs) >= MAX_INPUTS:
        raise Refused("too_many_inputs", f"GitHub takes {MAX_INPUTS} inputs, one of them ours: take some out")
    if CORRELATION_INPUT in effect.inputs:
        raise Refused("reserved_input", f"the input {CORRELATION_INPUT} is ours: rename the action's input")


def _run_id(answer: Any) -> int | None:
    """Return the id of the run that was started, None where the server is older and answers nothing (204)."""
    if answer is None:
        return None
    run_id = answer.get("workflow_run_id") if isinstance(answer, Mapping) else None
    if not isinstance(run_id, int) or run_id <= 0:
        raise Unclear("GitHub took the dispatch, but its answer names no run")
    return run_id


def _started(effect: Dispatch, run_id: int | None, url: str | None, head: str, now: datetime) -> Job:
    return Job(
        correlation=effect.correlation,
        external_id=str(run_id or ""),
        workflow=effect.workflow,
        repository=effect.repository,
        ref=effect.ref,
        inputs=effect.inputs,
        state=JobState.QUEUED,
        created_at=now,
        updated_at=now,
        url=url,
        head_sha=head,
    )


def _explained(error: GitHubRefused, effect: Dispatch) -> Refused:
    """Return a refused dispatch with a reason of its own, and how to mend it where that is known."""
    if error.status == HTTPStatus.NOT_FOUND:
        sentence = f"{error}: look for .github/workflows/{effect.workflow} on the default branch, and at the token"
        return Refused("workflow_not_found", sentence)
    if error.status != HTTPStatus.UNPROCESSABLE_ENTITY:
        return error
    reason = next((reason for words, reason in _NOT_ACCEPTED if words in error.said.lower()), error.reason)
    if reason == "unexpected_inputs" and CORRELATION_INPUT in error.said:
        return Refused(reason, f"{error}: declare the input {CORRELATION_INPUT} in {effect.workflow}")
    return Refused(reason, str(error))


def _known_id(sought: Sought) -> int | None:
    """Return the run's id from its page's address."""
    match = _RUN_PAGE.search(sought.url or "")
    return int(match["id"]) if match and match["repository"] == sought.repository else None


def _second(moment: datetime) -> str:
    """Write a moment as GitHub's search wants it; the same run always asks with the same words, for the ETag."""
    return to_text(moment)[:19] + "Z"
