"""How GitHub writes people, repositories, commits and apps into every other document."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

HTML = "https://github.example"
FOUNDED = "2024-01-01T00:00:00Z"
_REPOSITORY_LINKS = (
    "archive assignees blobs branches collaborators comments commits compare contents contributors deployments downloads"
    " events forks git_commits git_refs git_tags hooks issue_comment issue_events issues keys labels languages merges"
    " milestones notifications pulls releases stargazers statuses subscribers subscription tags teams trees"
)
_USER_LINKS = "followers following gists starred subscriptions organizations repos events received_events"


def moment_text(moment: datetime) -> str:
    """Write a moment as GitHub does: to the second, with Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def node_id(kind: str, number: int) -> str:
    return f"{kind}_{number:x}"


def number_of(name: str) -> int:
    """Return the id that somebody or something of that name always has."""
    return zlib.crc32(name.encode())


@dataclass(frozen=True, slots=True)
class App:
    """A GitHub App; it writes as `<slug>[bot]`."""

    id: int
    slug: str
    public_key: str = field(default="", repr=False)  # PEM

    @property
    def login(self) -> str:
        return f"{self.slug}[bot]"

    def document(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "slug": self.slug,
            "node_id": node_id("A", self.id),
            "client_id": f"Iv1.{self.id:016x}",
            "owner": user("acme"),
            "name": self.slug.title(),
            "description": None,
            "external_url": f"{HTML}/apps/{self.slug}",
            "html_url": f"{HTML}/apps/{self.slug}",
            "created_at": FOUNDED,
            "updated_at": FOUNDED,
            "permissions": {"metadata": "read"},
            "events": [],
        }


ACTIONS_APP = App(15368, "github-actions")


def user(login: str) -> dict[str, Any]:
    """Return a person, or the bot user of an app."""
    number, url = number_of(login), f"{HTML}/users/{login}"
    return {
        "login": login,
        "id": number,
        "node_id": node_id("U", number),
        "avatar_url": f"{HTML}/avatars/{number}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{HTML}/{login}",
        **{f"{name}_url": f"{url}/{name}" for name in _USER_LINKS.split()},
        "type": "Bot" if login.endswith("[bot]") else "User",
        "site_admin": False,
    }


@dataclass(frozen=True, slots=True)
class Named:
    """What a repository is called; `api` is where its REST resources lie."""

    id: int
    owner: str
    name: str
    private: bool
    api: str

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def html(self) -> str:
        return f"{HTML}/{self.full_name}"

    def document(self) -> dict[str, Any]:
        """Return the short form, which runs and statuses carry."""
        return {
            "id": self.id,
            "node_id": node_id("R", self.id),
            "name": self.name,
            "full_name": self.full_name,
            "owner": user(self.owner),
            "private": self.private,
            "html_url": self.html,
            "description": None,
            "fork": False,
            "url": self.api,
            **{f"{name}_url": f"{self.api}/{name}" for name in _REPOSITORY_LINKS.split()},
        }

    def whole_document(self, version: str) -> dict[str, Any]:
        """Return the long form, which pull requests and webhooks carry."""
        counts = "forks forks_count open_issues open_issues_count size stargazers_count watchers watchers_count"
        downloads = {} if version == "2026-03-10" else {"has_downloads": True}
        return {
            **self.document(),
            **dict.fromkeys(counts.split(), 0),
            **dict.fromkeys(("has_issues", "has_projects", "has_wiki"), True),
            **downloads,
            "has_pages": False,
            "archived": False,
            "disabled": False,
            "default_branch": "main",
            "clone_url": f"{self.html}.git",
            "git_url": f"{self.html}.git",
            "ssh_url": f"git@github.example:{self.full_name}.git",
            "svn_url": self.html,
            **dict.fromkeys(("homepage", "language", "mirror_url", "license"), None),
            **dict.fromkeys(("created_at", "updated_at", "pushed_at"), FOUNDED),
        }

    def reference(self, branch: str, sha: str) -> Mapping[str, Any]:
        """Return one side of a pull request, in its short form."""
        return {"ref": branch, "sha": sha, "repo": {"id": self.id, "url": self.api, "name": self.name}}


def head_commit(sha: str, message: str) -> dict[str, Any]:
    person = {"name": "Ann", "email": "ann@example.com"}
    return {
        "id": sha,
        "tree_id": sha[::-1],
        "message": message,
        "timestamp": FOUNDED,
        "author": person,
        "committer": person,
    }


def reactions(url: str) -> dict[str, Any]:
    kinds = ("+1", "-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket")
    return {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(kinds, 0)}
