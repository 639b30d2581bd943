"""`reins triage-collect`: write the backlog that the triage loop reads, in a CI job or by hand."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.loop_options import Format
from bot.cli.option_groups import with_options


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
    from bot.cli.backlog_collection import collect_backlog  # noqa: PLC0415 - a running bot must not pay for it

    collect_backlog(change, place)
