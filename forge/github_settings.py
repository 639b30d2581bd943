"""Which GitHub we speak to, and as whom: with a token, as a GitHub App, or as nobody for what is public."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urlsplit

from domain.errors import UserError

CORRELATION_INPUT = "request_id"  # each allowlisted workflow declares it and shows it in its run-name (docs/github.md)
PUBLIC_API = "https://api.github.com"
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
# ghp_…, github_pat_…, gho_…; before 2021 forty hex digits; since 2026 those of Apps and jobs are ghs_ID_ and a JWT of
# some 520 characters (GitHub changelog, 2026-04-24), whose length GitHub does not promise.
TOKEN_SHAPE = re.compile(r"[A-Za-z0-9_.-]{20,2048}")

# Repository permissions of a GitHub App's token, by GitHub's own names; a call names what it needs and gets no more.
Permissions: TypeAlias = Mapping[str, str]
READ_ACTIONS: Permissions = {"actions": "read"}
WRITE_ACTIONS: Permissions = {"actions": "write"}
READ_CONTENTS: Permissions = {"contents": "read"}
READ_CHECKS: Permissions = {"checks": "read"}
READ_PULLS: Permissions = {"pull_requests": "read"}
WRITE_PULLS: Permissions = {"pull_requests": "write"}
READ_ISSUES: Permissions = {"issues": "read"}
WRITE_ISSUES: Permissions = {"issues": "write"}
WRITE_CONTENTS: Permissions = {"contents": "write"}
READ_METADATA: Permissions = {"metadata": "read"}


@dataclass(frozen=True, slots=True)
class GitHubApp:
    """A GitHub App: its id, where it is installed, and its private key in PEM."""

    app_id: str
    installation_id: str
    private_key: str = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what cannot sign.

        Raises:
            UserError: a field of a wrong shape; the message never quotes the key.
        """
        if not self.app_id or not self.installation_id.isdecimal():
            raise UserError("a GitHub App needs its app id, and the number of its installation")
        if not self.private_key.lstrip().startswith("-----BEGIN "):
            raise UserError("the GitHub App's private key must be a PEM file, as its settings page hands it out")


@dataclass(frozen=True, slots=True)
class GitHubSettings:
    """One GitHub: `api_base` without a slash at its end, and a token, an App, or neither."""

    token: str | None = field(default=None, repr=False)
    app: GitHubApp | None = None
    api_base: str = PUBLIC_API

    def __post_init__(self) -> None:
        """Refuse what would send secrets in the clear or leaves open who we are.

        Raises:
            UserError: a field of a wrong shape; the message never quotes a secret.
        """
        if self.token is not None and self.app is not None:
            raise UserError("GitHub needs a token or an App, not both")
        if self.token is not None and not TOKEN_SHAPE.fullmatch(self.token):
            raise UserError("the GitHub token must look like github_pat_… or ghp_…, as GitHub shows it once")
        base = urlsplit(self.api_base)
        if not base.hostname or (base.scheme != "https" and not self.on_loopback):
            raise UserError("the GitHub API address must begin with https://: the token is part of every call")
        if self.api_base.endswith("/"):
            raise UserError("the GitHub API address must not end with a slash")

    @property
    def on_loopback(self) -> bool:
        """Tell whether this GitHub is a program on this machine that speaks plain http."""
        base = urlsplit(self.api_base)
        return base.scheme == "http" and base.hostname in LOOPBACK_HOSTS

    @property
    def pages(self) -> str:
        """Where people see what the API serves: github.com, a subdomain of ghe.com, or a server of one's own."""
        base = urlsplit(self.api_base)
        return f"{base.scheme}://{base.netloc.removeprefix('api.')}"

    def run_page(self, repository: str, run_id: int) -> str:
        """Return the address of a run's page, put together here: what an answer says is not handed to people."""
        return f"{self.pages}/{repository}/actions/runs/{run_id}"
