"""`reins policy`: check the policy file, ask the gate questions, and bring an old file up to date."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.documents import read_input, write_result
from bot.cli.exit_codes import ExitCode
from bot.cli.installation import Installation, read_policy_file
from bot.cli.people import PersonId, known_person
from bot.cli.policy_case import Question, case_of
from bot.cli.tabulation import columns
from domain.modes import Mode
from domain.people import AddressKind, Proof
from policy.loading import MAX_POLICY_BYTES, PolicyStatus, load_policy
from policy.simulation import Explanation, WhatIf, simulate

app = typer.Typer(help="Who may do what.", no_args_is_help=True)

Words = Annotated[list[str], typer.Argument(metavar="COMMAND...", help="As it is typed on a phone: run mutation main.")]
Channel = Annotated[AddressKind, typer.Option(help="The channel it would come by.")]
Shown = Annotated[Proof, typer.Option(help="The proof it would come with.")]


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="A policy file; without it, the one in force.")] = None,
) -> None:
    """Say whether a policy file can be used; exit 1 when not."""
    path = file or Installation.here().home.policy_file
    state = load_policy(read_policy_file(path))
    typer.echo(f"{path}: {state.status.value}, version {state.version}")
    if state.status is not PolicyStatus.LOADED:
        for problem in state.problems:
            typer.echo(f"  {problem}")
        raise typer.Exit(ExitCode.WORK_REMAINS)


@app.command()
def explain(
    person_id: PersonId, command: Words, channel: Channel = AddressKind.WEB, proof: Shown = Proof.SESSION
) -> None:
    """Show what every rule says to a command, and the decision; exit 4 when it would not be allowed now."""
    _answer(person_id, command, channel, proof, WhatIf())


@app.command("simulate")
def simulate_command(  # noqa: PLR0913, PLR0917 - typer declares one parameter per option
    person_id: PersonId,
    command: Words,
    channel: Channel = AddressKind.WEB,
    proof: Shown = Proof.SESSION,
    mode: Annotated[Mode | None, typer.Option(help="As if the mode were this.")] = None,
    approved: Annotated[
        bool | None, typer.Option("--approved/--not-approved", help="As if it carried its approvals.")
    ] = None,
    role: Annotated[list[str], typer.Option(help="As if the person had this role, too; may be repeated.")] = [],  # noqa: B006 - typer copies it
) -> None:
    """Ask the same rules about how things might be; nothing is done and nothing is recorded."""
    _answer(person_id, command, channel, proof, WhatIf(mode, None, approved, tuple(role)))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the policy file, for editors."""
    from policy.schema import json_schema  # noqa: PLC0415 - only this command needs it

    typer.echo(json.dumps(json_schema(), indent=2))


@app.command()
def upgrade(
    file: Annotated[Path, typer.Argument(help="A policy file of schema version 1.")],
    repository: Annotated[str, typer.Option(help="owner/name that its workflows belong to.")],
    output: Annotated[Path | None, typer.Option(help="Where to write it; standard output otherwise.")] = None,
) -> None:
    """Turn a version 1 policy file into version 2, and name everything that could not be carried over."""
    from policy.upgrade import upgrade as upgraded  # noqa: PLC0415 - only this command needs it

    document, notes = upgraded(read_input(file, MAX_POLICY_BYTES), repository)
    write_result([json.dumps(document, indent=2).encode() + b"\n"], output)
    for note in notes:
        typer.echo(f"note: {note}", err=True)


def _answer(person_id: str, command: list[str], channel: AddressKind, proof: Proof, what_if: WhatIf) -> None:
    installation = Installation.here()
    question = Question(known_person(installation, person_id), command, channel, proof)
    case = asyncio.run(
        installation.with_store(lambda store: store.read(lambda tables: case_of(question, installation, tables)))
    )
    explanation = simulate(case, what_if)
    for line in _lines(explanation):
        typer.echo(line)
    if not explanation.decision.allowed:
        raise typer.Exit(ExitCode.DENIED)


def _lines(explanation: Explanation) -> list[str]:
    rows = [("  rule", "says", "because")]
    rows += [(f"{'>' if step.decides else ' '} {step.rule}", step.code, step.sentence) for step in explanation.steps]
    decision = explanation.decision
    return [*columns(rows), "", f"{decision.verdict.value} ({decision.rule}): {decision.reason}"]
