"""The `reins` command: its groups, how it ends, and the metrics event every call leaves."""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import typer

from bot.cli import (
    audit,
    authenticator,
    chat,
    collecting,
    commenting,
    doctor,
    initialise,
    linking,
    loops,
    migrate,
    notify,
    outbox,
    people,
    people_linking,
    pinning,
    policy,
    serve,
)
from bot.cli.exit_codes import CommandFailedError, ExitCode
from bot.cli.installation import Installation
from bot.metrics_event import CommandRun, append_event, metrics_event, wanted
from domain.errors import UserError
from policy.file import AuditMetrics
from store.port import StoreUnwritable

NOT_A_COMMAND = "none"

app = typer.Typer(
    name="reins",
    help="Hold your autonomous CI loops from your phone. These commands are for the bot's own machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("init")(initialise.init)
app.command("serve")(serve.serve)
app.command("migrate")(migrate.migrate)
app.command("doctor")(doctor.doctor)
app.command("chat")(chat.chat)
app.command("link")(linking.link)
app.command("mutation-loop")(loops.mutation_loop)
app.command("triage-loop")(loops.triage_loop)
app.command("triage-collect")(collecting.triage_collect)
app.command("comment")(commenting.comment)
people.app.command("link")(people_linking.link)
people.app.command("authenticator")(authenticator.authenticator)
app.add_typer(people.app, name="people")
policy.app.command("pin")(pinning.pin)
app.add_typer(policy.app, name="policy")
app.add_typer(audit.app, name="audit")
app.add_typer(outbox.app, name="outbox")
app.add_typer(notify.app, name="notify")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; `arguments` are what stands behind `reins`."""
    from bot.logs import configure_logs  # noqa: PLC0415 - importing this must cost nothing

    argv = list(sys.argv[1:] if arguments is None else arguments)
    configure_logs("warning")  # standard output belongs to the command's result
    started = time.monotonic()
    code = int(ExitCode.WORK_REMAINS)  # what Python itself exits with when an exception of ours goes through
    try:
        code = _run(argv)
    finally:
        _leave_event(argv, code, time.monotonic() - started)
    return code


def _run(argv: list[str]) -> int:
    code: object = ExitCode.DONE
    try:
        typer.main.get_command(app).main(args=argv, prog_name="reins")
    except SystemExit as stop:  # how typer ends every command, also a good one
        code = stop.code
    except CommandFailedError as failure:
        typer.echo(f"reins: {failure}", err=True)
        return failure.exit_code
    except UserError as error:
        typer.echo(f"reins: {error}", err=True)
        return ExitCode.USAGE
    except StoreUnwritable as error:
        typer.echo(f"reins: the database cannot be written ({error}); see `reins doctor`", err=True)
        return ExitCode.NOT_MEASURED
    return code if isinstance(code, int) else int(code is not None)


def _leave_event(argv: list[str], code: int, duration_seconds: float) -> None:
    """Write the metrics event where there is an installation; a command never fails for it."""
    if not wanted(os.environ):
        return
    try:
        installation = Installation.here()
        if not installation.home.root.is_dir():
            return
        run = CommandRun(command_words(argv), argv, code, duration_seconds, installation.clock.now())
        append_event(_event_log(installation), metrics_event(run, os.environ))
    except (OSError, UserError) as error:
        typer.echo(f"reins: no metrics event was written: {error}", err=True)


def _event_log(installation: Installation) -> Path:
    policy = installation.policy().policy
    metrics = policy.audit_metrics if policy else AuditMetrics()
    return installation.home.root / metrics.event_log_path


def command_words(argv: Sequence[str]) -> str:
    """Return the words that named the command, such as `people add`; `none` where they name none."""
    commands = typer.main.get_command(app)
    words: list[str] = []
    for word in argv:
        found = getattr(commands, "commands", {}).get(word)
        if found is None:
            break
        words.append(word)
        commands = found
    return " ".join(words) or NOT_A_COMMAND
