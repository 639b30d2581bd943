"""`reins triage-collect`: write the backlog that the triage loop reads, in a CI job or by hand."""

import asyncio
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.documents import write_result
from bot.cli.exit_codes import ExitCode
from bot.cli.github_access import github_settings
from bot.cli.loop_options import Format
from bot.cli.option_groups import with_options
from domain.clock import Clock, SystemClock
from domain.errors import UserError
from loops.artifacts import ArtifactError
from loops.collecting.carry import Previous
from loops.collecting.collect import Collected, collect
from loops.collecting.document import priority_json, triage_markdown, write_collected
from loops.collecting.items import Trouble, TroubleReason
from loops.collecting.order import CollectOrder
from loops.collecting.previous import read_previous

if TYPE_CHECKING:  # commands are read when the command line starts; what this is for is told by name
    from forge.github_settings import GitHubSettings

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class Change:
    """What is collected of, and by which run."""

    repo: Annotated[str, typer.Option("--repo", envvar="GITHUB_REPOSITORY", help="owner/name.")]
    pr_number: Annotated[int | None, typer.Option(min=1, help="The pull request.")] = None
    head_sha: Annotated[str | None, typer.Option(help="The commit; beside a pull request, the head that is meant.")] = (
        None
    )
    branch: Annotated[str | None, typer.Option(help="The branch of that commit.")] = None
    run_id: Annotated[
        int | None, typer.Option(min=1, envvar="GITHUB_RUN_ID", help="The run that collects: no lane of its own.")
    ] = None
    run_attempt: Annotated[int | None, typer.Option(min=1, envvar="GITHUB_RUN_ATTEMPT", help="Its attempt.")] = None
    checks: Annotated[
        bool, typer.Option(help="Read other apps' checks; fine-grained tokens never may: --no-checks leaves them out.")
    ] = True

    def order(self) -> CollectOrder:
        """Return what to collect.

        Raises:
            UserError: a field of a wrong shape, or neither a pull request nor a commit with its branch.
        """
        if not _REPOSITORY.fullmatch(self.repo):
            raise UserError("repo: must be written owner/name")
        if self.head_sha is not None and not _COMMIT.fullmatch(self.head_sha):
            raise UserError("head-sha: must be a full commit id, 40 or 64 hexadecimal digits")
        return CollectOrder(
            self.repo, self.pr_number, self.head_sha, self.branch, self.run_id, self.run_attempt, self.checks
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is written, what was written before, and how it ends."""

    out: Annotated[Path, typer.Option(help="The folder for backlog-medium.json, priority.json and their texts.")]
    previous: Annotated[
        Path | None,
        typer.Option(metavar="FILE_OR_DIR", help="What was collected before: its open findings are carried."),
    ] = None
    enforce: Annotated[bool, typer.Option("--enforce", help="End with 1 where medium, worse or unknown is open.")] = (
        False
    )
    output_format: Annotated[Format, typer.Option("--format", help="What to print.")] = Format.MARKDOWN


@with_options(Change, Place)
def triage_collect(change: Change, place: Place) -> None:
    """Collect what reviews and failed lanes left open; exit 3 when not everything could be read."""
    order, settings, clock = change.order(), github_settings(os.environ), SystemClock()
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


async def _collect(
    settings: "GitHubSettings",
    order: CollectOrder,
    previous: Previous | None,
    trouble: tuple[Trouble, ...],
    clock: Clock,
) -> Collected:
    from aiohttp import ClientSession, DummyCookieJar  # noqa: PLC0415 - only this command pays for a web client

    from forge.github_client import GitHubClient  # noqa: PLC0415 - as above
    from forge.github_results import GitHubResults  # noqa: PLC0415 - as above
    from forge.github_reviews import GitHubReviews  # noqa: PLC0415 - as above

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
