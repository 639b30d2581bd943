"""What every rule says about one case, and the same case with something changed: `reins policy explain` and `simulate`."""

from dataclasses import dataclass, replace

from domain.decisions import Decision
from domain.errors import UserError
from domain.modes import Mode, ModeSources
from domain.people import Person, Proof
from policy.facts import Case
from policy.gate import RULES, Rule, evaluate
from policy.loading import PolicyState

NO_OBJECTION = "no objection"
NOT_JUDGED = "not judged"
GATE_ERROR = "gate_error"


@dataclass(frozen=True, slots=True)
class Step:
    """What one rule says. `rule` is its readable name (`own run`), `code` its rule code or `no objection`.

    `decides` is true for one step at most: what stands behind it would still object once this is mended. A rule behind
    it that cannot be asked yet (whose action, if there is none?) is `not judged`.
    """

    rule: str
    code: str
    sentence: str
    decides: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """Every rule's word in the order of the gate, and the decision that follows; no step decides when all allow."""

    steps: tuple[Step, ...]
    decision: Decision


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What to change before asking the gate; None and empty leave things as they are.

    `mode` becomes the effective mode (environment and HALT file are set aside), `approved` says whether the dispatch
    carries its approvals, `roles_added` are names of roles in the policy file.
    """

    mode: Mode | None = None
    proof: Proof | None = None
    approved: bool | None = None
    roles_added: tuple[str, ...] = ()


def explain(case: Case) -> Explanation:
    """Ask every rule, also those behind the one that decides, so that a person sees all there is to mend at once."""
    steps: list[Step] = []
    decider: str | None = None
    for rule in RULES:
        step = _ask(rule, case, decider)
        steps.append(step)
        decider = step.rule if step.decides else decider
    return Explanation(tuple(steps), evaluate(case.request, case.person, case.proof, case.facts, case.state))


def simulate(case: Case, what_if: WhatIf) -> Explanation:
    """Explain the case as it would be: the same rules over changed facts. Nothing is done and nothing is stored.

    Raises:
        UserError: a role is added that the policy file does not name, or to nobody.
    """
    facts = case.facts
    if what_if.mode is not None:
        facts = replace(facts, mode=ModeSources(environment=None, stored=what_if.mode, halt_file=False))
    if what_if.approved is not None:
        facts = replace(facts, approved=what_if.approved)
    person = _with_roles(case.person, what_if.roles_added, case.state) if what_if.roles_added else case.person
    return explain(replace(case, person=person, proof=what_if.proof or case.proof, facts=facts))


def rule_name(rule: Rule) -> str:
    """Return a rule's readable name, which is its module's: `own run` for `policy.rules.own_run`."""
    return rule.__module__.rpartition(".")[2].replace("_", " ")


def _ask(rule: Rule, case: Case, decider: str | None) -> Step:
    name = rule_name(rule)
    try:
        said = rule(case)
    except Exception as error:  # noqa: BLE001 - the gate takes any failure for a denial, and so does its explanation
        if decider is not None:
            return Step(name, NOT_JUDGED, f"cannot be told before {decider} is mended", decides=False)
        return Step(name, GATE_ERROR, f"the rule could not judge: {type(error).__name__}", decides=True)
    if said is None:
        return Step(name, NO_OBJECTION, "nothing speaks against it", decides=False)
    return Step(name, said.rule, said.reason, decides=decider is None)


def _with_roles(person: Person | None, roles: tuple[str, ...], state: PolicyState) -> Person:
    if person is None:
        raise UserError("role: nobody we know sent this, so there is no one to add a role to; name a person")
    known = tuple(state.policy.roles) if state.policy else ()
    for role in roles:
        if role not in known:
            raise UserError(f"role: the policy file has no role {role}; use one of: {', '.join(known) or 'none'}")
    return replace(person, roles=(*person.roles, *roles))
