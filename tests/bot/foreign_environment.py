"""Taking every variable of ours out of the environment, so that a test sees only what it sets."""

import os

import pytest


def forget_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out what settings would be read from, nested names with two underscores too."""
    for name in os.environ:
        if name.startswith("REINS_") or name == "AUTONOMY_MODE":
            monkeypatch.delenv(name)
