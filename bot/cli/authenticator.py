"""`reins people authenticator`: codes from an app in place of codes by text; the secret is shown once."""

import asyncio
from typing import Annotated

import typer

from bot.cli.installation import Installation
from bot.cli.local_changes import LocalChange, change_audited
from bot.cli.people import PersonId, known_person
from store.tables import Tables

ISSUER = "Reins"


def authenticator(
    person_id: PersonId,
    remove: Annotated[bool, typer.Option("--remove", help="Go back to codes by text.")] = False,
    qr: Annotated[bool, typer.Option(help="Draw the QR code.")] = True,
) -> None:
    """Let PERSON confirm commands with an authenticator app (RFC 6238): scan the code, six digits every 30 s."""
    installation = Installation.here()
    known_person(installation, person_id)
    if remove:
        asyncio.run(_change(installation, person_id, "removed", None))
        typer.echo(f"{person_id} gets codes by text again")
        return
    import pyotp  # noqa: PLC0415 - only this command makes secrets

    secret = pyotp.random_base32()
    asyncio.run(_change(installation, person_id, "enrolled", secret))
    address = pyotp.TOTP(secret).provisioning_uri(name=person_id, issuer_name=ISSUER)
    typer.echo(f"Scan this with the authenticator app of {person_id}; it is shown once, and only here:\n{address}")
    if qr:
        import segno  # noqa: PLC0415 - only this command draws

        segno.make(address, micro=False).terminal(compact=True)


async def _change(installation: Installation, person_id: str, what: str, secret: str | None) -> None:
    now = installation.clock.now()

    def write(tables: Tables) -> None:
        if secret is None:
            tables.authenticators.remove(person_id)
        else:
            tables.authenticators.put(person_id, secret, now)

    async with installation.opened_store() as store:
        change = LocalChange("people-authenticator", person_id, {"what": what})
        await change_audited(installation, store, change, lambda: None, write)
