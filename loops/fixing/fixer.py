"""Carrying out a plan: the policy's decision, the named program, and what it must have left behind before anybody takes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from domain.clock import Clock
from domain.fixes import FixPlan
from domain.git_names import short
from domain.snapshots import LoopReason
from domain.untrusted import clean_line
from forge.code import Code
from loops.fixing.checkout import Checkout, Remote
from loops.fixing.delivery import Delivery
from loops.fixing.environment import own_secrets, program_environment
from loops.fixing.gate import bound_arguments, fix_decision
from loops.fixing.git import Git, GitError
from loops.fixing.order import FixRequest, NamedFix, argv_of, named_action
from loops.fixing.output import program_output, shown
from loops.fixing.plan import plan_of
from loops.fixing.port import FixOrder, FixOutcome
from loops.fixing.protected import protected_paths
from loops.fixing.running import Program, run_to_end
from loops.report import DETAIL_CHARACTERS
from policy.loading import PolicyState

MODE_VARIABLE = "AUTONOMY_MODE"


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where fixes are made: the checkout, where the policy was read from, our environment, and where commits go."""

    checkout: Path
    policy_file: Path
    environment: Mapping[str, str]
    remote: Remote


class PolicyFixer:
    """The `Fixer` that runs one named action of the policy in a checkout, and hands over nothing but what it may change."""

    def __init__(self, fix: NamedFix, state: PolicyState, workplace: Workplace, code: Code, clock: Clock) -> None:
        """Fix by this action under this policy; both are read once, before any program could change a file of theirs."""
        self._fix = fix
        self._state = state
        self._workplace = workplace
        self._code = code
        self._clock = clock

    def plan(self, order: FixOrder) -> FixPlan:
        """Return exactly what `fix` would do; the same order always gives the same plan."""
        return plan_of(self._fix, self._state, order)

    async def fix(self, order: FixOrder) -> FixOutcome:
        """Try once; see `Fixer.fix`. Whatever stops it before the program starts is `fix_blocked`."""
        place, report = self._workplace, order.report
        rules = await self._code.rules(order.source.repository, report.branch)
        wanted = FixRequest(report.loop, report.branch, self._fix)
        decision = fix_decision(self._state, place.environment.get(MODE_VARIABLE), wanted, rules)
        if not decision.allowed:
            return _outcome(LoopReason.FIX_BLOCKED, f"{decision.rule}: {decision.reason}")
        checkout = Checkout(self._git(order), place.checkout)
        try:
            objection = await _unready(checkout, order)
        except GitError as error:
            objection = f"the working tree cannot be used: {error}"
        if objection is not None:
            return _outcome(LoopReason.FIX_BLOCKED, objection)
        assert self._state.policy is not None, "the decision allows nothing without a policy"
        protected = protected_paths(self._state.policy.protected_paths, place.policy_file, place.checkout)
        ran = await self._run(order)
        if ran.reason is not None:
            return ran
        outcome = await Delivery(order, checkout, protected, self._code, place.remote).hand_over()
        detail = clean_line(outcome.detail, DETAIL_CHARACTERS)
        return replace(outcome, detail=detail, exit_code=ran.exit_code, output=ran.output)

    async def _run(self, order: FixOrder) -> FixOutcome:
        """Run the program; the reason is None where it ended well."""
        assert self._state.policy is not None, "the decision allows nothing without a policy"
        action = named_action(self._state.policy, order.report.loop, self._fix.action)
        assert action is not None, "the decision knows the action"
        bound = bound_arguments(action, self._fix.arguments)
        assert not isinstance(bound, str), "the decision has bound the arguments"
        seconds = min(float(action.timeout_seconds), self._remaining_seconds(order)())
        if seconds <= 0:
            return _outcome(LoopReason.FIX_TIMED_OUT, f"no time was left to run {action.name}")
        ours = self._workplace.environment
        environment = program_environment(ours, action.environment, order)
        captured = program_output()
        try:
            program = Program(argv_of(action, bound), self._workplace.checkout, environment, seconds)
            ended = await run_to_end(program, captured.add)
        except OSError as error:
            return _outcome(LoopReason.FIX_FAILED, f"{action.name} cannot be started: {error.strerror}")
        output = shown(captured, self._secrets())
        if ended.timed_out:
            detail = f"{action.name} was not done after {seconds:.0f} s and was ended"
            return FixOutcome(LoopReason.FIX_TIMED_OUT, detail, None, ended.exit_code, output)
        if ended.exit_code != 0:
            detail = f"{action.name} failed with exit code {ended.exit_code}"
            return FixOutcome(LoopReason.FIX_FAILED, detail, None, ended.exit_code, output)
        return FixOutcome(None, f"{action.name} is done", None, ended.exit_code, output)

    def _git(self, order: FixOrder) -> Git:
        path = self._workplace.environment.get("PATH", "/usr/bin:/bin")
        return Git(path, self._remaining_seconds(order), self._secrets())

    def _remaining_seconds(self, order: FixOrder) -> Callable[[], float]:
        def remaining() -> float:
            return (order.deadline_at - self._clock.now()).total_seconds()

        return remaining

    def _secrets(self) -> tuple[str, ...]:
        token = self._workplace.remote.token
        return (*([token] if token else []), *own_secrets(self._workplace.environment))


async def _unready(checkout: Checkout, order: FixOrder) -> str | None:
    """Return why the working tree is no place to begin: the program must see exactly the commit that was measured."""
    if not order.source.own_code:
        return "what was measured is code from another repository"
    head = await checkout.head()
    if head != order.source.head_sha:
        return f"the working tree is at {short(head)}, measured was {short(order.source.head_sha)}"
    if not await checkout.is_clean():
        return "the working tree holds changes that are not committed"
    if await checkout.keeps_credential():
        return (
            "the checkout's settings hold a credential; check it out without keeping any (persist-credentials: false)"
        )
    return None


def _outcome(reason: LoopReason, detail: str) -> FixOutcome:
    return FixOutcome(reason, clean_line(detail, DETAIL_CHARACTERS))
