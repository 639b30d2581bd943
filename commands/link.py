"""link: the one-time code that makes an address yours; somebody who is known already is told who they are."""

from commands.command import Arguments, ArgumentType, Command, Context, Outcome, Parameter, Reply, reading
from domain.people import Scope
from store.tables import Tables


def run(arguments: Arguments, context: Context, tables: Tables) -> Outcome:  # noqa: ARG001 - every command has this shape
    """Answer somebody whose address is linked already; codes are for addresses nobody has."""
    text = f"This address is linked already: you are {context.person.id}. The code was not used."
    return Outcome(Reply(text, ("whoami", "menu")))


LINK = Command(
    verb="link",
    usage="link <code>",
    summary="make this address yours with a code",
    examples=("link 7F3C9K2M",),
    scope=Scope.READ,
    parameters=(Parameter("code", ArgumentType.WORD),),
    about=reading("link"),
    run=run,
)
