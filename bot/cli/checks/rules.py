"""Checks of what governs the bot: the policy file, the people, and what the loops would read."""

from collections.abc import Iterator

from bot.cli.checks.finding import Finding, fail, ok, warn
from bot.cli.installation import Installation
from domain.errors import UserError
from domain.people import Person, Scope
from policy.loading import PolicyState, PolicyStatus
from policy.rules.scope import scopes_of


def check_policy(installation: Installation) -> Iterator[Finding]:
    """Look at the policy file; each problem is a line of its own."""
    try:
        state = installation.policy()
    except UserError as error:
        yield fail("policy", str(error), "make it readable for the user the bot runs as")
        return
    if state.status is PolicyStatus.LOADED:
        actions = len(state.policy.actions) if state.policy else 0
        yield ok("policy", f"{installation.home.policy_file}, {actions} actions, version {state.version[:8]}")
        return
    mend = f"mend {installation.home.policy_file}, then `reins policy check`; until then nothing may be written"
    for problem in state.problems:
        yield fail("policy", f"{state.status.value}: {problem}", mend)


def check_people(installation: Installation) -> Iterator[Finding]:
    """Look at who is enrolled, and whether somebody may approve."""
    directory = installation.people()
    people = directory.all()
    if directory.problem:
        yield fail("people", directory.problem, "mend the file; until then nobody is known")
        return
    if not people:
        yield fail("people", "nobody is enrolled", "reins people add <id> --name <name> --role owner")
        return
    try:
        state = installation.policy()
    except UserError:
        return  # the policy's own check says what is wrong with it, and without it roles mean nothing
    yield from _check_roles(people, state)


def _check_roles(people: tuple[Person, ...], state: PolicyState) -> Iterator[Finding]:
    if state.policy is None:
        return
    for person in people:
        for role in person.roles:
            if role not in state.policy.roles:
                mend = f"reins people role {person.id} <roles>; the policy has: {', '.join(state.policy.roles)}"
                yield warn("people", f"{person.id} has the role {role}, which grants nothing", mend)
    approvers = [person.id for person in people if Scope.APPROVE in scopes_of(person, state)]
    if approvers:
        yield ok("people", f"{len(people)} enrolled, may approve: {', '.join(approvers)}")
    else:
        yield fail(
            "people", f"{len(people)} enrolled, nobody may approve", "give somebody a role with the approve scope"
        )


def check_artifacts(installation: Installation) -> Iterator[Finding]:
    """Look at the folders the local loops read."""
    home = installation.home
    for name, folder in (("mutation", home.mutation_artifacts), ("triage", home.triage_artifacts)):
        if folder.is_dir():
            yield ok("artifacts", f"{name}: {folder}")
        else:
            mend = f"put the {name} results there, or set REINS_{name.upper()}_ARTIFACTS"
            yield warn("artifacts", f"{name}: {folder} is no folder, so the loop can measure nothing", mend)
