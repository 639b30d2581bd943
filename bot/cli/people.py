"""`reins people`: who may talk to the bot, with which roles and from which addresses; every change is audited."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from bot.cli.exit_codes import CommandFailedError, ExitCode
from bot.cli.installation import Installation
from bot.cli.local_changes import LocalChange, change_audited
from bot.cli.tabulation import columns
from domain.clock import to_text
from domain.errors import UserError
from domain.people import Person
from store.tables import Tables

app = typer.Typer(help="Who may talk to the bot.", no_args_is_help=True)

PersonId = Annotated[str, typer.Argument(metavar="PERSON", help="Their id, such as ann.")]
AddressText = Annotated[str, typer.Argument(metavar="KIND:VALUE", help="Such as sms:+41790000000 or telegram:1234.")]


@app.command()
def add(
    person_id: PersonId,
    name: Annotated[str, typer.Option(help="How people call them.")],
    role: Annotated[list[str], typer.Option(help="A role of the policy file; may be repeated.")] = [],  # noqa: B006 - typer copies it
    address: Annotated[list[str], typer.Option(help="KIND:VALUE; may be repeated.")] = [],  # noqa: B006 - as above
) -> None:
    """Enrol somebody; the web address web:PERSON is theirs without being named."""
    from store.people import parse_address  # noqa: PLC0415 - TinyDB costs memory

    installation = Installation.here()
    texts = address if any(text.startswith("web:") for text in address) else [f"web:{person_id}", *address]
    addresses = tuple(parse_address(text) for text in texts)
    person = Person(person_id, name, tuple(role), addresses, installation.clock.now())
    evidence = {"roles": list(person.roles), "addresses": [one.masked() for one in addresses]}
    people = installation.people()
    added = _change(installation, LocalChange("people-add", person_id, evidence), lambda: people.add(person))
    typer.echo(f"{added.id} is enrolled")
    _warn_of_unknown_roles(installation, added.roles)


@app.command("list")
def list_everybody() -> None:
    """Show everybody, addresses masked."""
    installation = Installation.here()
    people = installation.people()
    rows = [
        (person.id, person.name, ", ".join(person.roles), ", ".join(one.masked() for one in person.addresses))
        for person in people.all()
    ]
    if people.problem:
        raise CommandFailedError(f"nobody is known: {people.problem}", ExitCode.NOT_MEASURED)
    for line in columns([("person", "name", "roles", "addresses"), *rows]):
        typer.echo(line)
    if not rows:
        typer.echo("nobody yet; `reins people add` enrols somebody")
    _warn_of_unknown_roles(installation, sorted({role for person in people.all() for role in person.roles}))


@app.command()
def show(person_id: PersonId) -> None:
    """Show one person, addresses in full."""
    person = known_person(Installation.here(), person_id)
    enrolled = to_text(person.enrolled_at) if person.enrolled_at else "unknown"
    facts = [("id", person.id), ("name", person.name), ("roles", ", ".join(person.roles)), ("enrolled", enrolled)]
    facts += [("address", address.text()) for address in person.addresses]
    for line in columns(facts):
        typer.echo(line)


@app.command("role")
def set_roles(
    person_id: PersonId, roles: Annotated[list[str], typer.Argument(help="All roles they have from now on.")]
) -> None:
    """Replace somebody's roles."""
    installation = Installation.here()
    was = known_person(installation, person_id)
    evidence = {"was": list(was.roles), "became": roles}
    people = installation.people()
    change = LocalChange("people-role", person_id, evidence)
    changed = _change(installation, change, lambda: people.set_roles(person_id, tuple(roles)))
    typer.echo(f"{changed.id} has the roles {', '.join(changed.roles)}")
    _warn_of_unknown_roles(installation, changed.roles)


@app.command("address")
def add_address(person_id: PersonId, address: AddressText) -> None:
    """Give somebody one more address."""
    from store.people import parse_address  # noqa: PLC0415 - TinyDB costs memory

    installation = Installation.here()
    known_person(installation, person_id)
    parsed = parse_address(address)
    people = installation.people()
    change = LocalChange("people-address", person_id, {"address": parsed.masked()})
    changed = _change(installation, change, lambda: people.add_address(person_id, parsed))
    typer.echo(f"{changed.id} is known as {parsed.text()}")


@app.command()
def remove_address(person_id: PersonId, address: AddressText) -> None:
    """Take an address away: nobody is known by it any more."""
    from store.people import parse_address  # noqa: PLC0415 - TinyDB costs memory

    installation = Installation.here()
    known_person(installation, person_id)
    parsed = parse_address(address)
    people = installation.people()
    change = LocalChange("people-remove-address", person_id, {"address": parsed.masked()})
    changed = _change(installation, change, lambda: people.remove_address(person_id, parsed))
    typer.echo(f"{changed.id} is no longer known as {parsed.text()}")


@app.command()
def remove(person_id: PersonId) -> None:
    """Forget somebody: their addresses mean nobody at once, and their web sessions end."""
    installation = Installation.here()
    person = known_person(installation, person_id)
    evidence = {"roles": list(person.roles), "addresses": [one.masked() for one in person.addresses]}
    people, now = installation.people(), installation.clock.now()

    def end_sessions(tables: Tables) -> None:
        tables.sessions.end_all_of(person_id, now)

    change = LocalChange("people-remove", person_id, evidence)
    removed = _change(installation, change, lambda: people.remove(person_id), end_sessions)
    typer.echo(f"{removed.id} is removed, their sessions are ended")


def known_person(installation: Installation, person_id: str) -> Person:
    """Return somebody who is enrolled.

    Raises:
        CommandFailedError: nobody here has that id, or the directory cannot be read.
    """
    people = installation.people()
    person = people.get(person_id)
    if person is not None:
        return person
    if people.problem:
        raise CommandFailedError(f"nobody is known: {people.problem}", ExitCode.NOT_MEASURED)
    known = ", ".join(one.id for one in people.all()) or "nobody yet"
    raise CommandFailedError(f"person: there is nobody called {person_id!r}; known: {known}", ExitCode.USAGE)


def _change(
    installation: Installation,
    change: LocalChange,
    apply: Callable[[], Person],
    also: Callable[[Tables], None] | None = None,
) -> Person:
    return asyncio.run(installation.with_store(lambda store: change_audited(installation, store, change, apply, also)))


def _warn_of_unknown_roles(installation: Installation, roles: Sequence[str]) -> None:
    try:
        state = installation.policy()
    except UserError as error:
        typer.echo(f"warning: {error}", err=True)
        return
    if state.policy is None:
        problem = "; ".join(state.problems)
        typer.echo(f"warning: no role grants more than reading now, {state.status.value}: {problem}", err=True)
        return
    for role in roles:
        if role not in state.policy.roles:
            known = ", ".join(state.policy.roles)
            typer.echo(f"warning: role {role!r} grants nothing, the policy file has: {known}", err=True)
