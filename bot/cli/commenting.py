"""`reins comment`: publish a report's comment on GitHub, in a job that may write comments and do nothing else."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.documents import read_input
from bot.cli.exit_codes import ExitCode
from bot.cli.github_access import github_settings
from domain.clock import SystemClock
from loops.comments.order import MAX_UPDATES_PER_HOUR, USUAL_UPDATES_PER_HOUR, CommentOutcome
from loops.comments.target import TargetWish, read_choice
from loops.report import LoopReport

if TYPE_CHECKING:  # commands are read when the command line starts; what this is for is told by name
    from bot.cli.loop_options import Telling
    from forge.github_settings import GitHubSettings
    from loops.comments.documents import CommentDocument
    from loops.comments.upsert import Wait


@dataclass(frozen=True, slots=True)
class _Manner:
    """How comments are kept: where their ids are remembered, None for nowhere, and how often one may change."""

    state_file: Path | None = None
    max_per_hour: int = USUAL_UPDATES_PER_HOUR


def comment(  # noqa: PLR0913, PLR0917 - typer declares one parameter per option
    report: Annotated[Path, typer.Argument(metavar="REPORT.json", help="The comment that a loop left in its bundle.")],
    comment_target: Annotated[str, typer.Option(metavar="auto|pr|commit", help="What it hangs on.")] = "auto",
    comment_pr_number: Annotated[int | None, typer.Option(min=1, help="The pull request to comment on.")] = None,
    tracking_issue: Annotated[
        int | None, typer.Option(min=1, help="The issue to comment on where nothing else is.")
    ] = None,
    max_per_hour: Annotated[
        int, typer.Option(min=0, max=MAX_UPDATES_PER_HOUR, help="How often a comment may change.")
    ] = USUAL_UPDATES_PER_HOUR,
    state_file: Annotated[Path | None, typer.Option(help="Where comments' ids are remembered.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the text and ask nobody.")] = False,
) -> None:
    """Write a loop's report as one comment, kept up to date; exit 5 when people cannot read it there."""
    from loops.comments.documents import MAX_DOCUMENT_BYTES, read_comment_document  # noqa: PLC0415 - as below

    document = read_comment_document(read_input(report, MAX_DOCUMENT_BYTES))
    wish = TargetWish(read_choice(comment_target), comment_pr_number, tracking_issue)
    if dry_run:
        typer.echo("\n".join(text for text in (document.body, document.escalation) if text is not None))
        return
    settings = github_settings(os.environ)
    outcomes = asyncio.run(_deliver(document, wish, settings, _Manner(state_file, max_per_hour)))
    for one in outcomes:
        typer.echo(" ".join(part for part in (one.action, one.url, one.detail) if part), err=one.failed)
    if any(one.failed for one in outcomes):
        raise typer.Exit(ExitCode.NOT_DELIVERED)


def comment_on(report: LoopReport, telling: "Telling", environ: Mapping[str, str]) -> CommentOutcome:
    """Publish a loop's own report; return what became of it, or of its question to people where only that failed.

    Raises:
        UserError: there is no token, or no such target can be.
    """
    from loops.comments.documents import document_of  # noqa: PLC0415 - as below

    wish = TargetWish(read_choice(telling.comment_target), telling.comment_pr_number, telling.tracking_issue)
    manner = _Manner(telling.state_file, telling.max_per_hour)
    outcomes = asyncio.run(_deliver(document_of(report), wish, github_settings(environ), manner))
    return next((one for one in outcomes if one.failed), outcomes[0])


async def _deliver(
    document: "CommentDocument", wish: TargetWish, settings: "GitHubSettings", manner: _Manner
) -> tuple[CommentOutcome, ...]:
    from aiohttp import ClientSession, DummyCookieJar  # noqa: PLC0415 - only this command pays for a web client

    from forge.github_client import GitHubClient  # noqa: PLC0415 - as above
    from forge.github_comments import GitHubComments  # noqa: PLC0415 - as above
    from loops.comments.delivery import Publisher  # noqa: PLC0415 - as above
    from loops.comments.memory import FileMemory, NoMemory  # noqa: PLC0415 - as above

    clock = SystemClock()
    memory = NoMemory() if manner.state_file is None else FileMemory(manner.state_file)
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        comments = GitHubComments(GitHubClient(session, settings, clock))
        publisher = Publisher(comments, memory, clock, _pauses(), manner.max_per_hour)
        return await publisher.deliver(document, wish)


def _pauses() -> "Wait":
    """Return a wait that lets the first write pass: nothing was written by this process before."""
    begun = False

    async def wait(seconds: float) -> None:
        nonlocal begun
        if begun:
            await asyncio.sleep(seconds)
        begun = True

    return wait
