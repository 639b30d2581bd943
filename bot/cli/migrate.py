"""`reins migrate`: bring the database schema up to date before a new release starts."""

import typer

from bot.cli.installation import Installation
from bot.cli.state_folder import make_state_folder


def migrate() -> None:
    """Bring the database schema up to date; safe to repeat, and beside a running bot."""
    from store.sqlite import migrate as apply_migrations  # noqa: PLC0415 - only commands that need the store pay for it

    installation = Installation.here()
    make_state_folder(installation.home.root)
    applied = apply_migrations(installation.home.database)
    typer.echo(f"applied {', '.join(applied)}" if applied else "the schema is up to date")
