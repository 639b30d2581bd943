"""ci: the lanes that fail on each branch's newest commit, where to read them, and how fresh that is."""

from commands.command import Arguments, ArgumentType, Command, Context, Outcome, Parameter, Reply, reading
from commands.lanes import describe, in_one_text, looks
from domain.people import Scope
from domain.untrusted import clean_line
from policy.branches import github_branches
from store.tables import Tables

SHOWN_REF_CHARACTERS = 40


def run(arguments: Arguments, context: Context, tables: Tables) -> Outcome:
    """Show every branch that actions run on at GitHub, or only those of one name, whatever its case."""
    branches, ref = github_branches(context.state.policy), arguments.get("ref")
    if not branches:
        return Outcome(Reply("No action runs on GitHub, so there are no lanes to show.", ("status",)))
    if ref is not None:
        branches = tuple(one for one in branches if one.name.casefold() == ref.casefold())
    if not branches:
        asked = clean_line(ref or "", SHOWN_REF_CHARACTERS)
        return Outcome(Reply(f"No action runs on GitHub at {asked}. ci shows every branch.", ("ci",)))
    found = looks(branches, tables)
    lines = [line for branch, snapshot in found for line in describe(branch, snapshot, context.now)]
    return Outcome(Reply("\n".join(lines), ("status", "last"), in_one_text(found, context.now)))


CI = Command(
    verb="ci",
    usage="ci [ref]",
    summary="failing lanes of each branch, with links",
    examples=("ci", "ci main"),
    scope=Scope.READ,
    parameters=(Parameter("ref", ArgumentType.WORD, required=False),),
    about=reading("ci"),
    run=run,
)
