"""`reins serve`: run the bot, and say on the first screen where it is and what to type first."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from bot.settings import read_settings

if TYPE_CHECKING:  # the bot's parts are imported when it starts, not when the command line is read
    from bot.wiring import Bot

FIRST_PERSON = "owner"


def serve(
    role: Annotated[str, typer.Option(help="all, web (requests) or worker (effects and loops).")] = "all",
    link: Annotated[bool, typer.Option(help="Print a one-time sign-in link and its QR code.")] = True,
) -> None:
    """Run the bot until it is stopped with Ctrl-C or SIGTERM; nothing accepted is lost."""
    from bot.logs import configure_logs  # noqa: PLC0415 - see above
    from bot.serve import Role  # noqa: PLC0415
    from bot.serve import serve as serve_bot  # noqa: PLC0415

    try:
        chosen = Role(role)
    except ValueError as error:
        raise typer.BadParameter(f"{role} is no role: all, web or worker") from error
    settings = read_settings()
    configure_logs(settings.log_level)
    asyncio.run(serve_bot(settings, chosen, _announce if link else _announce_quietly))


async def _announce_quietly(bot: "Bot") -> None:
    typer.echo(f"Reins answers at {bot.settings.url}")


async def _announce(bot: "Bot") -> None:
    from bot.links import make_login_link  # noqa: PLC0415 - see above

    await _announce_quietly(bot)
    if bot.people.get(FIRST_PERSON) is None:
        typer.echo("Get a sign-in link for a person with: reins link <person>")
        return
    address = await make_login_link(bot.store, FIRST_PERSON, bot.settings, bot.clock, bot.entropy)
    import segno  # noqa: PLC0415 - drawn once

    typer.echo(f"\nSign in as {FIRST_PERSON}, once, within ten minutes:\n{address}\n")
    segno.make(address, micro=False).terminal(compact=True)
    typer.echo("\nType first: menu, status, run mutation.  In another terminal: .venv/bin/reins chat")
