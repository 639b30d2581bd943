"""menu: the commands this person may use here, read from the same catalogue as everything else."""

from commands.command import Arguments, ArgumentType, Command, Context, Outcome, Parameter, Reply, reading
from commands.suggestions import usable
from domain.people import Scope
from store.tables import Tables


def run(arguments: Arguments, context: Context, tables: Tables) -> Outcome:  # noqa: ARG001 - every command has this shape
    """List what the person may use, or explain one command."""
    mine = usable(context.catalogue, context.scopes)
    wanted = arguments.get("command")
    if wanted is None:
        lines = [
            f"{command.verb}{f' ({command.short})' if command.short else ''}: {command.summary}" for command in mine
        ]
        return Outcome(Reply("\n".join(lines), ("status", "last", "approvals")))
    command = next((command for command in mine if wanted.lower() in (command.verb, command.short)), None)
    if command is None:
        return Outcome(Reply("You have no such command here.", ("menu",)))
    examples = "; ".join(command.examples)
    return Outcome(Reply(f"{command.usage}\n{command.summary}. For example: {examples}", command.examples[:2]))


MENU = Command(
    verb="menu",
    short="?",
    usage="menu [command]",
    summary="what you can do here",
    examples=("menu", "menu run"),
    scope=Scope.READ,
    parameters=(Parameter("command", ArgumentType.WORD, required=False),),
    about=reading("menu"),
    run=run,
)
