"""run: start an allowlisted action."""

from commands.command import Arguments, ArgumentType, Command, Context, Outcome, Parameter, Reply, Subject
from commands.ordering import describe, exactly, put_to_others
from commands.starting import Ordered, start_run
from domain.people import Scope
from store.tables import Tables


def about(arguments: Arguments, context: Context, tables: Tables) -> Subject:  # noqa: ARG001 - every command has this shape
    """Name the action, and the slot its run would hold."""
    return describe("run", _order(arguments, context), context)


def run(arguments: Arguments, context: Context, tables: Tables) -> Outcome:
    """Start the action and say under which id its notices come back."""
    intent = exactly(_order(arguments, context), context, tables)
    start = start_run(intent, context, tables, context.reply_to.text(), None)
    handle = start.run.handle
    text = f"{handle} {intent.action} on {intent.repository}@{intent.ref} accepted. Notices come here."
    return Outcome(Reply(text, (f"why {handle}", f"abort {handle}", "status")), (start,))


def ask(arguments: Arguments, context: Context, tables: Tables) -> Outcome:
    """Ask other people to approve exactly this, and tell the requester under which id it waits."""
    return put_to_others(_order(arguments, context), context, tables)


def _order(arguments: Arguments, context: Context) -> Ordered:
    action = arguments.values["action"].lower()
    return Ordered(action, arguments.get("ref"), dict(arguments.options), context.person.id)


RUN = Command(
    verb="run",
    short="r",
    usage="run <action> [ref] [name=value ...]",
    summary="start an allowlisted action",
    examples=("run mutation", "run triage main"),
    scope=Scope.OPERATE,
    parameters=(Parameter("action", ArgumentType.WORD), Parameter("ref", ArgumentType.WORD, required=False)),
    options=True,
    about=about,
    run=run,
    ask=ask,
)
