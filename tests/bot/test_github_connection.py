"""Joining GitHub: what is watched and listened to follows from what the settings name."""

from pathlib import Path
from typing import Any

import pytest

from bot.serve import Role
from tests.fakes.providers.github import TOKEN
from tests.fakes.providers.github_webhooks import SECRET
from tests.fakes.served_bot import served_bot

NOWHERE = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("named", "tasks", "listens"),
    [
        ({}, set(), False),  # nobody has sixty questions an hour: no branch is watched with them
        ({"token": TOKEN}, {"ci"}, False),
        ({"webhook_secret": SECRET}, {"github-deliveries"}, True),
        ({"token": TOKEN, "webhook_secret": SECRET}, {"ci", "github-deliveries"}, True),
    ],
    ids=["nobody", "token", "secret", "both"],
)
async def test_branches_are_watched_with_an_identity_and_webhooks_taken_with_a_secret(
    tmp_path: Path, named: dict[str, Any], tasks: set[str], listens: bool
) -> None:
    github = {"api_base": NOWHERE, **named}
    async with served_bot(tmp_path, role=Role.WEB, channels=lambda _url: {"github": github}) as bot:
        connections = bot.bot.connections
        assert set(connections.tasks) == tasks
        assert len(connections.wakes) == len(tasks)
        assert (connections.hooks.github is not None) is listens
        assert [forge.name for forge in connections.forges] == ["github"]
