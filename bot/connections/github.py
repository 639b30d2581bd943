"""Joining GitHub: a forge over the shared session, for every action whose forge is `github`."""

from bot.connections.tools import Connections, Tools
from forge.github import GitHubForge
from forge.github_client import GitHubClient
from forge.github_settings import GitHubSettings


def join(settings: GitHubSettings, tools: Tools, connections: Connections) -> None:
    """Take GitHub in."""
    client = GitHubClient(tools.session, settings, tools.clock)
    connections.forges.append(GitHubForge(client, tools.clock))
