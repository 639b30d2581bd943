"""`reins policy pin`: look GitHub's workflows through, and write down which version of each may be started."""

import asyncio
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.exit_codes import CommandFailedError, ExitCode
from bot.cli.installation import Installation
from bot.cli.local_changes import LocalChange, change_audited
from bot.forge_settings import GitHubOptions
from domain.clock import Clock
from domain.errors import UserError
from domain.git_names import short
from policy.editing import with_pins
from policy.file import Action, Policy
from policy.loading import PolicyState, load_policy

UNPINNED = "none"
Pins = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of one action's workflow on one of its refs; without its `blob_sha` it may not be pinned."""

    name: str
    ref: str
    workflow: str
    was: str | None
    blob_sha: str | None
    problems: tuple[str, ...]

    @property
    def changes(self) -> bool:
        """Tell whether there is a new pin to write."""
        return self.blob_sha is not None and self.blob_sha != self.was

    def lines(self) -> list[str]:
        """Return what is shown: the old pin and the new one, or what is wrong."""
        where, was = f"{self.name} {self.workflow}@{self.ref}", short(self.was or UNPINNED)
        if self.blob_sha is None:
            return [f"{where}: not pinned", *(f"  {problem}" for problem in self.problems)]
        return [f"{where}: {was} -> {short(self.blob_sha)}" if self.changes else f"{where}: {was} unchanged"]


def pin(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[ACTION]...", help="Actions on GitHub; without any, all of them.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be written.")] = False,
) -> None:
    """Pin workflows as they are now, after a look at what could make them unsafe; exit 4 where one may not be pinned."""
    installation = Installation.here()
    state = installation.policy()
    if state.policy is None:
        raise UserError(f"policy: {state.status.value}: {state.problems[0]}; see `reins policy check`")
    chosen = _chosen(state.policy, names or [])
    if installation.settings.github is None:
        raise UserError("github is not set up: put a token, or a GitHub App, into the table [github] of reins.toml")
    looks = asyncio.run(_look(installation.settings.github, chosen, installation.clock))
    for line in (line for look in looks for line in look.lines()):
        typer.echo(line)
    pins = {name: _pins_of(name, action, looks) for name, action in chosen.items()}
    changed = {name: its for name, its in pins.items() if its != chosen[name].pins}
    if changed and not dry_run:
        asyncio.run(_write(installation, state, changed, [look for look in looks if look.changes]))
    if any(look.problems for look in looks):
        raise typer.Exit(ExitCode.DENIED)


def _chosen(policy: Policy, names: list[str]) -> dict[str, Action]:
    on_github = {name: action for name, action in policy.actions.items() if action.forge == "github"}
    for name in names:
        if name not in on_github:
            known = ", ".join(on_github) or "none"
            raise UserError(f"action: {name} is no action of the policy that runs on GitHub; those are: {known}")
    return {name: action for name, action in on_github.items() if not names or name in names}


def _pins_of(name: str, action: Action, looks: list[Look]) -> dict[str, str]:
    """Return an action's pins as they are to be: what may not be pinned now keeps the pin it had."""
    new = {look.ref: look.blob_sha for look in looks if look.name == name and look.blob_sha is not None}
    pins = {ref: new.get(ref) or action.pins.get(ref) for ref in action.refs}
    return {ref: pin for ref, pin in pins.items() if pin is not None}


async def _look(options: GitHubOptions, actions: Mapping[str, Action], clock: Clock) -> list[Look]:
    """Read every workflow and judge it as the doctor does.

    Raises:
        CommandFailedError: GitHub did not show one of them.
    """
    from aiohttp import ClientSession, DummyCookieJar  # noqa: PLC0415 - only this command asks

    from bot.cli.checks.github import judge_file, place_of  # noqa: PLC0415 - as above
    from forge.github_client import GitHubClient  # noqa: PLC0415 - as above
    from forge.github_code import GitHubCode  # noqa: PLC0415 - as above
    from forge.port import ForgeError  # noqa: PLC0415 - as above

    looks = []
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        code = GitHubCode(GitHubClient(session, options.identity(), clock))
        for name, action in actions.items():
            for ref in action.refs:
                where = place_of(name, action, ref)
                try:
                    file = await code.workflow_file(action.repository, action.workflow, ref)
                except ForgeError as error:
                    raise CommandFailedError(f"{where}: {error}", ExitCode.NOT_MEASURED) from error
                found = judge_file(where, action, ref, file)
                sha = file.blob_sha if file is not None and not found else None
                problems = tuple(f"{one.what}; {one.mend}" for one in found)
                looks.append(Look(name, ref, action.workflow, action.pins.get(ref), sha, problems))
    return looks


async def _write(installation: Installation, state: PolicyState, pins: Pins, looks: list[Look]) -> None:
    assert state.raw is not None, "there is a policy, so there is its file"
    after = _edited(state, state.raw, pins)
    changes = [f"{look.name}@{look.ref} {look.was or UNPINNED} -> {look.blob_sha}" for look in looks]
    version = load_policy(after).version
    change = LocalChange("policy-pin", " ".join(pins), {"pins": changes, "was": state.version, "became": version})
    path, before = installation.home.policy_file, state.raw
    async with installation.opened_store() as store:
        await change_audited(installation, store, change, lambda: _replace(path, before, after))


def _edited(state: PolicyState, raw: bytes, pins: Pins) -> bytes:
    """Return the file with these pins and nothing else changed, which is made sure of by reading it again.

    Raises:
        UserError: it could not be used, or would say something else.
    """
    assert state.policy is not None, "it was read"
    text, wanted = raw.decode("utf-8"), state.policy.model_dump()
    for name, its in pins.items():
        text = with_pins(text, name, its)
        wanted["actions"][name]["pins"] = dict(its)
    edited = load_policy(text.encode("utf-8"))
    if edited.policy is None or edited.policy.model_dump() != wanted:
        raise UserError(f"the policy would not be what it is but for the pins {edited.problems}; write them by hand")
    return text.encode("utf-8")


def _replace(path: Path, before: bytes, after: bytes) -> None:
    """Put the new file in place of the old one, whole or not at all; a link stays one.

    Raises:
        UserError: somebody changed the file meanwhile, or it cannot be written.
    """
    from forge.durable_files import sync_folder, write_synced  # noqa: PLC0415 - only this command writes

    target = path.resolve()
    fresh = target.with_name(f".{target.name}.new")
    try:
        if target.read_bytes() != before:
            raise UserError(f"{path} was changed meanwhile; nothing was written, pin again")
        write_synced(fresh, after)
        fresh.chmod(stat.S_IMODE(target.stat().st_mode))
        fresh.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); check its folder's owner") from error
