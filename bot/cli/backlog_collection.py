"""The work of `reins triage-collect`: read GitHub, carry what was open before, and write the backlog."""

import asyncio
import os
import re
from pathlib import Path
from typing import NoReturn

import typer
from aiohttp import ClientSession, DummyCookieJar

from bot.cli.collecting import Change, Place
from bot.cli.documents import write_result
from bot.cli.exit_codes import ExitCode
from bot.cli.github_access import github_settings
from bot.cli.loop_options import Format
from domain.clock import Clock, SystemClock
from domain.errors import UserError
from domain.git_names import COMMIT, REPOSITORY
from forge.github_client import GitHubClient
from forge.github_results import GitHubResults
from forge.github_reviews import GitHubReviews
from forge.github_settings import GitHubSettings
from loops.artifacts import ArtifactError
from loops.collecting.carry import Previous
from loops.collecting.collect import Collected, collect
from loops.collecting.document import priority_json, triage_markdown, write_collected
from loops.collecting.items import Trouble, TroubleReason
from loops.collecting.order import CollectOrder
from loops.collecting.previous import read_previous


def collect_backlog(change: Change, place: Place) -> NoReturn:
    """Collect, write what was asked for, and end the command.

    Raises:
        typer.Exit: always, with the code that the backlog means.
        UserError: an option of a wrong shape, no token, or a folder that cannot be written.
    """
    order, settings, clock = _order(change), github_settings(os.environ), SystemClock()
    previous, trouble = _read_previous(place.previous, clock)
    collected = asyncio.run(_collect(settings, order, previous, trouble, clock))
    try:
        written = write_collected(place.out, collected)
    except OSError as error:
        reason = f"the backlog cannot be written ({error.strerror}); name a folder of yours"
        raise UserError(f"{place.out}: {reason}") from error
    text = triage_markdown(collected) if place.output_format is Format.MARKDOWN else priority_json(collected)
    write_result([text.encode()], None)
    for path in written:
        typer.echo(f"wrote {path}", err=True)
    raise typer.Exit(_ending(collected, enforce=place.enforce))


def _order(change: Change) -> CollectOrder:
    if not re.fullmatch(REPOSITORY, change.repo):
        raise UserError("repo: must be written owner/name")
    if change.head_sha is not None and not re.fullmatch(COMMIT, change.head_sha):
        raise UserError("head-sha: must be a full commit id, 40 or 64 hexadecimal digits")
    return CollectOrder(
        change.repo,
        change.pr_number,
        change.head_sha,
        change.branch,
        change.run_id,
        change.run_attempt,
        change.checks,
    )


async def _collect(
    settings: GitHubSettings,
    order: CollectOrder,
    previous: Previous | None,
    trouble: tuple[Trouble, ...],
    clock: Clock,
) -> Collected:
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        client = GitHubClient(session, settings, clock)
        return await collect(GitHubReviews(client), GitHubResults(client), order, previous, clock, trouble)


def _read_previous(path: Path | None, clock: Clock) -> tuple[Previous | None, tuple[Trouble, ...]]:
    """Read the previous backlog; one that cannot be read may have known of something: that is a trouble."""
    if path is None:
        return None, ()
    try:
        return read_previous(Path(os.path.normpath(path)), clock.now()), ()
    except ArtifactError as error:
        return None, (Trouble("previous", TroubleReason.UNREADABLE, str(error)),)


def _ending(collected: Collected, *, enforce: bool) -> ExitCode:
    if enforce and collected.unresolved:
        return ExitCode.WORK_REMAINS
    return ExitCode.DONE if collected.complete else ExitCode.NOT_MEASURED
