"""abort: end a run; one's own, or anybody's for somebody who may approve."""

from commands.command import Arguments, ArgumentType, Command, Context, Outcome, Parameter, Reply, Subject
from domain.effects import CancelRun
from domain.people import Scope
from domain.requests import Request, RequestKind
from domain.runs import Run
from policy.facts import RunFacts
from store.tables import Tables


def about(arguments: Arguments, context: Context, tables: Tables) -> Subject:  # noqa: ARG001 - every command has this shape
    """Name the run, its owner and its state."""
    handle = arguments.values["run"]
    run_ = _find(handle, tables)
    facts = RunFacts(run_.state.value, run_.state.final, run_.requested_by) if run_ else None
    return Subject(Request("abort", RequestKind.ABORT, Scope.OPERATE, handle), run=facts)


def run(arguments: Arguments, context: Context, tables: Tables) -> Outcome:
    """Ask the forge to cancel; the final notice tells when it has ended."""
    run_ = _find(arguments.values["run"], tables)
    assert run_ is not None, "the gate has checked that the run is known"
    assert context.state.policy is not None, "the gate allows nothing without a policy"
    action = context.state.policy.actions.get(run_.action)
    forge = action.forge if action else "local"
    text = f"{run_.handle} {run_.action} is being cancelled. The final notice comes here."
    return Outcome(Reply(text, (f"why {run_.handle}",)), (), (CancelRun(run_.id, forge, run_.correlation),))


def _find(handle: str, tables: Tables) -> Run | None:
    meaning = tables.handles.meaning(handle, "run")
    return tables.runs.get(meaning[1]) if meaning else None


ABORT = Command(
    verb="abort",
    usage="abort <run>",
    summary="end a run of yours",
    examples=("abort 3K",),
    scope=Scope.OPERATE,
    parameters=(Parameter("run", ArgumentType.HANDLE),),
    about=about,
    run=run,
)
