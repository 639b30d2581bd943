"""`reins link`: a one-time link, with its QR code, that signs a person in to the web page."""

import asyncio
from typing import Annotated

import typer

from bot.audit_key import AUDIT_ORIGIN
from bot.cli.installation import Installation
from bot.cli.local_changes import local_actor
from bot.cli.people import PersonId, known_person
from bot.links import LOGIN_LINK_LIFETIME, make_login_link
from domain.errors import UserError
from domain.people import AddressKind, Person
from store.port import Store
from store.sealing import Sealer


def link(
    person_id: PersonId,
    qr: Annotated[bool, typer.Option(help="Draw the QR code.")] = True,
) -> None:
    """Print a link that signs PERSON in to the web page, once, within ten minutes."""
    installation = Installation.here()
    person = known_person(installation, person_id)
    if not any(one.kind is AddressKind.WEB for one in person.addresses):
        raise UserError(f"{person.id} has no web address: reins people address {person.id} web:{person.id}")
    address = asyncio.run(installation.with_store(lambda store: _make(installation, store, person)))
    minutes = int(LOGIN_LINK_LIFETIME.total_seconds() // 60)
    typer.echo(
        f"{address}\nSigns in {person.id}, once, within {minutes} minutes. Whoever opens it first is {person.id}."
    )
    if qr:
        import segno  # noqa: PLC0415 - only this command draws

        segno.make(address, micro=False).terminal(compact=True)


async def _make(installation: Installation, store: Store, person: Person) -> str:
    sealer = Sealer(installation.seal_key(), AUDIT_ORIGIN)
    clock = installation.clock
    address = await make_login_link(store, person.id, installation.settings, clock, installation.entropy, local_actor())
    await store.transact(lambda tables: sealer.seal_if_due(tables, clock.now(), privileged=True))
    return address
