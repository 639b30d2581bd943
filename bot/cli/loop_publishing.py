"""Handing out a loop's report: to standard output or files, as a bundle, as a comment; and the exit code it means."""

import os
from pathlib import Path

import typer

from bot.cli.documents import write_result
from bot.cli.exit_codes import ExitCode
from bot.cli.loop_options import Destination, Notify, Telling
from domain.errors import UserError
from domain.snapshots import LoopStatus
from loops.bundle import write_bundle
from loops.documents import documents
from loops.report import ExitCode as LoopExit
from loops.report import LoopReport

PROPOSAL = "-proposal.md"


def publish(report: LoopReport, telling: Telling, destination: Destination, proposal: Path | None = None) -> None:
    """Write what was asked for and end the command.

    Raises:
        typer.Exit: always, with the report's exit code.
        UserError: a file cannot be written.
    """
    texts = documents(report)
    wanted = texts[f".{destination.output_format.value}"]
    output = None if destination.dry_run else destination.output
    write_result([wanted.encode()], output)
    if output is not None:
        typer.echo(f"{report.summary}\nreport: {output}")
    code = int(report.exit_code)
    if not destination.dry_run:
        _write_files(report, texts, destination, proposal)
        if telling.notify is Notify.SUMMARY_AND_COMMENT:
            from bot.cli.commenting import comment_on  # noqa: PLC0415 - what GitHub needs costs memory and time

            told = comment_on(report, telling, os.environ)
            typer.echo(f"comment {told.action}: {told.url or told.detail}", err=True)
            if told.failed and code == LoopExit.REPORTED:
                code = ExitCode.NOT_DELIVERED
    if destination.enforce and code == LoopExit.REPORTED and report.status is LoopStatus.WORK_REMAINS:
        code = ExitCode.WORK_REMAINS
    raise typer.Exit(code)


def _write_files(report: LoopReport, texts: dict[str, str], destination: Destination, proposal: Path | None) -> None:
    if destination.json_output is not None:
        write_result([texts[".json"].encode()], destination.json_output)
    if proposal is not None:
        write_result([texts[PROPOSAL].encode()], proposal)
    if destination.emit_bundle:
        prefix = destination.bundle_prefix or f"{report.loop}-loop"
        for path in _bundle(destination.bundle_dir, prefix, texts):
            typer.echo(f"wrote {path}", err=True)


def _bundle(folder: Path, prefix: str, texts: dict[str, str]) -> tuple[Path, ...]:
    try:
        return write_bundle(folder, prefix, texts)
    except OSError as error:
        raise UserError(f"{folder}: the bundle cannot be written ({error.strerror})") from error
