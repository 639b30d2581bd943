"""`reins outbox`: what waits to be sent, what became of the rest, and trying again or giving up by hand."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, TypeVar

import typer

from bot.cli.exit_codes import CommandFailedError, ExitCode
from bot.cli.installation import Installation
from bot.cli.local_changes import LocalChange, change_audited
from bot.cli.tabulation import columns
from commands.recording import NOTICE_LIFETIME
from domain.clock import describe_age, to_text
from domain.effects import Deliver, LinkAddress
from domain.notices import DeliveryState
from domain.people import Address, AddressKind
from domain.untrusted import clean_line
from store.tables import Tables
from store.tables.outbox import Listed

app = typer.Typer(help="What waits to be sent, and what became of the rest.", no_args_is_help=True)

T = TypeVar("T")
RowId = Annotated[int, typer.Argument(metavar="ID", min=1, help="The number that `reins outbox list` shows.")]
MAX_TEXT_CHARACTERS = 4000
MAX_ERROR_CHARACTERS = 60


@app.command("list")
def list_rows(
    state: Annotated[DeliveryState | None, typer.Option(help="Only rows in this state.")] = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=10_000, help="How many rows.")] = 20,
) -> None:
    """Show how many rows are in each state, and the newest rows."""
    wanted = state.value if state else None
    states, rows = _reading(lambda tables: (tables.outbox.states(), tables.outbox.listing(wanted, count)))
    typer.echo(", ".join(f"{name} {number}" for name, number in sorted(states.items())) or "the outbox is empty")
    now = Installation.here().clock.now()
    if rows:
        for line in columns(
            [("id", "state", "tries", "age", "what", "to", "last error"), *(_cells(r, now) for r in rows)]
        ):
            typer.echo(line)


@app.command()
def show(row_id: RowId) -> None:
    """Show one row; the text of a notice is shown, addresses are masked."""
    row = _known(row_id)
    facts = [
        ("id", str(row.id)),
        ("what", row.kind),
        ("state", row.state.value),
        ("tries", str(row.tries)),
        ("to", _to(row)),
        ("made", to_text(row.made_at)),
        ("due", to_text(row.due_at)),
        ("expires", to_text(row.expires_at)),
        ("settled", to_text(row.settled_at) if row.settled_at else "not yet"),
        ("provider's id", row.provider_id or "unknown"),
        ("last error", clean_line(row.error or "none", MAX_TEXT_CHARACTERS)),
    ]
    for line in columns(facts):
        typer.echo(line)
    if isinstance(row.effect, Deliver):
        notice = row.effect.notice
        typer.echo(f"{notice.kind.value}, urgency {notice.urgency.value}:")
        for text in notice.text[:MAX_TEXT_CHARACTERS].splitlines():
            typer.echo(f"  {clean_line(text, MAX_TEXT_CHARACTERS)}")


@app.command()
def retry(row_id: RowId) -> None:
    """Try a notice again that is dead, expired or unclear. One that did arrive then arrives twice."""
    row = _known(row_id)
    if row.kind == "dispatch":
        # Only the forge knows whether it started; asking again here could start it twice (docs/design.md, I3).
        raise CommandFailedError(
            f"{row_id} starts a run: it is never repeated by hand; ask for the run anew", ExitCode.DENIED
        )
    installation = Installation.here()

    def again(tables: Tables, now: datetime) -> bool:
        return tables.outbox.retry(row_id, now, now + NOTICE_LIFETIME)

    _change(installation, "outbox-retry", row, again)
    typer.echo(f"{row_id} is tried again")


@app.command()
def drop(row_id: RowId) -> None:
    """Give a row up that waits; it ends as dead. What was handed over already is not called back."""
    row, installation = _known(row_id), Installation.here()

    def give_up(tables: Tables, now: datetime) -> bool:
        return tables.outbox.drop(row_id, now, "dropped by hand")

    _change(installation, "outbox-drop", row, give_up)
    typer.echo(f"{row_id} is dropped")


def _change(installation: Installation, action: str, row: Listed, change: Callable[[Tables, datetime], bool]) -> None:
    async def work() -> None:
        async with installation.opened_store() as store:
            loop = asyncio.get_running_loop()

            def apply() -> None:
                changing = store.transact(lambda tables: change(tables, installation.clock.now()))
                if not asyncio.run_coroutine_threadsafe(changing, loop).result():
                    raise CommandFailedError(
                        f"{row.id} is {row.state.value}: there is nothing to change", ExitCode.USAGE
                    )

            evidence = {"key": _name_of(row), "was": row.state.value}
            await change_audited(installation, store, LocalChange(action, str(row.id), evidence), apply)

    asyncio.run(work())


def _known(row_id: int) -> Listed:
    row = _reading(lambda tables: tables.outbox.get(row_id))
    if row is None:
        raise CommandFailedError(f"there is no row {row_id}; see `reins outbox list`", ExitCode.USAGE)
    return row


def _cells(row: Listed, now: datetime) -> tuple[str, ...]:
    what = row.effect.notice.kind.value if isinstance(row.effect, Deliver) else row.kind
    error = clean_line(row.error or "", MAX_ERROR_CHARACTERS)
    return str(row.id), row.state.value, str(row.tries), describe_age(row.made_at, now), what, _to(row), error


def _name_of(row: Listed) -> str:
    """Return what the audit log calls a row: keys of deliveries and links end with an address, which is masked."""
    if isinstance(row.effect, Deliver):
        return f"{row.effect.notice.key}:{_to(row)}"
    return row.kind if row.effect is None or isinstance(row.effect, LinkAddress) else row.key


def _to(row: Listed) -> str:
    match row.effect:
        case Deliver(to=to) | LinkAddress(address=to):
            kind, _, value = to.partition(":")
        case _:
            return "-"
    return Address(AddressKind(kind), value).masked()


def _reading(fn: Callable[[Tables], T]) -> T:
    return asyncio.run(Installation.here().with_store(lambda store: store.read(fn)))
