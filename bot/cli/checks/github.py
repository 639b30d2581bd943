"""What the doctor asks GitHub: who we are there, and for each action whether its workflow can be started and found again."""

import asyncio
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from aiohttp import ClientSession, DummyCookieJar

from bot.cli.checks.finding import Finding, fail, ok, warn
from bot.cli.installation import Installation
from bot.forge_settings import GitHubOptions
from domain.clock import Clock
from domain.errors import UserError
from domain.git_names import short
from forge.code import Code, WorkflowFile
from forge.github_client import GitHubClient
from forge.github_code import GitHubCode
from forge.github_settings import CORRELATION_INPUT, READ_ACTIONS, WRITE_ACTIONS
from forge.port import ForgeError, Refused
from forge.workflow_lint import dangers, shows_correlation, takes_correlation
from forge.workflow_text import Text, UnreadableWorkflow, read_texts
from policy.file import Action

PART = "github"
MAX_SHOWN = 3
RUN_NAME = f"run-name: ${{{{ github.workflow }}}} [${{{{ inputs.{CORRELATION_INPUT} }}}}]"
CLASSIC_TOKEN = "ghp_"  # noqa: S105 - how one begins, not one


def check_github(installation: Installation) -> Iterator[Finding]:
    """Look at the actions that run on GitHub; nothing is started there."""
    try:
        policy = installation.policy().policy
    except UserError:
        return  # the policy's own check says what is wrong with it
    actions = {name: one for name, one in policy.actions.items() if one.forge == PART} if policy else {}
    options = installation.settings.github
    if options is not None:
        yield from asyncio.run(ask_github(options, actions, installation.clock))
    elif actions:
        what = f"{', '.join(actions)}: these actions run on GitHub, which is not set up"
        yield fail(PART, what, "put a token, or a GitHub App, into the table [github] of reins.toml")


async def ask_github(options: GitHubOptions, actions: Mapping[str, Action], clock: Clock) -> list[Finding]:
    """Ask about us, and about every action's workflow on each of its refs."""
    try:
        settings = options.identity()
    except UserError as error:
        return [fail(PART, str(error), "mend that setting, then ask again")]
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        client = GitHubClient(session, settings, clock)
        try:
            found = [await _identity(client)]
        except ForgeError as error:
            mend = f"compare the table [github] with what GitHub shows, and let this machine reach {_host(options)}"
            return [fail(PART, str(error), mend)]
        for name, action in actions.items():
            found += await _check_action(client, name, action)
    return found


async def _identity(client: GitHubClient) -> Finding:
    settings = client.settings
    if settings.app is not None:
        await client.read("/rate_limit", {}, WRITE_ACTIONS)
        return ok(PART, f"GitHub knows the App {settings.app.app_id}, and it may start runs where it is installed")
    if settings.token is None:
        return warn(PART, "asked as nobody: runs can be read where they are public, none can be started", "set a token")
    user = await client.read("/user", {}, READ_ACTIONS)
    login = user.get("login") if isinstance(user, dict) else None
    if settings.token.startswith(CLASSIC_TOKEN):
        what = f"GitHub knows the token as {login}; it is a classic one, which opens all that {login} may do"
        return warn(PART, what, "make a fine-grained token for these repositories, with Actions: read and write")
    return ok(PART, f"GitHub knows the token as {login}; whether it may start runs shows only when it does")


async def _check_action(client: GitHubClient, name: str, action: Action) -> list[Finding]:
    where = f"{name}: {action.workflow} of {action.repository}"
    variables = {"repository": action.repository, "workflow": action.workflow}
    try:
        workflow = await client.read("/repos/{+repository}/actions/workflows/{workflow}", variables, READ_ACTIONS)
    except ForgeError as error:
        return [fail(PART, f"{where}: {error}", f"push .github/workflows/{action.workflow} to the default branch")]
    state = workflow.get("state") if isinstance(workflow, dict) else None
    if state != "active":
        return [fail(PART, f"{where} is {state}", "switch it on, on the page Actions of the repository")]
    code = GitHubCode(client)
    found = [one for ref in action.refs for one in await _check_file(code, name, action, ref)]
    return found or [ok(PART, f"{where} can be started and found again on {', '.join(action.refs)}")]


async def _check_file(code: Code, name: str, action: Action, ref: str) -> list[Finding]:
    where = place_of(name, action, ref)
    try:
        file = await code.workflow_file(action.repository, action.workflow, ref)
    except Refused as error:
        return [
            fail(PART, f"{where} cannot be looked into: {error}", "let the token read contents; keep the file in UTF-8")
        ]
    except ForgeError as error:
        return [warn(PART, f"{where} cannot be looked into: {error}", "ask again later")]
    return [*judge_file(where, action, ref, file), *_judge_pin(where, name, file, action.pins.get(ref))]


def place_of(name: str, action: Action, ref: str) -> str:
    """Return what an action's workflow on one of its refs is called in findings."""
    return f"{name}: {action.workflow} of {action.repository}@{ref}"


def judge_file(where: str, action: Action, ref: str, file: WorkflowFile | None) -> list[Finding]:
    """Say what keeps a workflow's file from being started safely and found again; nothing where it may be."""
    if file is None:
        mend = f"push .github/workflows/{action.workflow} to {ref}; let the token read contents"
        return [fail(PART, f"{where} is not shown by GitHub", mend)]
    try:
        return list(judge_workflow(where, read_texts(file.text)))
    except UnreadableWorkflow as error:
        return [fail(PART, f"{where}: {error}", "write that line in a plainer way: it cannot be checked as it is")]


def _judge_pin(where: str, name: str, file: WorkflowFile | None, pin: str | None) -> Iterator[Finding]:
    mend = f"look the file through, then `reins policy pin {name}`"
    if pin is None:
        yield fail(PART, f"{where} has no pin in the policy: nothing is started there", mend)
    elif file is not None and file.blob_sha != pin:
        changed = (
            f"{where} has changed: it is {short(file.blob_sha)}, pinned is {short(pin)}, so nothing is started there"
        )
        yield fail(PART, changed, mend)


def judge_workflow(where: str, texts: tuple[Text, ...]) -> Iterator[Finding]:
    """Say what of a workflow's texts keeps it from being started safely and found again."""
    if not takes_correlation(texts):
        mend = f"declare on.workflow_dispatch.inputs.{CORRELATION_INPUT} with type string, not required"
        yield fail(PART, f"{where} does not take the input {CORRELATION_INPUT}: GitHub would refuse to start it", mend)
    if not shows_correlation(texts):
        yield fail(PART, f"{where} does not show {CORRELATION_INPUT} in its run-name: no run would be found", RUN_NAME)
    bad = dangers(texts)
    if bad:
        shown = "; ".join(f"line {one.line}: {one.expression}" for one in bad[:MAX_SHOWN])
        mend = 'pass it through env: and read it as "$NAME": so it stays a text, whatever it holds'
        yield fail(PART, f"{where} puts inputs into a script, where they become code ({shown})", mend)


def _host(options: GitHubOptions) -> str:
    return urlsplit(options.api_base).netloc
