"""Running a loop over runs on GitHub, with nothing but a token: the same on a laptop and inside a workflow's job."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import typer
from aiohttp import ClientSession, DummyCookieJar

from bot.cli.github_access import github_settings
from bot.cli.loop_options import Fixing, Source
from domain.clock import Clock, SystemClock
from domain.errors import UserError
from domain.fixes import FixPlan
from forge.code import Code
from forge.github_client import GitHubClient
from forge.github_code import GitHubCode
from forge.github_results import GitHubResults
from forge.github_settings import GitHubSettings
from loops.attempts import Attempts, FixLimits
from loops.finding_source import Patience, SourceFinder, Wait
from loops.fixing.checkout import Remote
from loops.fixing.fixer import PolicyFixer, Workplace
from loops.fixing.order import limits_of, read_named_fix
from loops.fixing.port import Fixer, FixOrder, FixOutcome
from loops.judging import Judge
from loops.rendering import attempt_line
from loops.report import AttemptReport, LoopMode, LoopName, LoopReport
from loops.source import SourceSought
from policy.loading import PolicyState


@dataclass(frozen=True, slots=True)
class ShownFixer:
    """A fixer whose tries are told on standard error, with what the program wrote: nothing else keeps that."""

    fixer: Fixer

    def plan(self, order: FixOrder) -> FixPlan:
        """Return the fixer's plan."""
        return self.fixer.plan(order)

    async def fix(self, order: FixOrder) -> FixOutcome:
        """Let the fixer try, and tell how it went."""
        outcome = await self.fixer.fix(order)
        typer.echo(f"fix {order.attempt}: {outcome.detail}", err=True)
        for line in outcome.output.splitlines():
            # A runner takes `::…` at a line's beginning and `##[…` anywhere for commands to itself.
            typer.echo(f"  | {line}".replace("##[", "## ["), err=True)
        return outcome


@dataclass(frozen=True, slots=True)
class Course:
    """What one run of a loop was told: whose runs it reads, how long it waits, and what it may do under which policy."""

    loop: LoopName
    sought: SourceSought
    source: Source
    fixing: Fixing
    policy: PolicyState
    environ: Mapping[str, str]

    @property
    def most_fixes(self) -> int:
        """Return how many fixes are tried at most; the policy may allow fewer than was asked for."""
        asked = self.fixing.max_attempts
        return (
            asked if self.policy.policy is None else min(asked, limits_of(self.policy.policy, self.loop).max_attempts)
        )

    def fixer(self, code: Code, settings: GitHubSettings, clock: Clock) -> Fixer | None:
        """Return who fixes; None in report-only mode, whatever else was told.

        Raises:
            UserError: no fix action is named, or there is no token to push with.
        """
        if self.fixing.mode is LoopMode.REPORT_ONLY:
            return None
        if self.fixing.fix_command is None:
            raise UserError(f"mode {self.fixing.mode} needs --fix-command: the name of one of the policy's fix_actions")
        if settings.token is None:
            raise UserError("a fix is pushed with a token: set GITHUB_TOKEN or REINS_GITHUB__TOKEN")
        remote = Remote(f"{settings.pages}/{self.sought.repository}.git", settings.token)
        workplace = Workplace(self.fixing.working_tree, self.fixing.policy_file, self.environ, remote)
        return ShownFixer(PolicyFixer(read_named_fix(self.fixing.fix_command), self.policy, workplace, code, clock))


def run_on_github(judge: Judge, course: Course) -> LoopReport:
    """Run the loop to its end.

    Raises:
        UserError: there is no token, or an option does not fit the others.
    """
    return asyncio.run(_run(judge, course, github_settings(course.environ), SystemClock(), asyncio.sleep))


async def _run(judge: Judge, course: Course, settings: GitHubSettings, clock: Clock, wait: Wait) -> LoopReport:
    source = course.source
    until = clock.now() + timedelta(seconds=source.deadline_seconds)
    patience = Patience(source.poll_seconds, source.timeout_seconds, until, source.run_list_limit)
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        client = GitHubClient(session, settings, clock)
        finder = SourceFinder(GitHubResults(client), GitHubCode(client), course.sought, patience, clock, wait)
        limits = FixLimits(course.fixing.mode, course.most_fixes, course.fixing.approved_plan)
        return await Attempts(judge, finder, clock, limits, course.fixer(finder.code, settings, clock), _tell).run()


def _tell(attempt: AttemptReport) -> None:
    typer.echo(
        f"attempt {attempt_line(attempt)}" if attempt.conclusion else f"attempt {attempt.number}: started", err=True
    )
