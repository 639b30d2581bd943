"""Joining GitHub: a forge for every action whose forge is `github`, what its runs leave, its branches, and its webhooks."""

from dataclasses import replace

from bot.connections.tools import Connections, Tools
from bot.forge_settings import GitHubOptions
from forge.github import GitHubForge
from forge.github_client import GitHubClient
from forge.github_code import GitHubCode
from forge.github_results import GitHubResults
from forge.github_settings import GitHubSettings
from loops.ci.watching import CiWatch
from loops.deliveries import Deliveries
from policy.branches import github_branches
from web.hooks.github import GitHubHook


def join(options: GitHubOptions, identity: GitHubSettings, tools: Tools, connections: Connections) -> None:
    """Take GitHub in. `identity` is who the options say that we are."""
    client = GitHubClient(tools.session, identity, tools.clock)
    code, results = GitHubCode(client), GitHubResults(client)
    forge = GitHubForge(client, code, tools.clock, tools.desk.expect)
    connections.forges.append(forge)
    connections.results[forge.name] = results
    ci = CiWatch(tools.store, code, results, lambda: github_branches(tools.policy().policy), tools.clock)
    if identity.token is not None or identity.app is not None:  # nobody has but sixty questions an hour
        connections.tasks["ci"] = ci.run_forever
        connections.wakes.append(ci.wake)
    if options.webhook_secret is None:
        return
    deliveries = Deliveries(tools.store, lambda runs: tools.watch().look_now(runs), ci.look_soon, tools.clock)
    connections.tasks["github-deliveries"] = deliveries.run_forever
    connections.wakes.append(deliveries.wake)
    hook = GitHubHook(
        secret=options.webhook_secret.get_secret_value(),
        take=deliveries.take,
        refused=lambda channel, reason, sender: tools.receiving().refused(channel, reason, sender),
        clock=tools.clock,
    )
    connections.hooks = replace(connections.hooks, github=hook)
