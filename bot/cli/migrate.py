"""`reins migrate`: bring the database schema up to date before a new release starts."""

import typer

from bot.cli.installation import Installation
from bot.cli.state_folder import make_database, make_state_folder


def migrate() -> None:
    """Bring the database schema up to date; safe to repeat, and beside a running bot."""
    installation = Installation.here()
    make_state_folder(installation.home.root)
    applied = make_database(installation.home.database)
    typer.echo(f"applied {', '.join(applied)}" if applied else "the schema is up to date")
