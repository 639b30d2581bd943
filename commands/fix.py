"""fix: do what the newest report of a loop planned, once people have agreed to exactly that."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from commands.command import Arguments, ArgumentType, Command, Context, Outcome, Parameter, Reply, Subject
from commands.ordering import describe, put_to_others
from commands.starting import Ordered
from domain.clock import describe_age
from domain.fixes import FixPlan
from domain.git_names import short
from domain.people import Scope
from domain.requests import Request, RequestKind, Risk
from domain.snapshots import MutationSnapshot, TriageSnapshot
from domain.untrusted import clean_line
from policy.file import Action, Policy
from store.tables import Tables

LOOPS = ("triage", "mutation")
PLAN_INPUTS = frozenset({"plan", "commit"})  # an action that declares both is one that carries out plans
SHOWN_WORD_CHARACTERS = 40
SHOWN_PLAN_CHARACTERS = 1_000  # all of it, for any plan that a policy of ordinary size allows


@dataclass(frozen=True, slots=True)
class _Planned:
    """What carries a plan out, and the plan in words."""

    order: Ordered
    purpose: str


def about(arguments: Arguments, context: Context, tables: Tables) -> Subject:
    """Describe the dispatch that carries the plan out, as `run` would; where there is nothing to do, only a reading."""
    planned = _planned(arguments, context, tables)
    if isinstance(planned, _Planned):
        return describe("fix", planned.order, context)
    kind = (
        RequestKind.READ if context.state.policy else RequestKind.DISPATCH
    )  # the gate says what is wrong with the policy
    target = clean_line(arguments.values["loop"], SHOWN_WORD_CHARACTERS)
    return Subject(Request("fix", kind, Scope.OPERATE, target))


def run(arguments: Arguments, context: Context, tables: Tables) -> Outcome:
    """Say why there is nothing to do: whatever can be done is put before other people first."""
    planned = _planned(arguments, context, tables)
    assert isinstance(planned, Reply), "the gate starts nothing that needs approvals and has none"
    return Outcome(planned)


def ask(arguments: Arguments, context: Context, tables: Tables) -> Outcome:
    """Put the plan before other people, in words as well as by its digest."""
    planned = _planned(arguments, context, tables)
    if isinstance(planned, _Planned):
        return put_to_others(planned.order, context, tables, planned.purpose)
    return Outcome(planned)


def _planned(arguments: Arguments, context: Context, tables: Tables) -> _Planned | Reply:
    """Find the newest report's plan and the one action that carries it out, or say what is missing."""
    loop, policy = arguments.values["loop"].lower(), context.state.policy
    if loop not in LOOPS:
        shown = clean_line(loop, SHOWN_WORD_CHARACTERS)
        return Reply(f"fix takes triage or mutation, not {shown}.", tuple(f"fix {one}" for one in LOOPS))
    snapshot = tables.snapshots.triage() if loop == "triage" else tables.snapshots.mutation()
    again = (f"run {loop}", "status")
    if snapshot is None or snapshot.plan is None:
        return Reply(
            f"There is no plan: the newest report of {loop} has none. A loop in plan-then-fix makes one.", again
        )
    if policy is None:
        return Reply("Without a policy nothing is fixed.", ("status",))
    limit = (policy.loops.triage if loop == "triage" else policy.loops.mutation).max_age_hours
    if limit is not None and context.now - _as_of(snapshot) > timedelta(hours=limit):
        age = describe_age(_as_of(snapshot), context.now)
        return Reply(f"The plan of {loop} is stale: {age} old, the limit is {limit} h. Measure again.", again)
    return _ordered(loop, snapshot.plan, policy, context.person.id)


def _ordered(loop: str, plan: FixPlan, policy: Policy, person: str) -> _Planned | Reply:
    fitting = [name for name, action in policy.actions.items() if _carries_out(action, loop, plan)]
    if len(fitting) != 1:
        where = f"{plan.repository}@{plan.branch}"
        found = f"several do: {', '.join(fitting)}" if fitting else "none does"
        text = (
            f"One action of the policy must carry out plans of {loop} on {clean_line(where, SHOWN_PLAN_CHARACTERS)}; {found}."
            " It names the loop, takes plan and commit by pattern, changes things, and needs an approval."
        )
        return Reply(text, ("status",))
    inputs = {"plan": plan.digest(), "commit": plan.source_sha}
    return _Planned(Ordered(fitting[0], plan.branch, inputs, person), _in_words(loop, plan))


def _carries_out(action: Action, loop: str, plan: FixPlan) -> bool:
    """Tell whether an action is there for such plans; one that nobody has to approve is none (I7)."""
    same_place = action.repository.casefold() == plan.repository.casefold() and plan.branch in action.refs
    takes_plans = {name for name, spec in action.inputs.items() if spec.pattern is not None} >= PLAN_INPUTS
    guarded = action.risk is not Risk.REPORT and action.approvals.needed > 0
    return action.loop == loop and same_place and takes_plans and guarded


def _in_words(loop: str, plan: FixPlan) -> str:
    what = " ".join([plan.action, *(f"{name}={value}" for name, value in sorted(plan.arguments.items()))])
    where = f"{plan.branch} at {short(plan.source_sha)}"
    return clean_line(f"Plan of {loop}: {what} on {where}.", SHOWN_PLAN_CHARACTERS)


def _as_of(snapshot: MutationSnapshot | TriageSnapshot) -> datetime:
    return min(snapshot.measured_at or snapshot.taken_at, snapshot.taken_at)


FIX = Command(
    verb="fix",
    usage="fix <loop>",
    summary="do what the newest report planned",
    examples=("fix triage", "fix mutation"),
    scope=Scope.OPERATE,
    parameters=(Parameter("loop", ArgumentType.WORD),),
    about=about,
    run=run,
    ask=ask,
)
