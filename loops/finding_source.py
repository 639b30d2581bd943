"""Finding the run that an attempt rests on, and waiting for its end: bounded, and never another run in its place."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from domain.clock import Clock
from domain.git_names import short
from domain.snapshots import LoopReason
from forge.code import Code
from forge.port import Refused, Unreachable
from forge.results import Results, RunsSought, SourceRun
from loops.artifacts import ArtifactError
from loops.source import SourceSought, check_run, no_source

MAX_FAILURES_IN_A_ROW = 3  # a forge that does not answer so often is unreachable, however long one would wait
Wait = Callable[[float], Awaitable[None]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for runs: `timeout_seconds` for each, until `deadline_at` for everything; `most` runs a look."""

    poll_seconds: float
    timeout_seconds: float
    deadline_at: datetime
    most: int = 30


@dataclass(slots=True)
class SourceFinder:
    """Finds source runs at one forge. Every method raises ArtifactError where there is none to rest on."""

    results: Results
    code: Code
    sought: SourceSought
    patience: Patience
    clock: Clock
    wait: Wait
    _descends: dict[tuple[str, str], bool] = field(default_factory=dict)

    async def first(self) -> SourceRun:
        """Return the run that was told, completed; where none was, the branch's newest."""
        run_id = self.sought.pin.run_id
        if run_id is None:
            run = await self.asking(self._newest)
            if run is None:
                at = f" at commit {short(self.sought.pin.sha)}" if self.sought.pin.sha else ""
                problem = f"cannot be chosen: {self.sought.workflow} has no run on {self.sought.branch}{at}"
                raise no_source(LoopReason.NO_SOURCE_RUN, problem, "let that workflow run first")
            run_id = run.id
        return await self._completed(run_id, self.sought.pin.sha)

    async def after(self, commit: str, before: SourceRun) -> SourceRun:
        """Return the completed run of a pushed commit, or of one that is proven to descend from it (D1).

        `before` is the run that the fix was made for; it and older ones never count.
        """
        until = self._until()
        while True:
            run = await self.asking(lambda: self._of(commit, before))
            if run is not None:
                return await self._completed(run.id, run.head_sha)
            await self._pause(until, f"of commit {short(commit)} did not appear")

    async def asking(self, call: Callable[[], Awaitable[T]]) -> T:
        """Ask the forge; what it does not answer is asked again a few times, what it refuses is final.

        Raises:
            ArtifactError: `forge_unreachable`, `forge_refused`, or `deadline_exceeded`.
        """
        for failures in range(1, MAX_FAILURES_IN_A_ROW + 1):
            try:
                return await call()
            except Refused as error:
                raise refused(error) from None
            except Unreachable as error:
                pause = max(self.patience.poll_seconds, error.retry_after_seconds or 0)
                late = self.clock.now() + timedelta(seconds=pause) >= self.patience.deadline_at
                if failures == MAX_FAILURES_IN_A_ROW or late:
                    raise no_source(LoopReason.FORGE_UNREACHABLE, f"cannot be read: {error}", "try later") from None
                await self.wait(pause)
        raise AssertionError("the loop above always returns or raises")

    async def _completed(self, run_id: int, sha: str | None) -> SourceRun:
        """Wait for the end of this run and no other, whatever else starts meanwhile."""
        until = self._until()
        while True:
            run = await self.asking(lambda: self.results.run(self.sought.repository, run_id))
            if run is None:
                problem = f"{run_id} is not among those of {self.sought.repository}"
                raise no_source(LoopReason.NO_SOURCE_RUN, problem, "compare the id with the run's page")
            if run.id != run_id:
                problem = f"{run_id} was asked for and {run.id} was answered"
                raise no_source(LoopReason.SOURCE_RUN_ID_MISMATCH, problem, "try again")
            check_run(run, self.sought, sha)
            if run.completed:
                return run
            await self._pause(until, f"{run_id} did not complete")

    async def _newest(self) -> SourceRun | None:
        sha = self.sought.pin.sha
        listed = await self.results.runs(self._listing(sha))
        return next((run for run in listed if sha is None or run.head_sha == sha), None)

    async def _of(self, commit: str, before: SourceRun) -> SourceRun | None:
        exact = [run for run in await self.results.runs(self._listing(commit)) if run.head_sha == commit]
        if exact:
            return exact[0]
        for run in await self.results.runs(self._listing(None)):
            if run.id > before.id and run.head_sha != before.head_sha and await self._comes_after(commit, run.head_sha):
                return run
        return None

    async def _comes_after(self, commit: str, sha: str) -> bool:
        known = self._descends.get((commit, sha))
        if known is None:
            known = (await self.code.compare(self.sought.repository, commit, sha)).descends
            self._descends[commit, sha] = known
        return known

    def _listing(self, sha: str | None) -> RunsSought:
        return RunsSought(self.sought.repository, self.sought.workflow, self.sought.branch, sha, self.patience.most)

    def _until(self) -> datetime:
        return min(self.clock.now() + timedelta(seconds=self.patience.timeout_seconds), self.patience.deadline_at)

    async def _pause(self, until: datetime, what: str) -> None:
        if self.clock.now() + timedelta(seconds=self.patience.poll_seconds) > until:
            raise no_source(LoopReason.DEADLINE_EXCEEDED, f"{what} in time", "give it more time, or start it again")
        await self.wait(self.patience.poll_seconds)


_REFUSALS = {
    "no_artifact": LoopReason.NO_ARTIFACT,
    "artifact_expired": LoopReason.NO_ARTIFACT,
    "artifact_mismatch": LoopReason.SOURCE_MISMATCH,
    "artifact_too_large": LoopReason.UNREADABLE_ARTIFACT,
    "unreadable_artifact": LoopReason.UNREADABLE_ARTIFACT,
    "ambiguous_artifact": LoopReason.AMBIGUOUS_ARTIFACT,
}


def refused(error: Refused) -> ArtifactError:
    """Return a forge's refusal as the verdict it leads to."""
    reason = _REFUSALS.get(error.reason, LoopReason.FORGE_REFUSED)
    return no_source(reason, f"cannot be used: {error}", "mend that, then start the loop again")
