"""`reins mutation-loop` and `reins triage-loop`: the report-only loops, on this machine or in a CI job."""

import os
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.documents import write_result
from domain.clock import SystemClock
from domain.errors import UserError
from loops.bundle import write_bundle
from loops.documents import documents
from loops.mutation.loop import run_mutation_loop
from loops.mutation.settings import MutationSettings
from loops.report import LoopReport
from loops.triage.loop import run_triage_loop
from loops.triage.settings import TriageSettings

NO_LIMIT = "none"  # the default here: whoever names the files knows how old they may be; the bot asks the policy
UNKNOWN_REPOSITORY = "unknown"  # results on somebody's disk need not belong to a repository
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?")
_HOURS = re.compile(r"[1-9][0-9]{0,5}")


class Format(StrEnum):
    """What standard output or `--output` carries."""

    MARKDOWN = "md"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a report goes; in a dry run nothing is written but standard output."""

    format: Format
    output: Path | None
    json_output: Path | None
    bundle_folder: Path
    bundle_prefix: str
    emit_bundle: bool
    dry_run: bool


Artifacts = Annotated[
    Path, typer.Option(metavar="PATH", help="The folder where the results of the run lie, or one result file.")
]
Repository = Annotated[
    str | None, typer.Option("--repo", envvar="GITHUB_REPOSITORY", help="owner/name the results belong to.")
]
Branch = Annotated[str, typer.Option(help="The branch the results belong to.")]
MaxAge = Annotated[str, typer.Option("--max-age-hours", help="Older results count as unknown; none for no limit.")]
BundleFolder = Annotated[Path, typer.Option("--bundle-dir", help="Where the bundle goes.")]
BundlePrefix = Annotated[str, typer.Option(help="How the bundle's files begin.")]
EmitBundle = Annotated[bool, typer.Option("--emit-bundle", help="Write the bundle.")]
OutputFormat = Annotated[Format, typer.Option("--format", help="What to print.")]
JsonOutput = Annotated[Path | None, typer.Option(help="Also write the JSON report here.")]
Output = Annotated[Path | None, typer.Option(help="Write the report here and not to standard output.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Write no file; does not count in figures.")]


def mutation_loop(  # noqa: PLR0913, PLR0917 - typer declares one parameter per option
    artifacts: Artifacts,
    repo: Repository = None,
    branch: Branch = "main",
    threshold: Annotated[str, typer.Option(help="Percent to reach, such as 80 or 82.50.")] = "80",
    max_age_hours: MaxAge = NO_LIMIT,
    expected_shards: Annotated[int | None, typer.Option(min=1, help="How many shards the run was cut into.")] = None,
    bundle_dir: BundleFolder = Path("reports"),
    bundle_prefix: BundlePrefix = "mutation-loop",
    emit_bundle: EmitBundle = False,
    output_format: OutputFormat = Format.MARKDOWN,
    json_output: JsonOutput = None,
    output: Output = None,
    dry_run: DryRun = False,
) -> None:
    """Report on mutation results: score, age, hot spots, playbook; exit 3 when nothing could be measured."""
    settings = MutationSettings(
        _repository(repo) or UNKNOWN_REPOSITORY,
        branch,
        _basis_points(threshold),
        _hours(max_age_hours),
        expected_shards,
    )
    report = run_mutation_loop(_place(artifacts), settings, SystemClock())
    _publish(report, Destination(output_format, output, json_output, bundle_dir, bundle_prefix, emit_bundle, dry_run))


def triage_loop(  # noqa: PLR0913, PLR0917 - typer declares one parameter per option
    artifacts: Artifacts,
    repo: Repository = None,
    branch: Branch = "main",
    head_sha: Annotated[str | None, typer.Option(help="The commit the backlog must be of.")] = None,
    max_age_hours: MaxAge = NO_LIMIT,
    bundle_dir: BundleFolder = Path("reports"),
    bundle_prefix: BundlePrefix = "triage-loop",
    emit_bundle: EmitBundle = False,
    output_format: OutputFormat = Format.MARKDOWN,
    json_output: JsonOutput = None,
    output: Output = None,
    dry_run: DryRun = False,
) -> None:
    """Report on a backlog: how many findings of medium severity or worse are open; exit 3 when that is unknown."""
    settings = TriageSettings(_repository(repo), branch, head_sha, _hours(max_age_hours))
    report = run_triage_loop(_place(artifacts), settings, SystemClock())
    _publish(report, Destination(output_format, output, json_output, bundle_dir, bundle_prefix, emit_bundle, dry_run))


def _publish(report: LoopReport, destination: Destination) -> None:
    texts = documents(report)
    wanted = texts[f".{destination.format.value}"]
    output = None if destination.dry_run else destination.output
    write_result([wanted.encode()], output)
    if output is not None:
        typer.echo(f"{report.summary}\nreport: {output}")
    if destination.json_output is not None and not destination.dry_run:
        write_result([texts[".json"].encode()], destination.json_output)
    if destination.emit_bundle and not destination.dry_run:
        for path in _bundle(destination, texts):
            typer.echo(f"wrote {path}", err=True)
    raise typer.Exit(report.exit_code)


def _bundle(destination: Destination, texts: dict[str, str]) -> tuple[Path, ...]:
    try:
        return write_bundle(destination.bundle_folder, destination.bundle_prefix, texts)
    except OSError as error:
        raise UserError(f"{destination.bundle_folder}: the bundle cannot be written ({error.strerror})") from error


def _place(artifacts: Path) -> Path:
    return Path(os.path.normpath(artifacts))


def _repository(name: str | None) -> str | None:
    if name is not None and not _REPOSITORY.fullmatch(name):
        raise UserError("repo: must be written owner/name")
    return name


def _basis_points(percent: str) -> int:
    match = _PERCENT.fullmatch(percent)
    if match is None:
        raise UserError("threshold: must be a percentage such as 80 or 82.50")
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def _hours(text: str) -> int | None:
    if text == NO_LIMIT:
        return None
    if not _HOURS.fullmatch(text):
        raise UserError(f"max-age-hours: must be a whole number of hours, or {NO_LIMIT}")
    return int(text)
