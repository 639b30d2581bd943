"""whoami: who the bot takes you for, how sure it is, and what you may do."""

from commands.command import Arguments, Command, Context, Outcome, Reply, reading
from domain.people import Scope
from store.tables import Tables


def run(arguments: Arguments, context: Context, tables: Tables) -> Outcome:  # noqa: ARG001 - every command has this shape
    """Show person, roles, scopes, channel and proof."""
    scopes = ", ".join(scope.value for scope in Scope if scope in context.scopes) or "none"
    text = (
        f"You are {context.person.name} ({context.person.id}), roles {', '.join(context.person.roles) or 'none'},"
        f" scopes {scopes}. This came by {context.channel} with proof {context.proof.value}."
    )
    return Outcome(Reply(text, ("menu", "status")))


WHOAMI = Command(
    verb="whoami",
    usage="whoami",
    summary="who you are here and what you may do",
    examples=("whoami",),
    scope=Scope.READ,
    about=reading("whoami"),
    run=run,
)
