"""`reins init`: what a fresh machine needs before the bot starts, made without a question."""

import asyncio
import os
import shutil
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import typer

from bot.audit_key import make_audit_key
from bot.cli.installation import Installation
from bot.cli.local_changes import LocalChange, change_audited
from bot.cli.state_folder import make_database, make_state_folder, write_new_private_file
from domain.errors import UserError
from domain.people import Address, AddressKind, Person
from store.port import Store

FIRST_PERSON = "owner"
FIRST_ROLE = "owner"  # the role that the default policy grants everything


def init(
    if_absent: Annotated[
        bool, typer.Option("--if-absent", help="Do nothing and succeed where everything was set up before.")
    ] = False,
) -> None:
    """Set up the state folder: policy, sample artifacts, audit key, and you as the first person."""
    installation = Installation.here()
    home = installation.home
    # The people file is made last, so whoever was interrupted can simply start again.
    if home.people_file.exists():
        if if_absent:
            return
        raise UserError(f"{home.root}: is set up already; `reins init --if-absent` leaves it as it is")
    for line in set_up(installation):
        typer.echo(line)
    typer.echo(f"Reins is set up in {home.root}")


def set_up(installation: Installation) -> list[str]:
    """Make everything that is missing and return a line for each thing that was made.

    Raises:
        UserError: the folder cannot be made.
        OSError: a file in it cannot be written.
    """
    settings, home = installation.settings, installation.home
    make_state_folder(home.root)
    defaults = resources.files("bot") / "defaults"
    made = []
    default_policy = (defaults / "control_plane_policy.json").read_bytes()
    # What the settings point at elsewhere is somebody's own: nothing is put there.
    if settings.policy_file is None and write_new_private_file(home.policy_file, default_policy):
        made.append(f"policy: {home.policy_file}")
    for configured, name, folder in (
        (settings.mutation_artifacts, "mutation", home.mutation_artifacts),
        (settings.triage_artifacts, "triage", home.triage_artifacts),
    ):
        if configured is None and _copied(defaults / "artifacts" / name, folder):
            made.append(f"sample artifacts: {folder}")
    if not home.audit_key_file.exists():
        make_audit_key(home.audit_key_file, installation.entropy)
        made.append(f"audit key: {home.audit_key_file}")
    make_database(home.database)
    person = asyncio.run(installation.with_store(lambda store: _enrol_first_person(installation, store)))
    made.append(f"first person: {person.id}, known as {', '.join(address.text() for address in person.addresses)}")
    return made


def _copied(source: Traversable, folder: Path) -> bool:
    if folder.exists():
        return False
    fresh = folder.with_name(f".{folder.name}.{os.getpid()}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with resources.as_file(source) as samples:
        shutil.copytree(samples, fresh)
    fresh.rename(folder)
    return True


async def _enrol_first_person(installation: Installation, store: Store) -> Person:
    addresses = (Address(AddressKind.WEB, FIRST_PERSON), Address(AddressKind.CONSOLE, str(os.getuid())))
    person = Person(FIRST_PERSON, "Owner", (FIRST_ROLE,), addresses, installation.clock.now())
    evidence: dict[str, object] = {
        "roles": list(person.roles),
        "addresses": [address.masked() for address in addresses],
        "audit_key": installation.seal_key().key_id,
        "policy_version": installation.policy().version,
    }
    people = installation.people()
    change = LocalChange("init", person.id, evidence)
    return await change_audited(installation, store, change, lambda: people.add(person))
