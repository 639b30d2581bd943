"""`reins doctor`: check each configured part and say how to mend it."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from bot.cli.checks.finding import Finding, Level, fail
from bot.cli.exit_codes import ExitCode
from bot.cli.installation import Installation
from domain.errors import UserError
from domain.untrusted import clean_line

MAX_LINE_CHARACTERS = 400


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of lines.")] = False,
) -> None:
    """Check every part and say how to mend it; exit 3 when something failed."""
    findings = list(examine())
    if as_json:
        document = {"ok": _well(findings), "findings": [asdict(finding) for finding in findings]}
        typer.echo(json.dumps(document, indent=2))
    else:
        for finding in findings:
            _print(finding)
    if not _well(findings):
        raise typer.Exit(ExitCode.NOT_MEASURED)


def examine() -> Iterator[Finding]:
    """Run every check, the ones that others rest on first."""
    from bot.cli.checks import channels, github, machine, providers, record, rules  # noqa: PLC0415 - they pull in the whole program

    yield machine.check_versions()
    try:
        installation = Installation.here()
    except UserError as error:
        yield fail("settings", str(error), "mend the environment or reins.toml; nothing else can be checked until then")
        return
    yield from machine.check_state_folder(installation.home)
    yield machine.check_disk(installation.home)
    yield from rules.check_policy(installation)
    yield from rules.check_people(installation)
    yield from record.check_record(installation)
    yield from rules.check_artifacts(installation)
    yield machine.check_address(installation.settings)
    yield from channels.check_channels(installation)
    yield from providers.ask_providers(installation)
    yield from github.check_github(installation)
    yield machine.check_running(installation.settings)


def _well(findings: list[Finding]) -> bool:
    return all(finding.level is not Level.FAIL for finding in findings)


def _print(finding: Finding) -> None:
    colour = {Level.OK: typer.colors.GREEN, Level.WARN: typer.colors.YELLOW, Level.FAIL: typer.colors.RED}
    level = typer.style(finding.level.value.ljust(4), fg=colour[finding.level])
    typer.echo(f"{level}  {finding.part}: {clean_line(finding.what, MAX_LINE_CHARACTERS)}")
    if finding.mend:
        typer.echo(f"      mend: {clean_line(finding.mend, MAX_LINE_CHARACTERS)}")
