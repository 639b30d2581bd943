"""How this installation uses its ntfy server, and how topics are named."""

import re
from dataclasses import dataclass, field
from typing import Literal

TOPIC = re.compile(r"[-_A-Za-z0-9]{1,60}")  # ntfy allows 64 characters; the command topic needs four of them
COMMAND_SUFFIX = "-cmd"

ButtonMode = Literal["hook", "topic", "none"]


@dataclass(frozen=True, slots=True)
class NtfySettings:
    """The server, our access token for it (None: open to everybody), and how buttons come back.

    `server` and `public_url` have no slash at their end. `actions` is `hook` where phones reach `public_url`, `topic`
    where they reach only the ntfy server, `none` for links alone. In `topic` mode buttons carry `command_token`: every
    reader of an out topic can read it, so it must belong to a user who may do nothing but write to command topics.
    """

    server: str
    public_url: str
    token: str | None = field(default=None, repr=False)
    command_token: str | None = field(default=None, repr=False)
    actions: ButtonMode = "none"


def command_topic(value: str) -> str:
    """Return the topic a person writes to, for the out topic `value` that their phone reads."""
    return value + COMMAND_SUFFIX
