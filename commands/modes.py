"""What `halt`, `pause` and `resume` share: setting the stored mode, up or down."""

from collections.abc import Callable

from commands.audience import mode_notices
from commands.changes import SetMode
from commands.command import Arguments, Context, Outcome, Reply, Subject
from domain.modes import Mode
from domain.people import Scope
from domain.requests import Request, RequestKind
from store.tables import Tables


def about_mode(verb: str, target: Mode) -> Callable[[Arguments, Context, Tables], Subject]:
    """Return the `about` of a mode command: going down needs read, going up needs approve (docs/design.md)."""
    lower = Subject(Request(verb, RequestKind.LOWER_MODE, Scope.READ, target.value))
    raising = Subject(Request(verb, RequestKind.RAISE_MODE, Scope.APPROVE, target.value))

    def about(arguments: Arguments, context: Context, tables: Tables) -> Subject:  # noqa: ARG001 - every command has this shape
        # Against the stored mode, not the effective one: setting it higher is a raise even while something holds it down.
        return raising if target.rank > context.mode.stored.rank else lower

    return about


def set_mode(target: Mode) -> Callable[[Arguments, Context, Tables], Outcome]:
    """Return the `run` of a mode command."""

    def run(arguments: Arguments, context: Context, tables: Tables) -> Outcome:  # noqa: ARG001 - every command has this shape
        if context.mode.stored is target:
            text = f"The mode was set to {target.value} already; it is {context.mode.effective.value}."
            return Outcome(Reply(text, ("status",)))
        open_runs = len(tables.runs.unfinished())
        going = f" {open_runs} run(s) still going, abort <id> ends one." if target is Mode.OFF and open_runs else ""
        text = f"Mode is now {target.value}, it was {context.mode.stored.value}.{going}{_held_down(context, target)}"
        return Outcome(Reply(text, ("status",)), (SetMode(target, context.person.id),), mode_notices(context, target))

    return run


def _held_down(context: Context, target: Mode) -> str:
    environment = context.mode.environment
    if context.mode.halt_file:
        return " It stays off while the HALT file is there."
    if environment is not None and environment.rank < target.rank:
        return f" AUTONOMY_MODE keeps it at {environment.value}."
    return ""
