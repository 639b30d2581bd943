"""`reins audit`: read the audit log, prove that it is whole, take it elsewhere, and derive its decisions again."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from audit.anchors import read_receipt
from audit.export import export_lines
from audit.row import decode
from audit.seals import TrustedKey
from bot.audit_key import AUDIT_ORIGIN
from bot.cli.audit_verification import describe, verify_database, verify_file
from bot.cli.documents import write_result
from bot.cli.exit_codes import CommandFailedError, ExitCode
from bot.cli.installation import Installation
from bot.cli.replaying import Replay, replay_log
from bot.cli.sealed_rows import UnreadableSealError, read_seals
from domain.untrusted import clean_line
from store.tables import Tables

app = typer.Typer(help="What was asked, decided and done.", no_args_is_help=True)

T = TypeVar("T")
MAX_LINE_CHARACTERS = 200
MAX_SENTENCES = 100  # what is wrong with more rows than this is wrong with all of them; the counts go on


@app.command()
def tail(
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=10_000, help="How many rows.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="The rows' exact bytes, one line each.")] = False,
) -> None:
    """Show the newest rows, oldest first."""
    for body in _reading(lambda tables: tables.audit.latest(count)):
        typer.echo(body if as_json else _line(body))


@app.command("verify")
def verify_log(
    export_file: Annotated[
        Path | None, typer.Option("--export", metavar="FILE", help="An exported log; without it, the database.")
    ] = None,
    receipt: Annotated[list[str], typer.Option(help="A receipt from a phone: 'audit 12·7F3C9K2M'; repeatable.")] = [],  # noqa: B006 - typer copies it
    key: Annotated[list[str], typer.Option(help="A public key to trust, in hex; without it, this bot's own.")] = [],  # noqa: B006 - as above
) -> None:
    """Prove that nothing in the log was changed; exit 3 and name the first bad row when something was."""
    anchors = [read_receipt(text) for text in receipt]
    keys = [TrustedKey(text.strip().lower()) for text in key] or [TrustedKey(Installation.here().seal_key().public_hex)]
    if export_file is not None:
        report = verify_file(export_file, keys, anchors)
    else:
        report = _reading(lambda tables: verify_database(tables, keys, anchors))
    for line in describe(report, Installation.here().clock.now()):
        typer.echo(line)
    if not report.ok:
        raise typer.Exit(ExitCode.NOT_MEASURED)


@app.command()
def export(
    output: Annotated[Path | None, typer.Option(help="Where to write it; standard output otherwise.")] = None,
) -> None:
    """Write the whole log as JSON Lines that `reins audit verify --export` can prove anywhere."""

    def write(tables: Tables) -> None:
        rows = ((seq, body) for seq, body, _digest in tables.audit.each())
        write_result(export_lines(rows, read_seals(tables), AUDIT_ORIGIN), output)

    try:
        _reading(write)
    except UnreadableSealError as error:
        raise CommandFailedError(f"{error}; see `reins audit verify`", ExitCode.NOT_MEASURED) from error
    if output is not None:
        typer.echo(f"the audit log is in {output}")


@app.command()
def replay(
    first: Annotated[int, typer.Option("--from", min=1, metavar="N", help="The first row to look at.")] = 1,
) -> None:
    """Derive every decision again from its recorded facts; exit 1 when one comes out differently."""
    result = _reading(lambda tables: _replayed(tables, first))
    typer.echo(f"{result.agreed} decisions derived again and the same, {result.differing} differ")
    if result.underivable:
        typer.echo(f"{result.underivable} could not be derived", err=True)
    if result.differing:
        raise typer.Exit(ExitCode.WORK_REMAINS)
    if result.underivable:
        raise typer.Exit(ExitCode.NOT_MEASURED)


@app.command()
def key() -> None:
    """Print the public key that proves this bot's seals; give it to whoever shall verify an export."""
    seal_key = Installation.here().seal_key()
    typer.echo(seal_key.public_hex)
    typer.echo(f"key id {seal_key.key_id}", err=True)


def _reading(read: Callable[[Tables], T]) -> T:
    installation = Installation.here()
    return asyncio.run(installation.with_store(lambda store: store.read(read)))


def _replayed(tables: Tables, first: int) -> Replay:
    result = Replay()
    for shown, sentence in enumerate(replay_log(tables, first, result)):
        if shown < MAX_SENTENCES:
            typer.echo(clean_line(sentence, MAX_LINE_CHARACTERS))
    return result


def _line(body: bytes) -> str:
    try:
        row = decode(body)
    except ValueError:
        return "what stands here is no audit row; `reins audit verify` says where"
    what = f"{row['action']} {row['target'] or ''}".strip()
    how = row["decision"] or row["outcome"]
    rule = f" ({row['rule']})" if row["rule"] else ""
    line = f"{row['seq']} {row['at']} {row['actor']} {row['channel'] or '-'} {what}: {how}{rule} {row['reason'] or ''}"
    return clean_line(line, MAX_LINE_CHARACTERS)
